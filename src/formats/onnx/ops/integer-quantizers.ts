/**
 * QuantizeLinear and DequantizeLinear to and from 8 bits: together one quantizer. Between the two stand integers,
 * of which a Clip makes fewer bits; nothing else may compute on them.
 */
import type { FloatTensor, Shape } from "../../../graph/types.js";
import { type FloatConstant, floatConstant, type IntConstant } from "../../common/constant.js";
import { damaged, Rejection } from "../../common/rejection.js";
import { intAttribute } from "../attributes.js";
import {
  constantValue,
  floatInput,
  normalAxis,
  type OnnxNode,
  type OpHandler,
  type QuantizedValue,
  requiredInput,
} from "../node.js";
import { onceAsked } from "../pending.js";
import { quantizeValue } from "./quantizers.js";

/** Least and greatest integer of the types that are supported. */
const ranges: Readonly<Record<string, readonly [number, number]>> = { int8: [-128, 127], uint8: [0, 255] };

export const quantizeLinear: OpHandler = (node) => {
  const input = requiredInput(node, 0);
  checkFloat32(node, "precision");
  const shape = input.kind === "constant" ? input.constant.shape : input.shape;
  const { scale, zero, type } = parameters(node, shape);
  if (input.kind === "constant" && input.constant.kind === "int")
    throw new Rejection("it quantizes integers", "quantize float weights");
  const range = Object.hasOwn(ranges, type) ? ranges[type] : undefined;
  if (range === undefined)
    throw new Rejection(`it quantizes to ${type}`, "quantize to int8 or uint8, or use QONNX's Quant");
  if (zero.some((n) => n !== zero[0]))
    throw new Rejection("its zero point differs between channels", "use one zero point per tensor");
  return integers(node, node, { shape, scale, zero, range });
};

/**
 * `saturate(round(x / scale) + zero point)`, clipped or not, is the rounding of `x / scale` clamped to the range less
 * the zero point: a quantizer without one, whose ties go to even as ONNX Runtime's do. `source` is the QuantizeLinear,
 * `node` it or the Clip behind it that writes these integers.
 */
function integers(
  source: OnnxNode,
  node: OnnxNode,
  facts: Pick<QuantizedValue, "shape" | "scale" | "zero" | "range">,
): QuantizedValue {
  const { scale, range } = facts;
  const [zero = 0] = facts.zero;
  const settle = onceAsked(node, () =>
    quantizeValue(
      { ...node, inputs: source.inputs },
      {
        kind: "uniform",
        scale,
        zeroPoint: { shape: [], data: new Float32Array(1) },
        qmin: range[0] - zero,
        qmax: range[1] - zero,
        rounding: "half-even",
      },
    ),
  );
  return {
    kind: "codes",
    ...facts,
    within: (reader, bounds) => integers(source, reader, { ...facts, range: bounds }),
    settle,
  };
}

/** Clip between the two, as Brevitas writes fewer than 8 bits: its bounds are integers. */
export function clippedIntegers(
  node: OnnxNode,
  input: QuantizedValue,
  low: number,
  high: number,
): QuantizedValue {
  const cut = (q: number): number => Math.min(Math.max(q, low), high);
  const range = [cut(input.range[0]), cut(input.range[1])] as const;
  if (range[0] < range[1]) return input.within(node, range);
  throw new Rejection(`it is always ${range[0]}`, "check the model's bit widths");
}

export const dequantizeLinear: OpHandler = (node) => {
  const input = node.inputs[0];
  checkFloat32(node, "output_dtype");
  if (input?.kind === "codes") {
    const { scale, zero } = parameters(node, input.shape);
    const same = (a: ArrayLike<number>, b: ArrayLike<number>): boolean =>
      a.length === b.length && Array.from(a).every((n, i) => n === b[i]);
    if (same(scale.data, input.scale.data) && same(scale.shape, input.scale.shape) && same(zero, input.zero))
      return input.settle();
    throw new Rejection(
      "it has another scale or zero point than its QuantizeLinear",
      "give both nodes the same scale and zero point",
    );
  }
  const value = requiredInput(node, 0);
  if (value.kind === "constant" && value.constant.kind === "int")
    return constantValue(dequantized(node, value.constant));
  throw new Rejection("it works on a computed value that is no QuantizeLinear's", "quantize it first");
};

