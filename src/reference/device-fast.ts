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
  const byInput = new Int16Array(inputs * outputs);
  for (let n = 0; n < outputs; n++) {
    for (let k = 0; k < inputs; k++) byInput[k * outputs + n] = step * codes[n * inputs + k]! + offset;
  }
  return (x) => {
    const pixels = x.length / inputs;
    const y = new Int32Array(pixels * outputs);
    for (let pixel = 0; pixel < pixels; pixel++) {
      const sums = y.subarray(pixel * outputs, (pixel + 1) * outputs);
      for (let k = 0; k < inputs; k++) {
        const v = domain.step * x[pixel * inputs + k]! + domain.offset;
        const base = k * outputs;
        for (let n = 0; n < outputs; n++) sums[n]! += v * byInput[base + n]!;
      }
    }
    return y;
  };
}
