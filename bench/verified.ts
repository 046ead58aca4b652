import {
  type DeviceProgram,
  type Instruction,
  type ProgramTensor,
  programOfLayers,
  verifyProgram,
} from "../src/program/index.js";

/** Layers as a program that has been verified. */
export function verified(
  name: string,
  tensors: readonly ProgramTensor[],
  instructions: readonly Instruction[],
): DeviceProgram {
  const program = programOfLayers(name, tensors, instructions);
  verifyProgram(program);
  return program;
}
