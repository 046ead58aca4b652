import { broken, expect } from "./expect.js";
import { domainRange, SCALAR_RANGES, tensorRanges } from "./ranges.js";
import { type DeviceProgram, inputsOf, type ProgramTensor } from "./types.js";
import { checkInstruction, elementCount, MAX_ADD_SHIFT } from "./verify-instruction.js";
import { MAX_CODE_BITS } from "./verify-layers.js";

export { elementCount, MAX_ADD_SHIFT, MAX_CODE_BITS };

/**
 * Checks everything that the stages after the program rely on. A violation is a defect of bitloom, not of
 * the model, and is reported as such; it is checked in every compile because it costs nothing beside one.
 */
export function verifyProgram(program: DeviceProgram): void {
  const written = new Set<number>([program.input.tensor]);
  program.tensors.forEach(checkTensor);
  for (const instruction of program.instructions) {
    const inputs = inputsOf(instruction);
    expect(
      inputs.every((id) => written.has(id)),
      instruction,
      "reads a tensor that is not written before it",
    );
    expect(!written.has(instruction.output), instruction, "writes a tensor twice");
    expect(
      program.tensors[instruction.output] !== undefined,
      instruction,
      "writes a tensor that does not exist",
    );
    checkInstruction(
      instruction,
      inputs.map((id) => program.tensors[id]!),
      program.tensors[instruction.output]!,
    );
    written.add(instruction.output);
  }
  if (!written.has(program.output.tensor)) throw broken("the output tensor is never written");
  checkSums(program);
}

function checkTensor(tensor: ProgramTensor, id: number): void {
  const sizesFit = tensor.shape.every((n) => Number.isInteger(n) && n >= 1) && elementCount(tensor) < 2 ** 28;
  if (!sizesFit) throw broken(`tensor ${id} has the impossible shape ${tensor.shape.join("×")}`);
  const { domain } = tensor;
  if (domain.kind === "scalar") return;
  const { bits, step, offset } = domain;
  if (!(Number.isInteger(bits) && bits >= 1 && bits <= MAX_CODE_BITS)) {
    throw broken(`tensor ${id} has ${bits}-bit codes`);
  }
  if (![step, offset].every((n) => Number.isInteger(n) && Math.abs(n) < 2 ** 16)) {
    throw broken(`tensor ${id} has codes that stand for ${step}·code + ${offset}`);
  }
}

/** No sum may leave its type: kernels and references compute modulo 2^32 or exactly, and must agree. */
function checkSums(program: DeviceProgram): void {
  const ranges = tensorRanges(program);
  for (const instruction of program.instructions) {
    const output = program.tensors[instruction.output]!;
    const range = ranges[instruction.output] ?? domainRange(output);
    if (range === undefined) continue;
    const isShort = output.domain.kind === "scalar" && output.domain.type === "i16";
    const { low, high } = SCALAR_RANGES[isShort ? "i16" : "i32"];
    expect(
      range.low >= low && range.high <= high,
      instruction,
      `has sums of ${range.low} to ${range.high}, beyond ${isShort ? 16 : 32} bits`,
    );
  }
}
