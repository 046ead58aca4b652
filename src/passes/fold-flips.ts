import { type CodeMatrix, type DeviceProgram, type Instruction, inputsOf } from "../program/types.js";
import { mirrorOf } from "./mirror.js";

type Conv = Extract<Instruction, { kind: "conv" }>;
type Threshold = Extract<Instruction, { kind: "threshold" }>;

/**
 * A flipped channel (`code` falls with its sum) is the same as a rising one of the negated weights: with
 * S' = −S, `S < T` is `S' ≥ 1 − T`; taps outside the map are part of the sum, whatever they are padded with.
 * Negating the row costs nothing at run time and frees the kernels from the flip. It applies where the threshold
 * is the sum's only reader and the negated codes exist.
 */
export function foldFlips(program: DeviceProgram): DeviceProgram {
  const instructions = [...program.instructions];
  instructions.forEach((threshold, index) => {
    if (threshold.kind !== "threshold" || !threshold.flipped.includes(1)) return;
    const convIndex = instructions.findIndex((i) => i.kind === "conv" && i.output === threshold.input);
    if (convIndex < 0 || hasOtherReader(program, threshold)) return;
    const folded = fold(instructions[convIndex] as Conv, threshold);
    instructions[convIndex] = folded.conv;
    instructions[index] = folded.threshold;
  });
  return { ...program, instructions };
}

function hasOtherReader(program: DeviceProgram, reader: Threshold): boolean {
  return (
    program.output.tensor === reader.input ||
    program.instructions.some((i) => i.output !== reader.output && inputsOf(i).includes(reader.input))
  );
}

function fold(conv: Conv, threshold: Threshold): { conv: Conv; threshold: Threshold } {
  const weights: CodeMatrix = { ...conv.weights, codes: conv.weights.codes.slice() };
  const thresholds = threshold.thresholds.slice();
  const flipped = threshold.flipped.slice();
  if (flipped.length !== weights.outputs) return { conv, threshold };
  for (let n = 0; n < weights.outputs; n++) {
    const row = weights.codes.subarray(n * weights.inputs, (n + 1) * weights.inputs);
    if (flipped[n] !== 1 || !negateCodes(row, weights)) continue;
    const levels = thresholds.subarray(n * threshold.levels, (n + 1) * threshold.levels);
    levels.reverse().forEach((t, j) => {
      levels[j] = 1 - t;
    });
    flipped[n] = 0;
  }
  return { conv: { ...conv, weights }, threshold: { ...threshold, thresholds, flipped } };
}

/** Replaces codes by those of the negated weights; false (and nothing changed) if one does not exist. */
function negateCodes(row: Uint8Array, weights: CodeMatrix): boolean {
  const mirrored = Array.from(row, (code) => mirrorOf(weights, code));
  if (mirrored.includes(undefined)) return false;
  row.set(mirrored as number[]);
  return true;
}
