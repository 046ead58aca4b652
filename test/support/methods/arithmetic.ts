/**
 * The operations of papers, for references that are written as a method is defined and not as it is compiled: values as
 * frameworks hold them, [batch, channels, height, width] or [batch, features], every float operation rounded to float32.
 */
const f = Math.fround;

/** Numbers, row-major; the first axis is the batch. Float32 numbers and integers are exact in it. */
export interface Value {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

/** How a kernel moves over a map; pads are [top, left, bottom, right] or one number for all sides. */
export interface Taps {
  readonly stride?: number;
  readonly pads?: number | readonly [number, number, number, number];
  /** What taps outside the map have: 0 unless told. */
  readonly padValue?: number;
  readonly dilation?: number;
  readonly groups?: number;
}

/** Batch normalization's constants, one per channel, and its epsilon. */
export interface Normalization {
  readonly gamma: Float32Array;
  readonly beta: Float32Array;
  readonly mean: Float32Array;
  readonly variance: Float32Array;
  readonly eps: number;
}

export function filled(shape: readonly number[], element: (index: number) => number): Value {
  const size = shape.reduce((a, b) => a * b, 1);
  return { shape, data: Float64Array.from({ length: size }, (_, i) => element(i)) };
}

/** Elements that share a channel and a batch entry. */
function pixelsOf({ shape }: Value): number {
  return shape.slice(2).reduce((a, b) => a * b, 1);
}

export function channelsOf({ shape }: Value): number {
  return shape[1]!;
}

/** Applies a function to each number; `channel` is its place on axis 1. The function rounds where the method does. */
export function each(x: Value, apply: (v: number, channel: number, index: number) => number): Value {
  const pixels = pixelsOf(x);
  const channels = channelsOf(x);
  return { shape: x.shape, data: x.data.map((v, i) => apply(v, Math.floor(i / pixels) % channels, i)) };
}

/** `apply` on the numbers of two values that meet: axes are of one size, or of size 1, and then repeated. */
export function both(a: Value, b: Value, apply: (v: number, w: number) => number): Value {
  if (a.shape.join() === b.shape.join())
    return { shape: a.shape, data: a.data.map((v, i) => apply(v, b.data[i]!)) };
  const shape = a.shape.map((n, axis) => Math.max(n, b.shape[axis]!));
  const [ofA, ofB] = [positionsIn(a, shape), positionsIn(b, shape)];
  return filled(shape, (i) => apply(a.data[ofA(i)]!, b.data[ofB(i)]!));
}

/** Where an element of a value of this shape finds its number in one whose axes of size 1 are repeated. */
function positionsIn(x: Value, shape: readonly number[]): (index: number) => number {
  if (x.shape.some((n, axis) => n !== 1 && n !== shape[axis]))
    throw new Error(`${x.shape} does not repeat to ${shape}`);
  return (index) => {
    let [rest, position, step] = [index, 0, 1];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const size = x.shape[axis]!;
      if (size > 1) position += (rest % shape[axis]!) * step;
      step *= size;
      rest = Math.floor(rest / shape[axis]!);
    }
    return position;
  };
}

type Window = Required<Omit<Taps, "pads">> & {
  readonly pads: readonly [number, number, number, number];
  readonly kernel: readonly [number, number];
};

function windowOf(taps: Taps, kernel: readonly [number, number]): Window {
  const { stride = 1, pads = 0, padValue = 0, dilation = 1, groups = 1 } = taps;
  const sides = typeof pads === "number" ? ([pads, pads, pads, pads] as const) : pads;
  return { stride, pads: sides, padValue, dilation, groups, kernel };
}

/** Height and width that a window makes of a map. */
function sizesAfter([, , height, width]: readonly number[], w: Window): readonly [number, number] {
  const reach = (k: number): number => (k - 1) * w.dilation + 1;
  const [top, left, bottom, right] = w.pads;
  return [
    Math.floor((height! + top + bottom - reach(w.kernel[0])) / w.stride) + 1,
    Math.floor((width! + left + right - reach(w.kernel[1])) / w.stride) + 1,
  ];
}

