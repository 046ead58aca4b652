import { type DeviceProgram, type Instruction, inputsOf, type TensorId } from "../../program/types.js";

/** The program without instructions whose results nobody reads, and the tensors that are left, by their ids before. */
export function compacted(program: DeviceProgram): { program: DeviceProgram; kept: ReadonlySet<TensorId> } {
  const kept = new Set<TensorId>([program.output.tensor]);
  for (const instruction of [...program.instructions].reverse())
    if (kept.has(instruction.output)) for (const id of inputsOf(instruction)) kept.add(id);
  kept.add(program.input.tensor);
  const ids = new Map([...kept].sort((a, b) => a - b).map((id, i) => [id, i] as const));
  const at = (id: TensorId): TensorId => ids.get(id)!;
  const instructions = program.instructions
    .filter(({ output }) => kept.has(output))
    .map((instruction): Instruction => {
      const output = at(instruction.output);
      return "inputs" in instruction
        ? ({ ...instruction, inputs: instruction.inputs.map(at), output } as Instruction)
        : ({ ...instruction, input: at(instruction.input), output } as Instruction);
    });
  return {
    kept,
    program: {
      ...program,
      tensors: program.tensors.filter((_, id) => kept.has(id)),
      instructions,
      input: { ...program.input, tensor: at(program.input.tensor) },
      output: { ...program.output, tensor: at(program.output.tensor) },
    },
  };
}
