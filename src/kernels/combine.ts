import { elementCount } from "../program/index.js";
import { coreFamily } from "./core-family.js";
import { singleChoice } from "./single.js";
import { type ConstantArray, instructionOf, type Kernel } from "./types.js";

/** Instructions per element, counted with GCC 12 at -O2: the long product is a function of libgcc's on Armv6-M. */
const COST = { dsp: 43, thumb2: 43, thumb1: 103 } as const;

/** Sums and products of two tensors of bytes: `runtime-c/bitloom_combine.h`. */
export const combine: Kernel = {
  name: "combine",
  summary: "sums and products of two tensors of bytes, multiplied in fixed point",
  match(program, index, cpu) {
    const instruction = instructionOf(program, index, "combine");
    if (instruction === undefined) return [];
    const { operator, tables, tail, multiplier, shift, low, high } = instruction;
    const output = program.tensors[instruction.output]!;
    const elements = elementCount(output);
    return [
      singleChoice(program, index, {
        kernel: "combine",
        inPlace: true,
        cost: elements * COST[coreFamily(cpu)],
        call: {
          function: `bitloom_combine_${operator}`,
          type: "bitloom_combine",
          fields: [
            ["table_a", { constant: "table_a" }],
            ["table_b", { constant: "table_b" }],
            ["tail_a", tail === undefined ? null : { constant: "tail_a" }],
            ["tail_b", tail === undefined ? null : { constant: "tail_b" }],
            ["tail_first", tail?.first ?? elements],
            ["row_elements", elements / output.shape[0]],
            ["multiplier", multiplier],
            ["left", 2 ** Math.max(shift, 0)],
            ["right", Math.max(-shift, 0)],
            ["low", low],
            ["high", high],
          ],
          constants: [...constantsOf("table", tables), ...(tail ? constantsOf("tail", tail.tables) : [])],
          runtime: ["bitloom_combine.c", "bitloom_combine.h"],
        },
      }),
    ];
  },
};

function constantsOf(name: string, tables: readonly [Int32Array, Int32Array]): readonly ConstantArray[] {
  return tables.map((values, i) => ({
    name: `${name}_${i === 0 ? "a" : "b"}`,
    type: "int32_t",
    values,
    layout: "[256]",
  }));
}
