/** The naive reference of operations on maps and of those that move data. */
import { broadcastPositions } from "../graph/broadcast.js";
import type { GraphOp, Shape, Window } from "../graph/types.js";
import { mapSize } from "../graph/window.js";

type Op<K extends GraphOp["kind"]> = Extract<GraphOp, { readonly kind: K }>;

/**
 * Products summed in float64 in the order of input channel, row, column, and rounded once, as dense layers
 * are; taps outside the map are products with `padValue`.
 */
export function conv(op: Op<"conv">, x: Float32Array, input: Shape, output: Shape): Float32Array {
  const { weights, window, groups, padValue } = op;
  const [outputs, perGroup, kernelHeight, kernelWidth] = weights.shape as [number, number, number, number];
  const map = reader(x, input);
  return eachPosition(output, (n, oy, ox) => {
    const firstChannel = Math.floor(n / (outputs / groups)) * perGroup;
    let sum = 0;
    for (let c = 0; c < perGroup; c++) {
      for (let ky = 0; ky < kernelHeight; ky++) {
        for (let kx = 0; kx < kernelWidth; kx++) {
          const [y, column] = tap(window, oy, ox, ky, kx);
          const weight = weights.data[((n * perGroup + c) * kernelHeight + ky) * kernelWidth + kx]!;
          sum += (map(firstChannel + c, y, column) ?? padValue) * weight;
        }
      }
    }
    return sum;
  });
}

/** The greatest of the taps inside the map; of equal ones (zeros of both signs) the first. */
export function maxPool({ window }: Op<"max-pool">, x: Float32Array, input: Shape, output: Shape) {
  const map = reader(x, input);
  return eachPosition(output, (c, oy, ox) => {
    let greatest = Number.NEGATIVE_INFINITY;
    for (const [y, column] of taps(window, oy, ox)) {
      const value = map(c, y, column);
      if (value !== undefined && value > greatest) greatest = value;
    }
    return greatest;
  });
}

/**
 * The taps inside the map are added in float32, row by row, then divided once: the order of PyTorch, and of ONNX
 * Runtime from opset 19 on (before, it adds columns first). Sums of small integers are the same in any order.
 */
export function averagePool(op: Op<"average-pool">, x: Float32Array, input: Shape, output: Shape) {
  const map = reader(x, input);
  return eachPosition(output, (c, oy, ox) => {
    let sum = 0;
    let count = 0;
    for (const [y, column] of taps(op.window, oy, ox)) {
      const value = map(c, y, column);
      if (value !== undefined) sum = Math.fround(sum + value);
      if (value !== undefined || op.countPads) count++;
    }
    return sum / count;
  });
}

/** All inputs one after another along an axis. */
export function concat(axis: number, parts: readonly { shape: Shape; data: Float32Array }[], output: Shape) {
  return eachIndex(output, (index) => {
    let at = index[axis]!;
    const part = parts.find(({ shape }) => {
      if (at < shape[axis]!) return true;
      at -= shape[axis]!;
      return false;
    })!;
    return part.data[flat(part.shape, index.with(axis, at))]!;
  });
}

/** `a ∘ b`, broadcast as numpy does; the store rounds. */
export function pairwise(
  { operator }: Op<"pairwise">,
  parts: readonly { shape: Shape; data: Float32Array }[],
  output: Shape,
) {
  return eachIndex(output, (index) => {
    const [a, b] = parts.map(
      ({ shape, data }) =>
        data[
          flat(
            shape,
            index.map((i, axis) => (shape[axis] === 1 ? 0 : i)),
          )
        ]!,
    ) as [number, number];
    if (operator === "multiply") return a * b;
    return operator === "add" ? a + b : a - b;
  });
}

/** Sums over axes in float64, rounded once; means divide that by the number of elements. */
export function reduce({ operator, axes }: Op<"reduce">, x: Float32Array, input: Shape, output: Shape) {
  const sums = new Float64Array(output.reduce((a, b) => a * b, 1));
  const positions = broadcastPositions(
    input.map((n, axis) => (axes.includes(axis) ? 1 : n)),
    input,
  );
  x.forEach((v, i) => {
    sums[positions[i]!]! += v;
  });
  const count = x.length / sums.length;
  return Float32Array.from(sums, (sum) => (operator === "sum" ? sum : Math.fround(sum) / count));
}

export function slice({ starts, steps }: Op<"slice">, x: Float32Array, input: Shape, output: Shape) {
  return eachIndex(
    output,
    (index) =>
      x[
        flat(
          input,
          index.map((i, axis) => starts[axis]! + i * steps[axis]!),
        )
      ]!,
  );
}

export function pad({ before, value }: Op<"pad">, x: Float32Array, input: Shape, output: Shape) {
  return eachIndex(output, (index) => {
    const from = index.map((i, axis) => i - before[axis]!);
    return from.every((i, axis) => i >= 0 && i < input[axis]!) ? x[flat(input, from)]! : value;
  });
}

export function transpose({ permutation }: Op<"transpose">, x: Float32Array, input: Shape, output: Shape) {
  return eachIndex(output, (index) => {
    const from = new Array<number>(index.length);
    permutation.forEach((axis, i) => {
      from[axis] = index[i]!;
    });
    return x[flat(input, from)]!;
  });
}

/** Row and column that a tap of the kernel reads; it may lie outside the map. */
function tap(window: Window, oy: number, ox: number, ky: number, kx: number): [number, number] {
  const { stride, dilation, pads } = window;
  return [oy * stride[0] - pads[0] + ky * dilation[0], ox * stride[1] - pads[1] + kx * dilation[1]];
}

function taps(window: Window, oy: number, ox: number): [number, number][] {
  const [height, width] = window.kernel;
  return Array.from({ length: height * width }, (_, i) =>
    tap(window, oy, ox, Math.floor(i / width), i % width),
  );
}

/** Reads a map by channel, row and column: undefined outside. */
function reader(x: Float32Array, shape: Shape): (c: number, y: number, column: number) => number | undefined {
  const { height, width } = mapSize(shape)!;
  return (c, y, column) => {
    const isInside = y >= 0 && y < height && column >= 0 && column < width;
    return isInside ? x[(c * height + y) * width + column]! : undefined;
  };
}

/** A map computed element by element. The store rounds to float32. */
function eachPosition(shape: Shape, compute: (c: number, y: number, x: number) => number): Float32Array {
  const { channels, height, width } = mapSize(shape)!;
  const y = new Float32Array(channels * height * width);
  for (let c = 0; c < channels; c++) {
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        y[(c * height + row) * width + column] = compute(c, row, column);
      }
    }
  }
  return y;
}

/** A tensor computed index by index. */
function eachIndex(shape: Shape, compute: (index: number[]) => number): Float32Array {
  const y = new Float32Array(shape.reduce((a, b) => a * b, 1));
  for (let i = 0; i < y.length; i++) {
    const index = new Array<number>(shape.length);
    let rest = i;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis] = rest % shape[axis]!;
      rest = Math.floor(rest / shape[axis]!);
    }
    y[i] = compute(index);
  }
  return y;
}

/** Row-major position of an index. */
function flat(shape: Shape, index: readonly number[]): number {
  return index.reduce((position, i, axis) => position * shape[axis]! + i, 0);
}
