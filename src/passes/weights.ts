import type { Diagnostics } from "../diagnostics/diagnostic.js";
import type { WeightTensor } from "../graph/types.js";
import type { CodeMatrix } from "../program/types.js";
import { MAX_CODE_BITS } from "../program/verify.js";

export interface LoweredWeights {
  readonly matrix: CodeMatrix;
  /** Float32 scale per output, or one for all: real weight = scale · integer weight. */
  readonly scale: Float32Array;
}

/**
 * Encodes quantized weights [K, N] as unsigned codes [N × K] with the smallest affine that holds them:
 * ±1 becomes one bit with step 2 and offset −1, −1…1 two bits with step 1, and so on.
 */
export function lowerWeights(
  weights: WeightTensor,
  where: string,
  diagnostics: Diagnostics,
): LoweredWeights | undefined {
  const [inputs, outputs] = weights.shape as [number, number];
  if (weights.quantized === undefined) {
    diagnostics.error(
      "lowering/float-weights",
      "the weights are not quantized: they take more values than a low-bit code has",
      {
        where,
        remedy:
          "export the model with its weight quantizers (BipolarQuant or Quant nodes), or with weights already rounded to a few levels",
      },
    );
    return undefined;
  }
  const { codes, scale } = weights.quantized;
  const outputScale = scalePerOutput(scale.shape, scale.data, outputs);
  if (outputScale === undefined) {
    diagnostics.error("lowering/input-channel-scale", "the weight scale differs between input channels", {
      where,
      remedy:
        "quantize weights per tensor or per output channel; a scale per input channel cannot leave the integer sum",
    });
    return undefined;
  }
  const { step, offset, bits } = smallestAffine(codes);
  if (bits > MAX_CODE_BITS) {
    diagnostics.error(
      "lowering/wide-weights",
      `the weights need ${bits}-bit codes; at most ${MAX_CODE_BITS} bits are supported`,
      {
        where,
        remedy: `quantize the weights to ${MAX_CODE_BITS} bits or fewer`,
      },
    );
    return undefined;
  }
  const transposed = new Uint8Array(inputs * outputs);
  for (let k = 0; k < inputs; k++) {
    for (let n = 0; n < outputs; n++) transposed[n * inputs + k] = (codes[k * outputs + n]! - offset) / step;
  }
  return { matrix: { outputs, inputs, bits, step, offset, codes: transposed }, scale: outputScale };
}

/** Least and greatest possible sum of one output, given the range of the input values. */
export function accumulatorRange(
  matrix: CodeMatrix,
  output: number,
  least: number,
  greatest: number,
): [number, number] {
  let low = 0;
  let high = 0;
  for (let k = 0; k < matrix.inputs; k++) {
    const w = matrix.step * matrix.codes[output * matrix.inputs + k]! + matrix.offset;
    low += Math.min(w * least, w * greatest);
    high += Math.max(w * least, w * greatest);
  }
  return [low, high];
}

function smallestAffine(codes: Int32Array): { step: number; offset: number; bits: number } {
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

/** Scale of shape [1, 1], [1, N] or the like as N numbers or one; undefined if it varies over inputs. */
function scalePerOutput(
  shape: readonly number[],
  data: Float32Array,
  outputs: number,
): Float32Array | undefined {
  if (data.every((s) => s === data[0])) return data.slice(0, 1);
  const variesOverInputs = shape.length === 2 && shape[0] !== 1;
  return variesOverInputs || data.length !== outputs ? undefined : data;
}
