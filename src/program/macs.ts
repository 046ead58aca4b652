import type { DeviceProgram, Instruction } from "./types.js";

/**
 * Multiply-accumulates of an instruction: outputs × taps, those outside the map counted, as benchmarks count
 * them. 0 for everything without weights.
 */
export function macsOf(program: DeviceProgram, instruction: Instruction): number {
  const [height, width, channels] = program.tensors[instruction.output]!.shape;
  if (instruction.kind === "conv") return height * width * channels * instruction.weights.inputs;
  if (instruction.kind === "conv-float") {
    return height * width * channels * (instruction.weights.length / channels);
  }
  return 0;
}
