/**
 * Applies what waits: max-pools go where they are cheapest (behind a quantizer, on its codes, wherever the
 * operations between keep the order), float operations before a quantizer into its thresholds. What is left
 * after a quantizer, or where there is none, still waits.
 */
import { type ChainStep, chainDirection, commonDirection, isPerChannel } from "./chain.js";
import { countRecoding, decodeStep, lookedUp, rankRecoding } from "./levels.js";
import { lowerThreshold, needsTable, type Recoding } from "./lower-codes.js";
import { type Lowering, once } from "./lowering.js";
import { signsOnly } from "./signs.js";
import { pooled, scaled } from "./sources.js";
import { coderOf } from "./thresholds.js";
import {
  type ElementStep,
  isChainStep,
  type PoolStep,
  type Source,
  type Step,
  type Value,
} from "./values.js";

/** A value of which no pool, no quantizer and nothing that differs between positions waits. */
export interface Settled extends Value {
  readonly steps: readonly ChainStep[];
}

type Waiting = Pick<Value, "source" | "steps">;

/** Undefined after a reported error. `recoding` replaces the last quantizer's codes by others, with no steps. */
export function settle(context: Lowering, value: Value, recoding?: Recoding): Settled | undefined {
  const settled = settleSteps(context, value, recoding);
  return settled && { ...value, ...settled, shape: settled.source.shape };
}

/** As float32; undefined after a reported error. */
export function settleFloat(context: Lowering, value: Value, name: string): Settled | undefined {
  const settled = settle(context, value);
  if (settled === undefined) return undefined;
  return { ...settled, source: scaled(context, settled.source, settled.steps, name), steps: [] };
}

interface SettledSteps {
  readonly source: Source;
  readonly steps: readonly ChainStep[];
}

function settleSteps(context: Lowering, waiting: Waiting, recoding?: Recoding): SettledSteps | undefined {
  const { steps } = waiting;
  const last = lastQuantizer(steps);
  if (last < 0) return applyPools(context, waiting);
  const quantize = steps[last]!;
  if (recoding === undefined && quantize.kind === "quantize" && quantize.quantizer.kind === "levels") {
    const ranks = rankRecoding(quantize.quantizer);
    const ranked = codesAt(context, { ...waiting, steps: steps.slice(0, last + 1) }, ranks);
    if (ranked === undefined) return undefined;
    const decode = decodeStep(context, quantize, quantize.quantizer);
    return applyPools(context, { source: ranked.source, steps: [decode, ...steps.slice(last + 1)] });
  }
  const codes = codesAt(context, { ...waiting, steps: steps.slice(0, last + 1) }, recoding);
  if (codes === undefined) return undefined;
  const after = steps.slice(last + 1);
  if (recoding === undefined)
    return applyPools(context, { source: codes.source, steps: [...codes.steps, ...after] });
  // Codes that were made for what follows the quantizer stand for all of it but the pools.
  return { source: poolsOnNewCodes(context, codes.source, after, recoding), steps: [] };
}

/**
 * Pools among the steps that codes were made for. The greatest number is the greatest of the quantizer's own codes
 * where the steps before the pool rise with these, and so on to the new codes.
 */
function poolsOnNewCodes(
  context: Lowering,
  codes: Source,
  after: readonly Step[],
  { direction: ofCodes }: Recoding,
): Source {
  const before: ChainStep[] = [];
  let source = codes;
  for (const step of after) {
    if (isChainStep(step)) before.push(step);
    else if (step.kind === "pool") {
      const direction = commonDirection(before, 1)! * ofCodes;
      source = pooled(context, source, direction > 0 ? "maximum" : "minimum", step);
    }
  }
  return source;
}

/** Index of the last quantizer among the steps, −1 if there is none. */
export function lastQuantizer(steps: readonly Step[]): number {
  return steps.findLastIndex((s) => s.kind === "quantize");
}

/**
 * Pools and what differs between positions at once. Pools on the tensor itself where the steps before a pool all rise (the greatest stays the greatest)
 * or all fall (the least becomes the greatest), else on floats.
 */
function applyPools(context: Lowering, { source: first, steps }: Waiting): SettledSteps {
  let source = first;
  let before: ElementStep[] = [];
  for (const step of steps) {
    if (step.kind !== "pool") {
      before.push(step);
      continue;
    }
    const direction = before.every(isChainStep) ? commonDirection(before, source.shape[2]) : undefined;
    if (direction === undefined) {
      source = scaled(context, source, before, `${before.at(-1)!.node} as float`);
      before = [];
    }
    source = pooled(context, source, direction === -1 ? "minimum" : "maximum", step);
  }
  return applyPositions(context, source, before);
}

