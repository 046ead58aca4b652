/** Scales that quantizers compute from the weights: per output, which is the last axis of Keras' kernels. */
import type { FloatTensor } from "../../../graph/types.js";

const f = Math.fround;
/** Keras' epsilon, `keras.backend.epsilon()`, as float32. */
export const EPSILON = f(1e-7);
const LN2 = f(Math.log(2));

/** One number per output of a kernel whose outputs are on the last axis. */
export function perOutput(
  { shape, data }: FloatTensor,
  start: number,
  join: (sum: number, x: number, index: number) => number,
): Float64Array {
  const outputs = shape.at(-1) ?? 1;
  const result = new Float64Array(outputs).fill(start);
  data.forEach((x, i) => {
    result[i % outputs] = join(result[i % outputs]!, x, i);
  });
  return result;
}

/** Greatest magnitude of each output. */
export function greatestMagnitudes(kernel: FloatTensor): Float32Array {
  return Float32Array.from(perOutput(kernel, 0, (most, x) => Math.max(most, Math.abs(x))));
}

/**
 * The mean over each output of what `of` gives for an element. TensorFlow sums float32 in an order that it does not
 * specify; here the sum is exact to binary64 and rounded once.
 */
export function means(kernel: FloatTensor, of: (x: number, index: number) => number): Float32Array {
  const sums = perOutput(kernel, 0, (sum, x, i) => sum + of(x, i));
  const count = kernel.data.length / sums.length;
  return Float32Array.from(sums, (s) => s / count);
}

/**
 * QKeras' least-squares scale `mean(x·q) / (mean(q·q) + epsilon)` per output, and for `auto_po2` the nearest power of
 * two (qkeras/quantizers.py, `_get_scale`).
 */
export function leastSquares(
  kernel: FloatTensor,
  codes: ArrayLike<number>,
  isPowerOfTwo: boolean,
): Float32Array {
  const xq = means(kernel, (x, i) => f(x * codes[i]!));
  const qq = means(kernel, (_, i) => f(codes[i]! * codes[i]!));
  const scale = xq.map((sum, n) => sum / f(qq[n]! + EPSILON));
  return isPowerOfTwo ? scale.map(nearestPowerOfTwo) : scale;
}

/** `2 ^ round(log(x + epsilon) / log(2))` in float32, halves to even. */
export function nearestPowerOfTwo(x: number): number {
  const exponent = f(f(Math.log(f(x + EPSILON))) / LN2);
  return f(2 ** halfEven(exponent));
}

export function halfEven(x: number): number {
  const below = Math.floor(x);
  const distance = x - below;
  if (distance === 0.5) return below % 2 === 0 ? below : below + 1;
  return distance < 0.5 ? below : below + 1;
}
