import { fail } from "../diagnostics/diagnostic.js";
import type { CodesDomain, DeviceProgram, Domain, Instruction, ProgramTensor, ScaleStep } from "./types.js";

/** The largest code width: codes are held in bytes and packed as at most eight planes. */
export const MAX_CODE_BITS = 8;

/**
 * Checks everything that the stages after the program rely on. A violation is a defect of bitloom, not of
 * the model, and is reported as such; it is checked in every compile because it costs nothing beside one.
 */
export function verifyProgram(program: DeviceProgram): void {
  const written = new Set<number>([program.input.tensor]);
  program.tensors.forEach((tensor, id) => {
    checkTensor(tensor, id);
  });
  for (const instruction of program.instructions) {
    expect(written.has(instruction.input), instruction, "reads a tensor that is not written before it");
    expect(!written.has(instruction.output), instruction, "writes a tensor twice");
    expect(instruction.output < program.tensors.length, instruction, "writes a tensor that does not exist");
    checkInstruction(program, instruction);
    written.add(instruction.output);
  }
  if (!written.has(program.output.tensor)) throw broken("the output tensor is never written");
}

/** Elements of a tensor. */
export function elementCount(tensor: ProgramTensor): number {
  return tensor.shape[0] * tensor.shape[1] * tensor.shape[2];
}

function checkTensor(tensor: ProgramTensor, id: number): void {
  const sizesFit = tensor.shape.every((n) => Number.isInteger(n) && n >= 1) && elementCount(tensor) < 2 ** 28;
  if (!sizesFit) throw broken(`tensor ${id} has the impossible shape ${tensor.shape.join("×")}`);
  const { domain } = tensor;
  if (domain.kind === "codes" && !(domain.bits >= 1 && domain.bits <= MAX_CODE_BITS)) {
    throw broken(`tensor ${id} has ${domain.bits}-bit codes`);
  }
}

function checkInstruction(program: DeviceProgram, instruction: Instruction): void {
  const input = program.tensors[instruction.input]!;
  const output = program.tensors[instruction.output]!;
  switch (instruction.kind) {
    case "threshold":
      checkThreshold(instruction, input, output);
      break;
    case "take-codes":
      expect(isScalar(input.domain, "u8"), instruction, "takes codes from a tensor that is not u8");
      expect(isCodes(output.domain) && output.domain.bits === 8, instruction, "must write 8-bit codes");
      expect(elementCount(input) === elementCount(output), instruction, "changes the element count");
      break;
    case "dense":
      checkDense(instruction, input, output);
      break;
    case "scale":
      expect(
        isScalar(input.domain, "i32") && isScalar(output.domain, "f32"),
        instruction,
        "must map i32 to f32",
      );
      checkScaleSteps(instruction.steps, output.shape[2], instruction);
      break;
    case "rank":
      expect(
        isScalar(input.domain, "i32") && isScalar(output.domain, "i32"),
        instruction,
        "must map i32 to i32",
      );
      expect(
        instruction.slope.length === output.shape[2] && instruction.offset.length === output.shape[2],
        instruction,
        "has not one line per channel",
      );
      break;
    case "softmax":
      expect(
        isScalar(input.domain, "f32") && isScalar(output.domain, "f32"),
        instruction,
        "must map f32 to f32",
      );
      break;
    case "argmax":
      expect(isScalar(input.domain, "i32") || isScalar(input.domain, "f32"), instruction, "reads i32 or f32");
      expect(isScalar(output.domain, "i32") && elementCount(output) === 1, instruction, "writes one i32");
      break;
  }
}

function checkThreshold(
  instruction: Extract<Instruction, { kind: "threshold" }>,
  input: ProgramTensor,
  output: ProgramTensor,
): void {
  const { thresholds, levels, flipped } = instruction;
  const rows = flipped.length;
  expect(input.domain.kind === "scalar", instruction, "reads codes");
  expect(
    isCodes(output.domain) && levels >= 1 && levels < 2 ** output.domain.bits,
    instruction,
    "levels exceed the codes",
  );
  expect(rows === 1 || rows === output.shape[2], instruction, "has neither one row nor one per channel");
  expect(thresholds.length === rows * levels, instruction, "has the wrong number of thresholds");
  expect(elementCount(input) === elementCount(output), instruction, "changes the element count");
  for (let i = 1; i < thresholds.length; i++) {
    expect(
      i % levels === 0 || thresholds[i - 1]! <= thresholds[i]!,
      instruction,
      "has a row that is not ascending",
    );
  }
}

function checkDense(
  instruction: Extract<Instruction, { kind: "dense" }>,
  input: ProgramTensor,
  output: ProgramTensor,
): void {
  const { weights } = instruction;
  expect(isCodes(input.domain), instruction, "reads a tensor that is not codes");
  expect(isScalar(output.domain, "i32"), instruction, "writes a tensor that is not i32");
  expect(
    input.shape[2] === weights.inputs && output.shape[2] === weights.outputs,
    instruction,
    "does not fit its weights",
  );
  expect(weights.codes.length === weights.inputs * weights.outputs, instruction, "has incomplete weights");
  expect(
    weights.codes.every((c) => c < 2 ** weights.bits),
    instruction,
    "has a weight code beyond its bits",
  );
}

function checkScaleSteps(steps: readonly ScaleStep[], channels: number, instruction: Instruction): void {
  for (const { operator, operand } of steps) {
    const fits =
      operator === "relu" ? operand.length === 0 : operand.length === 1 || operand.length === channels;
    expect(
      fits,
      instruction,
      `has a ${operator} operand of length ${operand.length} for ${channels} channels`,
    );
  }
}

function isCodes(domain: Domain): domain is CodesDomain {
  return domain.kind === "codes";
}

function isScalar(domain: Domain, type: string): boolean {
  return domain.kind === "scalar" && domain.type === type;
}

function expect(condition: boolean, instruction: Instruction, problem: string): void {
  if (!condition) throw broken(`${instruction.kind} into tensor ${instruction.output} ${problem}`);
}

function broken(problem: string): Error {
  return fail("program/invalid", `the device program is inconsistent: ${problem}`, {
    remedy: "this is a defect of bitloom; please report it with the model",
  });
}
