import type { DeviceProgram, TensorId } from "../program/types.js";
import { type Layout, rowBytes, unitBytes } from "./layout.js";
import type { KernelChoice } from "./types.js";

/** Codes from one layout to the other: `runtime-c/bitloom_layout.h`. Undefined for scalars. */
export function layoutConversion(
  program: DeviceProgram,
  id: TensorId,
  from: Layout,
  to: Layout,
): KernelChoice | undefined {
  const tensor = program.tensors[id]!;
  const { shape, domain } = tensor;
  if (domain.kind !== "codes" || from === to) return undefined;
  const [height, width, channels] = shape;
  // One block is read as a whole before it is written.
  const isOneBlock = domain.bits === 1 && width <= 32 && channels <= 32;
  const blocks = height * Math.ceil(width / 32) * Math.ceil(channels / 32) * domain.bits;
  return {
    kernel: `to_${to}`,
    covers: [],
    inputs: [id],
    inputLayouts: [from],
    output: id,
    outputLayout: to,
    ...(isOneBlock && rowBytes(tensor, to) <= rowBytes(tensor, from) ? { inPlace: [0] } : {}),
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
