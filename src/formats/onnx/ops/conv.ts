/** Convolutions with constant weights. */
import { shapeText } from "../../../diagnostics/text.js";
import type { Shape } from "../../../graph/types.js";
import { type FloatConstant, insertAxis } from "../../common/constant.js";
import { damaged, listText, Rejection } from "../../common/rejection.js";
import { recogniseCodes } from "../../common/weights.js";
import { intAttribute, intsAttribute } from "../attributes.js";
import { floatInput, type OnnxNode, type OpHandler, runtimeInput } from "../node.js";
import { mapsOf, slidingWindow, windowedShape } from "./window.js";

/** The convolution, then an addition where there is a bias. Taps outside the map are 0. */
export const conv: OpHandler = (node) => {
  const input = runtimeInput(node, 0);
  const { channels } = mapsOf(input);
  const weights = floatInput(node, 1, "weights");
  const groups = intAttribute(node.attributes, "group", 1);
  checkWeights(node, weights.shape, input.shape, channels, groups);
  const outputs = weights.shape[0]!;
  const bias = biasOf(node, outputs, input.shape.length);
  const window = slidingWindow(node, input, weights.shape.slice(2));
  const shape = windowedShape(input, window, outputs);
  const maps = input.shape.length === 3 ? insertAxis(weights, 2) : weights;
  const op = { kind: "conv", weights: recogniseCodes(maps, 0), window, groups, padValue: 0 } as const;
  if (bias === undefined) return node.emit(op, input, shape);
  const product = node.emit(op, input, shape, { part: "product" });
  return node.emit({ kind: "arithmetic", operator: "add", operand: bias, reversed: false }, product, shape);
};

function checkWeights(node: OnnxNode, weights: Shape, input: Shape, channels: number, groups: number): void {
  const [outputs = 0, perGroup = 0, ...kernel] = weights;
  const divides = groups >= 1 && outputs % groups === 0 && perGroup * groups === channels;
  if (weights.length !== input.length || weights.includes(0) || !divides) {
    throw new Rejection(
      `weights of shape ${shapeText(weights)} in ${groups} groups do not fit an input of shape ${shapeText(input)}`,
      "weights are outputs × (channels / groups) × kernel; the groups divide channels and outputs",
    );
  }
  const stated = intsAttribute(node.attributes, "kernel_shape");
  if (stated === undefined || (stated.length === kernel.length && stated.every((n, i) => n === kernel[i])))
    return;
  throw new Rejection(`its kernel_shape ${listText(stated, "×")} is not that of its weights`, damaged);
}

/** One number per output, shaped so that it is added along axis 1. */
function biasOf(
  node: OnnxNode,
  outputs: number,
  rank: number,
): { shape: Shape; data: Float32Array } | undefined {
  if (node.inputs[2] === undefined) return undefined;
  const bias: FloatConstant = floatInput(node, 2, "bias");
  if (bias.shape.length !== 1 || bias.data.length !== outputs) {
    throw new Rejection(
      `a bias of shape ${shapeText(bias.shape)} does not fit`,
      `one number per output is expected: ${outputs}`,
    );
  }
  return { shape: [outputs, ...new Array<number>(rank - 2).fill(1)], data: bias.data };
}
