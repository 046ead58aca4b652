/** Operators that end a classifier. */
import { shapeText } from "../../../diagnostics/text.js";
import { Rejection } from "../../common/rejection.js";
import { intAttribute } from "../attributes.js";
import { normalAxis, type OpHandler, runtimeInput } from "../node.js";

export const softmax: OpHandler = (node) => {
  const input = runtimeInput(node, 0);
  // Before opset 13 the default axis was 1 and the input was taken as a matrix from there on.
  const byDefault = node.opset < 13 ? 1 : -1;
  const axis = normalAxis(intAttribute(node.attributes, "axis", byDefault), input.shape.length);
  // The classes must be all there is: other rows would be separate softmaxes, which no stage after this does.
  if (input.shape.some((n, i) => i !== axis && n !== 1)) {
    throw new Rejection(
      `it works on axis ${axis} of ${shapeText(input.shape)}`,
      "apply softmax to the class axis only",
    );
  }
  return node.emit({ kind: "softmax", axis }, input, input.shape);
};

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
