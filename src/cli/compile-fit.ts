import type { CompiledModel } from "../compile.js";
import { fail } from "../diagnostics/diagnostic.js";
import { type Board, type Cpu, findBoard, findCpu } from "../targets/index.js";

/** The core that the options name, or undefined. */
export function cpuOf({ board, cpu }: { readonly board?: string; readonly cpu?: string }): Cpu | undefined {
  if (board === undefined) return cpu === undefined ? undefined : findCpu(cpu);
  const found = findBoard(board).cpu;
  if (cpu !== undefined && findCpu(cpu).id !== found.id) {
    throw fail("cli/cpu", `${board} has a ${found.name}, not a ${findCpu(cpu).name}`, {
      remedy: "leave out --cpu",
    });
  }
  return found;
}

/**
 * Refuses what cannot fit a board: weights against flash, arena with input and output against RAM. Code and
 * stack come on top; the linker has the last word.
 */
export function fitReport(
  model: CompiledModel,
  id: string | undefined,
): { text: string; json: object | null } {
  if (id === undefined) return { text: "", json: null };
  const board: Board = findBoard(id);
  const { flash, ram } = board.memories;
  const ramBytes = model.plan.memory.arenaBytes;
  if (model.plan.weightBytes > flash.size || ramBytes > ram.size) {
    throw fail(
      "fit/too-large",
      `the model needs ${model.plan.weightBytes} bytes of flash and ${ramBytes} of RAM; ${board.name} has ${flash.size} and ${ram.size}`,
      {
        where: id,
        remedy: "use fewer or narrower layers, or a larger board: `bitloom fit MODEL` says which have room",
      },
    );
  }
  const percent = (bytes: number, size: number): string => `${((100 * bytes) / size).toFixed(1)} %`;
  return {
    text: `board   ${board.name}: weights take ${percent(model.plan.weightBytes, flash.size)} of flash, the arena ${percent(ramBytes, ram.size)} of RAM`,
    json: { board: id, flashBytes: flash.size, ramBytes: ram.size },
  };
}
