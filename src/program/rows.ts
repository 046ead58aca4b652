/** Which rows of its inputs an instruction needs for some rows of its output: what may be forgotten, and what must be there. */
import { tapPosition } from "./geometry.js";
import type { DeviceProgram, Instruction } from "./types.js";

/** Rows [first, end); none where first = end. */
export type Rows = readonly [first: number, end: number];

/**
 * The rows of one input that rows [y0, y1) of the output are computed from, within the map: from the first to the last that
 * is needed. There are none where all taps lie outside.
 *
 * @param input Index into `inputsOf(instruction)`.
 */
export function rowsRead(
  program: DeviceProgram,
  instruction: Instruction,
  input: number,
  [y0, y1]: Rows,
): Rows {
  const id = "inputs" in instruction ? instruction.inputs[input]! : instruction.input;
  const height = program.tensors[id]!.shape[0];
  if (y0 >= y1) return [0, 0];
  const [first, end] = unclamped(program, instruction, height, y0, y1);
  const from = Math.max(0, Math.min(height, first));
  return [from, Math.max(from, Math.min(height, end))];
}

function unclamped(
  program: DeviceProgram,
  instruction: Instruction,
  height: number,
  y0: number,
  y1: number,
): Rows {
  switch (instruction.kind) {
    case "conv":
    case "conv-float":
    case "conv-bases":
    case "pool": {
      const { window } = instruction;
      return [tapPosition(window, 0, y0, 0), tapPosition(window, 0, y1 - 1, window.kernel[0] - 1) + 1];
    }
    case "select": {
      const { top, steps } = instruction;
      return [top + y0 * steps[0], top + (y1 - 1) * steps[0] + 1];
    }
    case "pad":
      return [y0 - instruction.pads[0], y1 - instruction.pads[0]];
    case "gather": {
      const channels = program.tensors[instruction.output]!.shape[2];
      const rows = instruction.rows.subarray(y0 * channels, y1 * channels);
      return [rows.reduce((a, b) => Math.min(a, b)), rows.reduce((a, b) => Math.max(a, b)) + 1];
    }
    case "pairwise":
      return height === 1 ? [0, 1] : [y0, y1];
    case "reduce":
      return instruction.over === "all" ? [0, height] : [y0, y1];
    case "region":
      return [0, height];
    case "threshold":
    case "lookup":
    case "decode":
    case "add":
    case "combine":
    case "concat":
    case "rank":
    case "narrow":
    case "requantize":
    case "add-fixed":
    case "scale":
    case "softmax":
    case "argmax":
      return [y0, y1];
  }
}
