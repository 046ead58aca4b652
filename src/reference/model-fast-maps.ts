/** Operations on maps in the fast reference: patches gathered once, positions of moved data computed once. */
import { stridedPositions, stridesOf } from "../graph/broadcast.js";
import type { GraphOp, Shape, Window } from "../graph/types.js";
import { type MapSize, mapSize } from "../graph/window.js";
import { multiply } from "./tiles.js";

type Op<K extends GraphOp["kind"]> = Extract<GraphOp, { readonly kind: K }>;
/** From one input after another to one output after another. */
type Layer = (x: Float32Array, count: number) => Float32Array;

/** Numbers of gathered patches that stay in the cache beside the weights. */
const PATCH_NUMBERS = 1 << 14;

/** Patches of some pixels, as rows of a matrix, times the weights of one group. */
export function compileConv(op: Op<"conv">, input: Shape, output: Shape): Layer {
  const { weights, window, groups, padValue } = op;
  const [from, to] = [mapSize(input)!, mapSize(output)!];
  const [outputs, perGroup] = weights.shape as [number, number];
  const columns = Float64Array.from(weights.data);
  const depth = perGroup * window.kernel[0] * window.kernel[1];
  const pixels = to.height * to.width;
  const block = Math.max(4, Math.min(pixels, Math.floor(PATCH_NUMBERS / depth)));
  const patches = new Float64Array(block * depth);
  const perImage = { in: from.channels * from.height * from.width, out: outputs * pixels };
  return (x, count) => {
    const y = new Float32Array(count * perImage.out);
    for (let image = 0; image < count; image++) {
      for (let group = 0; group < groups; group++) {
        const start = image * perImage.in + group * perGroup * from.height * from.width;
        const [first, end] = [(group * outputs) / groups, ((group + 1) * outputs) / groups];
        for (let pixel = 0; pixel < pixels; pixel += block) {
          const rows = Math.min(block, pixels - pixel);
          gatherPatches(
            patches,
            x,
            start,
            { window, from, channels: perGroup, padValue },
            to.width,
            pixel,
            rows,
          );
          const base = image * perImage.out + pixel;
          multiply({ data: patches, rows }, columns, depth, first, end, (row, n, sum) => {
            y[base + n * pixels + row] = sum;
          });
        }
      }
    }
    return y;
  };
}

interface Patch {
  readonly window: Window;
  readonly from: MapSize;
  readonly channels: number;
  readonly padValue: number;
}

/** Rows of patches for the output pixels from `pixel` on, each in the order of channel, row, column. */
function gatherPatches(
  patches: Float64Array,
  x: Float32Array,
  start: number,
  { window, from, channels, padValue }: Patch,
  outputWidth: number,
  pixel: number,
  rows: number,
): void {
  const { kernel, stride, dilation, pads } = window;
  let to = 0;
  for (let i = pixel; i < pixel + rows; i++) {
    const top = Math.floor(i / outputWidth) * stride[0] - pads[0];
    const left = (i % outputWidth) * stride[1] - pads[1];
    for (let c = 0; c < channels; c++) {
      for (let ky = 0; ky < kernel[0]; ky++) {
        const row = top + ky * dilation[0];
        const isRow = row >= 0 && row < from.height;
        const at = start + (c * from.height + row) * from.width;
        for (let kx = 0; kx < kernel[1]; kx++) {
          const column = left + kx * dilation[1];
          patches[to++] = isRow && column >= 0 && column < from.width ? x[at + column]! : padValue;
        }
      }
    }
  }
}

export function compilePool(op: Op<"max-pool"> | Op<"average-pool">, input: Shape, output: Shape): Layer {
  const [from, to] = [mapSize(input)!, mapSize(output)!];
  const [inPixels, outPixels] = [from.height * from.width, to.height * to.width];
  const windows = Array.from({ length: outPixels }, (_, i) =>
    windowPositions(op.window, from, Math.floor(i / to.width), i % to.width),
  );
  const taps = op.window.kernel[0] * op.window.kernel[1];
  const reduce = op.kind === "max-pool" ? greatest : sumOf;
  const divisors = windows.map((w) => (op.kind === "max-pool" ? 1 : op.countPads ? taps : w.length));
  return (x, count) => {
    const maps = count * from.channels;
    const y = new Float32Array(maps * outPixels);
    for (let map = 0; map < maps; map++) {
      for (let i = 0; i < outPixels; i++) {
        y[map * outPixels + i] = reduce(x, map * inPixels, windows[i]!) / divisors[i]!;
      }
    }
    return y;
  };
}

