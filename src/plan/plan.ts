import { fail } from "../diagnostics/diagnostic.js";
import { kernels } from "../kernels/registry.js";
import type { Kernel, KernelChoice } from "../kernels/types.js";
import { canonicalSize, type DeviceProgram, type TensorId } from "../program/index.js";
import { placeBuffers } from "./memory.js";
import type { Buffer, MemoryPlan, Place, Plan, PlannedStep } from "./types.js";

const ELEMENT_BYTES = { uint32_t: 4, int32_t: 4, int16_t: 2, uint8_t: 1, float: 4 } as const;

/** Chooses kernels and places every tensor. Deterministic: the same program always gives the same plan. */
export function planProgram(program: DeviceProgram, from: readonly Kernel[] = kernels): Plan {
  const choices = chooseKernels(program, from);
  const memory = placeBuffers(lifetimes(program, choices));
  const place = (tensor: TensorId): Place => placeOf(program, memory, tensor);
  const steps = choices.map(
    (choice, i): PlannedStep => ({
      choice,
      symbol: `layer${i}_${choice.kernel}`,
      input: place(choice.input),
      output: place(choice.output),
    }),
  );
  return {
    program,
    steps,
    memory,
    traceBytes: skippedBytes(program, choices),
    weightBytes: constantBytes(choices),
  };
}

/** The kernel's choice that computes the sums of a fused dense layer on their own, for trace builds. */
export function unfusedChoice(program: DeviceProgram, choice: KernelChoice): KernelChoice | undefined {
  if (choice.covers.length === 1) return undefined;
  const [first] = choice.covers;
  const sums = program.instructions[first!]!.output;
  // With the sums as the program's output nothing may fuse past them.
  const alone: DeviceProgram = { ...program, output: { ...program.output, tensor: sums } };
  const kernel = kernels.find((k) => k.name === choice.kernel)!;
  return kernel.match(alone, first!);
}

/** The cheapest matching kernel for each instruction; a fused choice takes the instructions after it too. */
function chooseKernels(program: DeviceProgram, from: readonly Kernel[]): KernelChoice[] {
  const choices: KernelChoice[] = [];
  for (let index = 0; index < program.instructions.length; ) {
    const candidates = from.map((k) => k.match(program, index)).filter((c) => c !== undefined);
    const best = candidates.reduce<KernelChoice | undefined>(
      (a, b) => (a === undefined || b.cost < a.cost ? b : a),
      undefined,
    );
    if (best === undefined) {
      const instruction = program.instructions[index]!;
      throw fail("plan/no-kernel", `no kernel computes ${instruction.kind} of this size`, {
        where: program.tensors[instruction.output]!.name,
      });
    }
    choices.push(best);
    index += best.covers.length;
  }
  return choices;
}

/** Step ranges in which each intermediate tensor is needed. Input and output belong to the caller. */
function lifetimes(program: DeviceProgram, choices: readonly KernelChoice[]): Buffer[] {
  const buffers: Buffer[] = [];
  choices.forEach((choice, step) => {
    if (choice.output === program.output.tensor) return;
    const lastReader = choices.reduce((last, c, i) => (c.input === choice.output ? i : last), step);
    buffers.push({
      tensor: choice.output,
      bytes: canonicalSize(program.tensors[choice.output]!),
      from: step,
      to: lastReader,
    });
  });
  return buffers;
}

function placeOf(program: DeviceProgram, memory: MemoryPlan, tensor: TensorId): Place {
  if (tensor === program.input.tensor) return { kind: "input" };
  if (tensor === program.output.tensor) return { kind: "output" };
  return { kind: "arena", offset: memory.buffers.find((b) => b.tensor === tensor)!.offset };
}

function skippedBytes(program: DeviceProgram, choices: readonly KernelChoice[]): number {
  return choices
    .filter((c) => c.covers.length > 1)
    .reduce(
      (most, c) =>
        Math.max(most, canonicalSize(program.tensors[program.instructions[c.covers[0]!]!.output]!)),
      0,
    );
}

function constantBytes(choices: readonly KernelChoice[]): number {
  return choices
    .flatMap((c) => c.call.constants)
    .reduce((sum, constant) => sum + constant.values.length * ELEMENT_BYTES[constant.type], 0);
}
