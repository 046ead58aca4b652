/** Blocks that fit wherever the others lie: they are left out of a search and placed after it. */
import { type Block, roundUp, unitOf } from "./block.js";

/**
 * Splits indices into a core and blocks that fit below a height whatever the place of what is left when they are
 * taken: taken in this order, placed in the reverse of it.
 */
export function peel(blocks: readonly Block[], height: number): { core: number[]; peeled: number[] } {
  const unit = unitOf(blocks);
  const whole = blocks.map((b) => roundUp(b.bytes, unit));
  const neighbours = blocks.map((a, i) =>
    blocks.flatMap((b, j) => (j !== i && a.from <= b.to && b.from <= a.to ? [j] : [])),
  );
  const space = Math.floor(height / unit) * unit;
  const taken = new Set<number>();
  const waiting = blocks.map((_, i) => i);
  const peeled: number[] = [];
  while (waiting.length > 0) {
    const i = waiting.pop()!;
    if (taken.has(i)) continue;
    const others = neighbours[i]!.filter((j) => !taken.has(j));
    const occupied = others.reduce((sum, j) => sum + whole[j]!, 0);
    // Each of the gaps between the others may be just too small.
    const tooSmall = whole[i]! + blocks[i]!.align - 2 * unit;
    if (space - occupied <= (others.length + 1) * tooSmall) continue;
    taken.add(i);
    peeled.push(i);
    waiting.push(...others);
  }
  return { core: blocks.flatMap((_, i) => (taken.has(i) ? [] : [i])), peeled };
}
