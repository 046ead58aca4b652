/** What quantizers and transforms of weights have in common: numbers per output or for all, and codes with their scale. */
import { z } from "zod";
import { shapeText } from "../../../diagnostics/text.js";
import type { FloatTensor } from "../../../graph/types.js";
import { type FloatConstant, floatConstant } from "../../common/constant.js";
import { Rejection } from "../../common/rejection.js";
import { float, name, oneOf } from "../fields.js";
import type { Tensors } from "../tensors.js";

const perText = "a number, or the name of a tensor of one number or one per output";

/** One number for each output, or one for all. */
export const over = oneOf(["output", "tensor"], '"output" (one number for each) or "tensor" (one for all)');
export type Over = z.output<typeof over>;

/** One number, or one per output. */
export function perOutput(what: string) {
  const expected = `${what}: ${perText}`;
  return z.union([float(expected), name(expected)], { error: expected }).describe(expected);
}

/** The same, or something computed from the weights. */
export function computable<Computed extends readonly [z.ZodType, ...z.ZodType[]]>(
  computed: Computed,
  what: string,
) {
  const expected = `${perText}, or ${what}`;
  return z.union([float(perText), name(perText), ...computed], { error: expected }).describe(expected);
}

/** Elements of one output. */
export function sizeOf({ shape, data }: FloatTensor): number {
  return data.length / shape[0]!;
}

/** A number, or a tensor of one or of one per output, which may have further axes of size 1. */
export function numbers(
  value: number | string,
  { shape }: FloatTensor,
  tensors: Tensors,
  what: string,
): Float32Array {
  if (typeof value === "number") return Float32Array.of(value);
  const tensor = tensors.floats(value);
  const isPerOutput = tensor.shape[0] === shape[0] && tensor.data.length === shape[0];
  if (tensor.data.length === 1 || isPerOutput) return tensor.data;
  throw new Rejection(
    `its ${what} has the shape ${shapeText(tensor.shape)} for weights of shape ${shapeText(shape)}`,
    `one number, or one per output (${shape[0]}, the first axis) is expected`,
  );
}

/** `of(weight, number of its output)` for each weight. */
export function mapWeights(
  weights: FloatTensor,
  perOutputs: Float32Array,
  of: (x: number, n: number) => number,
): Float32Array {
  const size = sizeOf(weights);
  const { length } = perOutputs;
  return weights.data.map((x, i) => of(x, perOutputs[Math.floor(i / size) % length]!));
}

/** `code · scale` in float32, with the scale along the first axis. */
export function withCodes(
  { shape, data }: FloatTensor,
  codes: Int32Array,
  scale: Float32Array,
): FloatConstant {
  const size = sizeOf({ shape, data });
  const values = Float32Array.from(data, (_, i) => codes[i]! * scale[Math.floor(i / size) % scale.length]!);
  checkFinite(values);
  const scaleShape = shape.map((_, axis) => (axis === 0 ? scale.length : 1));
  return { ...floatConstant(shape, values), quantized: { codes, scale: { shape: scaleShape, data: scale } } };
}

export function checkFinite(values: Float32Array): void {
  if (values.every(Number.isFinite)) return;
  throw new Rejection("quantizing its weights overflows float32", "check the model's scales");
}
