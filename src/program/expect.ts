/** What the checks of a program are made of. */
import { fail } from "../diagnostics/diagnostic.js";
import type { CodesDomain, Domain, Instruction, ProgramTensor, ScalarType } from "./types.js";

export function checkSameShape(instruction: Instruction, input: ProgramTensor, output: ProgramTensor): void {
  expect(
    input.shape.every((n, i) => n === output.shape[i]),
    instruction,
    `changes the shape from ${input.shape.join("×")} to ${output.shape.join("×")}`,
  );
}

export function checkSameDomain(instruction: Instruction, input: ProgramTensor, output: ProgramTensor): void {
  expect(isSameDomain(input.domain, output.domain), instruction, "changes the domain");
}

export function isSameDomain(a: Domain, b: Domain): boolean {
  if (a.kind === "scalar") return isScalar(b, a.type);
  return isCodes(b) && a.bits === b.bits && a.step === b.step && a.offset === b.offset;
}

export function isPixel({ shape }: ProgramTensor): boolean {
  return shape[0] === 1 && shape[1] === 1;
}

export function isCodes(domain: Domain): domain is CodesDomain {
  return domain.kind === "codes";
}

export function isScalar(domain: Domain, ...types: readonly ScalarType[]): boolean {
  return domain.kind === "scalar" && types.includes(domain.type);
}

export function expect(condition: boolean, instruction: Instruction, problem: string): void {
  if (!condition) throw broken(`${instruction.kind} into tensor ${instruction.output} ${problem}`);
}

export function broken(problem: string): Error {
  return fail("program/invalid", `the device program is inconsistent: ${problem}`, {
    remedy: "this is a defect of bitloom; please report it with the model",
  });
}
