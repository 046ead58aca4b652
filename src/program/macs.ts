import type { DeviceProgram, Instruction } from "./types.js";
import { elementCount } from "./verify-instruction.js";

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
  if (instruction.kind === "conv-bases") return height * width * channels * instruction.bases[0]!.inputs;
  return 0;
}

/** Roughly how many steps it takes to execute a program in a reference: multiply-accumulates, window elements, elements. */
export function workOf(program: DeviceProgram): number {
  const work = program.instructions.map((instruction) => {
    const [height, width, channels] = program.tensors[instruction.output]!.shape;
    const taps =
      instruction.kind === "pool" ? instruction.window.kernel[0] * instruction.window.kernel[1] : 1;
    const terms = instruction.kind === "reduce" ? elementCount(program.tensors[instruction.input]!) : 0;
    return Math.max(macsOf(program, instruction), height * width * channels * taps, terms);
  });
  return work.reduce((a, b) => a + b, 0);
}
