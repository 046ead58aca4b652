import { isCounting } from "../graph/quantize.js";
import type {
  CountingQuantizer,
  Halves,
  LevelsQuantizer,
  Quantizer,
  Rounding,
  Shape,
  UniformQuantizer,
} from "../graph/types.js";
import type { InputAffine, ScaleStep } from "../program/types.js";
import { firstWhere } from "./search.js";

/**
 * One step of a per-channel scalar function: a float32 operation, a quantizer taken as a float function, or what
 * stored input numbers stand for. `node` names the graph node it came from, for messages.
 */
export type ChainStep =
  | { readonly kind: "scale"; readonly step: ScaleStep; readonly node: string }
  | { readonly kind: "affine"; readonly affine: InputAffine; readonly node: string }
  /** TFLite's fixed-point multiplication, one multiplier and shift for all channels or one per channel. */
  | {
      readonly kind: "rescale";
      readonly multiplier: Int32Array;
      readonly shift: Int32Array;
      readonly halves: Halves;
      readonly node: string;
    }
  /** A whole number's entry in a table, the same one for all channels or one per channel: see the graph's `table`. */
  | {
      readonly kind: "table";
      readonly low: number;
      readonly tables: readonly Int32Array[];
      readonly index: Int32Array;
      readonly node: string;
    }
  /** What stored codes stand for: numbers that rise with them. They are the levels of a quantizer. */
  | {
      readonly kind: "decode";
      readonly values: Float32Array;
      /** Absent where they are no sums of planes; `codes` are by stored code. */
      readonly planes?: LevelsQuantizer["planes"];
      readonly node: string;
    }
  /** Thresholds have one row for all channels, or one per channel of the tensor. */
  | {
      readonly kind: "quantize";
      readonly quantizer: Quantizer;
      readonly shape: Shape;
      readonly node: string;
    };

/** How a step rounds its result: `Math.fround` is the framework, the identity is exact (nearly: float64). */
export type Round = (x: number) => number;

/** Applies steps to one number of the given channel, rounding after each. */
export function applyChain(steps: readonly ChainStep[], x: number, channel: number, round: Round): number {
  let y = x;
  for (const step of steps) y = applyStep(step, y, channel, round);
  return y;
}

function applyStep(step: ChainStep, x: number, channel: number, round: Round): number {
  if (step.kind === "scale") return applyScale(step.step, x, channel, round);
  if (step.kind === "rescale") {
    const at = step.multiplier.length === 1 ? 0 : channel;
    return rescaled(x, step.multiplier[at]!, step.shift[at]!, step.halves);
  }
  if (step.kind === "table") {
    const table = tableAt(step, channel);
    return table[Math.min(Math.max(Math.floor(x) - step.low, 0), table.length - 1)]!;
  }
  if (step.kind === "decode")
    return step.values[Math.min(Math.max(Math.floor(x), 0), step.values.length - 1)]!;
  return step.kind === "quantize"
    ? quantizedValue(step.quantizer, x, channel, round)
    : affineValue(step.affine, x, round);
}

/** `floor(x) · multiplier · 2^(shift − 31)`: the doubled high half, halves up, then a right shift. */
export function rescaled(x: number, multiplier: number, shift: number, halves: Halves): number {
  const product = (BigInt(Math.floor(x)) << BigInt(Math.max(shift, 0))) * BigInt(multiplier);
  const half = (product + (1n << 30n)) >> 31n;
  if (shift >= 0) return Number(half);
  const right = BigInt(-shift);
  const below = halves === "away" && half < 0n ? 1n : 0n;
  return Number((half + (1n << (right - 1n)) - below) >> right);
}

/** The same with the high half cut, and halves up in the right shift; `shift` is 0 or less. */
export function rescaledCut(x: number, multiplier: number, shift: number): number {
  const half = (BigInt(x) * BigInt(multiplier)) >> 31n;
  const right = BigInt(-shift);
  return Number(shift === 0 ? half : (half + (1n << (right - 1n))) >> right);
}

function tableAt({ tables, index }: Extract<ChainStep, { kind: "table" }>, channel: number): Int32Array {
  return tables[operandAt(index, channel)]!;
}

