/** A program of the layers that a benchmark measures: the first tensor is its input, the last its output. */
import {
  type DeviceProgram,
  type Instruction,
  type ProgramTensor,
  verifyProgram,
} from "../src/program/index.js";

/** Tensors behind those that the instructions write are left out. */
export function layerNet(
  name: string,
  tensors: readonly ProgramTensor[],
  instructions: readonly Instruction[],
): DeviceProgram {
  const last = instructions.at(-1)!.output;
  const program: DeviceProgram = {
    name,
    tensors: tensors.slice(0, last + 1),
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
  verifyProgram(program);
  return program;
}
