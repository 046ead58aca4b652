/** Which float32 tensors have a form in fixed point, and in which form their readers want them. */
import { type DeviceProgram, type Instruction, inputsOf, type TensorId } from "../../program/types.js";
import { isSegmentable } from "./segments.js";

export interface Wanted {
  /** By tensor: whether it can be fixed point, and whether something reads it so, or as float32. */
  readonly isConvertible: readonly boolean[];
  readonly fixed: readonly boolean[];
  readonly float: readonly boolean[];
}

export function wantedForms(program: DeviceProgram, hasRange: (tensor: TensorId) => boolean): Wanted {
  const isFloat = program.tensors.map(({ domain }) => domain.kind === "scalar" && domain.type === "f32");
  const isConvertible = program.tensors.map(() => false);
  for (const instruction of program.instructions) {
    const sources = inputsOf(instruction).filter((id) => isFloat[id]);
    isConvertible[instruction.output] =
      isFloat[instruction.output]! &&
      hasForm(instruction) &&
      hasRange(instruction.output) &&
      sources.every((id) => isConvertible[id]);
  }
  const fixed = program.tensors.map(() => false);
  const float = program.tensors.map(() => false);
  float[program.output.tensor] = isFloat[program.output.tensor]!;
  const want = (id: TensorId, isFixed: boolean): void => {
    if (isFloat[id]) (isFixed ? fixed : float)[id] = true;
  };
  for (const instruction of [...program.instructions].reverse()) {
    const { kind, output } = instruction;
    const inputs = inputsOf(instruction);
    if (!isFloat[output]) for (const id of inputs) want(id, kind === "threshold" && isConvertible[id]!);
    else if (fixed[output] || (float[output] && isConvertible[output] && kind !== "scale"))
      for (const id of inputs) want(id, true);
    // A `scale` to float32 reads fixed point or integers, and rounds no more than it must.
    if (isFloat[output] && float[output] && (kind === "scale" || !isConvertible[output]))
      for (const id of inputs) want(id, isConvertible[output]! && isConvertible[id]!);
  }
  return { isConvertible, fixed, float };
}

/** Whether fixed point has the operation. */
function hasForm(instruction: Instruction): boolean {
  switch (instruction.kind) {
    case "scale":
      return isSegmentable(instruction.steps);
    case "add":
    case "concat":
    case "conv-float":
    case "gather":
    case "pad":
    case "pool":
    case "select":
      return true;
    default:
      return false;
  }
}
