/** Runs an image in an emulator and returns what the calls of some of its functions took. */
import { BitloomError } from "./diagnostics/diagnostic.js";
import { type Emulator, explainPluginFailure, type FunctionCall, runVectors } from "./emulators/index.js";
import { addCounts } from "./profile/counters.js";
import type { Board } from "./targets/index.js";
import { readElf } from "./toolchain/elf.js";

export interface MeasureOptions {
  readonly emulator: Emulator;
  readonly board: Board;
  /** Image that serves the vector protocol. */
  readonly image: string;
  readonly functions: readonly string[];
  /** A function that is called once per input: calls of the others are added up within each of its calls. */
  readonly within?: string;
  readonly inputs: readonly Uint8Array[];
  readonly timeoutMs?: number;
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * The calls of each function, by its name: one per input, in their order. What the self-test called at the start is left
 * out. A function that was not called once per input has no entry.
 */
export async function measureCalls(options: MeasureOptions): Promise<Map<string, FunctionCall[]>> {
  const { emulator, board, image, functions, within, inputs, timeoutMs, onProgress } = options;
  const elf = await readElf(image);
  const machine = await emulator.start(image, board, { profile: functions });
  try {
    const limits = timeoutMs === undefined ? {} : { timeoutMs };
    const progress = onProgress === undefined ? {} : { onProgress };
    for await (const result of runVectors(machine, inputs, { elf, ...limits, ...progress })) void result;
  } catch (error) {
    throw (error instanceof BitloomError && explainPluginFailure(error.message)) || error;
  }
  const { calls: single = [] } = await machine.ended;
  const calls = within === undefined ? single : addedUp(single, within);
  const byFunction = new Map<string, FunctionCall[]>();
  for (const name of functions) {
    const last = calls.filter((c) => c.function === name).slice(-inputs.length);
    if (last.length === inputs.length) byFunction.set(name, last);
  }
  return byFunction;
}

/** Calls in the order of their returns, with those of one function between two returns of another made one. */
function addedUp(calls: readonly FunctionCall[], within: string): FunctionCall[] {
  const all: FunctionCall[] = [];
  let sums = new Map<string, FunctionCall>();
  for (const call of calls) {
    const sum = sums.get(call.function);
    sums.set(call.function, sum === undefined ? call : together(sum, call));
    if (call.function !== within) continue;
    all.push(...sums.values());
    sums = new Map();
  }
  return all;
}

function together(a: FunctionCall, b: FunctionCall): FunctionCall {
  const instructions = a.instructions + b.instructions;
  if (a.counts === undefined || b.counts === undefined) return { function: a.function, instructions };
  return { function: a.function, instructions, counts: addCounts(a.counts, b.counts) };
}
