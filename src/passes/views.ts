/** Index maps of graph values: transposes, reshapes and slices are arithmetic on them and cost the device nothing. */
import type { Shape } from "../graph/types.js";
import { count, type MapShape, type View } from "./values.js";

/** Row-major distance between neighbours on each axis. */
export function stridesOf(shape: Shape): number[] {
  const strides = Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1]! * shape[axis + 1]!;
  return strides;
}

/** Elements in the tensor's own order. */
export function identityView(shape: Shape): View {
  return { shape, map: Int32Array.from({ length: count(shape) }, (_, i) => i) };
}

/**
 * A value whose axis `channelAxis` is the tensor's channels and whose other axes, in order, are its pixels:
 * [1, C, H, W] with axis 1 for what convolutions read and write.
 */
export function mapView(shape: Shape, channelAxis: number): View {
  const channels = shape[channelAxis]!;
  const inner = stridesOf(shape)[channelAxis]!;
  const map = new Int32Array(count(shape));
  for (let i = 0; i < map.length; i++) {
    const outer = Math.floor(i / (inner * channels));
    const channel = Math.floor(i / inner) % channels;
    map[i] = (outer * inner + (i % inner)) * channels + channel;
  }
  return { shape, map };
}

/** `y[i] = x[starts + i · steps]` with axes taken in the order `permutation`. */
export function movedView(
  view: View,
  shape: Shape,
  permutation: readonly number[],
  starts: readonly number[],
  steps: readonly number[],
): View {
  const from = stridesOf(view.shape);
  const first = starts.reduce((sum, start, axis) => sum + start * from[axis]!, 0);
  const by = permutation.map((axis) => from[axis]! * steps[axis]!);
  const map = new Int32Array(count(shape));
  const at = Array<number>(shape.length).fill(0);
  let position = first;
  for (let i = 0; i < map.length; i++) {
    map[i] = view.map[position]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      position += by[axis]!;
      if (++at[axis]! < shape[axis]!) break;
      position -= shape[axis]! * by[axis]!;
      at[axis] = 0;
    }
  }
  return { shape, map };
}

/** A view as pixels times channels: element (p, k) of the value is channel `channels[k]` of pixel `pixels[p]`. */
export interface Separated {
  /** Per position on all axes but the channels'. */
  readonly pixels: Int32Array;
  readonly channels: Int32Array;
}

/** Splits a view at an axis that runs over channels only; undefined if it does not. */
export function separate({ shape, map }: View, axis: number, tensorChannels: number): Separated | undefined {
  const size = shape[axis]!;
  const inner = stridesOf(shape)[axis]!;
  const channels = Int32Array.from({ length: size }, (_, k) => map[k * inner]! % tensorChannels);
  const pixels = new Int32Array(map.length / size);
  for (let p = 0; p < pixels.length; p++) {
    const start = Math.floor(p / inner) * inner * size + (p % inner);
    const pixel = Math.floor(map[start]! / tensorChannels);
    pixels[p] = pixel;
    for (let k = 0; k < size; k++) {
      if (map[start + k * inner] !== pixel * tensorChannels + channels[k]!) return undefined;
    }
  }
  return { pixels, channels };
}

/** A regular part of a map's pixels, as the `select` instruction takes it. */
export interface Crop {
  readonly top: number;
  readonly left: number;
  readonly steps: readonly [number, number];
}

/** The crop that puts `pixels` into `height` rows; undefined if they are not one. */
export function cropOf(
  pixels: Int32Array,
  height: number,
  width: number,
  tensorWidth: number,
): Crop | undefined {
  const top = Math.floor(pixels[0]! / tensorWidth);
  const left = pixels[0]! % tensorWidth;
  const step0 = height > 1 ? (pixels[width]! - pixels[0]!) / tensorWidth : 1;
  const step1 = width > 1 ? pixels[1]! - pixels[0]! : 1;
  if (!Number.isInteger(step0) || step0 < 1 || step1 < 1) return undefined;
  if (left + (width - 1) * step1 >= tensorWidth) return undefined;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (pixels[y * width + x] !== (top + y * step0) * tensorWidth + left + x * step1) return undefined;
    }
  }
  return { top, left, steps: [step0, step1] };
}

export function isIdentity(indices: Int32Array, length = indices.length): boolean {
  return indices.length === length && indices.every((x, i) => x === i);
}

export function isPermutation(indices: Int32Array, length: number): boolean {
  if (indices.length !== length) return false;
  const seen = new Uint8Array(length);
  for (const i of indices) seen[i] = 1;
  return !seen.includes(0);
}

/** A constant as one number per channel of the tensor; undefined if it differs within a channel. */
export function perChannel(
  operand: Operand,
  view: View,
  [height, width, channels]: MapShape,
): Float32Array | undefined {
  const [first] = operand.data;
  if (operand.data.every((x) => Object.is(x, first))) return Float32Array.of(first!);
  return perExtent(operand, view, [height, width, channels], [1, 1, channels]);
}

interface Operand {
  readonly shape: Shape;
  readonly data: Float32Array;
}

/** A constant that differs within channels, as few numbers as can be, and the sides of the tensor that they lie along. */
export function perPosition(
  operand: Operand,
  view: View,
  [height, width, channels]: MapShape,
): { readonly operand: Float32Array; readonly extent: MapShape } {
  const extents = [1, channels].flatMap((c): MapShape[] => [
    [height, 1, c],
    [1, width, c],
    [height, width, c],
  ]);
  extents.sort((a, b) => count(a) - count(b));
  for (const extent of extents) {
    const numbers = perExtent(operand, view, [height, width, channels], extent);
    if (numbers !== undefined) return { operand: numbers, extent };
  }
  throw new Error("two elements of a value stand in one place");
}

/** A constant as numbers for some sides of the tensor; undefined if it differs along the others. */
function perExtent(
  operand: Operand,
  view: View,
  [, width, channels]: MapShape,
  extent: MapShape,
): Float32Array | undefined {
  // Places that the value does not show keep any number: nothing reads them.
  const result = new Float32Array(count(extent)).fill(operand.data[0]!);
  const known = new Uint8Array(result.length);
  const expanded = placesOf(operand, view.shape);
  for (let i = 0; i < view.map.length; i++) {
    const pixel = Math.floor(view.map[i]! / channels);
    const row = extent[0] === 1 ? 0 : Math.floor(pixel / width);
    const column = extent[1] === 1 ? 0 : pixel % width;
    const channel = extent[2] === 1 ? 0 : view.map[i]! % channels;
    const place = (row * extent[1] + column) * extent[2] + channel;
    const x = operand.data[expanded[i]!]!;
    if (known[place] === 1 && !Object.is(result[place], x)) return undefined;
    known[place] = 1;
    result[place] = x;
  }
  return result;
}

/** For each element of `shape` the element of a constant that broadcasts to it. */
export function placesOf(operand: { readonly shape: Shape }, shape: Shape): Int32Array {
  const padded = [...Array<number>(shape.length - operand.shape.length).fill(1), ...operand.shape];
  const strides = stridesOf(padded).map((s, axis) => (padded[axis] === 1 ? 0 : s));
  const map = new Int32Array(count(shape));
  const at = Array<number>(shape.length).fill(0);
  let position = 0;
  for (let i = 0; i < map.length; i++) {
    map[i] = position;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      position += strides[axis]!;
      if (++at[axis]! < shape[axis]!) break;
      position -= shape[axis]! * strides[axis]!;
      at[axis] = 0;
    }
  }
  return map;
}
