import { elementCount } from "../program/index.js";
import { singleChoice } from "./single.js";
import { instructionOf, type Kernel } from "./types.js";

/** Sums in fixed point: `runtime-c/bitloom_add_fixed.h`. */
export const addFixed: Kernel = {
  name: "add_fixed",
  summary: "int16 fixed-point sums of two tensors",
  match(program, index) {
    const instruction = instructionOf(program, index, "add-fixed");
    if (instruction === undefined) return [];
    const { shifts, right } = instruction;
    const output = program.tensors[instruction.output]!;
    return [
      singleChoice(program, index, {
        kernel: "add_fixed",
        inPlace: true,
        cost: elementCount(output) * 14,
        call: {
          function: "bitloom_add_fixed_i16",
          type: "bitloom_add_fixed",
          fields: [
            ["row_elements", elementCount(output) / output.shape[0]],
            ["factor_a", 2 ** shifts[0]],
            ["factor_b", 2 ** shifts[1]],
            ["half", right === 0 ? 0 : 2 ** (right - 1)],
            ["right", right],
          ],
          runtime: ["bitloom_add_fixed.c", "bitloom_add_fixed.h", "bitloom_fixed.h"],
        },
      }),
    ];
  },
};