/** The real number that a stored input stands for, rounded once. */
export function affineValue(affine: InputAffine, stored: number, round: Round = Math.fround): number {
  return round(((stored - affine.zero) * affine.numerator) / affine.denominator);
}

/** Applies one float operation. */
export function applyScale(step: ScaleStep, x: number, channel: number, round: Round): number {
  const c = operandAt(step.operand, channel);
  switch (step.operator) {
    case "add":
      return round(x + c);
    case "subtract":
      return round(x - c);
    case "multiply":
      return round(x * c);
    case "divide":
      return round(x / c);
    case "subtract-from":
      return round(c - x);
    case "divide-into":
      return round(c / x);
    case "relu":
      return x > 0 ? x : 0;
    case "prelu":
      return x >= 0 ? x : round(c * x);
    case "minimum":
      return c < x ? c : x;
    case "maximum":
      return c > x ? c : x;
    case "abs":
      return x > 0 ? x : 0 - x;
  }
}

/**
 * Whether the step rises (+1) or falls (−1) with its input on this channel; 0 where it is constant and
 * undefined where it is neither (an absolute value, a negative slope of a prelu, a division by 0). Rounding keeps every case
 * monotone.
 */
export function stepDirection(step: ChainStep, channel: number): 1 | 0 | -1 | undefined {
  if (step.kind === "quantize") return quantizerDirection(step.quantizer);
  if (step.kind === "affine") return sign(step.affine.numerator * step.affine.denominator);
  if (step.kind === "rescale" || step.kind === "decode") return 1;
  if (step.kind === "table") {
    // It only rises or only falls.
    const table = tableAt(step, channel);
    return sign(table.at(-1)! - table[0]!);
  }
  const c = operandAt(step.step.operand, channel);
  switch (step.step.operator) {
    case "add":
    case "subtract":
    case "relu":
    case "minimum":
    case "maximum":
      return 1;
    case "prelu":
      return c >= 0 ? 1 : undefined;
    case "subtract-from":
      return -1;
    case "multiply":
      return sign(c);
    case "divide":
      return c === 0 ? undefined : sign(c);
    case "abs":
    case "divide-into":
      return undefined;
  }
}

/** Direction of a whole chain: the product of its steps' directions. */
export function chainDirection(steps: readonly ChainStep[], channel: number): 1 | 0 | -1 | undefined {
  let direction: 1 | 0 | -1 = 1;
  for (const step of steps) {
    const next = stepDirection(step, channel);
    if (next === undefined) return undefined;
    direction = sign(direction * next);
  }
  return direction;
}

/**
 * The common direction of a chain on all channels: 1 where none falls, −1 where none rises, undefined where they
 * differ or a step has no direction.
 */
export function commonDirection(steps: readonly ChainStep[], channels: number): 1 | -1 | undefined {
  const count = isPerChannel(steps) ? channels : 1;
  let rises = true;
  let falls = true;
  for (let channel = 0; channel < count; channel++) {
    const direction = chainDirection(steps, channel);
    rises &&= direction !== undefined && direction >= 0;
    falls &&= direction !== undefined && direction <= 0;
  }
  return rises ? 1 : falls ? -1 : undefined;
}

/** Whether some operand differs between channels. */
export function isPerChannel(steps: readonly ChainStep[]): boolean {
  return steps.some(
    (s) =>
      (s.kind === "scale" && s.step.operand.some((c) => !Object.is(c, s.step.operand[0]))) ||
      (s.kind === "rescale" && s.shift.length > 1) ||
      (s.kind === "quantize" && isCounting(s.quantizer) && s.quantizer.thresholds.shape[0]! > 1) ||
      (s.kind === "table" && s.index.length > 1),
  );
}

/** Integer code of a quantizer counted from 0, in the quantizer's own float order (`round` after each step). */
export function quantizerCode(quantizer: Quantizer, x: number, channel: number, round: Round): number {
  if (isCounting(quantizer)) return countReached(quantizer, x, channel);
  if (quantizer.kind === "bipolar") return x > 0 || (x === 0 && quantizer.signOfZero === 1) ? 1 : 0;
  return uniformInteger(quantizer, x, round) - quantizer.qmin;
}