/** What a convolution does with the numbers under its kernel and the weights of one output. */
type Dot = (taps: Float64Array, weights: Float64Array, first: number) => number;

/**
 * `dot` of the taps in the order [row][column][channel] with weights [outputs, channels / groups, kh, kw]. Values
 * without a map are maps of one pixel, and their weights [outputs, features].
 */
function correlate(x: Value, w: Value, taps: Taps, dot: Dot): Value {
  if (x.shape.length === 2) {
    const map = { shape: [...x.shape, 1, 1], data: x.data };
    const y = correlate(map, { shape: [...w.shape, 1, 1], data: w.data }, taps, dot);
    return { shape: y.shape.slice(0, 2), data: y.data };
  }
  const [outputs, perGroup, kh, kw] = w.shape as [number, number, number, number];
  const window = windowOf(taps, [kh, kw]);
  if (perGroup * window.groups !== channelsOf(x)) throw new Error(`${x.shape} does not fit ${w.shape}`);
  const [rows, columns] = sizesAfter(x.shape, window);
  const ordered = channelsInnermost(w);
  const perOutput = perGroup * kh * kw;
  const y = filled([x.shape[0]!, outputs, rows, columns], () => 0);
  const under = new Float64Array(perOutput);
  for (let n = 0; n < x.shape[0]!; n++) {
    for (let group = 0; group < window.groups; group++) {
      for (let pixel = 0; pixel < rows * columns; pixel++) {
        gather(
          x,
          [n, group * perGroup, Math.floor(pixel / columns), pixel % columns],
          perGroup,
          window,
          under,
        );
        for (let i = 0; i < outputs / window.groups; i++) {
          const o = (group * outputs) / window.groups + i;
          y.data[(n * outputs + o) * rows * columns + pixel] = dot(under, ordered, o * perOutput);
        }
      }
    }
  }
  return y;
}

/** Weights [outputs][kh][kw][channels]. */
function channelsInnermost({ shape, data }: Value): Float64Array {
  const [, channels, kh, kw] = shape as [number, number, number, number];
  return data.map((_, i) => {
    const [c, tap] = [i % channels, Math.floor(i / channels) % (kh * kw)];
    return data[(Math.floor(i / (channels * kh * kw)) * channels + c) * kh * kw + tap]!;
  });
}

/** The numbers under a kernel at [batch, first channel, row, column] of the output. */
function gather(
  { shape, data }: Value,
  [n, first, y, x]: readonly [number, number, number, number],
  count: number,
  { kernel, stride, dilation, pads, padValue }: Window,
  under: Float64Array,
): void {
  const [, channels, height, width] = shape as [number, number, number, number];
  let at = 0;
  for (let ky = 0; ky < kernel[0]; ky++) {
    const row = y * stride - pads[0] + ky * dilation;
    for (let kx = 0; kx < kernel[1]; kx++) {
      const column = x * stride - pads[1] + kx * dilation;
      const isInside = row >= 0 && row < height && column >= 0 && column < width;
      for (let c = first; c < first + count; c++)
        under[at++] = isInside ? data[((n * channels + c) * height + row) * width + column]! : padValue;
    }
  }
}

/** Exact sums of products: integers, or few float32 numbers whose sums float64 holds. */
export function products(x: Value, w: Value, taps: Taps = {}): Value {
  return correlate(x, w, taps, (under, weights, first) => {
    let total = 0;
    for (let k = 0; k < under.length; k++) total += under[k]! * weights[first + k]!;
    return total;
  });
}

/** Sums of float32 products, each operation rounded, in the order [row][column][channel]. */
export function floatProducts(x: Value, w: Value, taps: Taps = {}): Value {
  return correlate(x, w, taps, (under, weights, first) => {
    let total = 0;
    for (let k = 0; k < under.length; k++) total = f(total + f(under[k]! * weights[first + k]!));
    return total;
  });
}

