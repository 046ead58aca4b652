import { elementCount } from "../program/index.js";
import { singleChoice } from "./single.js";
import { instructionOf, type Kernel } from "./types.js";

/** Tables of bytes: `runtime-c/bitloom_lookup.h`. */
export const lookup: Kernel = {
  name: "lookup",
  summary: "bytes through a table of 256",
  match(program, index) {
    const instruction = instructionOf(program, index, "lookup");
    if (instruction === undefined) return [];
    const output = program.tensors[instruction.output]!;
    return [
      singleChoice(program, index, {
        kernel: "lookup",
        cost: elementCount(output) * 5,
        call: {
          function: "bitloom_lookup_u8",
          type: "bitloom_lookup",
          fields: [
            ["table", { constant: "table" }],
            ["row_elements", elementCount(output) / output.shape[0]],
          ],
          constants: [{ name: "table", type: "uint8_t", values: instruction.table, layout: "[256]" }],
          runtime: ["bitloom_lookup.c", "bitloom_lookup.h"],
        },
      }),
    ];
  },
};
