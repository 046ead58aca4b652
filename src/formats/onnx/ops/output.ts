/** Operators that end a classifier. */
import { shapeText } from "../../../diagnostics/text.js";
import type { Shape } from "../../../graph/types.js";
import { Rejection } from "../../common/rejection.js";
import { intAttribute } from "../attributes.js";
import { normalAxis, type OnnxNode, type OpHandler, runtimeInput } from "../node.js";

export const softmax: OpHandler = (node) => {
  const input = runtimeInput(node, 0);
  const axis = node.opset < 13 ? matrixAxis(node, input.shape) : classAxis(node, input.shape, -1);
  // The classes must be all there is: other rows would be separate softmaxes, which no stage after this does.
  if (input.shape.some((n, i) => i !== axis && n !== 1)) {
    throw new Rejection(
      `it works on axis ${axis} of ${shapeText(input.shape)}`,
      "apply softmax to the class axis only",
    );
  }
  return node.emit({ kind: "softmax", axis }, input, input.shape);
};

function classAxis(node: OnnxNode, shape: Shape, byDefault: number): number {
  return normalAxis(intAttribute(node.attributes, "axis", byDefault), shape.length);
}

/** Before opset 13 the input was taken as a matrix from the axis (1 by default) on: the classes may stand on a later one. */
function matrixAxis(node: OnnxNode, shape: Shape): number {
  const first = classAxis(node, shape, 1);
  const classes = shape.findIndex((n, i) => i >= first && n !== 1);
  return classes < 0 ? first : classes;
}

export const argMax: OpHandler = (node) => {
  const input = runtimeInput(node, 0);
  const axis = normalAxis(intAttribute(node.attributes, "axis", 0), input.shape.length);
  const keepDims = intAttribute(node.attributes, "keepdims", 1) !== 0;
  const selectLast = intAttribute(node.attributes, "select_last_index", 0) !== 0;
  if (input.shape.some((n, i) => i !== axis && n !== 1)) {
    throw new Rejection(
      `it takes the maximum over axis ${axis} of ${input.shape.join("×")}`,
      "take it over the class axis",
    );
  }
  const shape = input.shape.flatMap((n, i) => (i !== axis ? [n] : keepDims ? [1] : []));
  return node.emit({ kind: "argmax", axis, keepDims, selectLast }, input, shape, { dtype: "int64" });
};
