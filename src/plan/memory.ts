import { ARENA_ALIGN, type Buffer, type MemoryPlan, type PlacedBuffer } from "./types.js";

/** Placements tried by the search before the best so far is taken. */
const MAX_PLACEMENTS = 20_000;

/**
 * Places buffers in one arena so that buffers that are live together do not overlap. Several orders are tried with first
 * fit, and where none meets the proven lower bound, every order: first fit in the order of their offsets makes any
 * placement, so that of few buffers the search finds the smallest arena.
 */
export function placeBuffers(buffers: readonly Buffer[]): MemoryPlan {
  const orders = [
    [...buffers].sort((a, b) => b.bytes - a.bytes),
    [...buffers].sort((a, b) => a.from - b.from),
    [...buffers].sort((a, b) => b.bytes * (b.to - b.from + 1) - a.bytes * (a.to - a.from + 1)),
  ];
  const plans = orders.map(firstFit);
  const start = plans.reduce((a, b) => (arenaSize(b) < arenaSize(a) ? b : a), plans[0]!);
  const bound = lowerBound(buffers);
  const best = arenaSize(start) > bound ? searchOrders(orders[0]!, start, bound) : start;
  return { buffers: best, arenaBytes: arenaSize(best), lowerBound: bound };
}

function firstFit(order: readonly Buffer[]): PlacedBuffer[] {
  const placed: PlacedBuffer[] = [];
  for (const buffer of order) placed.push(lowestPlace(placed, buffer));
  return placed;
}

/** Depth first through the orders of placement; an order that cannot beat the best is given up at once. */
function searchOrders(
  buffers: readonly Buffer[],
  start: readonly PlacedBuffer[],
  bound: number,
): readonly PlacedBuffer[] {
  let best = start;
  let size = arenaSize(start);
  let left = MAX_PLACEMENTS;
  const place = (placed: readonly PlacedBuffer[], rest: readonly Buffer[]): void => {
    if (rest.length === 0) {
      best = placed;
      size = arenaSize(placed);
      return;
    }
    for (const buffer of rest) {
      if (size === bound || left-- <= 0) return;
      const next = lowestPlace(placed, buffer);
      if (next.offset + aligned(next.bytes) < size) {
        place(
          [...placed, next],
          rest.filter((b) => b !== buffer),
        );
      }
    }
  };
  place([], buffers);
  return best;
}

/** A buffer at the lowest offset where it overlaps none that is live with it. */
function lowestPlace(placed: readonly PlacedBuffer[], buffer: Buffer): PlacedBuffer {
  const neighbours = placed
    .filter((p) => p.from <= buffer.to && buffer.from <= p.to)
    .sort((a, b) => a.offset - b.offset);
  let offset = 0;
  for (const neighbour of neighbours) {
    if (offset + buffer.bytes <= neighbour.offset) break;
    offset = Math.max(offset, neighbour.offset + aligned(neighbour.bytes));
  }
  return { ...buffer, offset };
}

function arenaSize(placed: readonly PlacedBuffer[]): number {
  return placed.reduce((size, b) => Math.max(size, b.offset + aligned(b.bytes)), 0);
}

function lowerBound(buffers: readonly Buffer[]): number {
  const live = (step: number): number =>
    buffers.reduce((sum, b) => (b.from <= step && step <= b.to ? sum + aligned(b.bytes) : sum), 0);
  return buffers.reduce((bound, b) => Math.max(bound, live(b.from)), 0);
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / ARENA_ALIGN) * ARENA_ALIGN;
}
