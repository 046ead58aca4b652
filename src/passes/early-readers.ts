import { canonicalSize } from "../program/canonical.js";
import { type DeviceProgram, type Instruction, inputsOf, type TensorId } from "../program/types.js";
import { readersOf } from "./rewriting.js";

/** What may be done early; scales of floats only, since integers can still become short. */
const SHRINKING: readonly Instruction["kind"][] = [
  "threshold",
  "lookup",
  "decode",
  "pool",
  "scale",
  "select",
];

/**
 * What alone reads a tensor, and makes no more bytes of it, comes right behind what makes the tensor: sums live shortly, and
 * kernels find layers and their thresholds together.
 */
export function earlyReaders(program: DeviceProgram): DeviceProgram {
  const instructions = [...program.instructions];
  for (const reader of program.instructions) {
    if (!mayMove(program, reader)) continue;
    const [input] = inputsOf(reader) as [TensorId];
    const at = instructions.indexOf(reader);
    const maker = instructions.findIndex((i) => i.output === input);
    if (maker < 0 || maker === at - 1) continue;
    instructions.splice(at, 1);
    instructions.splice(maker + 1, 0, reader);
  }
  const isSame = instructions.every((instruction, i) => instruction === program.instructions[i]);
  return isSame ? program : { ...program, instructions };
}

function mayMove(program: DeviceProgram, reader: Instruction): boolean {
  if (!SHRINKING.includes(reader.kind)) return false;
  const [input] = inputsOf(reader) as [TensorId];
  const { domain } = program.tensors[input]!;
  if (reader.kind === "scale" && !(domain.kind === "scalar" && domain.type === "f32")) return false;
  const [from, to] = [input, reader.output].map((id) => canonicalSize(program.tensors[id]!));
  return to! <= from! && readersOf(program, input).length === 1 && program.output.tensor !== input;
}
