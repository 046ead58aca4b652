/**
 * Outputs over inputs: where a kernel may write over an input that nobody reads again, both can have the same bytes. That is
 * done in steps that would need more bytes than are needed in any case. In a rolled group rows of any output are written
 * over rows that nobody reads again.
 */
import type { KernelChoice } from "../kernels/types.js";
import type { DeviceProgram } from "../program/index.js";
import type { ChosenGroup, ChosenSteps } from "./choose.js";
import { groupOf, lifetimes, mayWriteOver, reads } from "./lifetimes.js";
import { placeBuffers } from "./memory.js";
import { type GroupStep, mayLieOver } from "./over-rows.js";
import { scheduleGroup } from "./rolling.js";
import { alignedTo, placeStairs } from "./stairs.js";
import { ARENA_ALIGN, type Buffer, type Holding, type MemoryPlan, type PlacedBuffer } from "./types.js";

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

/**
 * Outputs and what they may lie over, at most one for each: those that together save the most bytes in their step or group.
 */
export function pairsOf(program: DeviceProgram, buffers: readonly Buffer[], chosen: ChosenSteps): Pair[] {
  const { choices, groups } = chosen;
  const stepsOf = new Map(groups.map((group) => [group, groupSteps(program, choices, group)]));
  const undersOf = new Map<number, readonly number[]>();
  choices.forEach((choice, step) => {
    const group = groupOf(groups, step);
    const { from, to } = group ?? { from: step, to: step };
    const over = buffers.findIndex((b) => b.from === from && b.to > to && isOutput(b, choice));
    if (over === -1) return;
    const unders = [...buffers.keys()].filter((i) => {
      const under = buffers[i]!;
      if (under.to !== to || under.from >= from || !isWholeTensor(under)) return false;
      const { tensor, layout } = under.holds;
      if (group === undefined) return reads(choice, tensor, layout) && mayWriteOver(choice, tensor, layout);
      const steps = stepsOf.get(group)!;
      return mayLieOver(program, steps[step - from]!, steps, tensor, layout);
    });
    unders.sort((a, b) => buffers[b]!.bytes - buffers[a]!.bytes);
    undersOf.set(over, unders);
  });
  return matched(buffers, undersOf);
}

function groupSteps(
  program: DeviceProgram,
  choices: ChosenSteps["choices"],
  group: ChosenGroup,
): GroupStep[] {
  const { progress, rows } = scheduleGroup(program, choices, group);
  return choices.slice(group.from, group.to + 1).map((choice, i) => {
    const step = group.from + i;
    return { position: step, progress: progress.get(step)!, rows: rows.get(step)!.rows, choice };
  });
}

/**
 * One buffer under each output, as far as there are any: the largest outputs first, which is best in all, since an output
 * takes another one's place only where that has a further one.
 */
function matched(buffers: readonly Buffer[], undersOf: ReadonlyMap<number, readonly number[]>): Pair[] {
  const overOf = new Map<number, number>();
  const place = (over: number, seen: Set<number>): boolean =>
    undersOf.get(over)!.some((under) => {
      if (seen.has(under)) return false;
      seen.add(under);
      const other = overOf.get(under);
      if (other !== undefined && !place(other, seen)) return false;
      overOf.set(under, over);
      return true;
    });
  const overs = [...undersOf.keys()].sort((a, b) => buffers[b]!.bytes - buffers[a]!.bytes || a - b);
  for (const over of overs) place(over, new Set());
  return [...overOf].map(([under, over]) => ({ under, over })).sort((a, b) => a.over - b.over);
}

/** Buffers over each other, the lowest first; those that are in no pair are alone. */
export function chainsOf(count: number, pairs: readonly Pair[]): number[][] {
  const overOf = new Map(pairs.map(({ under, over }) => [under, over]));
  const isOver = new Set(pairs.map(({ over }) => over));
  return Array.from({ length: count }, (_, first) => first).flatMap((first) => {
    if (isOver.has(first)) return [];
    const chain: number[] = [];
    for (let at: number | undefined = first; at !== undefined; at = overOf.get(at)) chain.push(at);
    return [chain];
  });
}

/** Whether a buffer holds all rows of a choice's output. */
export function isOutput({ holds, slots }: Buffer, { output, outputLayout }: KernelChoice): boolean {
  const isTensor = holds.kind === "tensor" && holds.tensor === output && holds.layout === outputLayout;
  return isTensor && slots === undefined;
}

/** A buffer with all rows of a tensor. */
export function isWholeTensor<T extends Buffer>(
  buffer: T,
): buffer is T & { readonly holds: Extract<Holding, { kind: "tensor" }> } {
  return buffer.holds.kind === "tensor" && buffer.slots === undefined;
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
  return chainsOf(buffers.length, pairs).map((members) => {
    const at = [0];
    members.slice(1).forEach((over, i) => {
      at.push(at[i]! - belowInput(buffers[over]!, buffers[members[i]!]!, align));
    });
    const lowest = Math.min(...at);
    return { members, at: at.map((offset) => offset - lowest) };
  });
}
