/** Float32 weights as codes of at most eight bits with one unit per output. */
import type { CodeMatrix } from "../../program/types.js";

export interface CodedWeights {
  readonly matrix: CodeMatrix;
  /** What one unit of the sums stands for, per output: a float32. */
  readonly units: Float64Array;
  /** The weights that the codes stand for. */
  readonly coded: Float64Array;
}

/** Codes stand for −127 … 127. */
const MOST = 127;

/** Weights [outputs][inputs] of a layer whose stored inputs count units of `inputUnit`. */
export function codedWeights(weights: Float32Array, outputs: number, inputUnit: number): CodedWeights {
  const inputs = weights.length / outputs;
  const units = new Float64Array(outputs);
  const integers = new Int8Array(weights.length);
  const coded = new Float64Array(weights.length);
  for (let n = 0; n < outputs; n++) {
    const row = weights.subarray(n * inputs, (n + 1) * inputs);
    // Weights that are nothing beside a float32 are 0.
    units[n] = Math.fround((exactStep(row) ?? nearStep(row)) * inputUnit) || 1;
    for (const [k, w] of row.entries()) {
      const at = n * inputs + k;
      integers[at] = Math.max(-MOST, Math.min(MOST, Math.round((w * inputUnit) / units[n]!)));
      coded[at] = (integers[at]! * units[n]!) / inputUnit;
    }
  }
  return { matrix: { outputs, inputs, ...codesOf(integers) }, units, coded };
}

/** The least weight but 0, where all are small multiples of it: ±α, ternary and powers of two. */
function exactStep(row: Float32Array): number | undefined {
  const least = row.reduce((m, w) => (w === 0 ? m : Math.min(m, Math.abs(w))), Infinity);
  if (least === Infinity) return 1;
  return row.every((w) => Number.isInteger(w / least) && Math.abs(w / least) <= MOST) ? least : undefined;
}

function nearStep(row: Float32Array): number {
  return row.reduce((most, w) => Math.max(most, Math.abs(w)), 0) / MOST;
}

/** The fewest bits that hold the integers. */
function codesOf(integers: Int8Array): Omit<CodeMatrix, "outputs" | "inputs"> {
  if (integers.every((q) => Math.abs(q) === 1))
    return { bits: 1, step: 2, offset: -1, codes: Uint8Array.from(integers, (q) => (q + 1) / 2) };
  if (integers.every((q) => Math.abs(q) <= 1))
    return { bits: 2, step: 1, offset: -1, codes: Uint8Array.from(integers, (q) => q + 1) };
  return { bits: 8, step: 1, offset: -128, codes: Uint8Array.from(integers, (q) => q + 128) };
}