/** `(q − zero point) · scale`: weights with their codes. */
function dequantized(node: OnnxNode, { shape, data }: IntConstant): FloatConstant {
  const { scale, zero } = parameters(node, shape);
  const axis = scale.shape.findIndex((n) => n !== 1);
  const inner = axis < 0 ? data.length : shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const channel = (i: number): number => Math.floor(i / inner) % scale.data.length;
  const codes = Int32Array.from(data, (q, i) => q - (zero.length === 1 ? zero[0]! : zero[channel(i)]!));
  const values = Float32Array.from(codes, (c, i) => Math.fround(c) * scale.data[channel(i)]!);
  if (!values.every(Number.isFinite))
    throw new Rejection("its weights overflow float32", "check the model's scales");
  const full = { shape: scale.shape.length === 0 ? shape.map(() => 1) : scale.shape, data: scale.data };
  return { ...floatConstant(shape, values), quantized: { codes, scale: full } };
}

/** Since opset 23 nodes may name the float type they compute in; 0 is the scale's, 1 float32. */
function checkFloat32(node: OnnxNode, attribute: "precision" | "output_dtype"): void {
  const type = intAttribute(node.attributes, attribute, 0);
  if (type === 0 || type === 1) return;
  throw new Rejection(`its ${attribute} is not float32`, "export with float32 scales and values");
}

interface Parameters {
  /** One for all, or shaped so that it broadcasts along the axis. */
  readonly scale: FloatTensor;
  /** One for all, or one per channel as the scale. */
  readonly zero: readonly number[];
  readonly type: string;
}

function parameters(node: OnnxNode, shape: Shape): Parameters {
  const scale = floatInput(node, 1, "scale");
  if (intAttribute(node.attributes, "block_size", 0) !== 0)
    throw new Rejection("it quantizes in blocks", "use one scale per tensor or per channel");
  if (scale.data.length === 0 || scale.data.some((s) => s <= 0))
    throw new Rejection("its scale is not positive", "train or export the model again with a positive scale");
  const { zero, type } = zeroPoint(node);
  if (zero.length !== 1 && zero.length !== scale.data.length)
    throw new Rejection(`it has ${zero.length} zero points for ${scale.data.length} scales`, damaged);
  if (scale.data.length === 1) return { scale: { shape: [], data: scale.data }, zero, type };
  const axis = normalAxis(intAttribute(node.attributes, "axis", 1), shape.length);
  if (scale.shape.length !== 1 || scale.data.length !== shape[axis])
    throw new Rejection(
      `it has ${scale.data.length} scales for the ${shape[axis]} channels of axis ${axis}`,
      damaged,
    );
  return { scale: { shape: shape.map((n, i) => (i === axis ? n : 1)), data: scale.data }, zero, type };
}

/** ONNX's default is uint8 and 0; the zero point's type is that of the integers. */
function zeroPoint(node: OnnxNode): { zero: readonly number[]; type: string } {
  if (node.inputs[2] === undefined && node.op === "DequantizeLinear") return { zero: [0], type: "" };
  if (node.inputs[2] === undefined) {
    const types: Readonly<Record<number, string>> = { 0: "uint8", 2: "uint8", 3: "int8" };
    const number = intAttribute(node.attributes, "output_dtype", 0);
    return { zero: [0], type: types[number] ?? `type ${number}` };
  }
  const value = requiredInput(node, 2);
  if (value.kind !== "constant" || value.constant.kind !== "int" || value.constant.data.length === 0)
    throw new Rejection(
      "its zero point is not an integer constant",
      "export the model with a fixed zero point",
    );
  return { zero: value.constant.data, type: value.constant.type ?? "int64" };
}
