import type { Shape, Window } from "./types.js";

/** A value as maps: [1, C, H, W], or a signal [1, C, length] as maps of height 1. */
export interface MapSize {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/** Undefined for shapes that are no maps. */
export function mapSize(shape: Shape): MapSize | undefined {
  if ((shape.length !== 3 && shape.length !== 4) || shape[0] !== 1) return undefined;
  const height = shape.length === 4 ? shape[2]! : 1;
  return { channels: shape[1]!, height, width: shape.at(-1)! };
}

/** The shape that maps of the given size have beside a value of rank 3 or 4. */
export function mapShape(rank: number, { channels, height, width }: MapSize): Shape {
  return rank === 4 ? [1, channels, height, width] : [1, channels, width];
}

/** How far a window reaches along an axis (0: height, 1: width), gaps of the dilation included. */
export function windowSpan({ kernel, dilation }: Window, axis: 0 | 1): number {
  return (kernel[axis] - 1) * dilation[axis] + 1;
}

/** Number of positions of a window along an axis of a map; 0 or less if it does not fit. */
export function windowPositions(window: Window, size: number, axis: 0 | 1): number {
  const padded = size + window.pads[axis] + window.pads[axis + 2]!;
  return Math.floor((padded - windowSpan(window, axis)) / window.stride[axis]) + 1;
}

/** Whether every position of a window has a tap inside the map, along one axis. */
export function everyWindowTouches(window: Window, size: number, axis: 0 | 1): boolean {
  const positions = windowPositions(window, size, axis);
  const [kernel, stride, dilation] = [window.kernel[axis], window.stride[axis], window.dilation[axis]];
  for (let position = 0; position < positions; position++) {
    const start = position * stride - window.pads[axis];
    const first = start >= 0 ? 0 : Math.ceil(-start / dilation);
    if (first >= kernel || start + first * dilation >= size) return false;
  }
  return true;
}
