/** Dense layers: MatMul and Gemm with constant weights. */

import { type FloatConstant, floatConstant, transpose } from "../constant.js";
import {
  floatAttribute,
  floatInput,
  intAttribute,
  type OnnxNode,
  type OpHandler,
  Rejection,
  requiredInput,
  unknown,
  type Value,
} from "../node.js";
import { recogniseCodes } from "../weights.js";

export const matMul: OpHandler = (node) => {
  const input = requiredInput(node, 0);
  const other = requiredInput(node, 1);
  if (input.kind === "unknown" || other.kind === "unknown") return unknown;
  if (input.kind === "constant" || other.kind === "runtime") {
    throw new Rejection(
      "its second operand is not a constant",
      "only layers with fixed weights on the right are supported",
    );
  }
  return dense(node, input, floatInput(node, 1, "weight matrix"));
};

export const gemm: OpHandler = (node) => {
  const input = requiredInput(node, 0);
  if (input.kind === "unknown" || requiredInput(node, 1).kind === "unknown") return unknown;
  if (intAttribute(node, "transA", 0) !== 0)
    throw new Rejection("it transposes its input", "export it with transA = 0");
  const weights = floatInput(node, 1, "weight matrix");
  const oriented = intAttribute(node, "transB", 0) !== 0 ? transpose(weights, [1, 0]) : weights;
  let result = dense(node, input, oriented);
  const alpha = floatAttribute(node, "alpha", 1);
  if (alpha !== 1) result = arithmetic(node, "multiply", result, floatConstant([], Float32Array.of(alpha)));
  if (node.inputs[2] === undefined) return result;
  const bias = floatInput(node, 2, "bias");
  const beta = floatAttribute(node, "beta", 1);
  return arithmetic(
    node,
    "add",
    result,
    floatConstant(
      bias.shape,
      bias.data.map((b) => b * beta),
    ),
  );
};

function dense(node: OnnxNode, input: Value, weights: FloatConstant): Value {
  if (input.kind !== "runtime")
    throw new Rejection("its input is a constant", "simplify the model before exporting");
  const [inputs, outputs] = weights.shape;
  if (weights.shape.length !== 2 || input.shape.at(-1) !== inputs || outputs === 0 || inputs === 0) {
    throw new Rejection(
      `an input of shape ${input.shape.join("×")} does not fit weights of shape ${weights.shape.join("×")}`,
      "the last size of the input must be the first of the weights",
    );
  }
  return node.emit({ kind: "dense", weights: recogniseCodes(weights) }, input, [
    ...input.shape.slice(0, -1),
    outputs!,
  ]);
}

function arithmetic(
  node: OnnxNode,
  operator: "add" | "multiply",
  input: Value,
  operand: FloatConstant,
): Value {
  if (input.kind !== "runtime") return unknown;
  const fits =
    operand.data.length === 1 ||
    (operand.shape.at(-1) === input.shape.at(-1) && operand.data.length === input.shape.at(-1));
  if (!fits)
    throw new Rejection(
      `a bias of shape ${operand.shape.join("×")} does not fit`,
      "one number per output is expected",
    );
  return node.emit({ kind: "arithmetic", operator, operand, reversed: false }, input, input.shape);
}
