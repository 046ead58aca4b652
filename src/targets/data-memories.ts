/** The memories of a board in which an arena can lie. */
import type { Board, Memory } from "./boards.js";

export interface NamedMemory extends Memory {
  /** `ram`, where images have their data and stack, or the names of others, joined by `+` where they follow each other. */
  readonly name: string;
}

/** `ram` first, then the others by size. */
export function dataMemories({ memories: { ram, others = [] } }: Pick<Board, "memories">): NamedMemory[] {
  const usable = others
    .filter((m) => m.data)
    .map(({ name, origin, size }): NamedMemory => ({ name, origin, size }))
    .sort((a, b) => a.origin - b.origin);
  const joined: NamedMemory[] = [];
  for (const memory of usable) {
    const last = joined.at(-1);
    if (last !== undefined && last.origin + last.size === memory.origin) {
      joined.pop();
      joined.push({ ...last, name: `${last.name}+${memory.name}`, size: last.size + memory.size });
    } else joined.push(memory);
  }
  return [{ name: "ram", ...ram }, ...joined.sort((a, b) => b.size - a.size)];
}
