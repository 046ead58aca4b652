/**
 * Whether blocks fit below a height: depth-first search through the placements in which no block could lie lower.
 *
 * Every placement becomes such a one when blocks are moved to lower free places until none is left; each then stands
 * on the bottom or on another. Blocks are placed by rising offset, those of one offset by rising index, each on the
 * highest block below it: so every placement of this form is made once. What is unplaced in columns that no unplaced
 * block joins is searched apart.
 */
import { type Block, type Columns, roundUp, unitOf } from "./block.js";

/** What is left of a search's steps: shared by all searches for one plan, so that plans do not depend on the machine. */
export interface Budget {
  nodes: number;
}

/** Offsets that fit; or that none do, and the least height that was not ruled out; or neither, as the budget ended. */
export type Fit =
  | { readonly kind: "found"; readonly offsets: readonly number[] }
  | { readonly kind: "none"; readonly needs: number }
  | { readonly kind: "unknown" };

/** States that failed which are remembered. */
const MAX_KNOWN = 100_000;

/** Blocks of lower index are preferred where offsets are equal. */
export function fitBelow(columns: Columns, height: number, budget: Budget): Fit {
  const search = new Search(columns, height, budget);
  const needs = search.run();
  if (needs === 0) return { kind: "found", offsets: search.offsets };
  return needs === undefined ? { kind: "unknown" } : { kind: "none", needs };
}

/** Height that a subtree needs at least: 0 where a placement was found, undefined where the budget ended. */
type Needs = number | undefined;

/** What is known of the unplaced blocks, by index. A subtree depends on nothing else. */
interface State {
  /** Offset that the block would have on what is placed. */
  readonly lowest: Float64Array;
  /** 1 where it may not be placed there any more: another block must come below it. */
  readonly blocked: Uint8Array;
}

class Search {
  readonly offsets: number[];
  readonly #blocks: readonly Block[];
  /** Bytes that each block takes of the height if it is not on top. */
  readonly #whole: readonly number[];
  /** Bytes of unplaced blocks in each column. */
  readonly #rest: Float64Array;
  /** What a column's topmost block may lack of a multiple of the unit. */
  readonly #pad: Float64Array;
  /** Unplaced blocks that join a column and the next. */
  readonly #joints: Int32Array;
  /** Lowest offset of an unplaced block in each column: used during one bound only. */
  readonly #least: Float64Array;
  /** One state for each number of placed blocks. */
  readonly #states: State[];
  readonly #known = new Map<string, number>();

