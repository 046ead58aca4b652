/**
 * The order of execution that keeps the fewest bytes at its fullest time: best-first search through the sets of units
 * that are done, bounded by sets and not by time.
 */
import { Heap } from "./heap.js";
import { segmentsOf } from "./segments.js";
import {
  advance,
  bytesOf,
  isReady,
  type Progress,
  peakOf,
  startOf,
  type Unit,
  type Work,
  workOf,
} from "./units.js";

/** Looks at units in one search: sets are looked at fewer where there are many units. */
const MAX_LOOKS = 10_000_000;

export interface Order {
  readonly order: readonly number[];
  /** Most bytes at any time. */
  readonly peak: number;
  /** No order has a lower peak than this. */
  readonly bound: number;
}

/** The best order of units that are given in one that is possible; that one where none is better. */
export function leastPeakOrder(units: readonly Unit[]): Order {
  const work = workOf(units);
  const given = units.map((_, i) => i);
  let bound = needed(work);
  let progress = startOf(work);
  const order: number[] = [];
  for (const segment of segmentsOf(units)) {
    // What is needed anyway does no harm here.
    const found = orderSegment(work, { ...progress, peak: bound }, segment);
    bound = found.bound;
    order.push(...found.order);
    progress = found.order.reduce((p, unit) => advance(work, p, unit), progress);
  }
  const peak = peakOf(work, given);
  return peak <= progress.peak ? { order: given, peak, bound } : { order, peak: progress.peak, bound };
}

/** Bytes that some unit needs in any order: its inputs, its result and what it works in. */
function needed({ units }: Work): number {
  const alone = units.map(({ bytes, working, inputs }) =>
    inputs.reduce((sum, i) => sum + units[i]!.bytes, bytes + working),
  );
  return alone.reduce((a, b) => Math.max(a, b), 0);
}

/** A set of units that are done, and how it was reached. */
interface Node extends Progress {
  readonly previous: Node | undefined;
  /** What was done since. */
  readonly units: readonly number[];
  readonly count: number;
}

/** The order of a segment with the least peak, if the looks suffice; a good one else, with what every order needs. */
function orderSegment(work: Work, start: Progress, segment: readonly number[]): Omit<Order, "peak"> {
  const root = settled(work, segment, { ...start, previous: undefined, units: [], count: 0 });
  const heap = new Heap<Node>((a, b) => a.peak < b.peak || (a.peak === b.peak && a.count > b.count));
  const known = new Map<string, number>();
  let bound = root.peak;
  heap.push(root);
  for (let left = Math.ceil(MAX_LOOKS / segment.length ** 2); left > 0; left--) {
    const node = heap.pop()!;
    bound = node.peak;
    if (node.count === segment.length) return { order: path(node), bound };
    for (const unit of segment) {
      if (!isReady(work, node, unit)) continue;
      const next = settled(work, segment, after(work, node, unit));
      const key = keyOf(next, segment);
      if ((known.get(key) ?? Number.POSITIVE_INFINITY) <= next.peak) continue;
      known.set(key, next.peak);
      heap.push(next);
    }
  }
  return { order: path(greedy(work, segment, root)), bound };
}

function after(work: Work, node: Node, unit: number): Node {
  return { ...advance(work, node, unit), previous: node, units: [unit], count: node.count + 1 };
}

/**
 * Does all that makes nothing worse: units that leave no more bytes than before, and need no more than the peak. Done
 * later each of them frees no more, and what comes between would have no more room.
 */
function settled(work: Work, segment: readonly number[], node: Node): Node {
  let { done, live, units }: Pick<Node, "done" | "live" | "units"> = node;
  for (;;) {
    const now = { done, live, peak: node.peak };
    const free = segment.find((unit) => {
      if (!isReady(work, now, unit)) return false;
      const bytes = bytesOf(work, now, unit);
      return bytes.after <= live && bytes.during <= node.peak;
    });
    if (free === undefined) break;
    ({ done, live } = advance(work, now, free));
    units = [...units, free];
  }
  return { ...node, done, live, units, count: node.count + units.length - node.units.length };
}

/** Units one by one: those that need the fewest bytes, and of them those that leave the fewest. */
function greedy(work: Work, segment: readonly number[], root: Node): Node {
  let node = root;
  while (node.count < segment.length) {
    const ready = segment.filter((unit) => isReady(work, node, unit));
    const bytes = ready.map((unit) => bytesOf(work, node, unit));
    const peak = (k: number): number => Math.max(node.peak, bytes[k]!.during);
    const best = ready
      .map((_, k) => k)
      .reduce((a, b) => {
        const less = peak(b) - peak(a) || bytes[b]!.after - bytes[a]!.after;
        return less < 0 ? b : a;
      });
    node = settled(work, segment, after(work, node, ready[best]!));
  }
  return node;
}

function keyOf({ done }: Progress, segment: readonly number[]): string {
  let key = "";
  for (let i = 0; i < segment.length; i += 16) {
    let bits = 0;
    for (let k = i; k < Math.min(i + 16, segment.length); k++) bits = bits * 2 + done[segment[k]!]!;
    key += String.fromCharCode(bits);
  }
  return key;
}

function path(end: Node): number[] {
  const parts: (readonly number[])[] = [];
  for (let at: Node | undefined = end; at !== undefined; at = at.previous) parts.unshift(at.units);
  return parts.flat();
}
