import type { ProgramTensor, TensorId } from "../program/types.js";
import { staysBehindBits } from "./behind-bits.js";
import { elementBytes, layoutForms, planesOf, steps } from "./domains.js";
import { type Layout, unitBytes as unitBytesOf } from "./layout.js";
import { singleChoice } from "./single.js";
import { instructionOf, type Kernel } from "./types.js";

/** Channels one after another: `runtime-c/bitloom_concat.h`. */
export const concat: Kernel = {
  name: "concat",
  summary: "channels of several tensors one after another; codes bit by bit where they are no multiple of 32",
  match(program, index) {
    const instruction = instructionOf(program, index, "concat");
    if (instruction === undefined) return [];
    const output = program.tensors[instruction.output]!;
    const channels = instruction.inputs.map((id) => program.tensors[id]!.shape[2]);
    const isCodes = output.domain.kind === "codes";
    const values = Uint32Array.from(channels, (c) => (isCodes ? c : c * elementBytes(output)));
    return layoutForms(output).map(({ layout, suffix, unitBytes }) =>
      singleChoice(program, index, {
        kernel: "concat",
        layout,
        inPlace: overwritable(instruction.inputs, channels, output, layout),
        growsInPlace: true,
        cost: steps(output, layout) * (suffix === "channels" ? 25 : 2) + output.shape[0] * 100,
        call: {
          function: `bitloom_concat_${suffix}`,
          type: "bitloom_concat",
          fields: [
            ["sizes", { constant: "sizes" }],
            ["count", channels.length],
            ["width", output.shape[1]],
            ["unit_bytes", unitBytes],
            ["planes", planesOf(output)],
          ],
          constants: [
            { name: "sizes", type: "uint32_t", values, layout: isCodes ? "[inputs]" : "[inputs] bytes" },
          ],
          runtime: ["bitloom_concat.c", "bitloom_concat.h", "bitloom_bits.h"],
        },
      }),
    );
  },
};

/** Inputs over which the output may be written. */
function overwritable(
  inputs: readonly TensorId[],
  channels: readonly number[],
  output: ProgramTensor,
  layout: Layout,
): number[] {
  const { shape, domain } = output;
  const all = [...inputs.keys()];
  // Whole elements are moved, each once: all that is written lies below what is still to be read.
  if (domain.kind === "scalar") return all;
  if (layout === "pixels") {
    // The same of rows that end with their last unit.
    const unit = domain.bits * unitBytesOf(shape[1]);
    return (shape[2] * unit) % 4 === 0 ? all.filter((i) => (channels[i]! * unit) % 4 === 0) : [];
  }
  const before = (i: number): number => channels.slice(0, i).reduce((sum, c) => sum + c, 0);
  const isAlone = (i: number): boolean => inputs.filter((id) => id === inputs[i]).length === 1;
  return all.filter((i) => isAlone(i) && staysBehindBits(before(i), channels[i]!, shape[2]));
}
