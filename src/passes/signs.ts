/** Factors that no sign depends on: positive ones in front of it, where they make no number 0. */
import { applyChain, type ChainStep, chainDirection } from "./chain.js";
import { firstWhere } from "./search.js";
import { isChainStep, isFloat, type PositionalStep, rangeOf, type Source, type Step } from "./values.js";

/** The least number above 0 that float32 has. */
const LEAST = 2 ** -149;

/**
 * The steps up to a quantizer, without the positive factors right before it that differ between positions, if it is a
 * sign. A product that is rounded to 0 has no sign, so the least magnitude that can occur must survive the factors.
 */
export function signsOnly({
  source,
  steps,
}: {
  readonly source: Source;
  readonly steps: readonly Step[];
}): readonly Step[] {
  const quantize = steps.at(-1)!;
  if (quantize.kind !== "quantize" || quantize.quantizer.kind !== "bipolar") return steps;
  const last = steps.findLastIndex((s, i) => i < steps.length - 1 && !isPositiveFactor(s));
  const factors = steps.slice(last + 1, -1) as PositionalStep[];
  if (factors.length === 0) return steps;
  const before = steps.slice(0, last + 1);
  const shrunk = factors.reduce(
    (x, { step: { operator, operand } }) =>
      Math.fround(operator === "multiply" ? x * least(operand) : x / greatest(operand)),
    leastMagnitude(source, before),
  );
  return shrunk > 0 ? [...before, quantize] : steps;
}

function isPositiveFactor(step: Step): boolean {
  if (step.kind !== "positional") return false;
  const { operator, operand } = step.step;
  return (operator === "multiply" || operator === "divide") && operand.every((c) => c > 0);
}

/** The least magnitude but 0 of what the steps make of the source. A pool takes one of the numbers before it. */
function leastMagnitude(source: Source, steps: readonly Step[]): number {
  if (isFloat(source) || steps.some((s) => s.kind === "positional")) return LEAST;
  const chain = steps.filter(isChainStep);
  const channels = Array.from({ length: source.shape[2] }, (_, c) => leastOnChannel(source, chain, c));
  return Math.min(...channels);
}

/** Found beside the place where a rising or falling chain changes its sign. */
function leastOnChannel(source: Source, chain: readonly ChainStep[], channel: number): number {
  const direction = chainDirection(chain, channel);
  if (direction === undefined) return LEAST;
  const [low, high] = rangeOf(source, channel);
  const at = (x: number): number => applyChain(chain, Math.fround(x + source.offset), channel, Math.fround);
  const rising = (x: number): number => (direction < 0 ? -at(x) : at(x));
  const positive = firstWhere(low, high, (x) => rising(x) > 0);
  const negative = firstWhere(low, high, (x) => rising(x) >= 0) - 1;
  return Math.min(
    positive <= high ? rising(positive) : Infinity,
    negative >= low ? -rising(negative) : Infinity,
  );
}

function least(numbers: Float32Array): number {
  return numbers.reduce((a, b) => Math.min(a, b), Infinity);
}

function greatest(numbers: Float32Array): number {
  return numbers.reduce((a, b) => Math.max(a, b), 0);
}
