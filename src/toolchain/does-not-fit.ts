/** An image that is larger than a board's memories: how much, and what would help. */
import { BitloomError, ExitCode } from "../diagnostics/diagnostic.js";
import { type Board, listBoards } from "../targets/boards.js";

/** One memory that is too small; bytes. */
export interface Shortage {
  readonly memory: "flash" | "RAM";
  readonly needed: number;
  readonly size: number;
  /** The first layer whose constants are beyond the end, e.g. `layer 3 (conv1)`, where the linker tells it. */
  readonly layer?: string;
}

/** `toolchain/does-not-fit` (exit 1), with the figures as data. */
export class DoesNotFit extends BitloomError {
  readonly shortages: readonly Shortage[];

  constructor(board: Board, shortages: readonly Shortage[]) {
    super(
      [
        {
          severity: "error",
          code: "toolchain/does-not-fit",
          message: `the firmware does not fit the board: ${shortagesText(shortages)}`,
          where: board.id,
          remedy: fitRemedy(board, shortages),
        },
      ],
      ExitCode.checkFailed,
    );
    this.shortages = shortages;
  }
}

/** `43208 bytes of RAM are needed, 16384 are there`, joined where both are too small. */
export function shortagesText(shortages: readonly Shortage[]): string {
  return shortages
    .map(({ memory, needed, size, layer }) => {
      const from = layer === undefined ? "" : ` (the constants of ${layer} are the first that do not fit)`;
      return `${needed} bytes of ${memory} are needed, ${size} are there${from}`;
    })
    .join("; ");
}

/**
 * The board with the least RAM among those of the same core, and of the `wanted` ones, that have room for an image for which
 * `board` lacks it; undefined where there is none. Of a memory that is not short, as much as `board` has is room enough.
 */
export function roomierBoard(
  { cpu, memories }: Board,
  shortages: readonly Shortage[],
  wanted: (board: Board) => boolean = isReal,
): Board | undefined {
  const needed = (memory: Shortage["memory"], size: number): number =>
    shortages.find((s) => s.memory === memory)?.needed ?? size;
  const flash = needed("flash", memories.flash.size);
  const ram = needed("RAM", memories.ram.size);
  return allBoards()
    .filter((b) => b.cpu.id === cpu.id && wanted(b))
    .filter((b) => b.memories.flash.size >= flash && b.memories.ram.size >= ram)
    .sort((a, b) => a.memories.ram.size - b.memories.ram.size)[0];
}

/** A board that some tool can flash, so none that exists in emulators only. */
function isReal({ flash }: Board): boolean {
  return flash.length > 0;
}

function fitRemedy(board: Board, shortages: readonly Shortage[]): string {
  const goals = shortages.map(({ memory }) => (memory === "RAM" ? "--optimize ram" : "--optimize size"));
  const other = roomierBoard(board, shortages);
  const example =
    other === undefined ? "a larger board" : `a larger board with the same core, e.g. ${other.id}`;
  return `try ${goals.join(" or ")}, fewer or narrower layers, or ${example}; \`bitloom fit MODEL\` says which boards can run it`;
}

/** None where a file of the user's own boards is damaged: that is not what this message is about. */
function allBoards(): Board[] {
  try {
    return listBoards();
  } catch (error) {
    if (error instanceof BitloomError) return [];
    throw error;
  }
}

/** What the linker's messages about full memories mean for a board; undefined when there are none. */
export function shortagesOf(said: string, { memories }: Board): Shortage[] | undefined {
  const overflows = [...said.matchAll(/region `(FLASH|RAM)' overflowed by (\d+) bytes?/g)];
  if (overflows.length === 0) return undefined;
  // It says how much is too much once for each section: the last one counts them all.
  const byRegion = new Map(overflows.map(([, region, bytes]) => [region!, Number(bytes)]));
  // The library's part of the linker script says it once for each layer that is beyond the end, in their order.
  const [, layer] = /: the constants of (.+) do not fit \w+_WEIGHTS$/m.exec(said) ?? [];
  return [...byRegion].map(([region, bytes]) => {
    if (region === "RAM")
      return { memory: "RAM", needed: memories.ram.size + bytes, size: memories.ram.size };
    const { size } = memories.flash;
    return { memory: "flash", needed: size + bytes, size, ...(layer === undefined ? {} : { layer }) };
  });
}
