import type { FloatTensor, WeightTensor } from "../../graph/types.js";
import { checkFolded } from "./limits.js";

/** A constant during import: float32 (with its quantizer's codes, if it came out of one) or whole numbers. */
export type Constant = FloatConstant | IntConstant;

export interface FloatConstant extends WeightTensor {
  readonly kind: "float";
}

export interface IntConstant {
  readonly kind: "int";
  readonly shape: readonly number[];
  readonly data: readonly number[];
  /** The file's name of the type, e.g. int8, where it came from a tensor. */
  readonly type?: string;
}

export function floatConstant(shape: readonly number[], data: Float32Array): FloatConstant {
  return { kind: "float", shape, data };
}

export function intConstant(shape: readonly number[], data: readonly number[]): IntConstant {
  return { kind: "int", shape, data };
}

/** Number of elements of a shape. */
export function countOf(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

/** numpy's broadcast of two shapes, undefined where they do not fit. */
export function broadcastShapes(a: readonly number[], b: readonly number[]): number[] | undefined {
  const rank = Math.max(a.length, b.length);
  const result: number[] = [];
  for (let i = 0; i < rank; i++) {
    const x = a[a.length - rank + i] ?? 1;
    const y = b[b.length - rank + i] ?? 1;
    if (x !== y && x !== 1 && y !== 1) return undefined;
    result.push(x === 1 ? y : x);
  }
  return result;
}

/** Row-major strides of `from` when read in the order of `to`; 0 where a dimension is repeated. */
export function broadcastStrides(from: readonly number[], to: readonly number[]): number[] {
  const strides = new Array<number>(to.length).fill(0);
  let stride = 1;
  for (let i = from.length - 1; i >= 0; i--) {
    if (from[i] !== 1) strides[to.length - from.length + i] = stride;
    stride *= from[i]!;
  }
  return strides;
}

/**
 * Positions in a tensor with `strides` for every index of `shape`, in row-major order. Throws a Rejection
 * for shapes beyond the limits of folding.
 */
export function positions(shape: readonly number[], strides: readonly number[]): Int32Array {
  checkFolded(shape);
  const result = new Int32Array(countOf(shape));
  const index = new Array<number>(shape.length).fill(0);
  let position = 0;
  for (let i = 0; i < result.length; i++) {
    result[i] = position;
    for (let d = shape.length - 1; d >= 0; d--) {
      position += strides[d]!;
      index[d]!++;
      if (index[d]! < shape[d]!) break;
      position -= strides[d]! * shape[d]!;
      index[d] = 0;
    }
  }
  return result;
}

/** A tensor repeated to a larger shape. */
export function expand(tensor: FloatTensor, shape: readonly number[]): FloatTensor {
  return { shape, data: pick(tensor.data, positions(shape, broadcastStrides(tensor.shape, shape))) };
}

function pick(data: Float32Array, order: Int32Array): Float32Array {
  const result = new Float32Array(order.length);
  for (let i = 0; i < order.length; i++) result[i] = data[order[i]!]!;
  return result;
}

type Codes = NonNullable<FloatConstant["quantized"]>;

/** A moved constant with whatever its quantizer left with it: codes and their scales, bases and their coefficients. */
function withMoved(
  moved: FloatConstant,
  { quantized, bases }: FloatConstant,
  move: (codes: Codes) => Codes,
): FloatConstant {
  return {
    ...moved,
    ...(quantized === undefined ? {} : { quantized: move(quantized) }),
    ...(bases === undefined
      ? {}
      : {
          bases: bases.map(({ codes: own, coefficient }) => {
            const { codes, scale } = move({ codes: own, scale: coefficient });
            return { codes, coefficient: scale };
          }),
        }),
  };
}

/** Transposes a constant and whatever its quantizer left with it. */
export function transpose(constant: FloatConstant, permutation: readonly number[]): FloatConstant {
  const order = transposedPositions(constant.shape, permutation);
  const shape = permutation.map((p) => constant.shape[p]!);
  return withMoved(floatConstant(shape, pick(constant.data, order)), constant, ({ codes, scale }) => ({
    codes: order.map((p) => codes[p]!),
    scale: {
      shape: permutation.map((p) => scale.shape[p]!),
      data: pick(scale.data, transposedPositions(scale.shape, permutation)),
    },
  }));
}

/** Reshapes a constant; a scale per channel is written out per element first. */
export function reshape(constant: FloatConstant, shape: readonly number[]): FloatConstant {
  return withMoved(floatConstant(shape, constant.data), constant, ({ codes, scale }) => ({
    codes,
    scale:
      scale.data.length === 1
        ? { shape: shape.map(() => 1), data: scale.data }
        : { shape, data: expand(scale, constant.shape).data },
  }));
}

/** A constant and its scale with an axis of size 1 in front of `axis`. */
export function insertAxis(constant: FloatConstant, axis: number): FloatConstant {
  const longer = (shape: readonly number[]): number[] => [...shape.slice(0, axis), 1, ...shape.slice(axis)];
  return withMoved(floatConstant(longer(constant.shape), constant.data), constant, ({ codes, scale }) => ({
    codes,
    scale: { shape: longer(scale.shape), data: scale.data },
  }));
}

function transposedPositions(shape: readonly number[], permutation: readonly number[]): Int32Array {
  const strides = broadcastStrides(shape, shape);
  return positions(
    permutation.map((p) => shape[p]!),
    permutation.map((p) => strides[p]!),
  );
}
