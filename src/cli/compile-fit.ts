import type { CompiledModel } from "../compile.js";
import { fail } from "../diagnostics/diagnostic.js";
import { printable } from "../diagnostics/text.js";
import { type ArenaPart, arenaParts, placedParts } from "../fit-arena.js";
import { constantBytes, peakStep } from "../plan/index.js";
import { type Board, type Cpu, dataMemories, findBoard, findCpu } from "../targets/index.js";

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

/** The layers that need the most: what could be made smaller. */
function mostText({ plan }: CompiledModel): string {
  const name = (step: number): string =>
    `${plan.steps[step]!.symbol} (${printable(plan.program.tensors[plan.steps[step]!.choice.output]!.name, 60)})`;
  const weights = plan.steps.map(({ choice }) => constantBytes(choice));
  const ram = peakStep(plan.memory.buffers);
  const most = name(weights.indexOf(Math.max(...weights)));
  return `, the most flash for ${most}${ram === undefined ? "" : `, the most RAM for ${name(ram)}`}`;
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
  const parts = arenaParts(model.plan.memory);
  const placed = placedParts(parts, board, 0);
  if (model.plan.weightBytes > flash.size || placed.some((p) => p.memory === null)) {
    throw fail(
      "fit/too-large",
      `the model needs ${model.plan.weightBytes} bytes of flash and ${parts.join(" + ")} of RAM${mostText(model)}; ${board.name} has ${flash.size} and ${memoriesText(board)}`,
      {
        where: id,
        remedy: "use fewer or narrower layers, or a larger board: `bitloom fit MODEL` says which have room",
      },
    );
  }
  return {
    text: `board   ${board.name}: weights take ${percent(model.plan.weightBytes, flash.size)} of flash, ${placedText(placed, board)}`,
    json: { board: id, flashBytes: flash.size, ramBytes: ram.size },
  };
}

function percent(bytes: number, size: number): string {
  return `${((100 * bytes) / size).toFixed(1)} %`;
}

function memoriesText(board: Board): string {
  const [ram, ...others] = dataMemories(board);
  return [String(ram!.size), ...others.map(({ name, size }) => `${size} (${name})`)].join(" + ");
}

/** Which part of a memory each part of the arena takes. */
function placedText(placed: readonly ArenaPart[], board: Board): string {
  const memories = dataMemories(board);
  const texts = placed.map(({ bytes, memory }, i) => {
    const what = placed.length === 1 ? "the arena" : `bank ${i}`;
    const where = memory === "ram" ? "RAM" : memory;
    return `${what} ${percent(bytes, memories.find((m) => m.name === memory)!.size)} of ${where}`;
  });
  return texts.join(", ");
}
