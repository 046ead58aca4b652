/** In which memories of a board an arena or its banks have room, and which banks would have. */
import { BitloomError } from "./diagnostics/diagnostic.js";
import type { MemoryPlan } from "./plan/index.js";
import { type Board, dataMemories, type NamedMemory } from "./targets/index.js";

/** A part of the working memory, and the memory in which it has room. */
export interface ArenaPart {
  readonly bytes: number;
  /** Null where there is no room for all parts. */
  readonly memory: string | null;
}

/** Banks that an arena can have (see `--arena-banks`). */
const MAX_BANKS = 4;
/** Sizes of suggested banks are whole numbers of these. */
const UNIT = 1024;

/** The arena, or its banks. */
export function arenaParts({ arenaBytes, banks }: MemoryPlan): readonly number[] {
  return banks ?? [arenaBytes];
}

/**
 * A memory for each part: the first in which all others have room, too. Of `ram` so many bytes are taken by other things.
 * Undefined where there is no room for all.
 */
export function placeParts(
  parts: readonly number[],
  memories: readonly NamedMemory[],
  taken: number,
): readonly NamedMemory[] | undefined {
  const free = memories.map(({ size }, i) => size - (i === 0 ? taken : 0));
  if (free[0]! < 0) return undefined;
  const place = (index: number): NamedMemory[] | undefined => {
    if (index === parts.length) return [];
    for (const [i, memory] of memories.entries()) {
      if (free[i]! < parts[index]!) continue;
      free[i]! -= parts[index]!;
      const rest = place(index + 1);
      if (rest !== undefined) return [memory, ...rest];
      free[i]! += parts[index]!;
    }
    return undefined;
  };
  return place(0);
}

/** The parts with their memories, if they have any. */
export function placedParts(parts: readonly number[], board: Board, taken: number): readonly ArenaPart[] {
  const memories = placeParts(parts, dataMemories(board), taken);
  return parts.map((bytes, i) => ({ bytes, memory: memories?.[i]?.name ?? null }));
}

/** Bytes of the parts that lie in other memories than `ram`. */
export function bytesElsewhere(parts: readonly ArenaPart[]): number {
  return parts.reduce((sum, { bytes, memory }) => sum + (memory === null || memory === "ram" ? 0 : bytes), 0);
}

/**
 * Sizes for `--arena-banks` where one memory has no room for the arena: as few as there is a plan for, the largest first.
 * Undefined where the board has no such memories, or there is no plan for them.
 *
 * @param plans Whether there is a plan for banks of these sizes.
 */
export function banksFor(
  board: Board,
  taken: number,
  plans: (banks: readonly number[]) => boolean,
): readonly ArenaPart[] | undefined {
  const memories = dataMemories(board)
    .map(({ name, size }, i): ArenaPart & { memory: string } => {
      const free = size - (i === 0 ? taken : 0);
      return { memory: name, bytes: Math.floor(free / UNIT) * UNIT };
    })
    .filter(({ bytes }) => bytes > 0)
    .sort((a, b) => b.bytes - a.bytes);
  for (let count = 2; count <= Math.min(MAX_BANKS, memories.length); count++) {
    const banks = memories.slice(0, count);
    if (plans(banks.map((b) => b.bytes))) return banks;
  }
  return undefined;
}

/** Whether something can be planned: false where banks are what it does not fit. */
export function hasPlan(compile: () => unknown): boolean {
  try {
    compile();
    return true;
  } catch (error) {
    if (error instanceof BitloomError && error.diagnostics.some((d) => d.code === "plan/banks")) return false;
    throw error;
  }
}
