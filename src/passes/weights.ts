/** Quantized weights as unsigned codes in the order of a convolution's taps. */
import type { WeightTensor } from "../graph/types.js";
import { powerRange } from "../program/powers.js";
import type { CodeMatrix } from "../program/types.js";
import { MAX_CODE_BITS } from "../program/verify.js";
import type { Range } from "./values.js";

/** Where the weights of output n stand: tap k at `n · outputStride + taps[k]`. */
export interface TapOrder {
  readonly outputs: number;
  readonly outputStride: number;
  readonly taps: Int32Array;
}

export interface LoweredWeights {
  readonly matrix: CodeMatrix;
  /** What is added to the matrix where codes have more than eight bits. */
  readonly rest?: CodeMatrix;
  /** Float32 scale per output, or one for all: real weight = scale · integer weight. */
  readonly scale: Float32Array;
}

/**
 * Unsigned codes with the smallest affine that holds the weights: ±1 becomes one bit with step 2 and offset −1,
 * −1…1 two bits with step 1, and so on. A text says why there are none.
 */
export function lowerWeights(
  weights: WeightTensor,
  order: TapOrder,
  outputAxis: number,
): LoweredWeights | string {
  if (weights.quantized === undefined) return "its weights are not quantized";
  const { codes, scale } = weights.quantized;
  const outputScale = scalePerOutput(scale.shape, scale.data, outputAxis);
  if (outputScale === undefined) return "its weight scale differs between input channels";
  const affine = smallestAffine(codes);
  if (affine.bits <= MAX_CODE_BITS) return { matrix: matrixOf(codes, affine, order), scale: outputScale };
  if (affine.bits > 2 * MAX_CODE_BITS) return `its weights need ${affine.bits}-bit codes`;
  const [bytes, rest] = splitCodes(codes, affine);
  return {
    matrix: matrixOf(bytes, smallestAffine(bytes), order),
    rest: matrixOf(rest, smallestAffine(rest), order),
    scale: outputScale,
  };
}

const BYTE = 2 ** MAX_CODE_BITS;

/** Codes of nine to sixteen bits as sums of two of eight: the sums of two layers, added, are theirs. */
function splitCodes(codes: Int32Array, { step, offset }: Affine): [Int32Array, Int32Array] {
  const bytes = codes.map((c) => step * ((((c - offset) / step) & (BYTE - 1)) - BYTE / 2));
  return [bytes, codes.map((c, i) => c - bytes[i]!)];
}

interface Affine {
  readonly step: number;
  readonly offset: number;
  readonly bits: number;
}

function matrixOf(
  codes: Int32Array,
  { step, offset, bits }: Affine,
  { outputs, outputStride, taps }: TapOrder,
): CodeMatrix {
  const inputs = taps.length;
  const ordered = new Uint8Array(inputs * outputs);
  for (let n = 0; n < outputs; n++) {
    for (let k = 0; k < inputs; k++) {
      ordered[n * inputs + k] = (codes[n * outputStride + taps[k]!]! - offset) / step;
    }
  }
  return { outputs, inputs, bits, step, offset, codes: ordered };
}

export interface FloatWeights {
  /** In the order of taps. */
  readonly weights: Float32Array;
  /** What sums are multiplied by, per output or one for all. */
  readonly scale: Float32Array;
}

/**
 * Weights for float activations. Codes that are 0 or powers of two stay what they are, with their scale behind the sum,
 * `α · (Σ₊ x − Σ₋ x)`: no tap needs a multiplication. Others have it in them, as frameworks do.
 */
export function floatWeights(weights: WeightTensor, order: TapOrder, outputAxis: number): FloatWeights {
  const { codes, scale } = weights.quantized ?? {};
  const outputScale = scale && scalePerOutput(scale.shape, scale.data, outputAxis);
  if (codes === undefined || outputScale === undefined || powerRange(codes) === undefined)
    return { weights: orderedFloats(weights.data, order), scale: Float32Array.of(1) };
  return { weights: orderedFloats(codes, order), scale: outputScale };
}

function orderedFloats(numbers: ArrayLike<number>, order: TapOrder): Float32Array {
  const { outputs, taps } = order;
  const ordered = new Float32Array(outputs * taps.length);
  for (let n = 0; n < outputs; n++) {
    for (let k = 0; k < taps.length; k++) {
      ordered[n * taps.length + k] = numbers[n * order.outputStride + taps[k]!]!;
    }
  }
  return ordered;
}

/** Least and greatest possible sum of one output, given the range of the taps. */
export function accumulatorRange(matrix: CodeMatrix, output: number, least: number, greatest: number): Range {
  let low = 0;
  let high = 0;
  for (let k = 0; k < matrix.inputs; k++) {
    const w = matrix.step * matrix.codes[output * matrix.inputs + k]! + matrix.offset;
    low += Math.min(w * least, w * greatest);
    high += Math.max(w * least, w * greatest);
  }
  return [low, high];
}

function smallestAffine(codes: Int32Array): Affine {
  let least = codes[0] ?? 0;
  let greatest = least;
  for (const c of codes) {
    least = Math.min(least, c);
    greatest = Math.max(greatest, c);
  }
  // All ±1, even if one of the two never occurs: keep the domain that the fastest kernels take.
  if (codes.every((c) => c === 1 || c === -1)) return { step: 2, offset: -1, bits: 1 };
  let step = 0;
  for (const c of codes) step = greatestCommonDivisor(step, c - least);
  step = Math.max(step, 1);
  const levels = (greatest - least) / step;
  return { step, offset: least, bits: Math.max(1, Math.ceil(Math.log2(levels + 1))) };
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

/** The scale as one number, or one per output; undefined if it varies over inputs. */
function scalePerOutput(
  shape: readonly number[],
  data: Float32Array,
  outputAxis: number,
): Float32Array | undefined {
  if (data.every((s) => s === data[0])) return data.slice(0, 1);
  return shape.every((n, axis) => axis === outputAxis || n === 1) ? data : undefined;
}