/** PyTorch's order: factor and shift from the constants, one product, one sum. */
export function batchNorm(x: Value, { gamma, beta, mean, variance, eps }: Normalization): Value {
  const factors = gamma.map((g, c) => g * f(1 / f(Math.sqrt(f(variance[c]! + f(eps))))));
  const shifts = beta.map((b, c) => b - f(mean[c]! * factors[c]!));
  return each(x, (v, c) => f(f(v * factors[c]!) + shifts[c]!));
}

/** Lasagne's order, of Theano's nets: `(x − mean) · (gamma · inv_std) + beta`. */
export function batchNormOfTheano(x: Value, { gamma, beta, mean, variance, eps }: Normalization): Value {
  const factors = gamma.map((g, c) => g * f(1 / f(Math.sqrt(f(variance[c]! + f(eps))))));
  return each(x, (v, c) => f(f(f(v - mean[c]!) * factors[c]!) + beta[c]!));
}

/** ±1, and `ofZero` for 0: 1 in Theano and Larq, 0 in torch. */
export function sign(x: Value, ofZero: 1 | 0): Value {
  return each(x, (v) => (v === 0 ? ofZero : Math.sign(v)));
}

export function relu(x: Value): Value {
  return each(x, (v) => (v > 0 ? v : 0));
}

/** Channels of slopes: x below 0 is multiplied by its channel's. */
export function prelu(x: Value, slopes: ArrayLike<number>): Value {
  return each(x, (v, c) => (v >= 0 ? v : f(v * slopes[c]!)));
}

export function magnitude(x: Value): Value {
  return each(x, Math.abs);
}

export function clip(x: Value, low: number, high: number): Value {
  return each(x, (v) => Math.min(Math.max(v, low), high));
}

/** One product per number, by a factor for all or one per channel. */
export function times(x: Value, factor: number | ArrayLike<number>): Value {
  return each(x, (v, c) => f(v * (typeof factor === "number" ? factor : factor[c]!)));
}

/** One division per number. */
export function over(x: Value, divisor: number): Value {
  return each(x, (v) => f(v / divisor));
}

/** One sum per number, with a constant for all or one per channel. */
export function plus(x: Value, term: number | ArrayLike<number>): Value {
  return each(x, (v, c) => f(v + (typeof term === "number" ? term : term[c]!)));
}

/** Rounds to whole numbers, halves to even, as `torch.round` does. */
export function roundHalfEven(v: number): number {
  const below = Math.floor(v);
  const rest = v - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 !== 0) ? below + 1 : below;
}

/** Every window's numbers inside the map, reduced. */
function pool(x: Value, size: number, taps: Taps, reduce: (values: readonly number[]) => number): Value {
  const window = windowOf({ stride: size, ...taps }, [size, size]);
  const [batch, channels, height, width] = x.shape as [number, number, number, number];
  const [rows, columns] = sizesAfter(x.shape, window);
  const data: number[] = [];
  for (let plane = 0; plane < batch * channels; plane++) {
    for (let y = 0; y < rows; y++) {
      for (let column = 0; column < columns; column++) {
        const values: number[] = [];
        for (let ky = 0; ky < size; ky++) {
          for (let kx = 0; kx < size; kx++) {
            const iy = y * window.stride - window.pads[0] + ky;
            const ix = column * window.stride - window.pads[1] + kx;
            if (iy >= 0 && iy < height && ix >= 0 && ix < width)
              values.push(x.data[(plane * height + iy) * width + ix]!);
          }
        }
        data.push(reduce(values));
      }
    }
  }
  return { shape: [batch, channels, rows, columns], data: Float64Array.from(data) };
}

/** Greatest number of each window; pads do not take part. The stride is the size unless told. */
export function maxPool(x: Value, size: number, taps: Taps = {}): Value {
  return pool(x, size, taps, (values) => values.reduce((a, b) => Math.max(a, b)));
}

/** Float32 sum of each window, in row order. */
export function sumPool(x: Value, size: number, taps: Taps = {}): Value {
  return pool(x, size, taps, (values) => values.reduce((a, b) => f(a + b), 0));
}

