/**
 * TFLite's softmax on int8 (tflite/kernels/internal/optimized/optimized_ops.h, Softmax of integers): powers come from a
 * float32 table by the distance to the greatest number, probabilities are in steps of 1/256.
 */
const STEPS = 256;
const { fround } = Math;

/** Probabilities of whole numbers that stand for `step · x`, as 0 … 255: the file's int8 less its zero point, −128. */
export function integerSoftmax(line: readonly number[], step: number): number[] {
  const greatest = line.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const powers = line.map((x) => fround(Math.exp(fround(-step * (greatest - x)))));
  const sum = powers.reduce((a, b) => fround(a + b), 0);
  const factor = fround(1 / fround(sum / STEPS));
  return powers.map((p) => Math.min(Math.floor(fround(p * factor) + 0.5), STEPS - 1));
}
