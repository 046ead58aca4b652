/** QUANTIZE and DEQUANTIZE: float32 to 8-bit integers and back. */
import type { GraphOp } from "../../../graph/types.js";
import { floatConstant } from "../../common/constant.js";
import { damaged, Rejection } from "../../common/rejection.js";
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

/**
 * `clamp(round(x / scale) + zero point)`, halves away from zero: the integer less the zero point is the rounding
 * of the quotient, clamped to the range less the zero point.
 */
export const quantize: OpHandler = (node) => {
  const input = runtimeInput(node, 0);
  const { type } = node.output;
  if (!isIntegerType(type)) throw new Rejection(`it quantizes to ${type}`, "quantize to int8 or uint8");
  const affine = affineOf(node.output);
  if (input.element !== "float32") {
    // Between int8 and uint8 with zero points 128 apart the integers less the zero point are the same.
    if (isSame(input, type, affine)) return { ...input, element: type, affine };
    throw integersUnsupported(
      `it rescales ${elementText(input)} with a fixed-point multiplier, which is not supported`,
    );
  }
  const divided: readonly (readonly [GraphOp, string])[] =
    affine.scale === 1
      ? []
      : [
          [
            { kind: "arithmetic", operator: "divide", operand: single(affine.scale), reversed: false },
            "steps",
          ],
        ];
  const [qmin, qmax] = integerRange(type, affine);
  const operations = [...divided, [roundingTo(qmin, qmax), "integer"] as const];
  return elementwise(node, input, () => operations, { element: type, affine });
};

function isSame({ element, affine }: RuntimeValue, type: IntegerType, to: Affine): boolean {
  if (!isIntegerType(element) || affine?.scale !== to.scale) return false;
  return integerRange(element, affine)[0] === integerRange(type, to)[0];
}

/**
 * `rounded(rounded(scale · integer) + rounded(−scale · zero point))`, the order of TFLite's optimized kernel, which
 * Larq Compute Engine's interpreter uses; one product where the zero point is 0. The sign is that of the integer less
 * the zero point. Constants (also float16) become float32 constants.
 */
export const dequantize: OpHandler = (node) => {
  const input = requiredInput(node, 0);
  if (node.output.type !== "float32")
    throw new Rejection(`it dequantizes to ${node.output.type}`, "convert the model with float32 outputs");
  if (input.kind === "constant") return dequantizedConstant(input);
  if (input.affine === undefined) throw new Rejection(`it dequantizes ${elementText(input)}`, damaged);
  const { scale, zero } = input.affine;
  const step = (
    operator: "add" | "multiply",
    x: number,
    part: string,
  ): readonly (readonly [GraphOp, string])[] =>
    x === (operator === "add" ? 0 : 1)
      ? []
      : [[{ kind: "arithmetic", operator, operand: single(x), reversed: false }, part]];
  const operations = [
    ...step("add", zero, "with zero point"),
    ...step("multiply", scale, "steps"),
    ...step("add", Math.fround(-zero * scale), "real"),
  ];
  return elementwise(node, input, () => operations, { element: "float32" });
};

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
