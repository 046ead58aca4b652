import { type DeviceProgram, elementCount } from "../program/index.js";
import { inputsOf } from "../program/types.js";
import { singleChoice } from "./single.js";
import { instructionOf, type Kernel, type KernelChoice } from "./types.js";

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
        cost: elementCount(output) * 7,
        call: {
          function: "bitloom_narrow",
          type: "bitloom_narrow_layer",
          fields: [["row_elements", elementCount(output) / output.shape[0]]],
          runtime: ["bitloom_narrow.c", "bitloom_narrow.h"],
        },
      }),
    ];
  },
};

/** Bytes in front of the other working memory of a kernel that narrows: the int32 sums of one pixel. */
function pixelBytes(program: DeviceProgram, output: number): number {
  return 8 * Math.ceil(program.tensors[output]!.shape[2] / 2);
}

/**
 * The choice for a layer's int32 sums with the `narrow` that follows, if one does: the function `name` has the sums of one
 * pixel in front of its working memory.
 */
export function narrowing(program: DeviceProgram, sums: KernelChoice, name: string): readonly KernelChoice[] {
  const index = sums.covers.at(-1)! + 1;
  const next = instructionOf(program, index, "narrow");
  const readers = program.instructions.filter((i) => inputsOf(i).includes(sums.output)).length;
  if (next?.input !== sums.output || readers > 1 || program.output.tensor === sums.output) return [];
  const { call, cost } = sums;
  return [
    {
      ...sums,
      covers: [...sums.covers, index],
      output: next.output,
      scratchBytes: pixelBytes(program, sums.output) + sums.scratchBytes,
      cost: cost + elementCount(program.tensors[next.output]!) * 6,
      call: { ...call, function: name },
    },
  ];
}
