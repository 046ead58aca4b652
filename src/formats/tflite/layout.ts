/**
 * TFLite's maps are [1, H, W, C], the graph's are [1, C, H, W]. A value is kept in the order in which it was
 * computed; who needs the other order asks for it, and the transpose that makes it is shared. Transposes cost the
 * device nothing, and the graph that is printed has few of them.
 */
import { shapeText } from "../../diagnostics/text.js";
import type { FloatTensor, GraphOp, Shape } from "../../graph/types.js";
import { type FloatConstant, floatConstant, transpose } from "../common/constant.js";
import { Rejection } from "../common/rejection.js";
import type { Element, Form, RuntimeValue, Stage, TfNode } from "./node.js";

const TO_PLANAR = [0, 3, 1, 2] as const;
const TO_PLAIN = [0, 2, 3, 1] as const;

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

/** The shape that a value of the file's shape has in the graph. */
export function formShape(form: Form, shape: Shape): Shape {
  return form === "plain" ? shape : TO_PLANAR.map((axis) => shape[axis]!);
}

/** The graph's axis for an axis of the file. */
export function formAxis(form: Form, axis: number): number {
  return form === "plain" ? axis : [0, 2, 3, 1][axis]!;
}

/** One number per axis, in the graph's order. */
export function formList(form: Form, list: readonly number[]): number[] {
  return form === "plain" ? [...list] : TO_PLANAR.map((axis) => list[axis]!);
}

/** The order in which the value exists already; planar where it exists in both. */
export function currentForm({ forms }: RuntimeValue): Form {
  return forms.planar === undefined ? "plain" : "planar";
}

/** The graph value in channels-first order. */
export function planar(node: TfNode, value: RuntimeValue): string {
  mapOf(value);
  value.forms.planar ??= reordered(node, value, "planar");
  return value.forms.planar;
}

/** The graph value in the file's own order. */
export function plain(node: TfNode, value: RuntimeValue): string {
  value.forms.plain ??= reordered(node, value, "plain");
  return value.forms.plain;
}

export function inForm(node: TfNode, value: RuntimeValue, form: Form): string {
  return form === "plain" ? plain(node, value) : planar(node, value);
}

function reordered(node: TfNode, value: RuntimeValue, to: Form): string {
  const { height, width, channels } = mapOf(value);
  const shape = formShape(to, value.shape);
  const from = value.forms[to === "planar" ? "plain" : "planar"]!;
  // One pixel, or one channel: both orders are the same sequence.
  const isMoved = height * width > 1 && channels > 1;
  const permutation = to === "planar" ? TO_PLANAR : TO_PLAIN;
  const op: GraphOp = isMoved ? { kind: "transpose", permutation } : { kind: "reshape" };
  const part = to === "planar" ? "channels first" : "channels last";
  return node.emit(from, [{ op, shape, part }], { isAuxiliary: true });
}

/** A new value in one form. */
export function computed(
  form: Form,
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
    forms: { [form]: name },
  };
}

/** A constant that broadcasts to the value without enlarging it, in the graph's order of axes. */
export function operandFor(form: Form, constant: FloatConstant, shape: Shape): FloatTensor {
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
  if (form === "plain") return { shape: full, data };
  const moved = transpose(floatConstant(full, data), TO_PLANAR);
  return { shape: moved.shape, data: moved.data };
}

/** An operation on each element by itself, in the order in which the value exists. */
export function elementwise(
  node: TfNode,
  value: RuntimeValue,
  operations: (form: Form) => readonly (readonly [op: GraphOp, part: string])[],
  like: { readonly element: Element; readonly affine?: RuntimeValue["affine"] } = value,
): RuntimeValue {
  const form = currentForm(value);
  const shape = formShape(form, value.shape);
  const stages = operations(form).map(([op, part]): Stage => ({ op, shape, part }));
  if (stages.length === 0) return { ...computed(form, "", value.shape, like), forms: value.forms };
  return computed(form, node.emit(value.forms[form]!, stages), value.shape, like);
}
