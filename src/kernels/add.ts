import { elementCount } from "../program/index.js";
import { typeName } from "./domains.js";
import { singleChoice } from "./single.js";
import { instructionOf, type Kernel } from "./types.js";

/** Sums of two tensors: `runtime-c/bitloom_add.h`. */
export const add: Kernel = {
  name: "add",
  summary: "int16, int32 or float32 sums of two tensors",
  match(program, index) {
    const instruction = instructionOf(program, index, "add");
    if (instruction === undefined) return [];
    const output = program.tensors[instruction.output]!;
    const type = typeName(output);
    return [
      singleChoice(program, index, {
        kernel: "add",
        inPlace: true,
        cost: elementCount(output) * (type === "f32" ? 60 : 6),
        call: {
          function: `bitloom_add_${type}`,
          type: "bitloom_add_layer",
          fields: [["row_elements", elementCount(output) / output.shape[0]]],
          runtime: [
            type === "i16" ? "bitloom_add_i16.c" : "bitloom_add.c",
            "bitloom_add.h",
            "bitloom_float.h",
          ],
        },
      }),
    ];
  },
};
