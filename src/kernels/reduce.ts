import { elementCount } from "../program/index.js";
import { typeName } from "./domains.js";
import { singleChoice } from "./single.js";
import { instructionOf, type Kernel } from "./types.js";

/** Sums over channels or over everything: `runtime-c/bitloom_reduce.h`. */
export const reduce: Kernel = {
  name: "reduce",
  summary: "int32 or float32 sums over the channels of each pixel, or over all elements",
  match(program, index) {
    const instruction = instructionOf(program, index, "reduce");
    if (instruction === undefined) return [];
    const input = program.tensors[instruction.input]!;
    const type = typeName(input);
    const [height, width, channels] = input.shape;
    const isAll = instruction.over === "all";
    return [
      singleChoice(program, index, {
        kernel: "reduce",
        inPlace: true,
        cost: elementCount(input) * (type === "f32" ? 60 : 6) + height * width * 15,
        call: {
          function: `bitloom_reduce_${type}`,
          type: "bitloom_reduce",
          fields: [
            ["terms", isAll ? width * channels : channels],
            ["sums", isAll ? 1 : width],
            ["rows", isAll ? height : 1],
          ],
          runtime: ["bitloom_reduce.c", "bitloom_reduce.h", "bitloom_float.h"],
        },
      }),
    ];
  },
};
