import { printable } from "../diagnostics/text.js";
import type { DeviceProgram, Domain, Instruction, ProgramTensor, ScaleStep } from "./types.js";

/** The program as text, one line per instruction: what `--print-after <pass>` shows. */
export function printProgram(program: DeviceProgram): string {
  const lines = [`program ${printable(program.name)}`];
  const name = (id: number): string => `%${id}`;
  lines.push(
    `  ${name(program.input.tensor)} = input ${tensorText(program.tensors[program.input.tensor]!)}${affineText(program)}`,
  );
  for (const instruction of program.instructions) {
    const output = program.tensors[instruction.output]!;
    lines.push(
      `  ${name(instruction.output)} = ${instruction.kind} ${name(instruction.input)}${detail(instruction)}` +
        ` : ${tensorText(output)}  # ${printable(output.name)}`,
    );
  }
  const { output } = program;
  const affine = output.affine.length === 0 ? "" : ` as float: ${output.affine.map(stepText).join(", ")}`;
  const omitted = output.omitted.length === 0 ? "" : ` without the model's ${output.omitted.join(", ")}`;
  lines.push(`  return ${name(output.tensor)}${affine}${omitted}`);
  return `${lines.join("\n")}\n`;
}

/** A domain as people write it: `i32`, `1-bit{-1,+1}`, `2-bit·1-1`. */
export function domainText(domain: Domain): string {
  if (domain.kind === "scalar") return domain.type;
  const { bits, step, offset } = domain;
  if (bits === 1 && step === 2 && offset === -1) return "±1";
  const values = offset === 0 ? `${step}·code` : `${step}·code${offset < 0 ? "−" : "+"}${Math.abs(offset)}`;
  return `${bits}-bit (${values})`;
}

function tensorText(tensor: ProgramTensor): string {
  return `${tensor.shape.join("×")} ${domainText(tensor.domain)}`;
}

function affineText(program: DeviceProgram): string {
  const affine = program.input.affine;
  if (affine === undefined) return "";
  const zero = affine.zero === 0 ? "x" : `(x − ${affine.zero})`;
  return `, value ${zero}·${affine.numerator}/${affine.denominator}`;
}

function detail(instruction: Instruction): string {
  switch (instruction.kind) {
    case "threshold": {
      const rows = instruction.flipped.length;
      const flips = instruction.flipped.reduce((sum, f) => sum + f, 0);
      return ` ${instruction.levels} level${instruction.levels === 1 ? "" : "s"} × ${rows} row${rows === 1 ? "" : "s"}${flips > 0 ? `, ${flips} flipped` : ""}`;
    }
    case "dense": {
      const { weights } = instruction;
      const domain: Domain = {
        kind: "codes",
        bits: weights.bits,
        step: weights.step,
        offset: weights.offset,
      };
      return ` weights ${weights.outputs}×${weights.inputs} ${domainText(domain)}`;
    }
    case "scale":
      return ` ${instruction.steps.map(stepText).join(", ")}`;
    case "rank":
      return ` ${instruction.slope.length} lines`;
    case "argmax":
      return instruction.selectLast ? " last" : " first";
    default:
      return "";
  }
}

function stepText(step: ScaleStep): string {
  if (step.operator === "relu") return "relu";
  const operand = step.operand.length === 1 ? String(step.operand[0]) : `[${step.operand.length} channels]`;
  return `${step.operator} ${operand}`;
}
