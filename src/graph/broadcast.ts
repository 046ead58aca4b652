import type { Shape } from "./types.js";

/**
 * For every element of `shape`, row-major, the position of the element that numpy broadcasting pairs with it
 * in a constant of shape `from`. The constant must fit.
 */
export function broadcastPositions(from: Shape, shape: Shape): Int32Array {
  const missing = shape.length - from.length;
  const strides = new Array<number>(shape.length).fill(0);
  let stride = 1;
  for (let axis = from.length - 1; axis >= 0; axis--) {
    if (from[axis] !== 1) strides[axis + missing] = stride;
    stride *= from[axis]!;
  }
  return stridedPositions(shape, strides);
}

/** Positions `start + Σ index[axis] · strides[axis]` of every index of `shape`, row-major. */
export function stridedPositions(shape: Shape, strides: readonly number[], start = 0): Int32Array {
  const positions = new Int32Array(shape.reduce((a, b) => a * b, 1));
  const index = new Array<number>(shape.length).fill(0);
  let position = start;
  for (let i = 0; i < positions.length; i++) {
    positions[i] = position;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      position += strides[axis]!;
      index[axis]!++;
      if (index[axis]! < shape[axis]!) break;
      position -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return positions;
}

/** Row-major strides of a tensor. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1]! * shape[axis + 1]!;
  return strides;
}
