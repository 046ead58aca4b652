import { ARENA_ALIGN, type Buffer } from "./types.js";

/** The first step in which the most bytes are live; undefined where there are no buffers. */
export function peakStep(buffers: readonly Buffer[]): number | undefined {
  const steps = [...new Set(buffers.map((b) => b.from))].sort((a, b) => a - b);
  const [first, ...rest] = steps;
  if (first === undefined) return undefined;
  return rest.reduce(
    (best, step) => (liveBytesAt(buffers, step) > liveBytesAt(buffers, best) ? step : best),
    first,
  );
}

/** Bytes that are live in a step, each buffer with what aligns the next. */
export function liveBytesAt(buffers: readonly Buffer[], step: number): number {
  return buffers.reduce(
    (sum, b) => (b.from <= step && step <= b.to ? sum + Math.ceil(b.bytes / ARENA_ALIGN) * ARENA_ALIGN : sum),
    0,
  );
}
