/**
 * Measures the kernels that could execute a program: every instruction, with every kernel that matches it, alone in
 * a program of its own, many in one firmware.
 */
import { BitloomError, fail } from "../diagnostics/diagnostic.js";
import { kernels } from "../kernels/registry.js";
import type { KernelChoice } from "../kernels/types.js";
import { candidatesFor, choiceKey } from "../plan/index.js";
import {
  type DeviceProgram,
  elementCount,
  type Instruction,
  inputsOf,
  type ProgramTensor,
  programOfLayers,
  type TensorValues,
} from "../program/index.js";
import { type Board, type Cpu, listBoards } from "../targets/index.js";
import { planWith } from "./candidates.js";
import type { LayerCase } from "./firmware.js";
import { runCases } from "./run.js";

export interface ProgramMeasurements {
  /** Executed instructions by `choiceKey`: the most of any input. */
  readonly instructions: ReadonlyMap<string, number>;
  /** Keys that keep the kernel's own estimate: several inputs, or too large for the emulated board. */
  readonly unmeasured: readonly string[];
}

export interface TuneOptions {
  /** A QEMU machine with the core that the figures are wanted for. */
  readonly board: Board;
  readonly onProgress?: (text: string) => void;
}

/** Throws `tuning/wrong-result` (exit 1) when a kernel's output is not the reference's. */
export async function measureProgram(
  program: DeviceProgram,
  { board, onProgress }: TuneOptions,
): Promise<ProgramMeasurements> {
  const choices = new Map<string, KernelChoice>();
  for (const choice of candidatesFor(program, kernels, board.cpu).flat())
    choices.set(choiceKey(choice), choice);
  const cases = new Map<string, LayerCase>();
  const unmeasured: string[] = [];
  for (const [key, choice] of choices) {
    const layer = caseOf(program, choice, board.cpu);
    if (layer === undefined) unmeasured.push(key);
    else cases.set(key, layer);
  }
  const results = await runCases([...cases.values()], board, onProgress);
  const instructions = new Map<string, number>();
  for (const [i, key] of [...cases.keys()].entries()) {
    const figures = results[i];
    if (figures === undefined) unmeasured.push(key);
    else instructions.set(key, figures.firstInstructions);
  }
  return { instructions, unmeasured };
}

/** The QEMU machine with this core and the most RAM. Throws `tuning/no-board` (exit 2) when there is none. */
export function tuningBoard(cpu: Cpu): Board {
  const boards = listBoards().filter(
    (b) => b.cpu.id === cpu.id && b.qemu !== undefined && "machine" in b.qemu,
  );
  const [largest] = boards.sort((a, b) => b.memories.ram.size - a.memories.ram.size);
  if (largest !== undefined) return largest;
  throw fail("tuning/no-board", `QEMU has no machine with a ${cpu.name}`, {
    remedy: "tune for another core: `bitloom boards` says which have one",
  });
}

/** A choice in a program of its own, or undefined when it cannot stand alone. */
function caseOf(program: DeviceProgram, choice: KernelChoice, cpu: Cpu): LayerCase | undefined {
  if (choice.inputs.length !== 1) return undefined;
  const part = partOf(program, choice);
  try {
    const plan = planWith(part, cpu, (other) => choiceKey(other) === choiceKey(choice));
    return { plan, inputs: [randomTensor(part.tensors[0]!, 1), randomTensor(part.tensors[0]!, 2)] };
  } catch (error) {
    // What only fits between its neighbours, such as a kernel whose layout nothing else makes.
    if (error instanceof BitloomError) return undefined;
    throw error;
  }
}

/** The instructions that a choice covers, as a program from its input to its output. */
function partOf(program: DeviceProgram, { covers }: KernelChoice): DeviceProgram {
  const instructions = covers.map((i) => program.instructions[i]!);
  const ids = [inputsOf(instructions[0]!)[0]!, ...instructions.map((i) => i.output)];
  const tensors = ids.map((id) => program.tensors[id]!);
  const place = (id: number): number => ids.indexOf(id);
  const moved = instructions.map((i): Instruction => {
    const output = place(i.output);
    return "inputs" in i
      ? { ...i, inputs: i.inputs.map(place) as [number, number], output }
      : { ...i, input: place(i.input), output };
  });
  return programOfLayers(tensors.at(-1)!.name, tensors, moved);
}

/** Values over the whole range of codes and bytes, and a modest one of wider integers and floats. */
function randomTensor(tensor: ProgramTensor, seed: number): TensorValues {
  const length = elementCount(tensor);
  const { domain } = tensor;
  let state = seed;
  const next = (): number => {
    // A linear congruential generator: any will do here.
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  if (domain.kind === "scalar" && domain.type === "f32") {
    return Float32Array.from({ length }, () => 4 * next() - 2);
  }
  const [low, size] =
    domain.kind === "codes" ? [0, 2 ** domain.bits] : domain.type === "u8" ? [0, 256] : [-100, 200];
  return Int32Array.from({ length }, () => low + Math.floor(next() * size));
}
