/** Checks of instructions that move elements and compute none. */
import { checkSameDomain, expect } from "./expect.js";
import { SCALAR_RANGES } from "./ranges.js";
import type { Domain, Instruction, ProgramTensor, ScalarType } from "./types.js";

type Of<K extends Instruction["kind"]> = Extract<Instruction, { kind: K }>;

export function checkConcat(
  instruction: Of<"concat">,
  inputs: readonly ProgramTensor[],
  output: ProgramTensor,
): void {
  const [height, width, channels] = output.shape;
  expect(inputs.length >= 1, instruction, "has no inputs");
  for (const input of inputs) {
    checkSameDomain(instruction, input, output);
    expect(input.shape[0] === height && input.shape[1] === width, instruction, "joins maps of two sizes");
  }
  const sum = inputs.reduce((total, { shape }) => total + shape[2], 0);
  expect(sum === channels, instruction, "has not the channels of its inputs");
}

export function checkSelect(instruction: Of<"select">, input: ProgramTensor, output: ProgramTensor): void {
  const { top, left, steps, channels } = instruction;
  checkSameDomain(instruction, input, output);
  expect(
    [top, left].every((n) => Number.isInteger(n) && n >= 0) &&
      steps.every((n) => Number.isInteger(n) && n >= 1),
    instruction,
    "has an impossible start or step",
  );
  expect(
    top + (output.shape[0] - 1) * steps[0] < input.shape[0] &&
      left + (output.shape[1] - 1) * steps[1] < input.shape[1],
    instruction,
    "reaches outside the map",
  );
  expect(channels.length === output.shape[2], instruction, "has not one channel for each of its output");
  expect(
    channels.every((c) => c >= 0 && c < input.shape[2]),
    instruction,
    "selects a channel that does not exist",
  );
}

export function checkGather(instruction: Of<"gather">, input: ProgramTensor, output: ProgramTensor): void {
  const { rows, columns, channels, step } = instruction;
  const entries = output.shape[0] * output.shape[2];
  const reach = (output.shape[1] - 1) * step;
  checkSameDomain(instruction, input, output);
  expect(Number.isInteger(step) && step >= 1, instruction, "has an impossible step");
  expect(
    [rows, columns, channels].every((list) => list.length === entries),
    instruction,
    "has not one place for each row and channel of its output",
  );
  expect(
    rows.every((y) => y >= 0 && y < input.shape[0]) &&
      columns.every((x) => x >= 0 && x + reach < input.shape[1]) &&
      channels.every((c) => c >= 0 && c < input.shape[2]),
    instruction,
    "reaches outside the map",
  );
}

export function checkPad(instruction: Of<"pad">, input: ProgramTensor, output: ProgramTensor): void {
  const { pads, channels, fill } = instruction;
  checkSameDomain(instruction, input, output);
  expect(
    [...pads, ...channels].every((n) => Number.isInteger(n) && n >= 0),
    instruction,
    "has negative pads",
  );
  const [height, width, depth] = input.shape;
  expect(
    output.shape[0] === pads[0] + height + pads[2] &&
      output.shape[1] === pads[1] + width + pads[3] &&
      output.shape[2] === channels[0] + depth + channels[1],
    instruction,
    `cannot have ${output.shape.join("×")} from ${input.shape.join("×")}`,
  );
  expect(isStored(output.domain, fill), instruction, `cannot store its fill ${fill}`);
}

/** Whether an element of the domain can be stored as this number. */
function isStored(domain: Domain, stored: number): boolean {
  if (domain.kind === "scalar" && domain.type === "f32") {
    return Number.isFinite(stored) && Math.fround(stored) === stored;
  }
  const { low, high } =
    domain.kind === "codes"
      ? { low: 0, high: 2 ** domain.bits - 1 }
      : SCALAR_RANGES[domain.type as Exclude<ScalarType, "f32">];
  return Number.isInteger(stored) && stored >= low && stored <= high;
}
