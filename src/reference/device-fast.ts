import type { DeviceProgram, Instruction } from "../program/types.js";
import { runDevice } from "./device.js";

type Values = Int32Array | Float32Array;
type Step = (x: Values) => Values;

/**
 * The device reference for many inputs: weights are decoded once and walked in memory order. Equal to
 * `runDevice` in every bit: integer sums do not depend on their order.
 */
export function compileDevice(program: DeviceProgram): (input: Values) => Values {
  const steps = program.instructions.map((instruction) => compileInstruction(program, instruction));
  return (input) => steps.reduce((x, step) => step(x), input);
}

function compileInstruction(program: DeviceProgram, instruction: Instruction): Step {
  if (instruction.kind === "dense") return compileDense(program, instruction);
  if (instruction.kind === "threshold" && isInteger(program, instruction.input))
    return compileThreshold(instruction);
  const alone: DeviceProgram = {
    ...program,
    instructions: [instruction],
    input: { ...program.input, tensor: instruction.input },
    output: { ...program.output, tensor: instruction.output },
  };
  return (x) => runDevice(alone, x);
}

function isInteger(program: DeviceProgram, tensor: number): boolean {
  const { domain } = program.tensors[tensor]!;
  return domain.kind === "scalar" && domain.type !== "f32";
}

function compileThreshold(instruction: Extract<Instruction, { kind: "threshold" }>): Step {
  const { levels, thresholds, flipped } = instruction;
  const rows = flipped.length;
  return (x) => {
    const codes = new Int32Array(x.length);
    for (let i = 0; i < x.length; i++) {
      const row = rows === 1 ? 0 : i % rows;
      let reached = 0;
      for (let j = 0; j < levels; j++) if (x[i]! >= thresholds[row * levels + j]!) reached++;
      codes[i] = flipped[row] === 1 ? levels - reached : reached;
    }
    return codes;
  };
}

function compileDense(program: DeviceProgram, instruction: Extract<Instruction, { kind: "dense" }>): Step {
  const { inputs, outputs, codes, step, offset } = instruction.weights;
  const domain = program.tensors[instruction.input]!.domain;
  if (domain.kind !== "codes") throw new Error("dense reads codes");
  const byInput = new Int32Array(inputs * outputs);
  for (let n = 0; n < outputs; n++) {
    for (let k = 0; k < inputs; k++) byInput[k * outputs + n] = step * codes[n * inputs + k]! + offset;
  }
  const value = (code: number): number => domain.step * code + domain.offset;
  return (x) => {
    const pixels = x.length / inputs;
    const y = new Int32Array(pixels * outputs);
    const sums = new Int32Array(outputs);
    for (let pixel = 0; pixel < pixels; pixel++) {
      sums.fill(0);
      const codesAt = pixel * inputs;
      let k = 0;
      // Four inputs at a time: a quarter of the loads and stores of sums.
      for (; k + 4 <= inputs; k += 4) {
        const v0 = value(x[codesAt + k]!);
        const v1 = value(x[codesAt + k + 1]!);
        const v2 = value(x[codesAt + k + 2]!);
        const v3 = value(x[codesAt + k + 3]!);
        let a = k * outputs;
        for (let n = 0; n < outputs; n++, a++) {
          sums[n]! +=
            v0 * byInput[a]! +
            v1 * byInput[a + outputs]! +
            v2 * byInput[a + 2 * outputs]! +
            v3 * byInput[a + 3 * outputs]!;
        }
      }
      for (; k < inputs; k++) {
        const v = value(x[codesAt + k]!);
        for (let n = 0; n < outputs; n++) sums[n]! += v * byInput[k * outputs + n]!;
      }
      y.set(sums, pixel * outputs);
    }
    return y;
  };
}
