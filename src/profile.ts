/**
 * What each layer of a model costs on a core: instructions executed in an emulator, exact and repeatable; cycles
 * estimated from them; flash, RAM and stack. The library's objects are those that `verify` checks and that would be
 * flashed.
 */
import { join } from "node:path";
import type { CompiledModel } from "./compile.js";
import { fail } from "./diagnostics/diagnostic.js";
import { addressOf, type Emulator, type FunctionCall } from "./emulators/index.js";
import type { InputBatch } from "./inputs.js";
import { measureCalls } from "./measure.js";
import { constantBytes, type Plan } from "./plan/index.js";
import { type Counts, coreTimings, estimateCycles } from "./profile/index.js";
import { canonicalBytes, macsOf } from "./program/index.js";
import type { Board } from "./targets/index.js";
import { temporaryFolder } from "./toolchain/at-exit.js";
import { codeBytes } from "./toolchain/call-sites.js";
import { readElf } from "./toolchain/elf.js";
import { buildFirmware, type Firmware, type Link } from "./toolchain/firmware.js";
import type { LibraryOnDisk } from "./toolchain/library.js";
import { type EntryStack, entryStacks, libraryStack } from "./toolchain/library-stack.js";
import { writeLibrary } from "./verify.js";

export interface ProfileOptions {
  /** QEMU or Renode. */
  readonly emulator: Emulator;
  readonly board: Board;
  readonly link?: Link;
  /** Milliseconds that one run may take. */
  readonly timeoutMs?: number;
  readonly onProgress?: (message: string) => void;
}

/** What one function executed, averaged over the inputs. */
export interface Executed {
  /** Mean over the inputs. */
  readonly instructions: number;
  /** Fewest and most of any input; equal where the time does not depend on the data. */
  readonly fewest: number;
  readonly most: number;
  /** Multiply-accumulates: outputs × taps, those outside the map counted. */
  readonly macs: number;
  /** Null without multiply-accumulates. */
  readonly instructionsPerMac: number | null;
  /** Null where the core has no published timings or the emulator tells no classes. */
  readonly estimatedCycles: number | null;
  /** Mean counts by class; null where the emulator does not tell. */
  readonly classes: Counts | null;
}

export interface LayerProfile extends Executed {
  readonly layer: string;
  readonly kernel: string;
  /** Bytes of code that it runs; code that layers share counts in each. */
  readonly codeBytes: number;
  readonly constantBytes: number;
  /** Bytes of arena in use while it runs, without its working memory. */
  readonly arenaBytes: number;
  readonly scratchBytes: number;
  readonly stackBytes: number;
}

export interface Profile {
  readonly emulator: string;
  readonly board: string;
  readonly core: string;
  /** Where the estimated cycles come from; null when there are none. */
  readonly timings: string | null;
  readonly inputs: number;
  readonly layers: readonly LayerProfile[];
  readonly total: Executed & {
    /** Bytes of flash of the library's objects without its self-test. */
    readonly flashBytes: number;
    readonly constantBytes: number;
    readonly arenaBytes: number;
    readonly stackBytes: number;
  };
  /** Worst-case stack of the library's functions, with the deepest path. */
  readonly stack: readonly EntryStack[];
}

/** Builds, runs and counts. Throws BitloomErrors: a tool is missing (exit 3), the image does not build or run (exit 1). */
export async function profileModel(
  model: CompiledModel,
  batch: InputBatch,
  options: ProfileOptions,
): Promise<Profile> {
  const folder = temporaryFolder("bitloom-profile-");
  try {
    const { board, link = "uart", onProgress } = options;
    const library = writeLibrary(model, join(folder.path, "library"));
    onProgress?.("building");
    const outDir = join(folder.path, "build");
    const firmware = await buildFirmware({ library, board, outDir, trace: false, link });
    const calls = await measure(model, batch, firmware, options);
    return await profileOf(model.plan, library, firmware, calls, options);
  } finally {
    folder.remove();
  }
}

