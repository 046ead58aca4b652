/** What layer handlers see: what a layer reads, the weights, and the graph under construction. */
import { shapeText } from "../../diagnostics/text.js";
import type { FloatTensor, GraphOp, Shape } from "../../graph/types.js";
import { type MapSize, mapSize } from "../../graph/window.js";
import { broadcastShapes } from "../common/constant.js";
import { Rejection } from "../common/rejection.js";
import type { Tensors } from "./tensors.js";

/** A computed value: channels are axis 1, as in PyTorch. */
export interface BundleValue {
  /** Of the graph's value. */
  readonly name: string;
  readonly shape: Shape;
  readonly dtype: "float32" | "int64";
}

export interface LayerCall {
  readonly inputs: readonly BundleValue[];
  readonly tensors: Tensors;
  /**
   * Adds a graph node and gives its result. `part` tells the node apart from the layer's last one, which has the layer's
   * name. Throws a Rejection for results that no microcontroller holds.
   */
  emit(
    op: GraphOp,
    inputs: readonly BundleValue[],
    shape: Shape,
    detail?: { readonly part?: string; readonly dtype?: BundleValue["dtype"] },
  ): BundleValue;
}

/** The only value that a layer reads. */
export function onlyInput({ inputs }: LayerCall): BundleValue {
  const [input] = inputs;
  if (input !== undefined && inputs.length === 1) return input;
  throw new Rejection(
    `it reads ${inputs.length} values`,
    "one input is expected; add and concat join several",
  );
}

/** Longer sides are no map of a microcontroller. */
const LONGEST_SIDE = 1 << 16;

/** The only value, which must be a map [1, C, H, W] or, for one axis, a signal [1, C, length]. */
export function mapInput(call: LayerCall, axes: 1 | 2): BundleValue & MapSize {
  const input = onlyInput(call);
  const size = mapSize(input.shape);
  const isMap = size !== undefined && input.shape.length === axes + 2;
  if (isMap && Math.max(size.height, size.width) <= LONGEST_SIDE) return { ...input, ...size };
  throw new Rejection(
    `its input has the shape ${shapeText(input.shape)}`,
    axes === 2
      ? "maps of shape 1×channels×height×width are expected"
      : "signals of shape 1×channels×length are expected",
  );
}

/** The axis that `dim` means, as PyTorch counts. */
export function axisOf(dim: number, { shape }: BundleValue): number {
  const axis = dim < 0 ? dim + shape.length : dim;
  if (axis >= 0 && axis < shape.length) return axis;
  throw new Rejection(
    `it works on axis ${dim} of ${shapeText(shape)}`,
    `use an axis from ${-shape.length} to ${shape.length - 1}`,
  );
}

/** A node on each element by itself. */
export function elementwise(call: LayerCall, input: BundleValue, op: GraphOp, part?: string): BundleValue {
  return call.emit(op, [input], input.shape, part === undefined ? {} : { part });
}

/**
 * A constant for each element of a value: a number, rounded to float32, or a tensor that broadcasts. A tensor of one
 * dimension lies along axis `dim`, where that is given.
 */
export function constantFor(
  call: LayerCall,
  { shape }: BundleValue,
  value: number | string,
  dim?: number,
): FloatTensor {
  if (typeof value === "number") return scalar(value);
  const stored = call.tensors.floats(value);
  const tensor = dim === undefined ? stored : alongAxis(stored, dim, shape.length);
  checkBroadcasts(tensor.shape, shape);
  return tensor;
}

/** Refuses constants that do not broadcast to a computed value, or would enlarge it. */
export function checkBroadcasts(constant: Shape, shape: Shape): void {
  const result = broadcastShapes(shape, constant);
  if (result !== undefined && shapeText(result) === shapeText(shape)) return;
  const perChannel = [shape[1] ?? 1, ...shape.slice(2).map(() => 1)];
  throw new Rejection(
    `a tensor of shape ${shapeText(constant)} does not broadcast to ${shapeText(shape)}`,
    `one number, or one per channel shaped ${shapeText(perChannel)}, is expected`,
  );
}

export function scalar(x: number): FloatTensor {
  return { shape: [], data: Float32Array.of(x) };
}

function alongAxis(tensor: FloatTensor, axis: number, rank: number): FloatTensor {
  if (tensor.shape.length !== 1 || axis === rank - 1) return tensor;
  const behind = new Array<number>(rank - 1 - axis).fill(1);
  return { shape: [...tensor.shape, ...behind], data: tensor.data };
}
