import { ARENA_ALIGN, type Buffer, type MemoryPlan, type PlacedBuffer } from "./types.js";

/**
 * Places buffers in one arena so that buffers that are live together do not overlap. Several orders are
 * tried with first fit and the smallest arena wins; the result stands beside the proven lower bound.
 */
export function placeBuffers(buffers: readonly Buffer[]): MemoryPlan {
  const orders = [
    [...buffers].sort((a, b) => b.bytes - a.bytes),
    [...buffers].sort((a, b) => a.from - b.from),
    [...buffers].sort((a, b) => b.bytes * (b.to - b.from + 1) - a.bytes * (a.to - a.from + 1)),
  ];
  const plans = orders.map(firstFit);
  const best = plans.reduce((a, b) => (arenaSize(b) < arenaSize(a) ? b : a), plans[0]!);
  return { buffers: best, arenaBytes: arenaSize(best), lowerBound: lowerBound(buffers) };
}

function firstFit(order: readonly Buffer[]): PlacedBuffer[] {
  const placed: PlacedBuffer[] = [];
  for (const buffer of order) {
    const neighbours = placed
      .filter((p) => p.from <= buffer.to && buffer.from <= p.to)
      .sort((a, b) => a.offset - b.offset);
    let offset = 0;
    for (const neighbour of neighbours) {
      if (offset + buffer.bytes <= neighbour.offset) break;
      offset = Math.max(offset, neighbour.offset + aligned(neighbour.bytes));
    }
    placed.push({ ...buffer, offset });
  }
  return placed;
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
