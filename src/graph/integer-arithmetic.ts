import { rescale, rescaleCut } from "./rescale.js";
import type { GraphOp, IntegerTerm } from "./types.js";

/** Bits by which a sum enlarges its operands before it multiplies them. */
export const SUM_SHIFT = 20;

export type IntegerArithmetic = Extract<GraphOp, { kind: "integer-arithmetic" }>;

/**
 * TFLite's arithmetic of two int8 numbers less their zero points (tflite/kernels/internal/optimized/integer_ops/add.h,
 * mul.h): a sum's operands go to one scale of many steps first. Halves of the last shift go away from zero; those of a
 * sum's terms do so too, but in blocks of 16 elements they go up, behind a product that is cut.
 */
export function integerArithmetic(op: IntegerArithmetic, a: number, b: number, isInBlock: boolean): number {
  const { multiplier, shift } = op.factor;
  const result = rescale(combined(op, a, b, isInBlock), multiplier, shift, "away");
  return Math.min(Math.max(result, op.low), op.high);
}

function combined({ operator, terms }: IntegerArithmetic, a: number, b: number, isInBlock: boolean): number {
  if (operator === "multiply") return a * b;
  const [left, right] = [enlarged(terms[0], a, isInBlock), enlarged(terms[1], b, isInBlock)];
  return operator === "add" ? left + right : left - right;
}

function enlarged({ factor }: IntegerTerm, x: number, isInBlock: boolean): number {
  const { multiplier, shift } = factor!;
  const large = x * 2 ** SUM_SHIFT;
  return isInBlock ? rescaleCut(large, multiplier, shift) : rescale(large, multiplier, shift, "away");
}
