/** Operators that end a classifier. */
import { shapeText } from "../../../diagnostics/text.js";
import { damaged, Rejection } from "../../common/rejection.js";
import { channelsLast, computed } from "../layout.js";
import {
  floatInput,
  intsInput,
  normalAxis,
  type OpHandler,
  type RuntimeValue,
  runtimeInput,
  type Stage,
  type TfNode,
} from "../node.js";
import { affineOf, single } from "../quantized.js";

/** Over the last axis, which must hold all there is; `beta` multiplies first. */
export const softmax: OpHandler = (node) => {
  if (runtimeInput(node, 0).element === "int8") return integerSoftmax(node);
  const input = floatInput(node, 0);
  const axis = input.shape.length - 1;
  checkAxis(input, axis, "softmax");
  const beta = betaOf(node);
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

/** In steps of 1/256 from 0, as TFLite demands of its output. */
function integerSoftmax(node: TfNode): RuntimeValue {
  const input = runtimeInput(node, 0);
  const { shape } = input;
  const axis = shape.length - 1;
  checkAxis(input, axis, "softmax");
  const affine = affineOf(node.output);
  if (node.output.type !== "int8" || affine.scale !== 1 / 256 || affine.zero !== -128)
    throw new Rejection("its output is no int8 in steps of 1/256 from -128 on", damaged);
  const step = Math.fround(input.affine!.scale * betaOf(node));
  if (!(step > 0) || !Number.isFinite(step))
    throw new Rejection("its scale times beta is no float32", damaged);
  const stage: Stage = { op: { kind: "softmax", axis, integers: { step } }, shape, part: "softmax" };
  return computed("last", node.emit(channelsLast(node, input), [stage]), shape, { element: "int8", affine });
}

function betaOf({ options }: TfNode): number {
  const beta = options.f32(0);
  if (beta > 0 && Number.isFinite(beta)) return beta;
  throw new Rejection(`its beta is ${beta}`, damaged);
}

/** The first of the greatest: of int8, integers compare as the numbers do. */
export const argMax: OpHandler = (node) => {
  const isInteger = runtimeInput(node, 0).element === "int8";
  const input = isInteger ? runtimeInput(node, 0) : floatInput(node, 0);
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
