/**
 * Outputs over inputs: where a kernel may write over an input that nobody reads again, both can have the same bytes. That is
 * done in steps that would need more bytes than are needed in any case. In a rolled group rows of any output are written
 * over rows that nobody reads again.
 */
import { rowBytes } from "../kernels/layout.js";
import type { KernelChoice } from "../kernels/types.js";
import type { DeviceProgram } from "../program/index.js";
import type { ChosenGroup, ChosenSteps } from "./choose.js";
import { groupOf, lifetimes } from "./lifetimes.js";
import { placeBuffers } from "./memory.js";
import { type RowMaker, staysBehind } from "./over-rows.js";
import { scheduleGroup } from "./rolling.js";
import { choiceNeeds } from "./schedule.js";
import { alignedTo, placeStairs } from "./stairs.js";
import { ARENA_ALIGN, type Buffer, type MemoryPlan, type PlacedBuffer } from "./types.js";

/** An output that may lie over an input, as indices of buffers. */
export interface Pair {
  readonly under: number;
  readonly over: number;
}

/** Buffers that each lie over the one before, and their offsets in the bytes of all. */
interface Stack {
  readonly members: readonly number[];
  readonly at: readonly number[];
}

/** The smallest arena that is found for the tensors and the working memory of a choice. */
export function placeChosen(program: DeviceProgram, chosen: ChosenSteps, align: number): MemoryPlan {
  const buffers = lifetimes(program, chosen, align);
  const pairs = pairsOf(program, buffers, chosen);
  const live = liveBytes(buffers, align);
  const most = Math.max(0, ...live);
  const lowerBound = boundOf(buffers, pairs, live, align);
  if (lowerBound === most) return placeBuffers(buffers);
  const needed = pairs.filter(({ over }) => live[buffers[over]!.from]! > lowerBound);
  const stacked = stack(buffers, needed, lowerBound);
  const plan =
    stacked.arenaBytes > lowerBound ? smaller(stacked, stack(buffers, pairs, lowerBound)) : stacked;
  // Apart they need at least `most`.
  if (plan.arenaBytes < most) return plan;
  const found = smaller(placeBuffers(buffers), plan);
  return { ...found, lowerBound, proven: found.arenaBytes === lowerBound };
}

function smaller(a: MemoryPlan, b: MemoryPlan): MemoryPlan {
  return b.arenaBytes < a.arenaBytes ? b : a;
}

/**
 * Buffers with the steps in which their bytes are none of another's: in the step in which an output is written over an input
 * the larger of both counts.
 */
export function besideOthers<T extends PlacedBuffer>(buffers: readonly T[]): T[] {
  return buffers
    .map((b) => ({
      ...b,
      from: (b.overInputUntil ?? b.from - 1) + 1,
      to: (b.underOutputFrom ?? b.to + 1) - 1,
    }))
    .filter((b) => b.from <= b.to);
}

/** Bytes by which an output begins below an input that it lies over: none unless it is larger. */
export function belowInput(over: Buffer, under: Buffer, align: number): number {
  return Math.max(0, alignedTo(over.bytes - under.bytes, align));
}

/** Outputs and what they may lie over, at most one for each. */
export function pairsOf(program: DeviceProgram, buffers: readonly Buffer[], chosen: ChosenSteps): Pair[] {
  const { choices, groups } = chosen;
  const pairs: Pair[] = [];
  const isFree = new Map(groups.map((group) => [group, freeInGroup(program, chosen, group)]));
  choices.forEach((choice, step) => {
    const group = groupOf(groups, step);
    const { from, to } = group ?? { from: step, to: step };
    const over = buffers.findIndex((b) => b.from === from && b.to > to && isOutput(b, choice));
    if (over === -1) return;
    const unders = [...buffers.keys()].filter((i) => {
      const b = buffers[i]!;
      if (b.to !== to || b.from >= from || pairs.some(({ under }) => under === i)) return false;
      if (group === undefined) return reads(choice, b) && mayLieUnder(b, choice);
      return buffers[over]!.bytes <= b.bytes && mayLieUnder(b, choice) && isFree.get(group)!(step, b);
    });
    if (unders.length === 0) return;
    const under = unders.reduce((a, b) => (buffers[b]!.bytes > buffers[a]!.bytes ? b : a));
    pairs.push({ over, under });
  });
  return pairs;
}

/**
 * Whether a step of a group may write over a tensor from before it. Traces compute what fused kernels skip when the group is
 * done: what these read must be whole then.
 */
function freeInGroup(
  program: DeviceProgram,
  { choices }: ChosenSteps,
  group: ChosenGroup,
): (step: number, under: Buffer) => boolean {
  const { progress, rows } = scheduleGroup(program, choices, group);
  const maker = (step: number): RowMaker => ({
    position: step,
    progress: progress.get(step)!,
    rows: rows.get(step)!.rows,
  });
  return (step, under) => {
    const { holds } = under;
    if (holds.kind !== "tensor") return false;
    const { tensor, layout } = holds;
    const steps = choices.map((_, at) => at).slice(group.from, group.to + 1);
    const reading = steps.filter((at) => reads(choices[at]!, under));
    if (reading.some((at) => choices[at]!.covers.length !== 1)) return false;
    const readers = reading.flatMap((at) => {
      const choice = choices[at]!;
      const needs = choiceNeeds(program, choice);
      return choice.inputs.flatMap((id, i) =>
        id === tensor && choice.inputLayouts[i] === layout ? [{ ...maker(at), need: needs[i]! }] : [],
      );
    });
    const { output, outputLayout } = choices[step]!;
    return staysBehind(maker(step), readers, {
      over: rowBytes(program.tensors[output]!, outputLayout),
      under: rowBytes(program.tensors[tensor]!, layout),
    });
  };
}