/** Positions within the map of the taps that lie inside, row by row. */
function windowPositions({ kernel, stride, dilation, pads }: Window, from: MapSize, oy: number, ox: number) {
  const positions: number[] = [];
  for (let ky = 0; ky < kernel[0]; ky++) {
    const y = oy * stride[0] - pads[0] + ky * dilation[0];
    if (y < 0 || y >= from.height) continue;
    for (let kx = 0; kx < kernel[1]; kx++) {
      const x = ox * stride[1] - pads[1] + kx * dilation[1];
      if (x >= 0 && x < from.width) positions.push(y * from.width + x);
    }
  }
  return positions;
}

function greatest(x: Float32Array, start: number, positions: readonly number[]): number {
  let most = Number.NEGATIVE_INFINITY;
  for (const position of positions) {
    const value = x[start + position]!;
    if (value > most) most = value;
  }
  return most;
}

function sumOf(x: Float32Array, start: number, positions: readonly number[]): number {
  let sum = 0;
  for (const position of positions) sum = Math.fround(sum + x[start + position]!);
  return sum;
}

/** Each part's run of elements, once per position of the axes before. */
export function compileConcat(
  axis: number,
  parts: readonly Shape[],
): (x: readonly Float32Array[], count: number) => Float32Array {
  const runs = parts.map((shape) => shape.slice(axis).reduce((a, b) => a * b, 1));
  const outer = parts[0]!.slice(0, axis).reduce((a, b) => a * b, 1);
  const total = runs.reduce((a, b) => a + b, 0);
  return (x, count) => {
    const y = new Float32Array(count * outer * total);
    let to = 0;
    for (let o = 0; o < count * outer; o++) {
      for (const [i, run] of runs.entries()) {
        y.set(x[i]!.subarray(o * run, (o + 1) * run), to);
        to += run;
      }
    }
    return y;
  };
}

export function compileSlice({ starts, steps }: Op<"slice">, input: Shape, output: Shape): Layer {
  const strides = stridesOf(input);
  const start = starts.reduce((sum, s, axis) => sum + s * strides[axis]!, 0);
  const positions = stridedPositions(
    output,
    strides.map((s, axis) => s * steps[axis]!),
    start,
  );
  return gather(positions, count(input), 0);
}

export function compileTranspose({ permutation }: Op<"transpose">, input: Shape, output: Shape): Layer {
  const strides = stridesOf(input);
  return gather(
    stridedPositions(
      output,
      permutation.map((p) => strides[p]!),
    ),
    count(input),
    0,
  );
}

export function compilePad({ before, value }: Op<"pad">, input: Shape, output: Shape): Layer {
  const strides = stridesOf(output);
  const start = before.reduce((sum, n, axis) => sum + n * strides[axis]!, 0);
  const inside = stridedPositions(input, strides, start);
  const positions = new Int32Array(count(output)).fill(-1);
  inside.forEach((to, i) => {
    positions[to] = i;
  });
  return gather(positions, inside.length, value);
}

/** Elements at the given positions of each input, `fill` where the position is −1. */
function gather(positions: Int32Array, size: number, fill: number): Layer {
  return (x, images) => {
    const y = new Float32Array(images * positions.length);
    for (let image = 0; image < images; image++) {
      for (let i = 0; i < positions.length; i++) {
        const position = positions[i]!;
        y[image * positions.length + i] = position < 0 ? fill : x[image * size + position]!;
      }
    }
    return y;
  };
}

function count(shape: Shape): number {
  return shape.reduce((a, b) => a * b, 1);
}
