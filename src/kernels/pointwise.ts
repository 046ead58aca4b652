import type { DeviceProgram, Instruction } from "../program/types.js";
import { instructionOf } from "./types.js";

export type Dense = Extract<Instruction, { kind: "conv" }>;
export type Threshold = Extract<Instruction, { kind: "threshold" }>;

/**
 * The convolution at `index` if every output pixel depends on one input pixel alone: a dense layer per pixel.
 * A kernel as large as the map is not one, since its taps are pixels that do not lie channel by channel.
 */
export function pointwiseConv(program: DeviceProgram, index: number): Dense | undefined {
  const conv = instructionOf(program, index, "conv");
  if (conv === undefined || conv.groups !== 1) return undefined;
  const { kernel, stride, pads } = conv.window;
  const isPointwise = [...kernel, ...stride].every((n) => n === 1) && pads.every((n) => n === 0);
  return isPointwise ? conv : undefined;
}

/** Whether a threshold has a row for each output of the layer before it, and writes codes. */
export function fitsOutputs(program: DeviceProgram, { weights }: Dense, threshold: Threshold): boolean {
  return (
    threshold.flipped.length === weights.outputs && program.tensors[threshold.output]!.domain.kind === "codes"
  );
}