  constructor(
    { blocks, count }: Columns,
    readonly height: number,
    readonly budget: Budget,
  ) {
    const unit = unitOf(blocks);
    this.#blocks = blocks;
    this.#whole = blocks.map((b) => roundUp(b.bytes, unit));
    this.offsets = new Array<number>(blocks.length).fill(0);
    this.#rest = new Float64Array(count);
    this.#pad = new Float64Array(count);
    this.#joints = new Int32Array(count);
    this.#least = new Float64Array(count);
    this.#states = Array.from({ length: blocks.length + 1 }, () => ({
      lowest: new Float64Array(blocks.length),
      blocked: new Uint8Array(blocks.length),
    }));
    blocks.forEach(({ from, to, bytes }, i) => {
      for (let c = from; c <= to; c++) {
        this.#rest[c]! += this.#whole[i]!;
        this.#pad[c] = Math.max(this.#pad[c]!, this.#whole[i]! - bytes);
        if (c < to) this.#joints[c]!++;
      }
    });
  }

  run(): Needs {
    const all = this.#blocks.map((_, i) => i);
    return this.#apart(all, 0, 0);
  }

  /** Searches groups of unplaced blocks that share no column, the one with the least room first. */
  #apart(members: readonly number[], depth: number, last: number): Needs {
    const groups = this.#groups(members);
    const bounds = groups.map((group) => this.#bound(group, depth, last));
    const order = groups.map((_, g) => g).sort((a, b) => bounds[b]! - bounds[a]!);
    for (const g of order) {
      const needs = this.#place(groups[g]!, depth, last);
      if (needs !== 0) return needs;
    }
    return 0;
  }

  #groups(members: readonly number[]): number[][] {
    const byColumn = [...members].sort((a, b) => this.#blocks[a]!.from - this.#blocks[b]!.from);
    const groups: number[][] = [];
    let end = -1;
    for (const i of byColumn) {
      const { from, to } = this.#blocks[i]!;
      if (from > end) groups.push([]);
      groups.at(-1)!.push(i);
      end = Math.max(end, to);
    }
    return groups.map((group) => group.sort((a, b) => a - b));
  }

  /** @param last Offset of the block that was placed last: no other will lie lower. */
  #place(members: readonly number[], depth: number, last: number): Needs {
    if (members.length === 0) return 0;
    if (this.budget.nodes-- <= 0) return undefined;
    const bound = this.#bound(members, depth, last);
    if (bound > this.height) return bound;
    const key = this.#key(members, depth);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const needs = this.#branch(members, depth);
    if (needs !== undefined && needs > 0 && this.#known.size < MAX_KNOWN) this.#known.set(key, needs);
    return needs;
  }

  #branch(members: readonly number[], depth: number): Needs {
    const { lowest, blocked } = this.#states[depth]!;
    // A block that fits below the offset of the next could lie there, where no block is placed any more.
    let sinks = Number.POSITIVE_INFINITY;
    for (const i of members) sinks = Math.min(sinks, lowest[i]! + this.#blocks[i]!.bytes);
    const next = members
      .filter((i) => lowest[i]! < sinks && blocked[i] === 0)
      .sort((a, b) => lowest[a]! - lowest[b]! || a - b);
    let least = Number.POSITIVE_INFINITY;
    for (const i of next) {
      const needs = this.#with(members, i, depth);
      if (needs === 0 || needs === undefined) return needs;
      least = Math.min(least, needs);
    }
    return least;
  }

  /** Places one block, searches the rest, and takes it away again. */
  #with(members: readonly number[], index: number, depth: number): Needs {
    const { from, to } = this.#blocks[index]!;
    const whole = this.#whole[index]!;
    const offset = this.#states[depth]!.lowest[index]!;
    const rest = members.filter((i) => i !== index);
    let isSplit = false;
    for (let c = from; c <= to; c++) {
      this.#rest[c]! -= whole;
      if (c < to && --this.#joints[c]! === 0) isSplit = true;
    }
    this.offsets[index] = offset;
    for (const i of rest) this.#after(i, index, offset, depth);
    const needs = isSplit ? this.#apart(rest, depth + 1, offset) : this.#place(rest, depth + 1, offset);
    for (let c = from; c <= to; c++) {
      this.#rest[c]! += whole;
      if (c < to) this.#joints[c]!++;
    }
    return needs;
  }

  /** What holds of a block after another was placed. */
  #after(i: number, placed: number, offset: number, depth: number): void {
    const before = this.#states[depth]!;
    const after = this.#states[depth + 1]!;
    const { from, to, align } = this.#blocks[i]!;
    const other = this.#blocks[placed]!;
    const lowest = before.lowest[i]!;
    if (other.from > to || from > other.to) {
      after.lowest[i] = lowest;
      const isPassed = lowest < offset || (lowest === offset && i < placed);
      after.blocked[i] = isPassed ? 1 : before.blocked[i]!;
      return;
    }
    const end = offset + other.bytes;
    const top = align === 1 ? end : Math.ceil(end / align) * align;
    after.lowest[i] = Math.max(lowest, top);
    after.blocked[i] = lowest <= top && this.#isTwinBelow(i, placed) ? 1 : 0;
  }

  /**
   * Whether a block that would stand on one of the same columns should rather carry it: the one of lower index goes below.
   * To exchange them changes nothing for other blocks, and opens no lower place for either.
   */
  #isTwinBelow(i: number, placed: number): boolean {
    const { from, to, bytes, align } = this.#blocks[i]!;
    const other = this.#blocks[placed]!;
    if (other.from !== from || other.to !== to || other.align !== align) return false;
    if (bytes % align !== 0 || other.bytes % align !== 0) return false;
    return i < placed;
  }

  /**
   * The height that every placement of the members needs: in each column, all of them above the lowest offset that one of
   * them can have.
   */
  #bound(members: readonly number[], depth: number, last: number): number {
    let bound = 0;
    const least = this.#least;
    for (const i of members) {
      const { from, to } = this.#blocks[i]!;
      for (let c = from; c <= to; c++) least[c] = Number.POSITIVE_INFINITY;
    }
    for (const i of members) {
      const { from, to, bytes } = this.#blocks[i]!;
      const first = this.#first(members, i, depth, last);
      bound = Math.max(bound, first + bytes);
      for (let c = from; c <= to; c++) if (first < least[c]!) least[c] = first;
    }
    for (const i of members) {
      const { from, to } = this.#blocks[i]!;
      for (let c = from; c <= to; c++) bound = Math.max(bound, least[c]! + this.#rest[c]! - this.#pad[c]!);
    }
    return bound;
  }

  /** Lowest offset that a member can have; infinite where it needs another below it and there is none. */
  #first(members: readonly number[], i: number, depth: number, last: number): number {
    const { lowest, blocked } = this.#states[depth]!;
    if (blocked[i] === 0) return lowest[i]!;
    const { from, to } = this.#blocks[i]!;
    let first = Number.POSITIVE_INFINITY;
    for (const j of members) {
      const other = this.#blocks[j]!;
      if (j === i || other.from > to || from > other.to) continue;
      first = Math.min(first, Math.max(lowest[j]!, last) + other.bytes);
    }
    return first;
  }

  /** Two nodes of one key have the same subtree. */
  #key(members: readonly number[], depth: number): string {
    const { lowest, blocked } = this.#states[depth]!;
    let key = "";
    for (const i of members) key += `${i}${blocked[i] === 0 ? ":" : "!"}${lowest[i]}`;
    return key;
  }
}
