import { elementBytes, layoutForms, planesOf, steps } from "./domains.js";
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
