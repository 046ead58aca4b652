/** QUANTIZE and DEQUANTIZE: float32 to 8-bit integers and back. */
import type { FloatTensor, GraphOp } from "../../../graph/types.js";
import { countOf, floatConstant } from "../../common/constant.js";
import { damaged, Rejection } from "../../common/rejection.js";
import { FLOAT_BLOCK, inBlocks, isRow } from "../blocks.js";
import { elementwise } from "../layout.js";
import {
  type Affine,
  type ConstantValue,
  elementText,
  integersUnsupported,
  type OpHandler,
  type RuntimeValue,
  requiredInput,
  runtimeInput,
} from "../node.js";
import { affineOf, type IntegerType, integerRange, isIntegerType, roundingTo, single } from "../quantized.js";
import { requantized } from "./integers.js";

/**
 * `clamp(round(x / scale) + zero point)`: the integer less the zero point is the rounding of the quotient, clamped to
 * the range less the zero point. Vector code multiplies by the reciprocal and takes halves to even; values of fewer
 * elements than it takes at a time are divided, halves away from zero.
 */
export const quantize: OpHandler = (node) => {
  const input = runtimeInput(node, 0);
  const { type } = node.output;
  if (!isIntegerType(type)) throw new Rejection(`it quantizes to ${type}`, "quantize to int8 or uint8");
  const affine = affineOf(node.output);
  if (input.element !== "float32") {
    // Between int8 and uint8 with zero points 128 apart the integers less the zero point are the same.
    if (isSame(input, type, affine)) return { ...input, element: type, affine };
    if (input.element === "int8" && type === "int8") return requantized(node, input);
    throw integersUnsupported(`it rescales ${elementText(input)} to ${type}`);
  }
  const isInBlocks = inBlocks(countOf(input.shape), FLOAT_BLOCK) > 0;
  const steps = isInBlocks
    ? step("multiply", Math.fround(1 / affine.scale), "steps")
    : step("divide", affine.scale, "steps");
  const rounding = roundingTo(...integerRange(type, affine), isInBlocks ? "half-even" : "half-away");
  const operations = [...steps, [rounding, "integer"] as const];
  return elementwise(node, input, () => operations, { element: type, affine });
};

function isSame({ element, affine }: RuntimeValue, type: IntegerType, to: Affine): boolean {
  if (!isIntegerType(element) || affine?.scale !== to.scale) return false;
  return integerRange(element, affine)[0] === integerRange(type, to)[0];
}

/**
 * `rounded(rounded(scale · integer) + rounded(−scale · zero point))` in TFLite's vector code, and
 * `rounded(scale · (integer − zero point))` in that for the elements that are left; one product where the zero point is
 * 0. In maps all elements are taken as the vector code's. Constants (also float16) become float32 constants.
 */
export const dequantize: OpHandler = (node) => {
  const input = requiredInput(node, 0);
  if (node.output.type !== "float32")
    throw new Rejection(`it dequantizes to ${node.output.type}`, "convert the model with float32 outputs");
  if (input.kind === "constant") return dequantizedConstant(input);
  if (input.affine === undefined) throw new Rejection(`it dequantizes ${elementText(input)}`, damaged);
  const { scale, zero } = input.affine;
  const count = countOf(input.shape);
  // With scales that are powers of two nothing is rounded, in either order.
  const head = Number.isInteger(Math.log2(scale)) ? 0 : inBlocks(count, FLOAT_BLOCK);
  // 0 for elements that are left.
  const forHead = (x: number): FloatTensor =>
    head < count && isRow(input.shape)
      ? { shape: [count], data: Float32Array.from({ length: count }, (_, i) => (i < head ? x : 0)) }
      : single(head > 0 ? x : 0);
  const operations = [
    ...step("add", forHead(zero), "with zero point"),
    ...step("multiply", scale, "steps"),
    ...step("add", forHead(Math.fround(-zero * scale)), "real"),
  ];
  return elementwise(node, input, () => operations, { element: "float32" });
};

/** An operation with a constant; nothing where it changes no number. */
function step(
  operator: "add" | "multiply" | "divide",
  x: number | FloatTensor,
  part: string,
): readonly (readonly [GraphOp, string])[] {
  const operand = typeof x === "number" ? single(x) : x;
  const neutral = operator === "add" ? 0 : 1;
  if (operand.data.every((c) => c === neutral)) return [];
  return [[{ kind: "arithmetic", operator, operand, reversed: false }, part]];
}

/** Weights with their codes; scales per tensor or along one axis. */
function dequantizedConstant({ constant, tensor }: ConstantValue): ConstantValue {
  // float16 constants were widened when they were read.
  if (constant.kind === "float") return { kind: "constant", constant };
  const { shape, data } = constant;
  const { scale = [], zero = [], axis = 0 } = tensor?.quantization ?? {};
  const isPerAxis = scale.length > 1;
  const fits = !isPerAxis || (axis >= 0 && scale.length === shape[axis]);
  if (scale.length === 0 || !fits || !scale.every((s) => s > 0 && Number.isFinite(s)))
    throw new Rejection("its constant has no scale that fits", damaged);
  const inner = isPerAxis ? shape.slice(axis + 1).reduce((a, b) => a * b, 1) : data.length;
  const channel = (i: number): number => Math.floor(i / inner) % scale.length;
  const codes = Int32Array.from(data, (q, i) => q - (zero.length > 1 ? zero[channel(i)]! : (zero[0] ?? 0)));
  const values = Float32Array.from(codes, (c, i) => c * scale[channel(i)]!);
  const scales = {
    shape: shape.map((n, i) => (isPerAxis && i === axis ? n : 1)),
    data: Float32Array.from(scale),
  };
  return {
    kind: "constant",
    constant: { ...floatConstant(shape, values), quantized: { codes, scale: scales } },
  };
}
