/** BipolarQuant and Quant: the quantizers of QONNX, as Brevitas exports them. */

import { printable } from "../../../diagnostics/text.js";
import { quantize } from "../../../graph/quantize.js";
import type { FloatTensor, Quantizer, Rounding } from "../../../graph/types.js";
import { broadcastShapes, expand, type FloatConstant, floatConstant } from "../../common/constant.js";
import { Rejection } from "../../common/rejection.js";
import { intAttribute, textAttribute } from "../attributes.js";
import {
  type ConstantValue,
  constantValue,
  floatInput,
  floatValue,
  type OnnxNode,
  type OpHandler,
  type RuntimeValue,
  requiredInput,
} from "../node.js";
import { pendingInput } from "../pending.js";

/** Widest code that a graph can hold; what the device takes is narrower and checked when lowering. */
const MOST_BITS = 32;

/** Rounding modes by QONNX's names; in Python DOWN and UP are toward and away from zero. */
const roundings: Readonly<Record<string, Rounding>> = {
  ROUND: "half-even",
  HALF_EVEN: "half-even",
  ROUND_TO_ZERO: "toward-zero",
  DOWN: "toward-zero",
  UP: "away-from-zero",
  CEIL: "ceil",
  FLOOR: "floor",
  HALF_UP: "half-up",
  HALF_DOWN: "half-down",
};

export const bipolarQuant: OpHandler = (node) =>
  quantizeValue(node, { kind: "bipolar", scale: scaleInput(node, 1), signOfZero: 1 });

export const quant: OpHandler = (node) => {
  const scale = scaleInput(node, 1);
  const zeroPoint = numberInput(node, 2, "zero point");
  const bits = singleNumber(numberInput(node, 3, "bit width"), "bit width");
  const signed = intAttribute(node.attributes, "signed", 1) !== 0;
  const narrow = intAttribute(node.attributes, "narrow", 0) !== 0;
  const mode = textAttribute(node.attributes, "rounding_mode", "ROUND").toUpperCase();
  const rounding = Object.hasOwn(roundings, mode) ? roundings[mode]! : undefined;
  if (rounding === undefined) {
    throw new Rejection(
      `rounding mode "${printable(mode, 20)}" is not known`,
      `use one of ${Object.keys(roundings).join(", ")}`,
    );
  }
  if (!Number.isInteger(bits) || bits < 1 || bits > MOST_BITS) {
    throw new Rejection(`a bit width of ${bits} is not supported`, "use 1 to 8 bits");
  }
  // QONNX takes one signed bit as binarization: x / scale + zero point ≥ 0.
  if (bits === 1 && signed) return quantizeValue(node, oneSignedBit(scale, zeroPoint));
  // QONNX computes the bounds in float32, which matters beyond 24 bits.
  const qmin = signed ? Math.fround(-(2 ** (bits - 1)) + (narrow ? 1 : 0)) : 0;
  const qmax = Math.fround(signed ? 2 ** (bits - 1) - 1 : 2 ** bits - 1 - (narrow ? 1 : 0));
  return quantizeValue(node, { kind: "uniform", scale, zeroPoint, qmin, qmax, rounding });
};

function oneSignedBit(scale: FloatTensor, zeroPoint: FloatTensor): Quantizer {
  if (scale.data.some((s) => s < 0) || zeroPoint.data.some((z) => z !== 0)) {
    throw new Rejection(
      "a one-bit Quant with a negative scale or a zero point is not supported",
      "use BipolarQuant",
    );
  }
  return { kind: "bipolar", scale, signOfZero: 1 };
}

function scaleInput(node: OnnxNode, index: number): FloatTensor {
  const { shape, data } = floatInput(node, index, "scale");
  if (data.length > 0 && data.every((s) => s !== 0)) return { shape, data };
  throw new Rejection("its scale is zero", "train or export the model again with a positive scale");
}

/** QONNX takes the zero point and the bit width as floats or as integers. */
function numberInput(node: OnnxNode, index: number, what: string): FloatTensor {
  const value = requiredInput(node, index);
  const { shape, data } =
    value.kind === "constant" && value.constant.kind === "int"
      ? value.constant
      : floatInput(node, index, what);
  return { shape, data: Float32Array.from(data) };
}

function singleNumber(tensor: FloatTensor, what: string): number {
  const first = tensor.data[0] ?? Number.NaN;
  if (tensor.data.every((x) => x === first)) return first;
  throw new Rejection(`its ${what} differs between channels`, `use one ${what} per tensor`);
}

/** Constants become weights with codes; run-time values get a quantizer node. */
export function quantizeValue(node: OnnxNode, quantizer: Quantizer): RuntimeValue | ConstantValue {
  const input = signSource(node, quantizer) ?? requiredInput(node, 0);
  const shape = input.kind === "constant" ? input.constant.shape : input.shape;
  const parameters =
    quantizer.kind === "bipolar" ? [quantizer.scale] : [quantizer.scale, quantizer.zeroPoint];
  for (const parameter of parameters) {
    const result = broadcastShapes(shape, parameter.shape);
    if (result === undefined || result.length !== shape.length || result.some((n, i) => n !== shape[i])) {
      throw new Rejection(
        "its scale or zero point does not fit the shape of its input",
        "export the model again",
      );
    }
  }
  if (input.kind === "runtime") return node.emit({ kind: "quantize", quantizer }, floatValue(input), shape);
  if (input.constant.kind === "int") throw new Rejection("it quantizes integers", "quantize float weights");
  return constantValue(quantizeConstant(input.constant, quantizer));
}

/** The sign of a function that keeps it is that of its own input. */
function signSource(node: OnnxNode, { kind }: Quantizer): RuntimeValue | undefined {
  const before = pendingInput(node, 0);
  return kind === "bipolar" && before?.form.kind === "same-sign" ? before.source : undefined;
}

function quantizeConstant(constant: FloatConstant, quantizer: Quantizer): FloatConstant {
  const { shape } = constant;
  const scales = expand(quantizer.scale, shape).data;
  const zeros =
    quantizer.kind === "uniform" ? expand(quantizer.zeroPoint, shape).data : new Float32Array(scales.length);
  const data = constant.data.map((x, i) => quantize(quantizer, x, scales[i]!, zeros[i]!));
  if (!data.every(Number.isFinite))
    throw new Rejection("quantizing its weights overflows float32", "check the model's scales");
  const codes = Int32Array.from(data, (y, i) => Math.round(y / scales[i]!));
  const missing = shape.length - quantizer.scale.shape.length;
  const scale = {
    shape: [...new Array<number>(missing).fill(1), ...quantizer.scale.shape],
    data: quantizer.scale.data,
  };
  // A fractional zero point leaves values that are no integer times the scale: then there are no codes.
  const exact = codes.every((c, i) => Math.fround(c * scales[i]!) === data[i]);
  return exact ? { ...floatConstant(shape, data), quantized: { codes, scale } } : floatConstant(shape, data);
}
