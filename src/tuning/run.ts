/** Runs layers on a core, compares every output with the device reference, and counts what each layer executes. */
import { join } from "node:path";
import { fail } from "../diagnostics/diagnostic.js";
import {
  addressOf,
  explainPluginFailure,
  type FunctionCall,
  qemuEmulator,
  traceHash,
} from "../emulators/index.js";
import { constantBytes } from "../plan/index.js";
import { estimateCycles } from "../profile/index.js";
import { canonicalBytes, macsOf, type TensorValues } from "../program/index.js";
import { compileDevice } from "../reference/device-fast.js";
import type { Board } from "../targets/index.js";
import { temporaryFolder } from "../toolchain/at-exit.js";
import { codeBytes } from "../toolchain/call-sites.js";
import { type Elf, readElf } from "../toolchain/index.js";
import { batches, buildBatch, caseName, type LayerCase } from "./firmware.js";

/** What one layer costs on one core. */
export interface Figures {
  /** Kernels of its steps, without changes of layout at its ends. */
  readonly kernel: string;
  /** Most executed instructions of any input, and fewest. */
  readonly instructions: number;
  readonly fewest: number;
  /** Estimated cycles of the slowest input; null where the core has no timings. */
  readonly cycles: number | null;
  readonly macs: number;
  readonly codeBytes: number;
  readonly constantBytes: number;
  readonly scratchBytes: number;
  /** Instructions of the first of its steps alone. */
  readonly firstInstructions: number;
  /** Instructions of the whole plan, with changes of layout. */
  readonly wholeInstructions: number;
}

const TIMEOUT_MS = 600_000;

/** Figures by the place of the case in the list; undefined for cases that do not fit the board. */
export async function runCases(
  cases: readonly LayerCase[],
  board: Board,
  onProgress: (text: string) => void = () => undefined,
): Promise<(Figures | undefined)[]> {
  const folder = temporaryFolder("bitloom-layers-");
  const figures = new Map<LayerCase, Figures>();
  try {
    for (const [index, batch] of batches(cases, board).entries()) {
      onProgress(`${board.cpu.id}: building ${batch.length} layers`);
      const image = await buildBatch(
        batch,
        board,
        join(folder.path, `batch${index}`),
        join(folder.path, "shared"),
      );
      onProgress(`${board.cpu.id}: running ${batch.length} layers`);
      const results = await runBatch(batch, board, image);
      for (const [i, c] of batch.entries()) figures.set(c, results[i]!);
    }
  } finally {
    folder.remove();
  }
  return cases.map((c) => figures.get(c));
}

async function runBatch(batch: readonly LayerCase[], board: Board, image: string): Promise<Figures[]> {
  const elf = await readElf(image);
  const functions = batch.flatMap(({ plan }, i) => [
    ...plan.steps.map(({ symbol }) => `${caseName(i)}_${symbol}_run`),
    `${caseName(i)}_run`,
  ]);
  const { text, calls } = await execute(board, image, functions);
  checkOutputs(batch, text);
  const byFunction = new Map<string, FunctionCall[]>();
  for (const call of calls) byFunction.set(call.function, [...(byFunction.get(call.function) ?? []), call]);
  return batch.map((c, i) => figuresOf(c, caseName(i), elf, byFunction, board.cpu.id));
}

async function execute(
  board: Board,
  image: string,
  functions: readonly string[],
): Promise<{ text: string; calls: readonly FunctionCall[] }> {
  const machine = await qemuEmulator.start(image, board, { profile: functions });
  let text = "";
  const timer = setTimeout(() => void machine.stop(), TIMEOUT_MS);
  machine.onData((bytes) => {
    text += Buffer.from(bytes).toString("latin1");
    if (text.endsWith("end\n")) void machine.stop();
  });
  const { calls = [], description } = await machine.ended;
  clearTimeout(timer);
  if (!text.endsWith("end\n")) {
    throw (
      explainPluginFailure(machine.lastSeen()) ??
      new Error(
        `${machine.id} ${description} before the end; it said ${JSON.stringify(text.slice(-200))} ${machine.lastSeen()}`,
      )
    );
  }
  return { text, calls };
}

/** Throws when an output is not what the reference computes: figures of wrong results are worth nothing. */
function checkOutputs(batch: readonly LayerCase[], text: string): void {
  const said = text.trim().split("\n").slice(0, -1);
  const wanted = batch.flatMap((layer, c) =>
    expectedHashes(layer).map((hash, i) =>
      [c, i, 0, hash].map((n) => n.toString(16).padStart(8, "0")).join(" "),
    ),
  );
  const wrong = wanted.findIndex((line, i) => line !== said[i]);
  if (wrong < 0) return;
  const { plan } = batch[Math.floor(wrong / batch[0]!.inputs.length)]!;
  const kernels = plan.steps.map((s) => s.choice.kernel).join(", ");
  throw fail(
    "tuning/wrong-result",
    `${plan.program.name} (${kernels}): input ${wrong % batch[0]!.inputs.length} gives “${said[wrong]}”, the reference “${wanted[wrong]}”`,
    { exitCode: 1 },
  );
}

const known = new WeakMap<readonly TensorValues[], readonly number[]>();

/** Hashes of the reference's outputs; computed once for inputs that run on several cores. */
function expectedHashes({ plan, inputs }: LayerCase): readonly number[] {
  const found = known.get(inputs);
  if (found !== undefined) return found;
  const { program } = plan;
  const run = compileDevice(program);
  const output = program.tensors[program.output.tensor]!;
  const hashes = inputs.map((input) => traceHash(canonicalBytes(output, run(input))));
  known.set(inputs, hashes);
  return hashes;
}

function figuresOf(
  { plan, inputs }: LayerCase,
  name: string,
  elf: Elf,
  calls: ReadonlyMap<string, readonly FunctionCall[]>,
  core: string,
): Figures {
  const { program } = plan;
  const steps = plan.steps.filter(({ choice }) => choice.covers.length > 0);
  const symbols = steps.map(({ symbol }) => `${name}_${symbol}_run`);
  const of = (symbol: string): readonly FunctionCall[] => {
    const own = calls.get(symbol) ?? [];
    if (own.length !== inputs.length) throw new Error(`${program.name}: ${symbol} ran ${own.length} times`);
    return own;
  };
  const perInput = inputs.map((_, i) => sum(symbols.map((s) => of(s)[i]!.instructions)));
  const cycles = inputs.map((_, i) =>
    sum(symbols.map((s) => estimateCycles(core, of(s)[i]!.counts ?? {}) ?? Number.NaN)),
  );
  const code = new Map(symbols.flatMap((s) => [...codeBytes(elf, addressOf(elf, s))]));
  return {
    kernel: steps.map((s) => s.choice.kernel).join(" + "),
    instructions: Math.max(...perInput),
    fewest: Math.min(...perInput),
    cycles: cycles.some(Number.isNaN) ? null : Math.max(...cycles),
    macs: sum(program.instructions.map((i) => macsOf(program, i))),
    codeBytes: sum(code.values()),
    constantBytes: sum(steps.map((s) => constantBytes(s.choice))),
    scratchBytes: Math.max(...steps.map((s) => s.choice.scratchBytes)),
    firstInstructions: Math.max(...of(symbols[0]!).map((c) => c.instructions)),
    wholeInstructions: Math.max(...of(`${name}_run`).map((c) => c.instructions)),
  };
}

function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