/** How many thresholds of the channel's row are at most x. */
function countReached(
  { thresholds: { shape, data } }: CountingQuantizer,
  x: number,
  channel: number,
): number {
  const [rows, levels] = shape as [number, number];
  const start = rows === 1 ? 0 : channel * levels;
  return firstWhere(0, levels - 1, (i) => data[start + i]! > x);
}

/** What a code is multiplied with. */
export function quantizerScale(quantizer: Quantizer): number {
  return isCounting(quantizer) ? 1 : quantizer.scale.data[0]!;
}

/** Direction of a code against the quantizer's input (a negative scale of a uniform quantizer turns it round). */
export function codeDirection(quantizer: Quantizer): 1 | -1 {
  return quantizer.kind === "uniform" && quantizer.scale.data[0]! < 0 ? -1 : 1;
}

/** The greatest code. */
export function quantizerLevels(quantizer: Quantizer): number {
  if (isCounting(quantizer)) return quantizer.thresholds.shape[1]!;
  return quantizer.kind === "bipolar" ? 1 : quantizer.qmax - quantizer.qmin;
}

function quantizedValue(quantizer: Quantizer, x: number, channel: number, round: Round): number {
  if (quantizer.kind === "levels") return quantizer.values.data[countReached(quantizer, x, channel)]!;
  if (quantizer.kind === "thresholds")
    return quantizer.step * countReached(quantizer, x, channel) + quantizer.offset;
  const scale = quantizer.scale.data[0]!;
  if (quantizer.kind === "bipolar") return quantizerCode(quantizer, x, channel, round) === 1 ? scale : -scale;
  return round(round(uniformInteger(quantizer, x, round) - quantizer.zeroPoint.data[0]!) * scale);
}

function quantizerDirection(quantizer: Quantizer): 1 | -1 | undefined {
  if (quantizer.kind === "levels") return orderOf(quantizer.values.data);
  // A uniform quantizer divides and multiplies by its scale, so that a negative one cancels.
  return quantizer.kind === "bipolar" && quantizer.scale.data[0]! < 0 ? -1 : 1;
}

/** 1 where numbers never fall, −1 where they never rise, undefined where they do both. */
export function orderOf(numbers: ArrayLike<number>): 1 | -1 | undefined {
  const gaps = Array.from(numbers).map((x, i, all) => (i === 0 ? 0 : x - all[i - 1]!));
  if (gaps.every((gap) => gap >= 0)) return 1;
  return gaps.every((gap) => gap <= 0) ? -1 : undefined;
}

function uniformInteger(quantizer: UniformQuantizer, x: number, round: Round): number {
  const scaled = round(round(x / quantizer.scale.data[0]!) + quantizer.zeroPoint.data[0]!);
  return roundTo(quantizer.rounding, Math.min(Math.max(scaled, quantizer.qmin), quantizer.qmax), round);
}

/**
 * Rounds to an integer. The modes by half add or take away 0.5 in the framework's own precision (`round`), as
 * QONNX does on float32 arrays: the float32 just below 0.5 rounds up to 1.
 */
function roundTo(rounding: Rounding, x: number, round: Round): number {
  const magnitude = Math.abs(x);
  switch (rounding) {
    case "floor":
      return Math.floor(x);
    case "ceil":
      return Math.ceil(x);
    case "toward-zero":
      return Math.trunc(x);
    case "away-from-zero":
      return sign(x) * Math.ceil(magnitude);
    case "half-even": {
      const floor = Math.floor(x);
      return x - floor === 0.5 ? floor + (Math.abs(floor) % 2) : Math.round(x);
    }
    case "half-away":
      return sign(x) * Math.round(magnitude);
    case "half-up":
      return sign(x) * Math.floor(round(magnitude + 0.5));
    case "half-down":
      return sign(x) * Math.ceil(round(magnitude - 0.5));
  }
}

function operandAt(operand: Float32Array | Int32Array, channel: number): number {
  return operand.length === 1 ? operand[0]! : operand[channel]!;
}

function sign(x: number): 1 | 0 | -1 {
  return x > 0 ? 1 : x < 0 ? -1 : 0;
}