function functionNames(plan: Plan, name: string): { layers: string[]; run: string } {
  return { layers: plan.steps.map(({ symbol }) => `${name}_${symbol}_run`), run: `${name}_run` };
}

async function measure(
  { library, plan, program }: CompiledModel,
  batch: InputBatch,
  firmware: Firmware,
  { emulator, board, timeoutMs, onProgress }: ProfileOptions,
): Promise<Map<string, FunctionCall[]>> {
  const tensor = program.tensors[program.input.tensor]!;
  const inputs = Array.from({ length: batch.count }, (_, i) => canonicalBytes(tensor, batch.stored(i)));
  const { layers, run } = functionNames(plan, library.name);
  return measureCalls({
    emulator,
    board,
    image: firmware.elf,
    functions: [...layers, run],
    within: run,
    inputs,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    onProgress: (done, total) => onProgress?.(`running: ${done}/${total}`),
  });
}

async function profileOf(
  plan: Plan,
  library: LibraryOnDisk,
  firmware: Firmware,
  calls: ReadonlyMap<string, readonly FunctionCall[]>,
  { emulator, board }: ProfileOptions,
): Promise<Profile> {
  const { layers: symbols, run } = functionNames(plan, library.name);
  const core = board.cpu.id;
  const elf = await readElf(firmware.elf);
  const image = await libraryStack(library, firmware);
  const layerStacks = image.worst(symbols);
  const stack = entryStacks(image, library.name);
  const macs = plan.steps.map(({ choice }) =>
    choice.covers.reduce((sum, i) => sum + macsOf(plan.program, plan.program.instructions[i]!), 0),
  );
  const layers = plan.steps.map(
    ({ symbol, choice }, step): LayerProfile => ({
      layer: symbol,
      kernel: choice.kernel,
      ...executed(calls.get(symbols[step]!), symbols[step]!, macs[step]!, core),
      codeBytes: sum(codeBytes(elf, addressOf(elf, symbols[step]!)).values()),
      constantBytes: constantBytes(choice),
      arenaBytes: liveBytes(plan, step),
      scratchBytes: choice.scratchBytes,
      stackBytes: layerStacks[step]!.bytes,
    }),
  );
  const total = {
    ...executed(calls.get(run), run, sum(macs), core),
    flashBytes: firmware.library.flashBytes,
    constantBytes: plan.weightBytes,
    arenaBytes: plan.memory.arenaBytes,
    stackBytes: stack.find((s) => s.entry === "run")!.bytes,
  };
  const timings = total.estimatedCycles === null ? null : coreTimings[core]!.source;
  const inputs = calls.get(run)!.length;
  return { emulator: emulator.id, board: board.id, core, timings, inputs, layers, total, stack };
}

/** Means over the calls, which are one per input. */
export function executed(
  calls: readonly FunctionCall[] | undefined,
  name: string,
  macs: number,
  core: string,
): Executed {
  if (calls === undefined) {
    throw fail("profile/not-called", `${name} was not seen to run once per input`, { exitCode: 1 });
  }
  const counts = calls.map((c) => c.instructions);
  const instructions = sum(counts) / counts.length;
  const classes = meanCounts(calls);
  return {
    instructions,
    fewest: Math.min(...counts),
    most: Math.max(...counts),
    macs,
    instructionsPerMac: macs === 0 ? null : instructions / macs,
    estimatedCycles: (classes === null ? undefined : estimateCycles(core, classes)) ?? null,
    classes,
  };
}

function meanCounts(calls: readonly FunctionCall[]): Counts | null {
  const totals = new Map<string, number>();
  for (const { counts } of calls) {
    if (counts === undefined) return null;
    for (const [name, count] of Object.entries(counts)) totals.set(name, (totals.get(name) ?? 0) + count);
  }
  return Object.fromEntries([...totals].map(([name, total]) => [name, total / calls.length]));
}

function liveBytes({ memory }: Plan, step: number): number {
  return memory.buffers
    .filter((b) => b.holds.kind === "tensor" && b.from <= step && step <= b.to)
    .reduce((total, b) => total + b.bytes, 0);
}

function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
