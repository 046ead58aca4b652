/** Values as integers times one factor: what convolutions read. */

import type { LevelsQuantizer } from "../graph/types.js";
import type { ChainStep } from "./chain.js";
import { lookedUp } from "./levels.js";
import { MAX_PLANES } from "./lower-codes.js";
import type { Lowering } from "./lowering.js";
import { affineRecoding, levelRecoding } from "./recode.js";
import { lastQuantizer, settle } from "./settle.js";
import { isChainStep, isNarrow, type Source, type Step, type Value, type View } from "./values.js";

/** Codes or small integers; real value = factor · (integer + offset). */
export interface Integers {
  readonly source: Source;
  readonly view: View;
  readonly factor: number;
  /** Added to stored scalars; 0 for codes. */
  readonly offset: number;
  readonly least: number;
  readonly greatest: number;
}

/**
 * The value as narrow integers, or why it is not; undefined after a reported error. A quantizer followed by more
 * than a factor gets codes of its own where what follows maps them to equally spaced numbers.
 */
export function integersOf(context: Lowering, value: Value): Integers | string | undefined {
  const last = lastQuantizer(value.steps);
  if (last < 0 && !isNarrow(value.source)) return "its input is not quantized";
  const after = value.steps.slice(last + 1);
  if (after.some((s) => s.kind === "positional"))
    return "what follows its quantizer differs between the positions of a channel";
  const levels = levelsOf(context, value, last, after);
  if (levels !== "no levels") return levels;
  const product = factorOf(after.filter(isChainStep));
  if (product !== undefined) {
    const settled = settle(context, value);
    if (settled === undefined) return undefined;
    const factor = factorOf(settled.steps);
    if (factor === undefined || !isNarrow(settled.source)) return "its input became float";
    return integers(settled.source, value.view, factor.factor, settled.source.offset - factor.zero);
  }
  const quantize = value.steps[last];
  if (quantize?.kind !== "quantize") return "more than a factor stands before it";
  const recoded = affineRecoding(quantize.quantizer, after);
  if (recoded === undefined) return "what follows the quantizer makes no equally spaced numbers";
  const settled = settle(context, value, recoded.recoding);
  return settled && integers(settled.source, value.view, recoded.factor, settled.source.offset);
}

/** Levels of any distance that are multiples of one number, of a quantizer or behind it. */
function levelsOf(
  context: Lowering,
  value: Value,
  last: number,
  after: readonly Step[],
): Integers | string | undefined {
  const quantize = value.steps[last];
  const isOfQuantizer = quantize?.kind === "quantize" && quantize.quantizer.kind === "levels";
  const [decode] = value.steps;
  if (isOfQuantizer && quantize.quantizer.kind === "levels") {
    const { values, planes } = quantize.quantizer;
    const recoded = levelRecoding(values.data, after, mostBits(values.data.length, planes));
    if (recoded === undefined) return UNEVEN;
    const settled = settle(context, value, recoded.recoding);
    return settled && integers(settled.source, value.view, recoded.factor, settled.source.offset);
  }
  if (last >= 0 || decode?.kind !== "decode") return "no levels";
  const recoded = levelRecoding(
    decode.values,
    value.steps.slice(1),
    mostBits(decode.values.length, decode.planes),
  );
  if (recoded === undefined || value.steps.some((s) => !isChainStep(s))) return UNEVEN;
  const source = lookedUp(context, value.source, recoded.recoding, `${decode.node} codes`);
  return integers(source, value.view, recoded.factor, source.offset);
}

const UNEVEN = "its levels are no multiples of one number";

/** Planes are cheaper than integers of more bits than one beyond theirs. */
function mostBits(levels: number, planes: LevelsQuantizer["planes"]): number {
  const own = planes?.coefficients.data.length ?? Math.ceil(Math.log2(levels)) + 2;
  return Math.min(own + 1, MAX_PLANES);
}

function integers(source: Source, view: View, factor: number, offset: number): Integers | string {
  if (!Number.isInteger(offset)) return "the input's zero is no integer";
  const [low, high] = source.ranges![0]!;
  const ends = source.ranges!.reduce<[number, number]>(
    ([l, h], range) => [Math.min(l, range[0]), Math.max(h, range[1])],
    [low, high],
  );
  return { source, view, factor, offset, least: ends[0] + offset, greatest: ends[1] + offset };
}

/** One number that multiplies, and what is taken away before; undefined if the steps do more. */
export function factorOf(steps: readonly ChainStep[]): { factor: number; zero: number } | undefined {
  let factor = 1;
  let zero = 0;
  for (const step of steps) {
    if (step.kind === "affine") {
      zero = step.affine.zero;
      factor = step.affine.numerator / step.affine.denominator;
      continue;
    }
    if (step.kind !== "scale") return undefined;
    const { operator, operand } = step.step;
    if (operand.length !== 1) return undefined;
    if (operator === "multiply") factor *= operand[0]!;
    else if (operator === "divide") factor /= operand[0]!;
    else return undefined;
  }
  return { factor: Math.fround(factor), zero };
}

/** Whether the steps only multiply, by one number or one per channel. */
export function onlyMultiplies(steps: readonly Step[]): boolean {
  return steps.every(
    (s) => s.kind === "scale" && (s.step.operator === "multiply" || s.step.operator === "divide"),
  );
}
