/** The smallest arena for blocks: first fit in many orders, then search where that does not meet what must be needed. */
import { type Block, columnSums, columnsOf, heightOf, independentGroups, unitOf } from "./block.js";
import { bestFirstFit, lowestFree, ordersOf } from "./first-fit.js";
import { peel } from "./peel.js";
import { type Budget, type Fit, fitBelow } from "./search.js";

/** Nodes of all searches for one plan: a second or two. */
const MAX_NODES = 250_000;
/** Blocks in a search beyond which nothing is searched. */
const MAX_SEARCHED = 150;
/** One height takes this part of the nodes that are left, as long as others remain. */
const SHARES = 4;
/** Nodes of the first try of each order; each round of tries has as many times more, and one order less. */
const FIRST_TRY = 250;
const GROWTH = 4;

export interface Placement {
  readonly offsets: readonly number[];
  /** End of the highest block. */
  readonly height: number;
  /** Most bytes that are live in a column: no placement is lower. */
  readonly bound: number;
  /** Whether no placement is lower. */
  readonly proven: boolean;
}

/** Places blocks so that those that share a column do not overlap. Equal blocks have equal offsets on every machine. */
export function placeBlocks(blocks: readonly Block[]): Placement {
  const groups = independentGroups(blocks).map((group) => group.map((i) => blocks[i]!));
  const bound = groups.reduce((most, group) => Math.max(most, ...columnSums(columnsOf(group))), 0);
  const budget = { nodes: MAX_NODES };
  let proof = bound;
  const placed = groups.map((group) => {
    const best = smallest(group, proof, budget);
    proof = Math.max(proof, best.proof);
    return best.offsets;
  });
  const offsets = new Array<number>(blocks.length);
  independentGroups(blocks).forEach((group, g) => {
    group.forEach((i, k) => {
      offsets[i] = placed[g]![k]!;
    });
  });
  const height = heightOf(blocks, offsets);
  return { offsets, height, bound, proven: height === proof };
}

/** What is known of one group: a placement, and a height (at least the one asked for) below which there is none. */
interface Known {
  readonly offsets: readonly number[];
  readonly proof: number;
}

/** The lowest placement of blocks that the budget allows, but not lower than a height that does no harm. */
function smallest(blocks: readonly Block[], harmless: number, budget: Budget): Known {
  const start = bestFirstFit(blocks, harmless);
  if (heightOf(blocks, start) <= harmless) return { offsets: start, proof: harmless };
  const { core, peeled } = peel(blocks, harmless);
  const heights = new Heights(
    core.map((i) => blocks[i]!),
    harmless,
    heightOf(blocks, start),
  );
  if (core.length <= MAX_SEARCHED) heights.search(budget);
  if (heights.offsets === undefined) return { offsets: start, proof: heights.proof };
  return { offsets: withPeeled(blocks, core, heights.offsets, peeled), proof: heights.proof };
}

/** Puts the blocks that were left out where they fit. */
function withPeeled(
  blocks: readonly Block[],
  core: readonly number[],
  found: readonly number[],
  peeled: readonly number[],
): number[] {
  const offsets = new Array<number>(blocks.length).fill(0);
  core.forEach((i, k) => {
    offsets[i] = found[k]!;
  });
  const placed = [...core];
  for (const i of [...peeled].reverse()) {
    placed.sort((a, b) => offsets[a]! - offsets[b]!);
    offsets[i] = lowestFree(blocks, offsets, placed, blocks[i]!);
    placed.push(i);
  }
  return offsets;
}

/** Narrows the least height of a placement from both sides. */
class Heights {
  /** The best placement below `known`, if one was found. */
  offsets: readonly number[] | undefined;
  readonly #unit: number;
  readonly #orders: readonly (readonly number[])[];

  /** @param proof Height below which there is no placement; @param known height of one that is known. */
  constructor(
    readonly blocks: readonly Block[],
    public proof: number,
    public known: number,
  ) {
    this.#unit = unitOf(blocks);
    this.#orders = ordersOf(blocks);
  }

  /** The bound first, then heights between what is ruled out and what is known, at last the best known but for one unit. */
  search(budget: Budget): void {
    if (!this.#tryPart(this.proof, budget)) this.#halve(budget);
    while (this.proof < this.known && budget.nodes > 0) {
      const height = this.#isAboveProof() ? this.known - this.#unit : this.proof;
      this.#try(height, budget);
    }
  }

  #halve(budget: Budget): void {
    let hopeless = this.proof;
    while (this.#isAboveProof() && budget.nodes > 0) {
      const height = Math.floor((Math.max(hopeless, this.proof) + this.known) / 2 / this.#unit) * this.#unit;
      if (height <= hopeless) return;
      if (!this.#tryPart(height, budget)) hopeless = height;
    }
  }

  /** Whether there are heights between the one that is not ruled out and the one that is known. */
  #isAboveProof(): boolean {
    return this.known - this.#unit > this.proof;
  }

  /** Tries a height with no more than a part of the budget. */
  #tryPart(height: number, budget: Budget): boolean {
    const part = { nodes: Math.ceil(budget.nodes / SHARES) };
    budget.nodes -= part.nodes;
    const isDecided = this.#try(height, part);
    budget.nodes += part.nodes;
    return isDecided;
  }

  /** Finds a placement of a height or rules it out, in one of the orders; false where the budget ended. */
  #try(height: number, budget: Budget): boolean {
    for (let round = 0; budget.nodes > 0; round++) {
      const orders = this.#orders.slice(0, Math.max(1, this.#orders.length - round));
      for (const order of orders) {
        const fit = this.#tryOrder(order, height, budget, FIRST_TRY * GROWTH ** round);
        if (fit.kind === "found") return true;
        if (fit.kind === "none") {
          this.proof = Math.max(this.proof, Math.min(fit.needs, this.known));
          return true;
        }
      }
    }
    return false;
  }

  #tryOrder(order: readonly number[], height: number, budget: Budget, nodes: number): Fit {
    const part = { nodes: Math.min(nodes, budget.nodes) };
    budget.nodes -= part.nodes;
    const fit = fitBelow(columnsOf(order.map((i) => this.blocks[i]!)), height, part);
    budget.nodes += Math.max(0, part.nodes);
    if (fit.kind === "found") {
      const offsets = new Array<number>(order.length);
      order.forEach((i, k) => {
        offsets[i] = fit.offsets[k]!;
      });
      this.offsets = offsets;
      this.known = heightOf(this.blocks, offsets);
    }
    return fit;
  }
}
