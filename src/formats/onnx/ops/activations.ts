/** Activations that stay float: they stand before quantizers and between float layers. */
import { shapeText } from "../../../diagnostics/text.js";
import type { FloatTensor } from "../../../graph/types.js";
import { broadcastShapes, floatConstant } from "../../common/constant.js";
import { damaged, Rejection } from "../../common/rejection.js";
import { floatAttribute } from "../attributes.js";
import {
  constantValue,
  floatInput,
  intInput,
  type OnnxNode,
  type OpHandler,
  requiredInput,
  runtimeInput,
  type Value,
} from "../node.js";
import { foldBinary, mapConstant, mappedInput, uniformNumber } from "./elementwise.js";
import { clippedIntegers } from "./integer-quantizers.js";
import { clippedRounding } from "./rounding.js";

export const prelu: OpHandler = (node) => {
  const input = runtimeInput(node, 0);
  const { shape, data } = floatInput(node, 1, "slope");
  const result = broadcastShapes(input.shape, shape);
  if (result === undefined || data.length === 0 || shapeText(result) !== shapeText(input.shape)) {
    throw new Rejection(
      `a slope of shape ${shapeText(shape)} does not fit ${shapeText(input.shape)}`,
      "one slope, or one per channel shaped channels×1×1, is expected",
    );
  }
  return node.emit({ kind: "prelu", slope: { shape, data } }, input, input.shape);
};

export const leakyRelu: OpHandler = (node) => {
  const input = runtimeInput(node, 0);
  const { shape, data } = floatConstant([], Float32Array.of(floatAttribute(node.attributes, "alpha", 0.01)));
  return node.emit({ kind: "prelu", slope: { shape, data } }, input, input.shape);
};

/** ONNX's defaults, float32's greatest numbers, are no bounds for finite values. */
const LARGEST = 3.4028234663852886e38;

/** Bounds are attributes before opset 11, then inputs, of the type of what is clipped. */
export const clip: OpHandler = (node) => {
  const low = bound(node, 1, "min", -LARGEST);
  const high = bound(node, 2, "max", LARGEST);
  if (low > high) throw new Rejection(`it clips to ${low}…${high}, which is empty`, damaged);
  const [input] = node.inputs;
  if (input?.kind === "codes") return clippedIntegers(node, input, low, high);
  return clipped(
    node,
    0,
    low <= -LARGEST ? Number.NEGATIVE_INFINITY : low,
    high >= LARGEST ? Number.POSITIVE_INFINITY : high,
  );
};

export const max = extremum(Math.max, (node, index, bound) => clipped(node, index, bound, Infinity));
export const min = extremum(Math.min, (node, index, bound) => clipped(node, index, -Infinity, bound));

/** `min(max(x, low), high)` of constants, of functions with few values, of roundings, and of computed values. */
function clipped(node: OnnxNode, index: number, low: number, high: number): Value {
  const clamp = (x: number): number => Math.min(Math.max(x, low), high);
  const waiting = mappedInput(node, index, clamp) ?? clippedRounding(node, index, low, high);
  if (waiting !== undefined) return waiting;
  const input = requiredInput(node, index);
  if (input.kind === "constant") return constantValue(mapConstant(input.constant, clamp));
  return node.emit({ kind: "clip", low, high }, runtimeInput(node, index), input.shape);
}

/** Of constants, or of one computed value and constants that are one number. */
function extremum(
  apply: (a: number, b: number) => number,
  cut: (node: OnnxNode, index: number, bound: number) => Value,
): OpHandler {
  return (node) => {
    if (node.inputs.length === 0) throw new Rejection("it has no inputs", damaged);
    const constants = node.inputs.flatMap((v) => (v?.kind === "constant" ? [v.constant] : []));
    const all = constants.length === 0 ? undefined : constants.reduce((a, b) => foldBinary(a, b, apply));
    const [index, ...others] = node.inputs.flatMap((v, i) => (v?.kind === "constant" ? [] : [i]));
    if (index === undefined && all !== undefined) return constantValue(all);
    if (index === undefined || others.length > 0)
      throw new Rejection("it compares two computed values", "compare a computed value with constants only");
    const input = node.inputs[index];
    if (all === undefined) return requiredInput(node, index);
    const { shape } = input?.kind === "pending" ? input : runtimeInput(node, index);
    const number = uniformNumber(all, shape);
    if (number === undefined)
      throw new Rejection("its bound differs between elements", "one bound for all elements is expected");
    return cut(node, index, number);
  };
}

/** `min(max(alpha · x + beta, 0), 1)`, each operation rounded, as ONNX Runtime computes it. */
export const hardSigmoid: OpHandler = (node) => {
  const input = runtimeInput(node, 0);
  const constant = (name: string, byDefault: number): FloatTensor => ({
    shape: [],
    data: Float32Array.of(floatAttribute(node.attributes, name, byDefault)),
  });
  const product = node.emit(
    { kind: "arithmetic", operator: "multiply", operand: constant("alpha", 0.2), reversed: false },
    input,
    input.shape,
    { part: "scaled" },
  );
  const sum = node.emit(
    { kind: "arithmetic", operator: "add", operand: constant("beta", 0.5), reversed: false },
    product,
    input.shape,
    { part: "shifted" },
  );
  return node.emit({ kind: "clip", low: 0, high: 1 }, sum, input.shape);
};

function bound(node: OnnxNode, index: number, name: string, byDefault: number): number {
  if (node.inputs[index] === undefined) return floatAttribute(node.attributes, name, byDefault);
  const read = isInteger(node.inputs[0]) ? intInput : floatInput;
  const { data } = read(node, index, name === "min" ? "lower bound" : "upper bound");
  if (data.length === 1) return data[0]!;
  throw new Rejection(`its ${name} has ${data.length} elements`, "one bound for all elements is expected");
}

function isInteger(value: Value | undefined): boolean {
  return value?.kind === "codes" || (value?.kind === "constant" && value.constant.kind === "int");
}
