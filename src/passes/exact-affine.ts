/** Scales that round nothing: whole numbers plus a whole number, times a power of two. */
import type { Range } from "../program/ranges.js";
import type { ScaleStep } from "../program/types.js";

/** `x` becomes `(x + offset) · factor`. */
export interface ExactAffine {
  readonly offset: number;
  /** A power of two, positive: no −0 comes of it. */
  readonly factor: number;
}

/** float32 holds all whole numbers up to this one. */
const LARGEST = 2 ** 24;

export function fitsFloat({ low, high }: Range): boolean {
  return low >= -LARGEST && high <= LARGEST;
}

/** What steps do to whole numbers of this range; undefined where they may round, or differ between channels. */
export function exactAffine(steps: readonly ScaleStep[], range: Range): ExactAffine | undefined {
  let [offset, factor] = [0, 1];
  for (const { operator, operand, extent } of steps) {
    const [c] = operand;
    if (c === undefined || extent !== undefined || operand.some((x) => x !== c)) return undefined;
    if ((operator === "add" || operator === "subtract") && factor === 1 && Number.isInteger(c)) {
      offset += operator === "add" ? c : -c;
      if (!fitsFloat(shifted(range, offset))) return undefined;
    } else if ((operator === "multiply" || operator === "divide") && isSmallPower(c)) {
      factor *= operator === "multiply" ? c : 1 / c;
    } else return undefined;
  }
  return fitsFloat(range) && isSmallPower(factor) ? { offset, factor } : undefined;
}

/** The steps of a scale that does this. */
export function stepsOf({ offset, factor }: ExactAffine): readonly ScaleStep[] {
  const step = (operator: ScaleStep["operator"], c: number): ScaleStep => ({
    operator,
    operand: Float32Array.of(c),
  });
  return [
    ...(offset === 0 ? [] : [step("add", offset)]),
    ...(factor === 1 ? [] : [step("multiply", factor)]),
  ];
}

export function shifted({ low, high }: Range, by: number): Range {
  return { low: low + by, high: high + by };
}

/** Far from what would leave float32. */
function isSmallPower(x: number): boolean {
  return x >= 2 ** -32 && x <= 2 ** 32 && Number.isInteger(Math.log2(x));
}
