/**
 * Executes a DeviceProgram as docs/NUMERICS.md defines it, one element at a time: the readable definition
 * that the generated C must equal. It knows nothing of planes, packing, kernels or plans.
 */
import { fail } from "../diagnostics/diagnostic.js";
import type { DeviceProgram, Instruction, ProgramTensor, ScaleStep } from "../program/types.js";
import { exactExp } from "./exact-exp.js";

type Values = Int32Array | Float32Array;

/** The values of every program tensor for one input, in tensor order: what a trace build reports. */
export function traceDevice(program: DeviceProgram, input: Values): Values[] {
  const values: Values[] = [];
  values[program.input.tensor] = input;
  for (const instruction of program.instructions) {
    values[instruction.output] = execute(instruction, program, values[instruction.input]!);
  }
  return values;
}

/** The output tensor for one input. */
export function runDevice(program: DeviceProgram, input: Values): Values {
  return traceDevice(program, input)[program.output.tensor]!;
}

/** The model's float outputs that follow from integer scores by the program's output affine. */
export function scoresAsFloat(program: DeviceProgram, scores: Values): Float32Array {
  const channels = program.tensors[program.output.tensor]!.shape[2];
  return Float32Array.from(scores, (score, i) => scaled(score, program.output.affine, i % channels));
}

function execute(instruction: Instruction, program: DeviceProgram, input: Values): Values {
  const from = program.tensors[instruction.input]!;
  const to = program.tensors[instruction.output]!;
  switch (instruction.kind) {
    case "threshold":
      return threshold(instruction, from, to, input);
    case "take-codes":
      return input;
    case "dense":
      return dense(instruction, from, input);
    case "rank":
      return Int32Array.from(input, (x, i) => {
        const c = i % to.shape[2];
        return instruction.slope[c]! * x + instruction.offset[c]!;
      });
    case "scale":
      return Float32Array.from(input, (x, i) => scaled(x, instruction.steps, i % to.shape[2]));
    case "softmax":
      return softmax(input);
    case "argmax":
      return Int32Array.of(argmax(input, instruction.selectLast));
  }
}

function threshold(
  instruction: Extract<Instruction, { kind: "threshold" }>,
  from: ProgramTensor,
  to: ProgramTensor,
  input: Values,
): Int32Array {
  const { levels, thresholds, flipped } = instruction;
  const isFloat = from.domain.kind === "scalar" && from.domain.type === "f32";
  return Int32Array.from(input, (x, i) => {
    const row = flipped.length === 1 ? 0 : i % to.shape[2];
    const key = isFloat ? floatKey(x) : x;
    let reached = 0;
    for (let j = 0; j < levels; j++) if (key >= thresholds[row * levels + j]!) reached++;
    return flipped[row] === 1 ? levels - reached : reached;
  });
}

const keyView = new DataView(new ArrayBuffer(4));

/** Order-preserving map of finite float32 to int32; −0 is just below +0. NaN and infinities are refused. */
export function floatKey(x: number): number {
  if (!Number.isFinite(x))
    throw fail("input/not-finite", `the input contains ${x}; inputs must be finite numbers`);
  keyView.setFloat32(0, x);
  const bits = keyView.getInt32(0);
  return bits >= 0 ? bits : bits ^ 0x7fffffff;
}

function dense(
  instruction: Extract<Instruction, { kind: "dense" }>,
  from: ProgramTensor,
  input: Values,
): Int32Array {
  const { weights } = instruction;
  if (from.domain.kind !== "codes") throw new Error("dense reads codes");
  const { step, offset } = from.domain;
  const pixels = from.shape[0] * from.shape[1];
  const output = new Int32Array(pixels * weights.outputs);
  for (let pixel = 0; pixel < pixels; pixel++) {
    for (let n = 0; n < weights.outputs; n++) {
      let sum = 0;
      for (let k = 0; k < weights.inputs; k++) {
        const x = step * input[pixel * weights.inputs + k]! + offset;
        const w = weights.step * weights.codes[n * weights.inputs + k]! + weights.offset;
        sum += x * w;
      }
      output[pixel * weights.outputs + n] = sum;
    }
  }
  return output;
}

/** int32 to float32, then every step rounded to float32. */
function scaled(x: number, steps: readonly ScaleStep[], channel: number): number {
  let y = Math.fround(x);
  for (const { operator, operand } of steps) {
    const c = operand.length === 1 ? operand[0]! : operand[channel]!;
    if (operator === "add") y = Math.fround(y + c);
    else if (operator === "subtract") y = Math.fround(y - c);
    else if (operator === "multiply") y = Math.fround(y * c);
    else if (operator === "divide") y = Math.fround(y / c);
    else if (operator === "subtract-from") y = Math.fround(c - y);
    else if (operator === "divide-into") y = Math.fround(c / y);
    else y = y > 0 ? y : 0;
  }
  return y;
}

function softmax(input: Values): Float32Array {
  let greatest = input[0]!;
  for (const x of input) if (x > greatest) greatest = x;
  const powers = Float32Array.from(input, (x) => exactExp(Math.fround(x - greatest)));
  let sum = 0;
  for (const p of powers) sum = Math.fround(sum + p);
  return powers.map((p) => p / sum);
}

function argmax(input: Values, selectLast: boolean): number {
  let best = 0;
  for (let i = 1; i < input.length; i++) {
    if (input[i]! > input[best]! || (selectLast && input[i]! === input[best]!)) best = i;
  }
  return best;
}