/** Steps up to the last one that differs between positions. */
function applyPositions(context: Lowering, source: Source, steps: readonly ElementStep[]): SettledSteps {
  const last = steps.findLastIndex((s) => s.kind === "positional");
  const after = steps.slice(last + 1).filter(isChainStep);
  if (last < 0) return { source, steps: after };
  const name = `${steps[last]!.node} as float`;
  return { source: scaled(context, source, steps.slice(0, last + 1), name), steps: after };
}

interface Codes {
  readonly source: Source;
  readonly steps: readonly ChainStep[];
}

/** The codes of the quantizer that is the last step, and what makes them real numbers. */
function codesAt(context: Lowering, waiting: Waiting, recoding?: Recoding): Codes | undefined {
  const quantize = waiting.steps.at(-1)!;
  if (quantize.kind !== "quantize") throw new Error("the last step is a quantizer");
  return once(context, quantize, `codes ${recoding?.key ?? ""} of ${waiting.source.tensor}`, () => {
    const ready = makeReady(context, waiting, recoding);
    if (ready === undefined) return undefined;
    const pools = ready.steps.filter((s) => s.kind === "pool");
    const chain = ready.steps.filter(isChainStep).slice(0, -1);
    // Codes that neither rise nor fall cannot be pooled: counts are, and then looked up. Kernels of integer layers write
    // counts too, so that no map of sums is kept.
    const isLookedUp = needsTable(recoding) && (pools.length > 0 || isSums(ready.source));
    const first = isLookedUp ? countRecoding(quantize.quantizer) : recoding;
    const codes = lowerThreshold(context, ready.source, chain, quantize, first, pools.length > 0);
    if (codes === undefined) return undefined;
    let { source } = codes;
    pools.forEach((pool, i) => {
      const operator = poolOnCodes(ready, pool, first)!;
      source = pooled(context, source, operator, {
        ...pool,
        node: i === pools.length - 1 ? quantize.node : `${quantize.node} after ${pool.node}`,
      });
    });
    if (isLookedUp) source = lookedUp(context, source, recoding!, `${quantize.node} codes`);
    return { source, steps: codes.steps };
  });
}

function isSums({ domain }: Source): boolean {
  return domain.kind === "scalar" && domain.type === "i32";
}

/**
 * Computes what thresholds cannot hold: operations that turn round or differ between positions, pools that do not commute
 * with the rest.
 */
function makeReady(context: Lowering, waiting: Waiting, recoding?: Recoding): Waiting | undefined {
  let { source } = waiting;
  let steps = signsOnly(waiting);
  const turn = steps.slice(0, -1).findLastIndex((s) => s.kind === "positional" || turns(s, source.shape[2]));
  if (turn >= 0) {
    const before = settleSteps(context, { source, steps: steps.slice(0, turn + 1) });
    if (before === undefined) return undefined;
    const isCodes = steps[turn]!.kind === "quantize";
    source = isCodes
      ? before.source
      : scaled(context, before.source, before.steps, `${steps[turn]!.node} as float`);
    steps = [...(isCodes ? before.steps : []), ...steps.slice(turn + 1)];
  }
  const stuck = steps.findLastIndex(
    (s) => s.kind === "pool" && poolOnCodes({ source, steps }, s, recoding) === undefined,
  );
  if (stuck < 0) return { source, steps };
  const before = settleSteps(context, { source, steps: steps.slice(0, stuck + 1) });
  return before && { source: before.source, steps: [...before.steps, ...steps.slice(stuck + 1)] };
}

/** What a pool before a quantizer is on the quantizer's codes; undefined where channels differ. */
function poolOnCodes(
  { source, steps }: Waiting,
  pool: PoolStep,
  recoding: Recoding | undefined,
): "maximum" | "minimum" | undefined {
  const quantize = steps.at(-1)!;
  if (quantize.kind !== "quantize") throw new Error("the last step is a quantizer");
  const after = steps.slice(steps.indexOf(pool) + 1, -1).filter(isChainStep);
  const direction = commonDirection(after, source.shape[2]);
  if (direction === undefined) return undefined;
  if (needsTable(recoding)) return direction > 0 ? "maximum" : "minimum";
  return direction * coderOf(quantize.quantizer, recoding?.codes).direction > 0 ? "maximum" : "minimum";
}

/** Whether a step rises for some numbers and falls for others. */
function turns(step: Step, channels: number): boolean {
  if (step.kind === "quantize") return chainDirection([step], 0) === undefined;
  if (step.kind !== "scale" || !(step.step.operator === "prelu" || step.step.operator === "abs"))
    return false;
  const count = isPerChannel([step]) ? channels : 1;
  return Array.from({ length: count }, (_, c) => chainDirection([step], c)).includes(undefined);
}
