import type { DeviceProgram, TensorId } from "../program/types.js";
import { type Layout, unitBytes } from "./layout.js";
import type { KernelChoice } from "./types.js";

/** Codes from one layout to the other: `runtime-c/bitloom_layout.h`. Undefined for scalars. */
export function layoutConversion(
  program: DeviceProgram,
  id: TensorId,
  from: Layout,
  to: Layout,
): KernelChoice | undefined {
  const { shape, domain } = program.tensors[id]!;
  if (domain.kind !== "codes" || from === to) return undefined;
  const [height, width, channels] = shape;
  const blocks = height * Math.ceil(width / 32) * Math.ceil(channels / 32) * domain.bits;
  return {
    kernel: `to_${to}`,
    covers: [],
    inputs: [id],
    inputLayouts: [from],
    output: id,
    outputLayout: to,
    scratchBytes: 0,
    // A block of 32 × 32 bits: five rounds of exchanges between 16 pairs of words, and its loads and stores.
    // Measured: 1,800 to 2,200 on every core.
    cost: height * 100 + blocks * 1950,
    call: {
      function: `bitloom_layout_to_${to}`,
      type: "bitloom_layout",
      fields: [
        ["width", width],
        ["channels", channels],
        ["planes", domain.bits],
        ["unit_bytes", unitBytes(width)],
      ],
      constants: [],
      canFail: false,
      runtime: ["bitloom_layout.c", "bitloom_layout.h"],
    },
  };
}
