import type { DeviceProgram, Instruction } from "../program/types.js";
import { staysBehindBits } from "./behind-bits.js";
import { elementBytes, layoutForms, planesOf, steps } from "./domains.js";
import { singleChoice } from "./single.js";
import { instructionOf, type Kernel } from "./types.js";

/** Borders: `runtime-c/bitloom_pad.h`. */
export const pad: Kernel = {
  name: "pad",
  summary: "a border of one element around a map, and channels before and after its own",
  match(program, index) {
    const instruction = instructionOf(program, index, "pad");
    if (instruction === undefined) return [];
    const input = program.tensors[instruction.input]!;
    const output = program.tensors[instruction.output]!;
    return layoutForms(output).map(({ layout, suffix }) =>
      singleChoice(program, index, {
        kernel: "pad",
        layout,
        inPlace:
          suffix === "scalars" ||
          // Rows of pixels are read again for each word that is written.
          (layout === "channels" &&
            staysBehindBits(instruction.channels[0], input.shape[2], output.shape[2])),
        growsInPlace: true,
        cost: steps(output, layout) * (suffix === "scalars" ? 3 : 30),
        call: {
          function: `bitloom_pad_${suffix}`,
          type: "bitloom_pad",
          fields: [
            ["height", input.shape[0]],
            ["width", input.shape[1]],
            ["channels", input.shape[2]],
            ["output_width", output.shape[1]],
            ["top", instruction.pads[0]],
            ["left", instruction.pads[1]],
            ["channels_before", instruction.channels[0]],
            ["channels_after", instruction.channels[1]],
            ["fill", fillBits(program, instruction)],
            ["planes", planesOf(output)],
            ["element_bytes", elementBytes(output)],
          ],
          runtime: ["bitloom_pad.c", "bitloom_pad.h", "bitloom_bits.h", "bitloom_units.h"],
        },
      }),
    );
  },
};

/** The stored element as an unsigned number: a code, or the bits of a scalar. */
function fillBits(program: DeviceProgram, { output, fill }: Extract<Instruction, { kind: "pad" }>): number {
  const { domain } = program.tensors[output]!;
  const isFloat = domain.kind === "scalar" && domain.type === "f32";
  return isFloat ? new Uint32Array(Float32Array.of(fill).buffer)[0]! : fill >>> 0;
}
