import { placeBlocks } from "./offsets/place.js";
import { ARENA_ALIGN, type Buffer, type MemoryPlan } from "./types.js";

/** Places buffers in one arena so that buffers that are live together do not overlap, in as few bytes as can be. */
export function placeBuffers(buffers: readonly Buffer[]): MemoryPlan {
  const { offsets, height, bound, proven } = placeBlocks(
    buffers.map(({ bytes, align = ARENA_ALIGN, from, to }) => ({ bytes, align, from, to })),
  );
  return {
    buffers: buffers.map((buffer, i) => ({ ...buffer, offset: offsets[i]! })),
    arenaBytes: height,
    lowerBound: bound,
    proven,
  };
}
