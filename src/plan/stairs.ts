/**
 * Places for buffers of which some lie over others: a stack of buffers, each over the one before it, goes down and up in
 * steps like stairs. First fit in several orders, each improved by taking what came to lie on top first.
 */
import type { Buffer } from "./types.js";

/** Bytes that are taken from one step to another (inclusive). */
export interface Tread extends Pick<Buffer, "bytes" | "from" | "to"> {
  /** Its offset in the bytes of the stack. */
  readonly at: number;
}

/** The treads of one stack, in the order of time. */
export type Stairs = readonly Tread[];

export interface StairsPlaces {
  readonly offsets: readonly number[];
  /** End of the highest. */
  readonly height: number;
}

/** Times that the stairs on top are moved to the front of an order. */
const ROUNDS = 12;

/** Up to a multiple of a power of two. */
export function alignedTo(bytes: number, align: number): number {
  return Math.ceil(bytes / align) * align;
}

/** The lowest places found; `bound` is the height at which nothing better is looked for, `align` that of all offsets. */
export function placeStairs(all: readonly Stairs[], bound: number, align: number): StairsPlaces {
  const area = (stairs: Stairs): number => stairs.reduce((sum, t) => sum + t.bytes * (t.to - t.from + 1), 0);
  const keys: readonly ((stairs: Stairs) => number)[] = [
    area,
    (stairs) => end(stairs),
    (stairs) => stairs.at(-1)!.to - stairs[0]!.from,
    (stairs) => -stairs[0]!.from,
  ];
  let best: StairsPlaces | undefined;
  for (const key of keys) {
    let order = all.map((_, i) => i).sort((a, b) => key(all[b]!) - key(all[a]!) || a - b);
    for (let round = 0; round < ROUNDS; round++) {
      const offsets = firstFit(all, order, align);
      const ends = all.map((stairs, i) => offsets[i]! + end(stairs));
      const height = Math.max(0, ...ends);
      if (best === undefined || height < best.height) best = { offsets, height };
      if (height <= bound) return best;
      order = [...order.filter((i) => ends[i] === height), ...order.filter((i) => ends[i] !== height)];
    }
  }
  return best!;
}

/** Where the highest tread ends, in the bytes of the stack. */
function end(stairs: Stairs): number {
  return Math.max(...stairs.map((t) => t.at + t.bytes));
}

function firstFit(all: readonly Stairs[], order: readonly number[], align: number): number[] {
  const offsets = new Array<number>(all.length).fill(0);
  order.forEach((i, placed) => {
    offsets[i] = lowestFree(
      all[i]!,
      order.slice(0, placed).map((j) => ({ stairs: all[j]!, offset: offsets[j]! })),
      align,
    );
  });
  return offsets;
}

interface Placed {
  readonly stairs: Stairs;
  readonly offset: number;
}

/** The lowest offset at which no tread meets one of those that have places. */
function lowestFree(stairs: Stairs, placed: readonly Placed[], align: number): number {
  const forbidden = placed.flatMap((other) => stairs.flatMap((tread) => meetings(tread, other, align)));
  forbidden.sort((a, b) => a.above - b.above);
  let offset = 0;
  for (const { above, below } of forbidden) if (offset > above) offset = Math.max(offset, below);
  return offset;
}

/** Offsets between which a tread meets one of placed stairs. */
function meetings(
  tread: Tread,
  { stairs, offset }: Placed,
  align: number,
): { above: number; below: number }[] {
  return stairs
    .filter((other) => other.from <= tread.to && tread.from <= other.to)
    .map((other) => ({
      above: offset + other.at - tread.at - alignedTo(tread.bytes, align),
      below: offset + other.at - tread.at + alignedTo(other.bytes, align),
    }));
}
