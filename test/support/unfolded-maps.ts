/**
 * Float32 arithmetic on maps as papers define it, one rounding after each operation and every order stated: what
 * references of methods are made of. Nothing is folded, and nothing is shared with passes or references of programs.
 */

/** Elements in the model's order: channel, row, column. */
export interface FloatMap {
  readonly shape: readonly [channels: number, height: number, width: number];
  readonly data: Float32Array;
}

export interface Taps {
  readonly outputs: number;
  /** [outputs][channels][rows][columns]. */
  readonly weights: Float32Array;
  readonly kernel: readonly [rows: number, columns: number];
  readonly stride: number;
  /** [top, left, bottom, right]. */
  readonly pads: readonly [number, number, number, number];
}

export interface Norm {
  readonly gamma: Float32Array;
  readonly beta: Float32Array;
  readonly mean: Float32Array;
  readonly variance: Float32Array;
  readonly epsilon: number;
}

const f = Math.fround;

/** A map computed element by element. */
export function mapOf(
  shape: FloatMap["shape"],
  element: (c: number, y: number, x: number) => number,
): FloatMap {
  const [channels, height, width] = shape;
  const data = new Float32Array(channels * height * width);
  for (let i = 0; i < data.length; i++)
    data[i] = element(Math.floor(i / (height * width)), Math.floor(i / width) % height, i % width);
  return { shape, data };
}

/** The element at a position, where sides of 1 repeat. */
export function at(
  { shape: [channels, height, width], data }: FloatMap,
  c: number,
  y: number,
  x: number,
): number {
  const [i, j, k] = [channels === 1 ? 0 : c, height === 1 ? 0 : y, width === 1 ? 0 : x];
  return data[(i * height + j) * width + k]!;
}

/** `apply` of elements that meet, rounded once. */
export function joined(a: FloatMap, b: FloatMap, apply: (a: number, b: number) => number): FloatMap {
  const [channels, height, width] = [0, 1, 2].map((i) => Math.max(a.shape[i]!, b.shape[i]!));
  return mapOf([channels!, height!, width!], (c, y, x) => f(apply(at(a, c, y, x), at(b, c, y, x))));
}

export function each({ shape, data }: FloatMap, apply: (x: number) => number): FloatMap {
  return { shape, data: data.map(apply) };
}

export const sign = (x: FloatMap): FloatMap => each(x, (v) => (v >= 0 ? 1 : -1));
export const relu = (x: FloatMap): FloatMap => each(x, (v) => (v > 0 ? v : 0));
export const magnitude = (x: FloatMap): FloatMap => each(x, Math.abs);

/** `x · a + b` with factor and shift from the constants first, as PyTorch has it. */
export function normalized(x: FloatMap, { gamma, beta, mean, variance, epsilon }: Norm): FloatMap {
  return mapOf(x.shape, (c, y, column) => {
    const factor = f(gamma[c]! * f(1 / f(Math.sqrt(f(variance[c]! + f(epsilon))))));
    const shift = f(beta[c]! - f(mean[c]! * factor));
    return f(f(at(x, c, y, column) * factor) + shift);
  });
}

/** Taps row by row and innermost the channels, `accumulate`d from 0; those outside the map are left out. */
export function convolved(
  input: FloatMap,
  { outputs, weights, kernel, stride, pads }: Taps,
  accumulate: (sum: number, x: number, w: number) => number,
): FloatMap {
  const [channels, height, width] = input.shape;
  const [rows, columns] = kernel;
  const size = (n: number, before: number, after: number, k: number): number =>
    Math.floor((n + before + after - k) / stride) + 1;
  const shape = [
    outputs,
    size(height, pads[0], pads[2], rows),
    size(width, pads[1], pads[3], columns),
  ] as const;
  return mapOf(shape, (n, oy, ox) => {
    let sum = 0;
    for (let tap = 0; tap < rows * columns; tap++) {
      const [ky, kx] = [Math.floor(tap / columns), tap % columns];
      const [y, x] = [oy * stride - pads[0] + ky, ox * stride - pads[1] + kx];
      if (y < 0 || y >= height || x < 0 || x >= width) continue;
      const [first, from] = [n * channels * rows * columns + tap, y * width + x];
      for (let c = 0; c < channels; c++)
        sum = accumulate(sum, input.data[from + c * height * width]!, weights[first + c * rows * columns]!);
    }
    return sum;
  });
}

/** Sums of signs: exact integers. */
export const exactly = (sum: number, x: number, w: number): number => sum + x * w;
/** Sums of floats, products and sums rounded. */
export const rounded = (sum: number, x: number, w: number): number => f(sum + f(x * w));

/** Windows of `size` with `stride`, those that lie in the map. */
export function maxPooled(x: FloatMap, size: number, stride: number): FloatMap {
  const [channels, height, width] = x.shape;
  const [rows, columns] = [height, width].map((n) => Math.floor((n - size) / stride) + 1);
  return mapOf([channels, rows!, columns!], (c, oy, ox) => {
    let greatest = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < size * size; i++)
      greatest = Math.max(greatest, at(x, c, oy * stride + Math.floor(i / size), ox * stride + (i % size)));
    return greatest;
  });
}

/** Channels of each position added in order. */
export function channelSum(x: FloatMap): FloatMap {
  const [channels, height, width] = x.shape;
  return mapOf([1, height, width], (_, y, column) => {
    let sum = 0;
    for (let c = 0; c < channels; c++) sum = f(sum + at(x, c, y, column));
    return sum;
  });
}

/** All elements added position by position, row by row, innermost the channels. */
export function wholeSum(x: FloatMap): FloatMap {
  const [channels, height, width] = x.shape;
  let sum = 0;
  for (let i = 0; i < channels * height * width; i++) {
    const pixel = Math.floor(i / channels);
    sum = f(sum + at(x, i % channels, Math.floor(pixel / width), pixel % width));
  }
  return { shape: [1, 1, 1], data: Float32Array.of(sum) };
}
