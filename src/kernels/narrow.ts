import { type DeviceProgram, elementCount, type ProgramTensor } from "../program/index.js";
import { inputsOf } from "../program/types.js";
import { singleChoice } from "./single.js";
import { instructionOf, type Kernel, type KernelChoice } from "./types.js";

/** Instructions to read, store and count. */
const PER_ELEMENT = 6;

/** Sums in 16 bits: `runtime-c/bitloom_narrow.h`. */
export const narrow: Kernel = {
  name: "narrow",
  summary: "int32 sums as int16",
  match(program, index) {
    const instruction = instructionOf(program, index, "narrow");
    if (instruction === undefined) return [];
    const output = program.tensors[instruction.output]!;
    return [
      singleChoice(program, index, {
        kernel: "narrow",
        inPlace: true,
        cost: elementCount(output) * PER_ELEMENT + output.shape[0] * 25 + 50,
        call: {
          function: "bitloom_narrow_i32",
          type: "bitloom_narrow_layer",
          fields: [["row_elements", elementCount(output) / output.shape[0]]],
          runtime: ["bitloom_narrow.c", "bitloom_narrow.h"],
        },
      }),
    ];
  },
};

/** Bytes in front of the other working memory of a kernel that narrows: the int32 sums of one row. */
function rowBytes({ shape }: ProgramTensor): number {
  return 8 * Math.ceil((shape[1] * shape[2]) / 2);
}

/**
 * The choice for a layer's int32 sums with the `narrow` that follows as their only reader, if one does. The function
 * and its file have the name of the kernel's `file` with `_narrow` behind it.
 */
export function narrowing(program: DeviceProgram, sums: KernelChoice, file: string): readonly KernelChoice[] {
  const index = sums.covers.at(-1)! + 1;
  const next = instructionOf(program, index, "narrow");
  const readers = program.instructions.filter((i) => inputsOf(i).includes(sums.output)).length;
  if (next?.input !== sums.output || readers > 1 || program.output.tensor === sums.output) return [];
  const { call, cost } = sums;
  const output = program.tensors[next.output]!;
  return [
    {
      ...sums,
      covers: [...sums.covers, index],
      output: next.output,
      scratchBytes: rowBytes(output) + sums.scratchBytes,
      // Some 35 instructions a row are not counted: less than the int32 map, which then never exists, is worth.
      cost: cost + elementCount(output) * PER_ELEMENT + output.shape[0] * 25,
      call: {
        ...call,
        function: `${file}_narrow`,
        runtime: [...call.runtime, `${file}_narrow.c`, "bitloom_narrow.h"],
      },
    },
  ];
}
