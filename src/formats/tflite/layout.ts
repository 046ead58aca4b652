/** Maps of TFLite, [1, H, W, C], as values of the graph in either order of axes. */
import { shapeText } from "../../diagnostics/text.js";
import type { FloatTensor, GraphOp, Shape } from "../../graph/types.js";
import { graphShape, type Layout, nameIn, presentLayout, toFirst } from "../common/channels-last.js";
import { type FloatConstant, floatConstant, transpose } from "../common/constant.js";
import { Rejection } from "../common/rejection.js";
import type { Element, RuntimeValue, Stage, TfNode } from "./node.js";

/** Whether the value has the shape [1, H, W, C]. */
export function isMap({ shape }: RuntimeValue): boolean {
  return shape.length === 4 && shape[0] === 1;
}

/** Height, width and channels of a map. Throws a Rejection for others. */
export function mapOf(value: RuntimeValue): { height: number; width: number; channels: number } {
  const { shape } = value;
  if (isMap(value)) return { height: shape[1]!, width: shape[2]!, channels: shape[3]! };
  throw new Rejection(
    `its input has the shape ${shapeText(shape)}`,
    "maps of shape 1×height×width×channels are expected",
  );
}

/** The graph value in channels-first order. Throws a Rejection for what is no map. */
export function channelsFirst(node: TfNode, value: RuntimeValue): string {
  mapOf(value);
  return inLayout(node, value, "first");
}

/** The graph value in the file's own order. */
export function channelsLast(node: TfNode, value: RuntimeValue): string {
  return inLayout(node, value, "last");
}

export function inLayout(node: TfNode, value: RuntimeValue, layout: Layout): string {
  return nameIn(value, layout, (from, permutation, shape) => {
    const { height, width, channels } = mapOf(value);
    // One pixel, or one channel: both orders are the same sequence.
    const isMoved = height * width > 1 && channels > 1;
    const op: GraphOp = isMoved ? { kind: "transpose", permutation } : { kind: "reshape" };
    return node.emit(from, [{ op, shape, part: `channels ${layout}` }], { isAuxiliary: true });
  });
}

/** A new value in one order of axes. */
export function computed(
  layout: Layout,
  name: string,
  shape: Shape,
  like: { readonly element: Element; readonly affine?: RuntimeValue["affine"] } = { element: "float32" },
): RuntimeValue {
  const { element, affine } = like;
  return {
    kind: "runtime",
    shape,
    element,
    ...(affine === undefined ? {} : { affine }),
    names: { [layout]: name },
  };
}

/** A constant that broadcasts to the value without enlarging it, in the graph's order of axes. */
export function operandFor(layout: Layout, constant: FloatConstant, shape: Shape): FloatTensor {
  const { data } = constant;
  const missing = shape.length - constant.shape.length;
  const fits =
    data.length > 0 &&
    constant.shape.every((n, i) => (i + missing < 0 ? n === 1 : n === 1 || n === shape[i + missing]));
  if (!fits) {
    throw new Rejection(
      `a constant of shape ${shapeText(constant.shape)} does not fit ${shapeText(shape)}`,
      "the constant may have one number, or as many as the computed value along each axis",
    );
  }
  if (data.length === 1) return { shape: [], data };
  const full = shape.map((_, i) => (i < missing ? 1 : constant.shape[i - missing]!));
  if (layout === "last") return { shape: full, data };
  const moved = transpose(floatConstant(full, data), toFirst(full.length));
  return { shape: moved.shape, data: moved.data };
}

/** An operation on each element by itself, in the order in which the value exists. */
export function elementwise(
  node: TfNode,
  value: RuntimeValue,
  operations: (layout: Layout) => readonly (readonly [op: GraphOp, part: string])[],
  like: { readonly element: Element; readonly affine?: RuntimeValue["affine"] } = value,
): RuntimeValue {
  const layout = presentLayout(value);
  const shape = graphShape(value.shape, layout);
  const stages = operations(layout).map(([op, part]): Stage => ({ op, shape, part }));
  if (stages.length === 0) return { ...computed(layout, "", value.shape, like), names: value.names };
  return computed(layout, node.emit(value.names[layout]!, stages), value.shape, like);
}
