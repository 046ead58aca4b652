import { SCALAR_RANGES, tensorRanges } from "../program/ranges.js";
import {
  type DeviceProgram,
  type Instruction,
  inputsOf,
  type TensorId,
  withInputs,
} from "../program/types.js";
import { addTo, type Draft, draftOf, pruned, readersOf } from "./rewriting.js";

/**
 * Sums that are kept for later, and that 16 bits hold, become int16: half the memory of what skips layers. Those that the
 * next instruction alone reads stay as they are, since kernels have them in registers.
 */
export function narrowSums(program: DeviceProgram): DeviceProgram {
  const groups = narrowGroups(program).filter((group) => group.some((id) => isKept(program, id)));
  if (groups.length === 0) return program;
  const draft = draftOf(program);
  for (const id of groups.flat()) narrow(draft, id);
  return pruned({ ...program, ...draft });
}

/** Whether it is read later than by the next instruction. */
function isKept({ instructions }: DeviceProgram, id: TensorId): boolean {
  const made = instructions.findIndex((i) => i.output === id);
  return instructions.findLastIndex((i) => inputsOf(i).includes(id)) > made + 1;
}

/** Sets of tensors that can be narrowed, each all or none. */
function narrowGroups(program: DeviceProgram): readonly (readonly TensorId[])[] {
  const ranges = tensorRanges(program);
  const groupOf = program.tensors.map((_, id) => id);
  const blocked = new Set<TensorId>();
  const { low, high } = SCALAR_RANGES.i16;
  program.tensors.forEach(({ domain }, id) => {
    const range = ranges[id];
    const fits = range !== undefined && range.low >= low && range.high <= high;
    const isSums = domain.kind === "scalar" && domain.type === "i32";
    const canRead = readersOf(program, id).every((i) => readsShort(i) || keepsDomain(i));
    if (!isSums || !fits || !canRead || id === program.output.tensor) blocked.add(id);
  });
  const join = (a: TensorId, b: TensorId): void => {
    const [from, to] = [groupOf[a]!, groupOf[b]!];
    groupOf.forEach((group, id) => {
      if (group === from) groupOf[id] = to;
    });
  };
  for (const instruction of program.instructions) {
    if (keepsDomain(instruction)) for (const id of inputsOf(instruction)) join(id, instruction.output);
    else if (!isSumming(instruction)) blocked.add(instruction.output);
  }
  const groups = [...new Set(groupOf)].map((group) =>
    groupOf.flatMap((other, id) => (other === group ? [id] : [])),
  );
  return groups.filter((group) => group.every((id) => !blocked.has(id)));
}

/** Whether its int32 output may be narrowed behind it. */
function isSumming(instruction: Instruction): boolean {
  return instruction.kind === "conv" || (instruction.kind === "pool" && instruction.operator === "sum");
}

function readsShort(instruction: Instruction): boolean {
  const { kind } = instruction;
  return kind === "threshold" || kind === "scale" || (kind === "pool" && instruction.operator === "sum");
}

/** Whether what it writes has the domain of what it reads. */
function keepsDomain(instruction: Instruction): boolean {
  if (instruction.kind === "pool") return instruction.operator !== "sum";
  return ["add", "concat", "select", "gather", "pad"].includes(instruction.kind);
}

function narrow(draft: Draft, id: TensorId): void {
  const { tensors, instructions } = draft;
  const tensor = tensors[id]!;
  const short = { ...tensor, domain: { kind: "scalar", type: "i16" } } as const;
  const at = instructions.findIndex((i) => i.output === id);
  if (!isSumming(instructions[at]!)) {
    tensors[id] = short;
    return;
  }
  const output = addTo(draft, short);
  tensors[id] = { ...tensor, name: `${tensor.name} before narrowing` };
  instructions.forEach((instruction, i) => {
    instructions[i] = withInputs(instruction, (input) => (input === id ? output : input));
  });
  instructions.splice(at + 1, 0, { kind: "narrow", input: id, output });
}
