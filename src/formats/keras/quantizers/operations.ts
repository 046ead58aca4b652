/** Graph operations on each element by itself, with one number for all. */
import type { ArithmeticOperator, FloatTensor, GraphOp, Quantizer } from "../../../graph/types.js";

export function scalar(x: number): FloatTensor {
  return { shape: [], data: Float32Array.of(x) };
}

/** `x ∘ number`, or `number ∘ x`. */
export function arithmetic(operator: ArithmeticOperator, x: number, reversed = false): GraphOp {
  return { kind: "arithmetic", operator, operand: scalar(x), reversed };
}

export function quantize(quantizer: Quantizer): GraphOp {
  return { kind: "quantize", quantizer };
}

/** ±scale, and +scale for 0. */
export function sign(scale = 1): GraphOp {
  return quantize({ kind: "bipolar", scale: scalar(scale), signOfZero: 1 });
}

export function uniform(
  scale: number,
  qmin: number,
  qmax: number,
  rounding: "half-even" | "ceil" | "away-from-zero" = "half-even",
): GraphOp {
  return quantize({ kind: "uniform", scale: scalar(scale), zeroPoint: scalar(0), qmin, qmax, rounding });
}
