import type { DeviceProgram, TensorId } from "../program/types.js";
import { type Layout, rowBytes } from "./layout.js";
import type { KernelChoice } from "./types.js";

/** Rows from one place to another, in the layout that they have: `runtime-c/bitloom_copy.h`. */
export function copyRows(program: DeviceProgram, id: TensorId, layout: Layout): KernelChoice {
  const tensor = program.tensors[id]!;
  const bytes = rowBytes(tensor, layout);
  return {
    kernel: "copy",
    covers: [],
    inputs: [id],
    inputLayouts: [layout],
    output: id,
    outputLayout: layout,
    scratchBytes: 0,
    cost: tensor.shape[0] * (40 + bytes),
    call: {
      function: "bitloom_copy_rows",
      type: "bitloom_copy",
      fields: [["bytes", bytes]],
      constants: [],
      canFail: false,
      runtime: ["bitloom_copy.c", "bitloom_copy.h"],
    },
  };
}
