import { elementCount, type ProgramTensor } from "../program/index.js";
import { singleChoice } from "./single.js";
import { instructionOf, type Kernel } from "./types.js";

/** Sums, differences and products of floats that may broadcast: `runtime-c/bitloom_pairwise.h`. */
export const pairwise: Kernel = {
  name: "pairwise",
  summary: "float32 sums, differences and products of two tensors, each side of them the same or 1",
  match(program, index) {
    const instruction = instructionOf(program, index, "pairwise");
    if (instruction === undefined) return [];
    const output = program.tensors[instruction.output]!;
    const [, width, channels] = output.shape;
    const [a, b] = instruction.inputs.map((id) => strides(program.tensors[id]!)) as [Strides, Strides];
    return [
      singleChoice(program, index, {
        kernel: "pairwise",
        inPlace: [0, 1].filter(
          (i) => elementCount(program.tensors[instruction.inputs[i]!]!) === elementCount(output),
        ),
        cost: elementCount(output) * 65 + output.shape[0] * width * 15,
        call: {
          function: `bitloom_pairwise_${instruction.operator}`,
          type: "bitloom_pairwise",
          fields: [
            ["channels", channels],
            ["a_pixel", a.pixel],
            ["b_pixel", b.pixel],
            ["width", width],
            ["a_row", a.row],
            ["b_row", b.row],
            ["a_channel", a.channel],
            ["b_channel", b.channel],
          ],
          runtime: ["bitloom_pairwise.c", "bitloom_pairwise.h", "bitloom_float.h"],
        },
      }),
    ];
  },
};

interface Strides {
  readonly row: 0 | 1;
  readonly pixel: number;
  readonly channel: 0 | 1;
}

/** How far an input moves with the output; not at all along sides of 1. */
function strides({ shape: [height, width, channels] }: ProgramTensor): Strides {
  return {
    row: height > 1 ? 1 : 0,
    pixel: width > 1 ? channels : 0,
    channel: channels > 1 ? 1 : 0,
  };
}
