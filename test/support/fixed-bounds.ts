/**
 * Whether a program in fixed point is as near to the float32 program that it was made of as it says. The float32 program runs on
 * the codes of the other, so that bounds hold for every value; and a code may differ only where the value is that near to a threshold.
 */
import type { Streams } from "../../src/passes/streams.js";
import {
  type DeviceProgram,
  type Instruction,
  inputsOf,
  type TensorValues,
} from "../../src/program/index.js";
import { executeInstruction } from "../../src/reference/device.js";

type Threshold = Extract<Instruction, { kind: "threshold" }>;

export interface FixedPair {
  readonly float: DeviceProgram;
  readonly fixed: DeviceProgram;
  readonly streams: Streams;
}

/** What exceeds its bound, and how much of the bounds was used at most, from 0 to 1. */
export interface BoundsCheck {
  readonly problems: readonly string[];
  readonly used: number;
}

export function checkBounds(
  { float, fixed, streams }: FixedPair,
  input: TensorValues,
  values: readonly TensorValues[],
): BoundsCheck {
  const problems: string[] = [];
  let used = 0;
  const idOf = new Map(fixed.tensors.map(({ name }, id) => [name, id] as const));
  const streamOf = new Map(streams.tensors.map((stream) => [stream.tensor, stream] as const));
  const floats: TensorValues[] = [];
  floats[float.input.tensor] = input;
  const compare = (name: string, own: TensorValues, other: (i: number) => number, error: number): void => {
    for (const [i, x] of own.entries()) {
      const distance = Math.abs(x - other(i));
      if (!(distance <= error)) problems.push(`${name}[${i}] is ${other(i)}, not ${x} within ${error}`);
      if (error > 0) used = Math.max(used, distance / error);
    }
  };
  for (const instruction of float.instructions) {
    const { name } = float.tensors[instruction.output]!;
    const inputs = inputsOf(instruction).map((id) => floats[id]!);
    const own = executeInstruction(float, instruction, inputs);
    const id = idOf.get(name);
    floats[instruction.output] = own;
    if (instruction.kind === "threshold" && id !== undefined) {
      const error = streamOf.get(float.tensors[instruction.input]!.name)?.error;
      if (error !== undefined)
        problems.push(
          ...farDecisions(
            name,
            instruction,
            inputs[0]!,
            own,
            values[id]!,
            float.tensors[instruction.output]!.shape[2],
            error,
          ),
        );
      floats[instruction.output] = values[id]!;
    }
    const stream = streamOf.get(name);
    if (stream !== undefined)
      compare(name, own, (i) => values[id!]![i]! * 2 ** -stream.fraction, stream.error);
  }
  const output = values[fixed.output.tensor]!;
  if (output instanceof Float32Array && streams.outputError !== null)
    compare("the output", floats[float.output.tensor]!, (i) => output[i]!, streams.outputError);
  return { problems, used };
}

/** Codes that differ though the value is farther from all of its thresholds than its error. */
function farDecisions(
  name: string,
  { thresholds, levels, flipped }: Threshold,
  x: TensorValues,
  own: TensorValues,
  other: TensorValues,
  channels: number,
  error: number,
): string[] {
  return [...own.keys()].flatMap((i) => {
    if (own[i] === other[i]) return [];
    const row = flipped.length === 1 ? 0 : i % channels;
    const limits = [...thresholds.subarray(row * levels, (row + 1) * levels)].map(numberOf);
    const isNear = limits.some((t) => Math.abs(x[i]! - t) <= error);
    return isNear
      ? []
      : [`${name}[${i}] is ${other[i]}, not ${own[i]}, at ${x[i]} with thresholds ${limits}`];
  });
}

/** The float32 of a key. */
function numberOf(key: number): number {
  return new Float32Array(Int32Array.of(key >= 0 ? key : key ^ 0x7fffffff).buffer)[0]!;
}
