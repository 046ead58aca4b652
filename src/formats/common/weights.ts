/** The codes behind weights: kept from their quantizer, or found in weights that were exported without it. */
import type { FloatTensor, Shape, WeightTensor } from "../../graph/types.js";
import type { FloatConstant } from "./constant.js";

/** More levels than this are taken for float weights, not for codes. */
const LARGEST_CODE = 127;
const MOST_LEVELS = 16;

/**
 * Weights with their codes; `axis` is that of the outputs. Where no quantizer says them, values that are small
 * integers times one scale per tensor or per output (±s, or −s, 0, s, and so on) give codes too: the product
 * of code and scale is the value, bit for bit. Anything else has no codes.
 */
export function recogniseCodes({ shape, data, quantized }: FloatConstant, axis: number): WeightTensor {
  if (quantized !== undefined) {
    return { shape, data, quantized: { codes: quantized.codes, scale: perOutput(quantized.scale, axis) } };
  }
  const outputs = shape[axis]!;
  const whole = gridStep(data, [0, data.length, data.length, data.length]);
  if (whole !== undefined) return withScale(shape, data, axis, Float32Array.of(whole));
  const perOutputCount = data.length / outputs;
  const steps: number[] = [];
  for (let n = 0; n < outputs && perOutputCount > 1; n++) {
    const step = gridStep(data, elementsOf(shape, axis, n));
    if (step === undefined) break;
    steps.push(step);
  }
  if (steps.length !== outputs) return { shape, data };
  return withScale(shape, data, axis, Float32Array.from(steps));
}

/** One number for all, or one per output. */
function withScale(shape: Shape, data: Float32Array, axis: number, scale: Float32Array): WeightTensor {
  const codes = new Int32Array(data.length);
  const inner = innerSize(shape, axis);
  const { length } = scale;
  for (let i = 0; i < codes.length; i++)
    codes[i] = Math.round(data[i]! / scale[Math.floor(i / inner) % length]!);
  const scaleShape = shape.map((_, i) => (i === axis ? length : 1));
  return { shape, data, quantized: { codes, scale: { shape: scaleShape, data: scale }, fromValues: true } };
}

/** Runs of elements: where the first starts, how long one is, how far apart they start, where they end. */
type Runs = readonly [start: number, length: number, distance: number, end: number];

/** The elements of one output. */
function elementsOf(shape: Shape, axis: number, n: number): Runs {
  const inner = innerSize(shape, axis);
  const total = shape.reduce((a, b) => a * b, 1);
  return [n * inner, inner, inner * shape[axis]!, total];
}

function innerSize(shape: Shape, axis: number): number {
  return shape.slice(axis + 1).reduce((a, b) => a * b, 1);
}

/** The scale that every number of the runs is a small multiple of. All zeros have scale 1. */
function gridStep(data: Float32Array, [start, length, distance, end]: Runs): number | undefined {
  const magnitudes = new Set<number>();
  for (let run = start; run < end; run += distance) {
    for (let i = run; i < run + length; i++) {
      magnitudes.add(Math.abs(data[i]!));
      if (magnitudes.size > MOST_LEVELS) return undefined;
    }
  }
  magnitudes.delete(0);
  const step = magnitudes.size === 0 ? 1 : Math.min(...magnitudes);
  const isMultiple = (x: number): boolean => {
    const code = Math.round(x / step);
    return code <= LARGEST_CODE && Math.fround(code * step) === x;
  };
  return [...magnitudes].every(isMultiple) ? step : undefined;
}

/** A scale that was written out per element (by a reshape) but is the same for all elements of an output. */
function perOutput(scale: FloatTensor, axis: number): FloatTensor {
  const { shape, data } = scale;
  const outputs = shape[axis]!;
  if (data.length === outputs) return scale;
  const inner = innerSize(shape, axis);
  const first = Float32Array.from({ length: outputs }, (_, n) => data[n * inner]!);
  for (let i = 0; i < data.length; i++) if (data[i] !== first[Math.floor(i / inner) % outputs]) return scale;
  return { shape: shape.map((_, i) => (i === axis ? outputs : 1)), data: first };
}
