/** What passes that rewrite programs share: who reads a tensor, and leaving out what nobody reads. */
import {
  type DeviceProgram,
  type Instruction,
  inputsOf,
  type ProgramTensor,
  type TensorId,
  withInputs,
} from "../program/types.js";

/** A program in parts that a pass may add to and change. */
export interface Draft {
  readonly tensors: ProgramTensor[];
  readonly instructions: Instruction[];
}

export function draftOf({ tensors, instructions }: DeviceProgram): Draft {
  return { tensors: [...tensors], instructions: [...instructions] };
}

export function addTo({ tensors }: Draft, tensor: ProgramTensor): TensorId {
  return tensors.push(tensor) - 1;
}

/** Instructions that read a tensor, in order. */
export function readersOf(
  { instructions }: Pick<DeviceProgram, "instructions">,
  tensor: TensorId,
): readonly Instruction[] {
  return instructions.filter((i) => inputsOf(i).includes(tensor));
}

/** The program without instructions whose result nobody needs, and without their tensors; the rest keeps its order. */
export function pruned(program: DeviceProgram): DeviceProgram {
  const needed = new Set<TensorId>([program.output.tensor]);
  const kept: Instruction[] = [];
  for (const instruction of program.instructions.toReversed()) {
    if (!needed.has(instruction.output)) continue;
    for (const id of inputsOf(instruction)) needed.add(id);
    kept.unshift(instruction);
  }
  const order = [...new Set([program.input.tensor, ...kept.map((i) => i.output)])];
  const places = new Map(order.map((id, i) => [id, i]));
  const placeOf = (id: TensorId): TensorId => places.get(id)!;
  return {
    ...program,
    tensors: order.map((id) => program.tensors[id]!),
    instructions: kept.map((i) => ({ ...withInputs(i, placeOf), output: placeOf(i.output) })),
    input: { ...program.input, tensor: placeOf(program.input.tensor) },
    output: { ...program.output, tensor: placeOf(program.output.tensor) },
  };
}
