import { elementCount } from "../program/index.js";
import { planesOf } from "./domains.js";
import { singleChoice } from "./single.js";
import { instructionOf, type Kernel } from "./types.js";

/** What codes stand for: `runtime-c/bitloom_decode.h`. */
export const decode: Kernel = {
  name: "decode",
  summary: "codes to float32 by a table",
  match(program, index) {
    const instruction = instructionOf(program, index, "decode");
    if (instruction === undefined) return [];
    const input = program.tensors[instruction.input]!;
    const [, width, channels] = input.shape;
    const planes = planesOf(input);
    return [
      singleChoice(program, index, {
        kernel: "decode",
        cost: elementCount(input) * (14 + 8 * planes),
        call: {
          function: "bitloom_decode_f32",
          type: "bitloom_decode",
          fields: [
            ["values", { constant: "values" }],
            ["width", width],
            ["channels", channels],
            ["planes", planes],
          ],
          constants: [
            { name: "values", type: "float", values: instruction.values, layout: `[${2 ** planes} codes]` },
          ],
          runtime: ["bitloom_decode.c", "bitloom_decode.h", "bitloom_codes.h"],
        },
      }),
    ];
  },
};
