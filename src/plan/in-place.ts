/**
 * Outputs over inputs: where a kernel may write over an input that nobody reads again, both can have the same bytes. That is
 * done in steps that would need more bytes than are needed in any case.
 */
import type { KernelChoice } from "../kernels/types.js";
import type { DeviceProgram } from "../program/index.js";
import type { ChosenSteps } from "./choose.js";
import { groupOf, lifetimes } from "./lifetimes.js";
import { placeBuffers } from "./memory.js";
import { alignedTo, placeStairs } from "./stairs.js";
import { ARENA_ALIGN, type Buffer, type MemoryPlan, type PlacedBuffer } from "./types.js";

/** An output that may lie over an input, as indices of buffers. */
interface Pair {
  readonly under: number;
  readonly over: number;
}

/** Buffers with the same offset, each over the one before it and no larger. */
type Stack = readonly number[];

/** The smallest arena that is found for the tensors and the working memory of a choice. */
export function placeChosen(program: DeviceProgram, chosen: ChosenSteps, align: number): MemoryPlan {
  const buffers = lifetimes(program, chosen, align);
  const pairs = pairsOf(buffers, chosen);
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

/** A buffer with the steps in which its bytes are none of another: an output over its input counts from the next step on. */
export function besideOthers<T extends Buffer>(buffer: T & Pick<PlacedBuffer, "isOverInput">): T {
  return buffer.isOverInput ? { ...buffer, from: buffer.from + 1 } : buffer;
}

/**
 * Outputs and what they may lie over, at most one for each. Rows that roll come in between those of other steps: only outside
 * groups all is read before something else is written.
 */
function pairsOf(buffers: readonly Buffer[], { choices, groups }: ChosenSteps): Pair[] {
  return choices.flatMap((choice, step) => {
    if (choice.inPlace === undefined || groupOf(groups, step) !== undefined) return [];
    const over = buffers.findIndex((b) => b.from === step && b.to > step && isOutput(b, choice));
    const under = buffers.findIndex((b) => b.to === step && b.from < step && mayLieUnder(b, choice));
    if (over === -1 || under === -1) return [];
    return buffers[over]!.bytes <= buffers[under]!.bytes ? [{ under, over }] : [];
  });
}

/** Whether a buffer holds all rows of a choice's output. */
export function isOutput({ holds, slots }: Buffer, { output, outputLayout }: KernelChoice): boolean {
  const isTensor = holds.kind === "tensor" && holds.tensor === output && holds.layout === outputLayout;
  return isTensor && slots === undefined;
}

/** Whether a buffer holds all rows of an input that a choice may write over, whichever of the inputs it is. */
export function mayLieUnder(buffer: Buffer, { inputs, inputLayouts, inPlace = [] }: KernelChoice): boolean {
  const { holds, slots } = buffer;
  if (holds.kind !== "tensor" || slots !== undefined) return false;
  const places = inputs.flatMap((id, i) =>
    id === holds.tensor && inputLayouts[i] === holds.layout ? [i] : [],
  );
  return places.length > 0 && places.every((i) => inPlace.includes(i));
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

/** The largest sum of live bytes where every output that may lies over its input. */
function boundOf(
  buffers: readonly Buffer[],
  pairs: readonly Pair[],
  live: readonly number[],
  align: number,
): number {
  const least = [...live];
  for (const { over } of pairs) least[buffers[over]!.from]! -= alignedTo(buffers[over]!.bytes, align);
  return Math.max(0, ...least);
}

/** Puts the outputs of some pairs over their inputs. */
function stack(buffers: readonly Buffer[], pairs: readonly Pair[], lowerBound: number): MemoryPlan {
  const stacks = stacksOf(buffers, pairs);
  const treads = stacks.map((members) =>
    members.map((i, k) => besideOthers({ ...buffers[i]!, ...(k > 0 ? { isOverInput: true } : {}) })),
  );
  const { offsets, height } = placeStairs(treads, lowerBound, buffers[0]!.align ?? ARENA_ALIGN);
  const placed = buffers.map((buffer, i): PlacedBuffer => {
    const at = stacks.findIndex((members) => members.includes(i));
    return { ...buffer, offset: offsets[at]!, ...(stacks[at]![0] === i ? {} : { isOverInput: true }) };
  });
  return { buffers: placed, arenaBytes: height, lowerBound, proven: height === lowerBound };
}

function stacksOf(buffers: readonly Buffer[], pairs: readonly Pair[]): Stack[] {
  const overOf = new Map(pairs.map(({ under, over }) => [under, over]));
  const isOver = new Set(pairs.map(({ over }) => over));
  return buffers.flatMap((_, lowest) => {
    if (isOver.has(lowest)) return [];
    const members = [lowest];
    for (let at = overOf.get(lowest); at !== undefined; at = overOf.get(at)) members.push(at);
    return [members];
  });
}
