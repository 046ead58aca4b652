/** Runs an image in an emulator and returns what the calls of some of its functions took. */
import { BitloomError } from "./diagnostics/diagnostic.js";
import { type Emulator, explainPluginFailure, type FunctionCall, runVectors } from "./emulators/index.js";
import type { Board } from "./targets/index.js";
import { readElf } from "./toolchain/elf.js";

export interface MeasureOptions {
  readonly emulator: Emulator;
  readonly board: Board;
  /** Image that serves the vector protocol. */
  readonly image: string;
  readonly functions: readonly string[];
  readonly inputs: readonly Uint8Array[];
  readonly timeoutMs?: number;
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * The calls of each function, by its name: one per input, in their order. What the self-test called at the start is left
 * out. A function that was not called once per input has no entry.
 */
export async function measureCalls(options: MeasureOptions): Promise<Map<string, FunctionCall[]>> {
  const { emulator, board, image, functions, inputs, timeoutMs, onProgress } = options;
  const elf = await readElf(image);
  const machine = await emulator.start(image, board, { profile: functions });
  try {
    const limits = timeoutMs === undefined ? {} : { timeoutMs };
    const progress = onProgress === undefined ? {} : { onProgress };
    for await (const result of runVectors(machine, inputs, { elf, ...limits, ...progress })) void result;
  } catch (error) {
    throw (error instanceof BitloomError && explainPluginFailure(error.message)) || error;
  }
  const { calls = [] } = await machine.ended;
  const byFunction = new Map<string, FunctionCall[]>();
  for (const name of functions) {
    const last = calls.filter((c) => c.function === name).slice(-inputs.length);
    if (last.length === inputs.length) byFunction.set(name, last);
  }
  return byFunction;
}
