/** What papers do to latent weights, for references: numbers per output, levels, and layers of integers times one factor. */
import { batchNorm, each, floatProducts, products, type Taps, times, type Value } from "./arithmetic.js";
import type { See } from "./net.js";
import type { NormalizationOptions, Parameters } from "./parameters.js";

const f = Math.fround;

/** Weights as integers times a factor, one for all or one per output. */
export interface Levels {
  readonly codes: Value;
  readonly scale: ArrayLike<number>;
}

/** A number of each output's weights, rounded once. */
export function perFilter(w: Value, of: (filter: Float64Array) => number): Float32Array {
  const size = w.data.length / w.shape[0]!;
  return Float32Array.from({ length: w.shape[0]! }, (_, n) => of(w.data.subarray(n * size, (n + 1) * size)));
}

export function meanMagnitude(group: Float64Array): number {
  return group.reduce((sum, x) => sum + Math.abs(x), 0) / group.length;
}

/** Each weight with a number of its output. */
export function eachWeight(
  w: Value,
  perOutput: ArrayLike<number>,
  of: (x: number, number: number) => number,
): Value {
  const size = w.data.length / w.shape[0]!;
  return {
    shape: w.shape,
    data: w.data.map((x, i) => of(x, perOutput[Math.floor(i / size) % perOutput.length]!)),
  };
}

/** A layer of integer activations that stand for `factor` each: exact sums, and one product per output. */
export function layerOf(
  see: See,
  name: string,
  x: Value,
  { codes, scale }: Levels,
  factor: number,
  taps: Taps = {},
): Value {
  const sums = see(name, products(x, codes, taps));
  return times(
    sums,
    perOutput(scale, codes.shape[0]!).map((s) => f(s * factor)),
  );
}

/** A layer of float32 activations: signed sums of the numbers themselves, `y = α · (Σ₊ x − Σ₋ x)`, the factor behind the sum. */
export function floatLayerOf(
  see: See,
  name: string,
  x: Value,
  { codes, scale }: Levels,
  taps: Taps = {},
): Value {
  return times(see(name, floatProducts(x, codes, taps)), perOutput(scale, codes.shape[0]!));
}

function perOutput(scale: ArrayLike<number>, outputs: number): Float64Array {
  return Float64Array.from({ length: outputs }, (_, n) => scale[n % scale.length]!);
}

/** Batch normalization near the statistics of `x`. */
export function normed(drawn: Parameters, name: string, x: Value, options?: NormalizationOptions): Value {
  return batchNorm(x, drawn.normalization(name, x, options));
}

/** Clamped and rounded to whole numbers by `round`. */
export function integers(
  x: Value,
  [least, greatest]: readonly [number, number],
  round: (v: number) => number,
): Value {
  return each(x, (v) => Math.min(Math.max(round(v), least), greatest));
}
