/** Checks of instructions with windows: convolutions of every kind, and pools. */
import { expect, isCodes, isSameDomain, isScalar } from "./expect.js";
import { type Axis, everyWindowHasTap, isOutputSize } from "./geometry.js";
import type { CodeMatrix, Instruction, ProgramTensor, Window } from "./types.js";

/** The largest code width: codes are held in bytes and packed as at most eight planes. */
export const MAX_CODE_BITS = 8;

type Of<K extends Instruction["kind"]> = Extract<Instruction, { kind: K }>;

export function checkConv(instruction: Of<"conv">, input: ProgramTensor, output: ProgramTensor): void {
  const { weights, window, groups, inputOffset, padValue } = instruction;
  const reads = isCodes(input.domain) || isScalar(input.domain, "u8", "i8", "i16");
  expect(reads, instruction, "reads neither codes nor u8, i8 or i16");
  expect(isScalar(output.domain, "i32"), instruction, "writes a tensor that is not i32");
  expect(!isCodes(input.domain) || inputOffset === 0, instruction, "has an input offset for codes");
  expect(
    Number.isInteger(inputOffset) && Number.isInteger(padValue),
    instruction,
    "has an offset or a padding value that is not an integer",
  );
  checkGroups(instruction, groups, input, output);
  checkWindow(instruction, window, input, output);
  checkWeights(instruction, weights, tapsPerOutput(window, groups, input), output);
}

function checkWeights(
  instruction: Instruction,
  weights: CodeMatrix,
  inputs: number,
  output: ProgramTensor,
): void {
  expect(weights.outputs === output.shape[2], instruction, "does not fit its weights");
  expect(weights.inputs === inputs, instruction, "does not fit its weights");
  expect(weights.codes.length === weights.inputs * weights.outputs, instruction, "has incomplete weights");
  expect(weights.bits >= 1 && weights.bits <= MAX_CODE_BITS, instruction, "has impossible weight bits");
  expect(
    weights.codes.every((c) => c < 2 ** weights.bits),
    instruction,
    "has a weight code beyond its bits",
  );
}

/** Beyond it a sum of products could leave float32. */
const LARGEST_SUM = 2 ** 126;

export function checkConvBases(
  instruction: Of<"conv-bases">,
  input: ProgramTensor,
  output: ProgramTensor,
): void {
  const { bases, coefficients, planes, window, groups, padCode } = instruction;
  expect(isScalar(output.domain, "f32"), instruction, "writes a tensor that is not f32");
  const bits = isCodes(input.domain) ? input.domain.bits : 0;
  expect(bits > 0, instruction, "reads no codes");
  expect(
    Number.isInteger(planes.step) && Number.isInteger(planes.offset) && planes.step !== 0,
    instruction,
    "has planes whose bits mean the same",
  );
  expect(
    padCode === undefined || (Number.isInteger(padCode) && padCode >= 0 && padCode < 2 ** bits),
    instruction,
    "pads with a code that does not exist",
  );
  checkGroups(instruction, groups, input, output);
  checkWindow(instruction, window, input, output);
  const inputs = tapsPerOutput(window, groups, input);
  for (const basis of bases) checkWeights(instruction, basis, inputs, output);
  const count = output.shape[2] * bases.length * bits;
  expect(
    bases.length >= 1 && coefficients.length === count,
    instruction,
    "has the wrong number of coefficients",
  );
  const largest = Math.max(...bases.map((b) => largestWeight(b) * largestPlane(planes) * inputs));
  expect(largest < 2 ** 31, instruction, "has sums beyond 32 bits");
  const total = coefficients.reduce((most, c) => Math.max(most, Math.abs(c)), 0) * bases.length * bits;
  expect(total * largest < LARGEST_SUM, instruction, "has sums beyond float32");
}

function largestWeight({ step, offset, bits }: CodeMatrix): number {
  return Math.max(Math.abs(offset), Math.abs(step * (2 ** bits - 1) + offset));
}

function largestPlane({ step, offset }: { readonly step: number; readonly offset: number }): number {
  return Math.max(Math.abs(offset), Math.abs(step + offset));
}

export function checkConvFloat(
  instruction: Of<"conv-float">,
  input: ProgramTensor,
  output: ProgramTensor,
): void {
  const { weights, window, groups } = instruction;
  expect(isScalar(input.domain, "f32"), instruction, "reads a tensor that is not f32");
  expect(isScalar(output.domain, "f32"), instruction, "writes a tensor that is not f32");
  checkGroups(instruction, groups, input, output);
  checkWindow(instruction, window, input, output);
  expect(
    weights.length === output.shape[2] * tapsPerOutput(window, groups, input),
    instruction,
    "does not fit its weights",
  );
  expect(weights.every(Number.isFinite), instruction, "has a weight that is not finite");
}

function checkGroups(
  instruction: Instruction,
  groups: number,
  input: ProgramTensor,
  output: ProgramTensor,
): void {
  const divides = [input.shape[2], output.shape[2]].every((channels) => channels % groups === 0);
  expect(Number.isInteger(groups) && groups >= 1 && divides, instruction, "has groups that do not divide");
}

function tapsPerOutput({ kernel }: Window, groups: number, input: ProgramTensor): number {
  return (kernel[0] * kernel[1] * input.shape[2]) / groups;
}

function checkWindow(
  instruction: Instruction,
  window: Window,
  input: ProgramTensor,
  output: ProgramTensor,
): void {
  const { kernel, stride, dilation, pads } = window;
  expect(
    [...kernel, ...stride, ...dilation].every((n) => Number.isInteger(n) && n >= 1),
    instruction,
    "has a window with a size below 1",
  );
  expect(
    pads.every((n) => Number.isInteger(n) && n >= 0),
    instruction,
    "has negative pads",
  );
  for (const axis of [0, 1] as const satisfies readonly Axis[]) {
    expect(
      isOutputSize(input.shape[axis], output.shape[axis], window, axis),
      instruction,
      `cannot have ${output.shape.join("×")} from ${input.shape.join("×")}`,
    );
  }
}

export function checkPool(instruction: Of<"pool">, input: ProgramTensor, output: ProgramTensor): void {
  const { window, operator } = instruction;
  const summed = isScalar(input.domain, "f32") ? "f32" : "i32";
  expect(
    operator === "sum" ? isScalar(output.domain, summed) : isSameDomain(input.domain, output.domain),
    instruction,
    `has a wrong domain for a ${operator}`,
  );
  expect(input.shape[2] === output.shape[2], instruction, "changes the channels");
  checkWindow(instruction, window, input, output);
  for (const axis of [0, 1] as const satisfies readonly Axis[]) {
    expect(
      everyWindowHasTap(input.shape[axis], output.shape[axis], window, axis),
      instruction,
      "has a window without a tap inside the map",
    );
  }
}
