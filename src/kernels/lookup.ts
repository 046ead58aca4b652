import { elementCount } from "../program/index.js";
import { planesOf } from "./domains.js";
import { singleChoice } from "./single.js";
import { type ConstantArray, instructionOf, type Kernel } from "./types.js";

/** Tables of bytes: `runtime-c/bitloom_lookup.h`; of codes: `runtime-c/bitloom_lookup_codes.h`. */
export const lookup: Kernel = {
  name: "lookup",
  summary: "bytes through a table of 256, codes through one of theirs",
  match(program, index) {
    const instruction = instructionOf(program, index, "lookup");
    if (instruction === undefined) return [];
    const output = program.tensors[instruction.output]!;
    const input = program.tensors[instruction.input]!;
    const entries = instruction.table.length;
    const table: ConstantArray = {
      name: "table",
      type: "uint8_t",
      values: instruction.table,
      layout: `[${entries}]`,
    };
    if (input.domain.kind === "codes") {
      const [height, width, channels] = input.shape;
      const [planes, outputPlanes] = [planesOf(input), planesOf(output)];
      const words = height * width * Math.ceil(channels / 32);
      return [
        singleChoice(program, index, {
          kernel: "lookup",
          inPlace: outputPlanes <= planes,
          cost: words * (40 + entries * (12 + 7 * planes + 6 * outputPlanes) + 8 * outputPlanes),
          call: {
            function: "bitloom_lookup_codes_channels",
            type: "bitloom_lookup_codes",
            fields: [
              ["table", { constant: "table" }],
              ["width", width],
              ["channels", channels],
              ["planes", planes],
              ["output_planes", outputPlanes],
            ],
            constants: [table],
            runtime: [
              "bitloom_lookup_codes.c",
              "bitloom_lookup_codes.h",
              "bitloom_bits.h",
              "bitloom_codes.h",
            ],
          },
        }),
      ];
    }
    return [
      singleChoice(program, index, {
        kernel: "lookup",
        inPlace: true,
        cost: elementCount(output) * 5,
        call: {
          function: "bitloom_lookup_u8",
          type: "bitloom_lookup",
          fields: [
            ["table", { constant: "table" }],
            ["row_elements", elementCount(output) / output.shape[0]],
          ],
          constants: [table],
          runtime: ["bitloom_lookup.c", "bitloom_lookup.h"],
        },
      }),
    ];
  },
};
