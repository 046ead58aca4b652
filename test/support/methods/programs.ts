/** What tests ask of the programs that nets become. */
import { planProgram } from "../../../src/plan/index.js";
import type { DeviceProgram, Instruction } from "../../../src/program/index.js";

export function kindsOf({ instructions }: DeviceProgram): readonly Instruction["kind"][] {
  return instructions.map(({ kind }) => kind);
}

export function countOf(program: DeviceProgram, kind: Instruction["kind"]): number {
  return kindsOf(program).filter((k) => k === kind).length;
}

/** Names of float32 tensors with more than one row that the device keeps. */
export function floatMaps(given: DeviceProgram): readonly string[] {
  const { program, steps } = planProgram(given);
  return steps.flatMap(({ choice }) => {
    const { name, shape, domain } = program.tensors[choice.output]!;
    return shape[0] > 1 && domain.kind === "scalar" && domain.type === "f32" ? [name] : [];
  });
}
