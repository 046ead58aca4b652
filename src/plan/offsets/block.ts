/** Blocks of bytes that live for a while: the problem of placing buffers, without what the buffers hold. */

export interface Block {
  readonly bytes: number;
  /** Offsets are multiples of it: a power of two. */
  readonly align: number;
  /** First and last column (inclusive) in which the bytes are kept. */
  readonly from: number;
  readonly to: number;
}

/** Steps that may be the fullest, and the blocks by these columns. */
export interface Columns {
  readonly count: number;
  readonly blocks: readonly Block[];
}

/**
 * Leaves out the steps whose live blocks are all live in a neighbouring step: blocks overlap in the columns that are left
 * if and only if they do in the steps. A column is the last step before a block ends of those in which one began.
 */
export function columnsOf(blocks: readonly Block[]): Columns {
  const ends = [...new Set(blocks.map((b) => b.to))].sort((a, b) => a - b);
  const begins = blocks.map((b) => b.from).sort((a, b) => a - b);
  const columns: number[] = [];
  let seen = 0;
  for (const end of ends) {
    const before = seen;
    while (seen < begins.length && begins[seen]! <= end) seen++;
    if (seen > before) columns.push(end);
  }
  return {
    count: columns.length,
    blocks: blocks.map((b) => ({
      ...b,
      from: firstAtLeast(columns, b.from),
      to: firstAtLeast(columns, b.to + 1) - 1,
    })),
  };
}

function firstAtLeast(sorted: readonly number[], value: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Groups of blocks that no block joins in time: each is placed for itself. Lists of indices. */
export function independentGroups(blocks: readonly Block[]): number[][] {
  const order = blocks.map((_, i) => i).sort((a, b) => blocks[a]!.from - blocks[b]!.from || a - b);
  const groups: number[][] = [];
  let end = Number.NEGATIVE_INFINITY;
  for (const i of order) {
    if (blocks[i]!.from > end) groups.push([]);
    groups.at(-1)!.push(i);
    end = Math.max(end, blocks[i]!.to);
  }
  return groups;
}

/** The unit of all offsets: blocks below another take a multiple of it. */
export function unitOf(blocks: readonly Block[]): number {
  return blocks.reduce((unit, b) => Math.min(unit, b.align), blocks[0]?.align ?? 1);
}

export function roundUp(bytes: number, unit: number): number {
  return Math.ceil(bytes / unit) * unit;
}

/**
 * Bytes that each column needs in any placement: the sum of what is live, each block rounded up to the unit but for the
 * one that is on top.
 */
export function columnSums({ count, blocks }: Columns): number[] {
  const unit = unitOf(blocks);
  const sums = new Array<number>(count).fill(0);
  const pads = new Array<number>(count).fill(0);
  for (const { bytes, from, to } of blocks) {
    const whole = roundUp(bytes, unit);
    for (let c = from; c <= to; c++) {
      sums[c]! += whole;
      pads[c] = Math.max(pads[c]!, whole - bytes);
    }
  }
  return sums.map((sum, c) => sum - pads[c]!);
}

/** End of the highest block. */
export function heightOf(blocks: readonly Block[], offsets: readonly number[]): number {
  return blocks.reduce((height, b, i) => Math.max(height, offsets[i]! + b.bytes), 0);
}