/** Whether a buffer holds all rows of a choice's output. */
export function isOutput({ holds, slots }: Buffer, { output, outputLayout }: KernelChoice): boolean {
  const isTensor = holds.kind === "tensor" && holds.tensor === output && holds.layout === outputLayout;
  return isTensor && slots === undefined;
}

/** Whether a choice reads what a buffer holds. */
function reads({ inputs, inputLayouts }: KernelChoice, { holds }: Buffer): boolean {
  return inputs.some(
    (id, i) => holds.kind === "tensor" && id === holds.tensor && inputLayouts[i] === holds.layout,
  );
}

/** Whether a buffer holds all rows of a tensor, and a choice may write over it in all the inputs that it is. */
export function mayLieUnder(
  { holds, slots }: Buffer,
  { inputs, inputLayouts, inPlace = [] }: KernelChoice,
): boolean {
  if (holds.kind !== "tensor" || slots !== undefined) return false;
  return inputs.every(
    (id, i) => id !== holds.tensor || inputLayouts[i] !== holds.layout || inPlace.includes(i),
  );
}

/** Sum of live bytes in each step. Of one buffer, the highest, what is lost to alignment does not count. */
function liveBytes(buffers: readonly Buffer[], align: number): number[] {
  const steps = Math.max(-1, ...buffers.map((b) => b.to)) + 1;
  const live = new Array<number>(steps).fill(0);
  const lost = new Array<number>(steps).fill(0);
  for (const { from, to, bytes } of buffers) {
    const whole = alignedTo(bytes, align);
    for (let step = from; step <= to; step++) {
      live[step]! += whole;
      lost[step] = Math.max(lost[step]!, whole - bytes);
    }
  }
  return live.map((sum, step) => sum - lost[step]!);
}

/** The largest sum of live bytes where every output that may lies over its input: the larger of both counts. */
function boundOf(
  buffers: readonly Buffer[],
  pairs: readonly Pair[],
  live: readonly number[],
  align: number,
): number {
  const least = [...live];
  for (const { over, under } of pairs) {
    const [last, first] = [buffers[over]!, buffers[under]!];
    const smaller = alignedTo(Math.min(last.bytes, first.bytes), align);
    for (let step = last.from; step <= first.to; step++) least[step]! -= smaller;
  }
  return Math.max(0, ...least, ...pairs.map((pair) => narrowed(buffers, pair, pairs, live, align)));
}

/**
 * What a buffer that lies over a larger one, and has a larger one over it, forces on every plan: one of the two does not lie
 * over the other, or the last begins as far below the first as it is larger than the one between.
 */
function narrowed(
  buffers: readonly Buffer[],
  { under, over }: Pair,
  pairs: readonly Pair[],
  live: readonly number[],
  align: number,
): number {
  const next = pairs.find((pair) => pair.under === over);
  if (next === undefined) return 0;
  const [first, between, last] = [buffers[under]!, buffers[over]!, buffers[next.over]!];
  const both = belowInput(last, between, align) + first.bytes;
  return Math.min(live[between.from]!, live[last.from]!, both);
}

/** Puts the outputs of some pairs over their inputs. */
function stack(buffers: readonly Buffer[], pairs: readonly Pair[], lowerBound: number): MemoryPlan {
  const align = buffers[0]!.align ?? ARENA_ALIGN;
  const stacks = stacksOf(buffers, pairs, align);
  const treads = stacks.map(({ members, at }) => members.map((i, k) => ({ ...buffers[i]!, at: at[k]! })));
  const { offsets, height } = placeStairs(treads, lowerBound, align);
  const placed = new Array<PlacedBuffer>(buffers.length);
  stacks.forEach(({ members, at }, i) => {
    members.forEach((member, k) => {
      placed[member] = { ...buffers[member]!, offset: offsets[i]! + at[k]! };
    });
  });
  for (const { under, over } of pairs) {
    const [last, first] = [placed[over]!, placed[under]!];
    if (last.bytes > first.bytes) placed[under] = { ...first, underOutputFrom: last.from };
    else placed[over] = { ...last, overInputUntil: first.to };
  }
  return { buffers: placed, arenaBytes: height, lowerBound, proven: height === lowerBound };
}

function stacksOf(buffers: readonly Buffer[], pairs: readonly Pair[], align: number): Stack[] {
  const overOf = new Map(pairs.map(({ under, over }) => [under, over]));
  const isOver = new Set(pairs.map(({ over }) => over));
  return [...buffers.keys()].flatMap((first) => {
    if (isOver.has(first)) return [];
    const members = [first];
    const at = [0];
    for (let over = overOf.get(first); over !== undefined; over = overOf.get(over)) {
      at.push(at.at(-1)! - belowInput(buffers[over]!, buffers[members.at(-1)!]!, align));
      members.push(over);
    }
    const lowest = Math.min(...at);
    return [{ members, at: at.map((offset) => offset - lowest) }];
  });
}
