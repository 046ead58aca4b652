import type { DeviceProgram, Instruction, ProgramTensor } from "./types.js";

/** A program of some layers alone: the first tensor is its input, the last its output, elements in the order of the device. */
export function programOfLayers(
  name: string,
  tensors: readonly ProgramTensor[],
  instructions: readonly Instruction[],
): DeviceProgram {
  const last = tensors.length - 1;
  return {
    name,
    tensors,
    instructions,
    input: { tensor: 0, modelShape: [1, ...tensors[0]!.shape], order: "nhwc" },
    output: {
      tensor: last,
      affine: [],
      order: { kind: "scores" },
      omitted: [],
      modelShape: [1, ...tensors[last]!.shape],
      layout: "nhwc",
    },
  };
}