/** Float32 sum of the channels of each position, in order: [batch, 1, height, width]. */
export function sumOfChannels(x: Value): Value {
  const [batch, channels, height, width] = x.shape as [number, number, number, number];
  const pixels = height * width;
  return filled([batch, 1, height, width], (i) => {
    const first = Math.floor(i / pixels) * channels * pixels + (i % pixels);
    let sum = 0;
    for (let c = 0; c < channels; c++) sum = f(sum + x.data[first + c * pixels]!);
    return sum;
  });
}

/** Float32 sum of all numbers of a batch entry, position by position, innermost the channels: [batch, 1, 1, 1]. */
export function sumOfAll(x: Value): Value {
  const [batch, channels, height, width] = x.shape as [number, number, number, number];
  const pixels = height * width;
  return filled([batch, 1, 1, 1], (n) => {
    let sum = 0;
    for (let pixel = 0; pixel < pixels; pixel++)
      for (let c = 0; c < channels; c++) sum = f(sum + x.data[(n * channels + c) * pixels + pixel]!);
    return sum;
  });
}

export function flatten(x: Value): Value {
  return { shape: [x.shape[0]!, x.data.length / x.shape[0]!], data: x.data };
}

/** Channels of values one after another. */
export function concatenate(...values: readonly Value[]): Value {
  const [first] = values as readonly [Value, ...Value[]];
  const batch = first.shape[0]!;
  const parts = Array.from({ length: batch }, (_, n) =>
    values.flatMap(({ data }) => {
      const size = data.length / batch;
      return Array.from(data.subarray(n * size, (n + 1) * size));
    }),
  );
  const channels = values.reduce((sum, v) => sum + channelsOf(v), 0);
  return { shape: [batch, channels, ...first.shape.slice(2)], data: Float64Array.from(parts.flat()) };
}

/** Channels in another order, or some of them: `order[i]` is the channel that becomes channel i; −1 makes zeros. */
export function channelsInOrder(x: Value, order: readonly number[]): Value {
  const pixels = pixelsOf(x);
  const [batch, channels] = x.shape as [number, number];
  return filled([batch, order.length, ...x.shape.slice(2)], (i) => {
    const from = order[Math.floor(i / pixels) % order.length]!;
    const n = Math.floor(i / (pixels * order.length));
    return from < 0 ? 0 : x.data[(n * channels + from) * pixels + (i % pixels)]!;
  });
}

/** Kernels turned by 180°: convolutions run over them backwards, correlations forwards. */
export function turned(w: Value): Value {
  const taps = w.shape[2]! * w.shape[3]!;
  return filled(w.shape, (i) => w.data[i - (i % taps) + (taps - 1 - (i % taps))]!);
}

/** The mean magnitude of each output's weights, or of all, summed in float64 and rounded once. */
export function meanMagnitudes(w: Value, per: "output" | "tensor"): Float32Array {
  const groups = per === "output" ? w.shape[0]! : 1;
  const size = w.data.length / groups;
  return Float32Array.from({ length: groups }, (_, g) => {
    const magnitudes = w.data.subarray(g * size, (g + 1) * size).map(Math.abs);
    return magnitudes.reduce((a, b) => a + b, 0) / size;
  });
}

/** A dense layer's weights [outputs, features] as kernels as large as the map that was flattened. */
export function overMap(w: Value, map: Value): Value {
  return { shape: [w.shape[0]!, ...map.shape.slice(1)], data: w.data };
}

/** Every `step`-th row and column. */
export function everyOther(x: Value, step: number): Value {
  const [batch, channels, height, width] = x.shape as [number, number, number, number];
  const [rows, columns] = [Math.ceil(height / step), Math.ceil(width / step)];
  return filled([batch, channels, rows, columns], (i) => {
    const column = (i % columns) * step;
    const row = (Math.floor(i / columns) % rows) * step;
    return x.data[(Math.floor(i / (columns * rows)) * height + row) * width + column]!;
  });
}
