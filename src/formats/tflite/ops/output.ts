/** Operators that end a classifier. */
import { shapeText } from "../../../diagnostics/text.js";
import { damaged, Rejection } from "../../common/rejection.js";
import { channelsLast, computed } from "../layout.js";
import { floatInput, intsInput, normalAxis, type OpHandler, type RuntimeValue, type Stage } from "../node.js";
import { single } from "../quantized.js";

/** Over the last axis, which must hold all there is; `beta` multiplies first. */
export const softmax: OpHandler = (node) => {
  const input = floatInput(node, 0);
  const axis = input.shape.length - 1;
  checkAxis(input, axis, "softmax");
  const beta = node.options.f32(0);
  if (!(beta > 0) || !Number.isFinite(beta)) throw new Rejection(`its beta is ${beta}`, damaged);
  const { shape } = input;
  const scaled = {
    kind: "arithmetic",
    operator: "multiply",
    operand: single(beta),
    reversed: false,
  } as const;
  const stages: Stage[] = [
    ...(beta === 1 ? [] : [{ op: scaled, shape, part: "scaled" }]),
    { op: { kind: "softmax", axis }, shape, part: "softmax" },
  ];
  return computed("last", node.emit(channelsLast(node, input), stages), shape);
};

/** The first of the greatest. */
export const argMax: OpHandler = (node) => {
  const input = floatInput(node, 0);
  const { data } = intsInput(node, 1, "axis");
  if (data.length !== 1) throw new Rejection("it does not name one axis", damaged);
  const axis = normalAxis(data[0]!, input.shape.length);
  checkAxis(input, axis, "the maximum");
  const shape = input.shape.toSpliced(axis, 1);
  const op = { kind: "argmax", axis, keepDims: false, selectLast: false } as const;
  const name = node.emit(channelsLast(node, input), [{ op, shape, part: "class" }], { dtype: "int64" });
  return computed("last", name, shape, { element: "index" });
};

function checkAxis({ shape }: RuntimeValue, axis: number, what: string): void {
  if (axis >= 0 && shape.every((n, i) => i === axis || n === 1)) return;
  throw new Rejection(
    `it takes ${what} over axis ${axis} of ${shapeText(shape)}`,
    "take it over the class axis only",
  );
}
