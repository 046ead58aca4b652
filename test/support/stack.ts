/** Stack of a model's library on a core: what the emulator measures, and the bound. */
import { join } from "node:path";
import type { CompiledModel } from "../../src/compile.js";
import { type MeasuredEntry, qemuEmulator, runVectors, type Verdict } from "../../src/emulators/index.js";
import { randomBatch } from "../../src/inputs.js";
import { canonicalBytes } from "../../src/program/index.js";
import { type Board, findBoard, findCpu } from "../../src/targets/index.js";
import { temporaryFolder } from "../../src/toolchain/at-exit.js";
import { buildFirmware, entryStacks, libraryStack } from "../../src/toolchain/index.js";
import type { StackUse } from "../../src/toolchain/stack.js";
import { writeLibrary } from "../../src/verify.js";

/** A machine in QEMU for each kind of core; that of Armv6-M runs on a larger machine than QEMU has for it. */
const machines = {
  "cortex-m0": "mps2-an385",
  "cortex-m3": "mps2-an385",
  "cortex-m4": "mps2-an386",
  "cortex-m7": "mps2-an500",
  "cortex-m33": "mps2-an505",
  "cortex-m55": "mps3-an547",
} as const;

export type StackCore = keyof typeof machines;
export const stackCores = Object.keys(machines) as StackCore[];

export function stackBoard(core: StackCore): Board {
  return { ...findBoard(machines[core]), cpu: findCpu(core) };
}

export interface MeasuredStack extends StackUse {
  readonly entry: MeasuredEntry;
  /** Bytes that were seen to be written. */
  readonly taken: number;
}

/** Runs two random inputs, and measures every function that the library has. `model` is to be compiled for the core. */
export async function measureStack(model: CompiledModel, core: StackCore): Promise<MeasuredStack[]> {
  const folder = temporaryFolder("bitloom-stack-");
  try {
    const board = stackBoard(core);
    const { program } = model;
    const library = writeLibrary(model, join(folder.path, "library"));
    const outDir = join(folder.path, "build");
    const firmware = await buildFirmware({ library, board, outDir, trace: false, link: "semihosting" });
    const bounds = entryStacks(await libraryStack(library, firmware), library.name);
    const batch = randomBatch(program, 2, 1);
    const tensor = program.tensors[program.input.tensor]!;
    const inputs = [0, 1].map((i) => canonicalBytes(tensor, batch.stored(i)));
    const verdict = await run(firmware.elf, board, inputs);
    return bounds.map((bound) => ({ ...bound, taken: verdict.stackOf![bound.entry] ?? 0 }));
  } finally {
    folder.remove();
  }
}

async function run(image: string, board: Board, inputs: readonly Uint8Array[]): Promise<Verdict> {
  let verdict: Verdict | undefined;
  const machine = await qemuEmulator.start(image, board);
  const results = runVectors(machine, inputs, {
    timeoutMs: 60_000,
    onVerdict: (said) => {
      verdict = said;
    },
  });
  for await (const { status } of results) if (status !== 0) throw new Error(`a run ended with ${status}`);
  // It is not where what the harness pushed at the end gave no output.
  if (!verdict!.pass) throw new Error("the harness has not passed");
  return verdict!;
}
