/** Placement one block after another, each at the lowest offset where it fits: quick, and good in one of several orders. */
import { type Block, columnSums, columnsOf, heightOf, roundUp } from "./block.js";

/** Times that the blocks on top are moved to the front of an order. */
const ROUNDS = 12;

/** Orders in which first fit and the search take blocks: indices, the first placed first. */
export function ordersOf(blocks: readonly Block[]): number[][] {
  const columns = columnsOf(blocks);
  const sums = columnSums(columns);
  const length = ({ from, to }: Block): number => to - from + 1;
  const crowd = columns.blocks.map(({ from, to }) => Math.max(...sums.slice(from, to + 1)));
  const keys: readonly ((i: number) => number)[] = [
    (i) => blocks[i]!.bytes,
    (i) => blocks[i]!.bytes * length(blocks[i]!),
    (i) => length(columns.blocks[i]!),
    (i) => crowd[i]!,
    (i) => -blocks[i]!.from,
  ];
  return keys.map((key) =>
    blocks.map((_, i) => i).sort((a, b) => key(b) - key(a) || blocks[b]!.bytes - blocks[a]!.bytes || a - b),
  );
}

/** Offsets by first fit in an order. */
export function firstFit(blocks: readonly Block[], order: readonly number[]): number[] {
  const offsets = new Array<number>(blocks.length).fill(0);
  /** Blocks that have a place, by rising offset. */
  const placed: number[] = [];
  for (const i of order) {
    offsets[i] = lowestFree(blocks, offsets, placed, blocks[i]!);
    placed.splice(firstAbove(offsets, placed, offsets[i]), 0, i);
  }
  return offsets;
}

/** The lowest offset where a block fits between those that have a place, given by rising offset. */
export function lowestFree(
  blocks: readonly Block[],
  offsets: readonly number[],
  placed: readonly number[],
  { from, to, bytes, align }: Block,
): number {
  let offset = 0;
  for (const i of placed) {
    const other = blocks[i]!;
    if (other.from > to || from > other.to) continue;
    if (offset + bytes <= offsets[i]!) break;
    offset = Math.max(offset, roundUp(offsets[i]! + other.bytes, align));
  }
  return offset;
}

function firstAbove(offsets: readonly number[], placed: readonly number[], offset: number): number {
  let [low, high] = [0, placed.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (offsets[placed[middle]!]! <= offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The best of first fit in several orders, and of orders in which the blocks that came to lie on top are taken earlier. */
export function bestFirstFit(blocks: readonly Block[], bound: number): number[] {
  let best: number[] | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const start of ordersOf(blocks)) {
    let order = start;
    for (let round = 0; round <= ROUNDS && least > bound; round++) {
      const offsets = firstFit(blocks, order);
      const height = heightOf(blocks, offsets);
      if (height < least) [best, least] = [offsets, height];
      const isTop = (i: number): boolean => offsets[i]! + blocks[i]!.bytes === height;
      const top = order.filter(isTop);
      order = [...top, ...order.filter((i) => !isTop(i))];
    }
  }
  return best ?? [];
}
