import type { WeightTensor } from "../../graph/types.js";
import type { FloatConstant } from "./constant.js";

/** More levels than this are taken for float weights, not for codes. */
const LARGEST_CODE = 127;
const MOST_LEVELS = 16;

/**
 * Finds the codes of weights that were exported without their quantizer: values that are small integers times
 * one scale, symmetric about 0 (±s, or −s, 0, s, and so on). Anything else is left as it is.
 */
export function recogniseCodes(weights: FloatConstant): WeightTensor {
  const plain: WeightTensor = { shape: weights.shape, data: weights.data };
  if (weights.quantized !== undefined) return { ...plain, quantized: weights.quantized };
  const levels = distinctMagnitudes(weights.data);
  if (levels === undefined) return plain;
  const scale = levels.find((m) => m > 0);
  if (scale === undefined) return plain;
  const isMultiple = (x: number): boolean => {
    const code = Math.round(x / scale);
    return Math.abs(code) <= LARGEST_CODE && Math.fround(code * scale) === x;
  };
  if (!levels.every(isMultiple)) return plain;
  const codes = Int32Array.from(weights.data, (x) => Math.round(x / scale));
  return {
    ...plain,
    quantized: { codes, scale: { shape: weights.shape.map(() => 1), data: Float32Array.of(scale) } },
  };
}

/** Magnitudes in ascending order, undefined if there are too many. */
function distinctMagnitudes(data: Float32Array): number[] | undefined {
  const found = new Set<number>();
  for (const x of data) {
    found.add(Math.abs(x));
    if (found.size > MOST_LEVELS) return undefined;
  }
  return [...found].sort((a, b) => a - b);
}
