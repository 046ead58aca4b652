/** Which ways of cutting a layer's work the plan is offered. */

/** What a way of cutting takes. */
interface Sized<Tiling> {
  readonly tiling: Tiling;
  /** Bytes of working memory. */
  readonly scratch: number;
  /** Executed instructions. */
  readonly cost: number;
}

/** Bytes of working memory for each of which the fastest way is offered. */
const STEPS = [768, 1024, 1536, 2048, 3072, 4096, 6144, 8192, 12288, 16384, 24576, 32768] as const;
/** A way that takes more memory must be as much faster. */
const WORTH = 0.99;

/**
 * The fastest way within `most` bytes (the leanest, where none is), and ways for less memory, the leanest among them: the
 * fastest within each of some steps, where it is faster than those that take less. Each once, the leanest first.
 */
export function offeredTilings<Tiling>(all: readonly Sized<Tiling>[], most: number): readonly Tiling[] {
  const [first] = all;
  if (first === undefined) return [];
  const leanest = all.reduce((a, b) => (isLeaner(b, a) ? b : a), first);
  const within = (bytes: number): Sized<Tiling> => {
    const fitting = all.filter((c) => c.scratch <= bytes);
    return fitting.reduce((a, b) => (b.cost < a.cost ? b : a), fitting[0] ?? leanest);
  };
  const offered = [leanest];
  for (const step of STEPS.filter((bytes) => bytes < most)) {
    const way = within(step);
    if (way.cost < WORTH * offered.at(-1)!.cost) offered.push(way);
  }
  return [...new Set([...offered, within(most)])].map(({ tiling }) => tiling);
}

function isLeaner(a: Sized<unknown>, b: Sized<unknown>): boolean {
  return a.scratch < b.scratch || (a.scratch === b.scratch && a.cost < b.cost);
}
