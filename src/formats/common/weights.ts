/** The codes behind weights: kept from their quantizer, or found in weights that were exported without it. */
import { sumOfBases } from "../../graph/planes.js";
import type { FloatTensor, Shape, WeightTensor } from "../../graph/types.js";
import { nearestSigns, signedCoefficients } from "./bases.js";
import type { FloatConstant } from "./constant.js";

/** More levels than this are taken for float weights, not for codes. */
const LARGEST_CODE = 127;
const MOST_LEVELS = 16;
/** The same for weights that a rounding in training code made, which may be odd multiples: 2·q/255 − 1. */
const LARGEST_NEAR_CODE = 255;
const MOST_NEAR_LEVELS = 256;
/** Levels of which each occurs so often are no chance. */
const WEIGHTS_PER_LEVEL = 3;
/** A few roundings of float32, relative to the greatest weight. */
const NEAR = 2 ** -22;

/**
 * Weights with their codes; `axis` is that of the outputs. Where no quantizer says them, values that are small
 * integers times one scale per tensor or per output (±s, or −s, 0, s, and so on), and integers of a byte, give codes
 * too: the product of code and scale is the value, bit for bit. Values that are such products but for the last bits, as
 * `2 · round(w · 15) / 15 − 1` in float32, become the products. Values of which each output has few, in any
 * distance, become sums of up to three bases of ±1. Anything else has no codes.
 */
export function recogniseCodes(constant: FloatConstant, axis: number): WeightTensor {
  const { shape, data, quantized, bases } = constant;
  if (bases !== undefined)
    return {
      shape,
      data,
      bases: bases.map(({ codes, coefficient }) => ({ codes, coefficient: perOutput(coefficient, axis) })),
    };
  if (quantized !== undefined) {
    return { shape, data, quantized: { codes: quantized.codes, scale: perOutput(quantized.scale, axis) } };
  }
  const exact = scaleOf({ shape, data }, axis, gridStep, integerStep);
  if (exact !== undefined) return withScale(shape, data, axis, exact);
  const near = scaleOf({ shape, data }, axis, nearGridStep);
  return near === undefined
    ? (sumsOfBases({ shape, data }, axis) ?? { shape, data })
    : rounded(withScale(shape, data, axis, near), axis);
}

/** Weights whose few different values per output are sums of bases of ±1. */
function sumsOfBases({ shape, data }: FloatTensor, axis: number): WeightTensor | undefined {
  const outputs = shape[axis]!;
  const size = data.length / outputs;
  const perOutput: (readonly number[])[] = [];
  for (let n = 0; n < outputs; n++) {
    const coefficients = signedCoefficients(numbersOf(data, elementsOf(shape, axis, n)));
    if (coefficients === undefined) return undefined;
    perOutput.push(coefficients);
  }
  const count = perOutput.reduce((most, c) => Math.max(most, c.length), 0);
  if (size < WEIGHTS_PER_LEVEL * 2 ** count) return undefined;
  const inner = innerSize(shape, axis);
  const signs = Array.from(data, (x, i) => nearestSigns(perOutput[Math.floor(i / inner) % outputs]!, x));
  const bases = Array.from({ length: count }, (_, m) => ({
    codes: Int32Array.from(signs, (s) => ((s >> m) & 1 ? 1 : -1)),
    coefficient: {
      shape: shape.map((_, i) => (i === axis ? outputs : 1)),
      data: Float32Array.from(perOutput, (c) => c[m] ?? 0),
    },
  }));
  return { shape, data: sumOfBases(bases, shape), bases };
}

function* numbersOf(data: Float32Array, [start, length, distance, end]: Runs): Generator<number> {
  for (let run = start; run < end; run += distance) yield* data.subarray(run, run + length);
}

/** One scale for all weights, as `stepOf` or `stepOfAll` finds it, or one per output. */
function scaleOf(
  { shape, data }: FloatTensor,
  axis: number,
  stepOf: (data: Float32Array, runs: Runs) => number | undefined,
  stepOfAll: (data: Float32Array) => number | undefined = () => undefined,
): Float32Array | undefined {
  const whole = stepOf(data, [0, data.length, data.length, data.length]) ?? stepOfAll(data);
  if (whole !== undefined) return Float32Array.of(whole);
  const outputs = shape[axis]!;
  if (data.length === outputs) return undefined;
  const steps = new Float32Array(outputs);
  for (let n = 0; n < outputs; n++) {
    const step = stepOf(data, elementsOf(shape, axis, n));
    if (step === undefined) return undefined;
    steps[n] = step;
  }
  return steps;
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
function gridStep(data: Float32Array, runs: Runs): number | undefined {
  const magnitudes = magnitudesOf(data, runs, MOST_LEVELS);
  const step = magnitudes?.length === 0 ? 1 : Math.min(...(magnitudes ?? []));
  const isMultiple = (x: number): boolean => {
    const code = Math.round(x / step);
    return code <= LARGEST_CODE && Math.fround(code * step) === x;
  };
  return magnitudes?.every(isMultiple) ? step : undefined;
}

/** The same but for rounding errors: the greatest fraction of the greatest number that all others are multiples of. */
function nearGridStep(data: Float32Array, runs: Runs): number | undefined {
  const [start, length, distance, end] = runs;
  const most = (length * Math.ceil((end - start) / distance)) / WEIGHTS_PER_LEVEL;
  const magnitudes = magnitudesOf(data, runs, MOST_NEAR_LEVELS);
  if (magnitudes === undefined || magnitudes.length === 0) return magnitudes && 1;
  const greatest = Math.max(...magnitudes);
  for (let code = 1; code <= LARGEST_NEAR_CODE; code++) {
    const step = greatest / code;
    const isNear = (x: number): boolean => Math.abs(x - Math.round(x / step) * step) <= NEAR * greatest;
    if (!magnitudes.every(isNear)) continue;
    const levels = new Set(magnitudes.map((x) => Math.round(x / step)));
    return levels.size <= most ? Math.fround(step) : undefined;
  }
  return undefined;
}

/** Different magnitudes other than 0, undefined if there are more than `most`. */
function magnitudesOf(
  data: Float32Array,
  [start, length, distance, end]: Runs,
  most: number,
): readonly number[] | undefined {
  const magnitudes = new Set<number>();
  for (let run = start; run < end; run += distance) {
    for (let i = run; i < run + length; i++) {
      magnitudes.add(Math.abs(data[i]!));
      if (magnitudes.size > most) return undefined;
    }
  }
  magnitudes.delete(0);
  return [...magnitudes];
}

/** Weights that are exactly their codes times their scales. */
function rounded({ shape, quantized }: WeightTensor, axis: number): WeightTensor {
  const { codes, scale } = quantized!;
  const inner = innerSize(shape, axis);
  const { data: steps } = scale;
  const data = Float32Array.from(codes, (c, i) => c * steps[Math.floor(i / inner) % steps.length]!);
  return { shape, data, quantized: quantized! };
}

/** 1 for integers of a byte, as many levels as they take: nets that FINN has streamlined have such weights. */
function integerStep(data: Float32Array): number | undefined {
  const isByte = (x: number): boolean => Number.isInteger(x) && x >= -LARGEST_CODE - 1 && x <= LARGEST_CODE;
  return data.every(isByte) ? 1 : undefined;
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
