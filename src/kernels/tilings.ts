/** Which ways of cutting a layer's work the plan is offered. */

/** What a way of cutting takes. */
interface Sized<Tiling> {
  readonly tiling: Tiling;
  /** Bytes of working memory. */
  readonly scratch: number;
  /** Executed instructions. */
  readonly cost: number;
}

/** The fastest within each limit of bytes (or the leanest, where none is), and the leanest; each once. */
export function offeredTilings<Tiling>(
  all: readonly Sized<Tiling>[],
  limits: readonly number[],
): readonly Tiling[] {
  const [first] = all;
  if (first === undefined) return [];
  const leanest = all.reduce((a, b) => (b.scratch < a.scratch ? b : a), first);
  const fastest = limits.map((limit) => {
    const fitting = all.filter((c) => c.scratch <= limit);
    return fitting.reduce((a, b) => (b.cost < a.cost ? b : a), fitting[0] ?? leanest);
  });
  return [...new Set([...fastest, leanest])].map(({ tiling }) => tiling);
}
