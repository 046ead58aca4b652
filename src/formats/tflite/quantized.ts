/** Quantized tensors: integers with one scale and zero point. */
import type { FixedPoint, FloatTensor, GraphOp, Halves, IntTensor, Rounding } from "../../graph/types.js";
import { damaged, Rejection } from "../common/rejection.js";
import type { Affine } from "./node.js";
import type { FileTensor } from "./schema.js";

const ranges = { int8: [-128, 127], uint8: [0, 255] } as const;
export type IntegerType = keyof typeof ranges;

export function isIntegerType(type: string): type is IntegerType {
  return Object.hasOwn(ranges, type);
}

/** Scale and zero point of a computed tensor: one of each. */
export function affineOf({ quantization, type }: FileTensor): Affine {
  if (quantization === undefined)
    throw new Rejection(
      `an ${type} tensor has no scale`,
      "convert the model again, with quantization parameters",
    );
  const { scale, zero } = quantization;
  const [s = 0] = scale;
  const [z = 0] = zero;
  if (scale.length !== 1 || zero.length > 1) {
    throw new Rejection(
      `activations have ${scale.length} scales`,
      "activations are quantized with one scale per tensor",
    );
  }
  const [least, greatest] = isIntegerType(type) ? ranges[type] : [0, 0];
  if (!(s > 0) || !Number.isFinite(s) || !Number.isInteger(z) || z < least || z > greatest)
    throw new Rejection(`its scale ${s} and zero point ${z} are impossible for ${type}`, damaged);
  return { scale: s, zero: z };
}

/** Least and greatest of a type's integers less the zero point. */
export function integerRange(type: IntegerType, { zero }: Affine): readonly [number, number] {
  const [least, greatest] = ranges[type];
  return [least - zero, greatest - zero];
}

/** A number in steps, zero point included, to int8 less its zero point: rounded, halves away from zero, clamped. */
export function toInteger({ zero }: Affine): readonly (readonly [op: GraphOp, part: string])[] {
  const [qmin, qmax] = ranges.int8;
  const rounding = roundingTo(qmin, qmax);
  if (zero === 0) return [[rounding, "integer"]];
  const operand = single(zero);
  return [
    [rounding, "integer"],
    [{ kind: "arithmetic", operator: "subtract", operand, reversed: false }, "less zero point"],
  ];
}

/** Rounds to integers, halves away from zero as C's round unless told, and clamps. */
export function roundingTo(qmin: number, qmax: number, rounding: Rounding = "half-away"): GraphOp {
  const quantizer = { kind: "uniform", scale: single(1), zeroPoint: single(0), qmin, qmax } as const;
  return { kind: "quantize", quantizer: { ...quantizer, rounding } };
}

export function single(x: number): FloatTensor {
  return { shape: [], data: Float32Array.of(x) };
}

/** Whole numbers of the range times a factor, in fixed point; nothing where it is 1. */
export function rescaleBy(
  factor: number,
  [least, greatest]: readonly [number, number],
  halves: Halves,
): readonly (readonly [op: GraphOp, part: string])[] {
  if (factor === 1) return [];
  const { multiplier, shift } = fixedPoint(factor);
  if (Math.max(-least, greatest) * 2 ** Math.max(shift, 0) >= 2 ** 31)
    throw new Rejection("its output scale is too small for its input's scale", damaged);
  const whole = (x: number): IntTensor => ({ shape: [], data: Int32Array.of(x) });
  return [[{ kind: "rescale", multiplier: whole(multiplier), shift: whole(shift), halves }, "rescaled"]];
}

/**
 * TFLite's multiplier and shift for a real factor (QuantizeMultiplier of its quantization_util): 31 bits of the
 * fraction, rounded, and the exponent; factors below 2^−32 are 0.
 */
export function fixedPoint(factor: number): FixedPoint {
  if (factor === 0) return { multiplier: 0, shift: 0 };
  let shift = Math.floor(Math.log2(factor)) + 1;
  // The logarithm may be off by one where the factor is near a power of two.
  while (factor / 2 ** shift >= 1) shift++;
  while (factor / 2 ** shift < 0.5) shift--;
  const multiplier = Math.round((factor / 2 ** shift) * 2 ** 31);
  if (multiplier === 2 ** 31) return fixedPoint(2 ** shift);
  return shift < -31 ? { multiplier: 0, shift: 0 } : { multiplier, shift };
}

/** The factor divided by a count, as TFLite's MEAN does: as many bits of the quotient as 64 bits allow, the rest cut. */
export function divided({ multiplier, shift }: FixedPoint, count: number): FixedPoint {
  const bits = Math.max(0, Math.min(Math.floor(Math.log2(count)), 32, 31 + shift));
  return { multiplier: Number((BigInt(multiplier) << BigInt(bits)) / BigInt(count)), shift: shift - bits };
}
