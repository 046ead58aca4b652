/** The codes behind weights: kept from their quantizer, or found in weights that were exported without it. */
import type { FloatTensor, WeightTensor } from "../../graph/types.js";
import type { FloatConstant } from "./constant.js";

/** More levels than this are taken for float weights, not for codes. */
const LARGEST_CODE = 127;
const MOST_LEVELS = 16;

/**
 * Weights [K, N] with their codes. Where no quantizer says them, values that are small integers times one
 * scale per tensor or per output (±s, or −s, 0, s, and so on) give codes too: the product of code and scale
 * is the value, bit for bit. Anything else has no codes.
 */
export function recogniseCodes({ shape, data, quantized }: FloatConstant): WeightTensor {
  if (quantized !== undefined) {
    return { shape, data, quantized: { codes: quantized.codes, scale: perOutput(quantized.scale) } };
  }
  const [inputs, outputs] = shape as [number, number];
  const whole = gridStep(data, 0, 1);
  if (whole !== undefined) return withScale(shape, data, [1, 1], Float32Array.of(whole));
  const steps: number[] = [];
  for (let n = 0; n < outputs && inputs > 1; n++) {
    const step = gridStep(data, n, outputs);
    if (step === undefined) break;
    steps.push(step);
  }
  if (steps.length !== outputs) return { shape, data };
  return withScale(shape, data, [1, outputs], Float32Array.from(steps));
}

function withScale(
  shape: readonly number[],
  data: Float32Array,
  scaleShape: readonly number[],
  scale: Float32Array,
): WeightTensor {
  const codes = new Int32Array(data.length);
  for (let i = 0; i < codes.length; i++) codes[i] = Math.round(data[i]! / scale[i % scale.length]!);
  return { shape, data, quantized: { codes, scale: { shape: scaleShape, data: scale } } };
}

/** The scale that every `stride`th number from `start` is a small multiple of. All zeros have scale 1. */
function gridStep(data: Float32Array, start: number, stride: number): number | undefined {
  const magnitudes = new Set<number>();
  for (let i = start; i < data.length; i += stride) {
    magnitudes.add(Math.abs(data[i]!));
    if (magnitudes.size > MOST_LEVELS) return undefined;
  }
  magnitudes.delete(0);
  const step = magnitudes.size === 0 ? 1 : Math.min(...magnitudes);
  const isMultiple = (x: number): boolean => {
    const code = Math.round(x / step);
    return code <= LARGEST_CODE && Math.fround(code * step) === x;
  };
  return [...magnitudes].every(isMultiple) ? step : undefined;
}

/** A scale that was written out per element (by a reshape) but is the same along every column, as [1, N]. */
function perOutput(scale: FloatTensor): FloatTensor {
  const [rows, columns] = scale.shape as [number, number];
  if (rows === 1) return scale;
  const first = scale.data.subarray(0, columns);
  for (let i = columns; i < scale.data.length; i++) if (scale.data[i] !== first[i % columns]) return scale;
  return { shape: [1, columns], data: first.slice() };
}
