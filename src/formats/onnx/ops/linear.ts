/** Dense layers: MatMul and Gemm with constant weights. */

import { shapeText } from "../../../diagnostics/text.js";
import { type FloatConstant, floatConstant, transpose } from "../../common/constant.js";
import { Rejection } from "../../common/rejection.js";
import { recogniseCodes } from "../../common/weights.js";
import { floatAttribute, intAttribute } from "../attributes.js";
import {
  floatInput,
  type OnnxNode,
  type OpHandler,
  type RuntimeValue,
  requiredInput,
  runtimeInput,
} from "../node.js";

export const matMul: OpHandler = (node) => {
  if (requiredInput(node, 1).kind === "runtime") {
    throw new Rejection(
      "its second operand is not a constant",
      "only layers with fixed weights on the right are supported",
    );
  }
  return dense(node, runtimeInput(node, 0), floatInput(node, 1, "weight matrix"));
};

/** `alpha · x · W + beta · c`: a dense layer, then a multiplication where alpha is not 1, then an addition. */
export const gemm: OpHandler = (node) => {
  const input = runtimeInput(node, 0);
  if (input.shape.length !== 2) throw new Rejection("its input is not a matrix", "flatten the input first");
  if (intAttribute(node.attributes, "transA", 0) !== 0)
    throw new Rejection("it transposes its input", "export it with transA = 0");
  const weights = floatInput(node, 1, "weight matrix");
  const transposed = intAttribute(node.attributes, "transB", 0) !== 0 && weights.shape.length === 2;
  const alpha = floatAttribute(node.attributes, "alpha", 1);
  const bias = biasOf(node, weights.shape[transposed ? 0 : 1] ?? 0);
  const oriented = transposed ? transpose(weights, [1, 0]) : weights;
  const isLast = alpha === 1 && bias === undefined;
  let result = dense(node, input, oriented, isLast ? undefined : "product");
  if (alpha !== 1) {
    const factor = floatConstant([], Float32Array.of(alpha));
    result = arithmetic(node, "multiply", result, factor, bias === undefined ? undefined : "scaled");
  }
  return bias === undefined ? result : arithmetic(node, "add", result, bias);
};

export function dense(
  node: OnnxNode,
  input: RuntimeValue,
  weights: FloatConstant,
  part?: string,
): RuntimeValue {
  const [inputs = 0, outputs = 0] = weights.shape;
  if (weights.shape.length !== 2 || input.shape.at(-1) !== inputs || outputs === 0 || inputs === 0) {
    throw new Rejection(
      `an input of shape ${shapeText(input.shape)} does not fit weights of shape ${shapeText(weights.shape)}`,
      "the last size of the input must be the first of the weights",
    );
  }
  const shape = [...input.shape.slice(0, -1), outputs];
  return node.emit({ kind: "dense", weights: recogniseCodes(weights, 1) }, input, shape, suffix(part));
}

/** `beta · c`, folded: one number per output or one for all. */
function biasOf(node: OnnxNode, outputs: number): FloatConstant | undefined {
  if (node.inputs[2] === undefined) return undefined;
  const bias = floatInput(node, 2, "bias");
  const rest = bias.shape.slice(0, -1);
  const fits = (bias.shape.at(-1) ?? 1) === outputs || bias.data.length === 1;
  if (!fits || rest.some((n) => n !== 1) || bias.shape.length > 2) {
    throw new Rejection(
      `a bias of shape ${shapeText(bias.shape)} does not fit`,
      `one number per output is expected: ${outputs}`,
    );
  }
  const beta = floatAttribute(node.attributes, "beta", 1);
  const data = bias.data.map((b) => b * beta);
  if (data.every(Number.isFinite)) return floatConstant(bias.shape, data);
  throw new Rejection("its bias times beta is not finite", "check the model's parameters");
}

function arithmetic(
  node: OnnxNode,
  operator: "add" | "multiply",
  input: RuntimeValue,
  { shape, data }: FloatConstant,
  part?: string,
): RuntimeValue {
  const op = { kind: "arithmetic", operator, operand: { shape, data }, reversed: false } as const;
  return node.emit(op, input, input.shape, suffix(part));
}

function suffix(part: string | undefined): { part?: string } {
  return part === undefined ? {} : { part };
}
