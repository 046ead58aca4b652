import type { ProgramTensor } from "../program/types.js";
import { elementBytes, layoutForms, planesOf, steps } from "./domains.js";
import { singleChoice } from "./single.js";
import { instructionOf, type Kernel } from "./types.js";

/** Slices, crops and shuffles: `runtime-c/bitloom_select.h`. */
export const select: Kernel = {
  name: "select",
  summary: "rows, columns and channels in a given order, channels in runs",
  match(program, index) {
    const instruction = instructionOf(program, index, "select");
    if (instruction === undefined) return [];
    const input = program.tensors[instruction.input]!;
    const output = program.tensors[instruction.output]!;
    if (input.shape[2] > 65535) return [];
    const { left, steps: stride, top, channels } = instruction;
    const runs = runsOf(channels);
    const keepsColumns = left === 0 && stride[1] === 1 && input.shape[1] === output.shape[1];
    return layoutForms(output).flatMap(({ layout, suffix, unitBytes }) =>
      layout === "pixels" && !keepsColumns
        ? []
        : singleChoice(program, index, {
            kernel: "select",
            layout,
            inPlace: isOverwritable(input, channels, suffix),
            scratchBytes: movesBack(channels) && suffix === "scalars" ? pixelBytes(input) : 0,
            cost:
              steps(output, layout) * 2 +
              (output.shape[0] * runs.length * copies(suffix, output.shape[1])) / 2,
            call: {
              function: `bitloom_select_${suffix}`,
              type: "bitloom_select",
              fields: [
                ["runs", { constant: "runs" }],
                ["count", runs.length / 2],
                ["channels", input.shape[2]],
                ["output_width", output.shape[1]],
                ["top", top],
                ["left", left],
                ["step_y", stride[0]],
                ["step_x", stride[1]],
                ["unit_bytes", unitBytes],
                ["planes", planesOf(output)],
                ["element_bytes", elementBytes(output)],
              ],
              constants: [
                { name: "runs", type: "uint16_t", values: runs, layout: "[runs][first channel, channels]" },
              ],
              runtime: ["bitloom_select.c", "bitloom_select.h", "bitloom_bits.h"],
            },
          }),
    );
  },
};

/** Instructions to start the copy of a run, in all pixels of a row. */
function copies(suffix: string, width: number): number {
  return suffix === "pixels" ? 40 : 30 * width;
}

/** Whether a channel is read before one that is in front of it. Scalars are then read a pixel at a time. */
function movesBack(channels: Int32Array): boolean {
  return channels.some((channel, i) => i > 0 && channel <= channels[i - 1]!);
}

/** Whether of every pixel all is read before its own bytes or those of a later one are written. */
function isOverwritable({ shape }: ProgramTensor, channels: Int32Array, suffix: string): boolean {
  if (suffix === "scalars") return channels.length <= shape[2];
  // Where no channel moves up, a word of bits is written behind all that are read.
  return suffix === "channels" && !movesBack(channels);
}

/** Bytes of a pixel of scalars, in whole words. */
function pixelBytes(tensor: ProgramTensor): number {
  return 4 * Math.ceil((tensor.shape[2] * elementBytes(tensor)) / 4);
}

/** Channels as runs of neighbours: first channel and length, one after another. */
function runsOf(channels: Int32Array): Uint16Array {
  const runs: number[] = [];
  for (const channel of channels) {
    const last = runs.length - 2;
    if (last >= 0 && runs[last]! + runs[last + 1]! === channel && runs[last + 1]! < 65535) runs[last + 1]!++;
    else runs.push(channel, 1);
  }
  return Uint16Array.from(runs);
}
