/**
 * Several memories in place of one arena: each buffer lies wholly in one of them. The plan counts them as one arena, bank
 * after bank, so that an offset tells the bank.
 */
import { type BitloomError, fail } from "../diagnostics/diagnostic.js";
import { printable } from "../diagnostics/text.js";
import type { DeviceProgram } from "../program/index.js";
import type { ChosenSteps } from "./choose.js";
import { chainsOf, type Pair, pairsOf, placeChosen } from "./in-place.js";
import { lifetimes } from "./lifetimes.js";
import { placeBuffers } from "./memory.js";
import { liveBytesAt, peakStep } from "./peak.js";
import { ARENA_ALIGN, type Buffer, type Holding, type MemoryPlan, type PlacedBuffer } from "./types.js";

/** Assignments of a buffer to a bank that are tried, and complete ones whose offsets are searched. */
const MAX_ASSIGNMENTS = 20_000;
const MAX_PLACEMENTS = 12;

/** The buffers of each bank. */
type Assignment = readonly (readonly Buffer[])[];

/**
 * Places buffers in banks of at most `sizes` bytes, each in the first bank with room, so that the first bank is filled
 * first: by first fit in several orders, then by a search over all assignments, which is bounded. Undefined where nothing
 * is found.
 */
export function placeInBanks(buffers: readonly Buffer[], sizes: readonly number[]): MemoryPlan | undefined {
  const bySize = [...buffers].sort((a, b) => b.bytes - a.bytes);
  const orders = [
    bySize,
    [...buffers].sort((a, b) => b.bytes * (b.to - b.from + 1) - a.bytes * (a.to - a.from + 1)),
    [...buffers].sort((a, b) => a.from - b.from),
  ];
  for (const order of orders) {
    const found = firstFit(order, sizes);
    // The search for offsets makes banks smaller; where it cannot, they are as first fit has them.
    if (found !== undefined) return placed(buffers, found, sizes) ?? inBanks(buffers, found.map(asPlaced));
  }
  return searchAssignments(buffers, bySize, sizes);
}

/** Each buffer at the lowest offset of the first bank with room; undefined where one has none. */
function firstFit(order: readonly Buffer[], sizes: readonly number[]): PlacedBuffer[][] | undefined {
  const banks = sizes.map((): PlacedBuffer[] => []);
  for (const buffer of order) {
    const place = sizes
      .map((size, bank) => ({ bank, size, offset: lowestOffset(banks[bank]!, buffer) }))
      .find(({ size, offset }) => end({ ...buffer, offset }) <= size);
    if (place === undefined) return undefined;
    banks[place.bank]!.push({ ...buffer, offset: place.offset });
  }
  return banks;
}

/** The least offset at which a buffer overlaps none that is live with it: 0, or behind one of those. */
function lowestOffset(placed: readonly PlacedBuffer[], { from, to, bytes }: Buffer): number {
  const live = placed.filter((p) => p.from <= to && from <= p.to);
  const isFree = (offset: number): boolean =>
    live.every((p) => p.offset + p.bytes <= offset || offset + bytes <= p.offset);
  return Math.min(...[0, ...live.map(end)].filter(isFree));
}

/** Where the next buffer can begin. */
function end({ offset, bytes }: PlacedBuffer): number {
  return Math.ceil((offset + bytes) / ARENA_ALIGN) * ARENA_ALIGN;
}

function asPlaced(buffers: readonly PlacedBuffer[]): BankPlan {
  return { buffers, arenaBytes: Math.max(0, ...buffers.map(end)) };
}

/** Depth first through the assignments whose live bytes are within the sizes. */
function searchAssignments(
  buffers: readonly Buffer[],
  order: readonly Buffer[],
  sizes: readonly number[],
): MemoryPlan | undefined {
  let assignments = MAX_ASSIGNMENTS;
  let placements = MAX_PLACEMENTS;
  const assign = (index: number, banks: Assignment): MemoryPlan | undefined => {
    if (index === order.length) return placements-- > 0 ? placed(buffers, banks, sizes) : undefined;
    for (const [bank, size] of sizes.entries()) {
      if (assignments-- <= 0 || placements <= 0) return undefined;
      const more = [...banks[bank]!, order[index]!];
      if (!isLiveWithin(more, size)) continue;
      const found = assign(index + 1, banks.with(bank, more));
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return assign(
    0,
    sizes.map(() => []),
  );
}

/** Whether the live bytes of a bank are within its size in the steps of the buffer that was added last. */
function isLiveWithin(buffers: readonly Buffer[], size: number): boolean {
  const { from: first, to: last } = buffers.at(-1)!;
  return buffers.every(
    ({ from, to }) => from > last || to < first || liveBytesAt(buffers, Math.max(from, first)) <= size,
  );
}

/** An assignment with the best offsets that are found, if each bank then has room. */
function placed(all: readonly Buffer[], banks: Assignment, sizes: readonly number[]): MemoryPlan | undefined {
  const memory = inBanks(all, banks.map(placeBuffers));
  return memory.banks!.some((used, bank) => used > sizes[bank]!) ? undefined : memory;
}

type BankPlan = Pick<MemoryPlan, "buffers" | "arenaBytes">;

/** Banks one after another; an empty one keeps a few bytes, since C has no empty arrays. */
function inBanks(all: readonly Buffer[], plans: readonly BankPlan[]): MemoryPlan {
  const banks = plans.map(({ arenaBytes }) => Math.max(1, Math.ceil(arenaBytes / ARENA_ALIGN)) * ARENA_ALIGN);
  const arenaBytes = banks.reduce((a, b) => a + b, 0);
  const { lowerBound } = placeBuffers(all);
  const starts = banks.map((_, bank) => banks.slice(0, bank).reduce((a, b) => a + b, 0));
  return {
    lowerBound,
    proven: arenaBytes === lowerBound,
    buffers: plans.flatMap((plan, bank) =>
      plan.buffers.map((b) => ({ ...b, offset: b.offset + starts[bank]! })),
    ),
    arenaBytes,
    banks,
  };
}

/**
 * Places for what was chosen, in banks: side by side, or, where there is no room, with outputs over inputs that are not much
 * larger. Undefined where nothing is found.
 */
export function placeChosenInBanks(
  program: DeviceProgram,
  chosen: ChosenSteps,
  sizes: readonly number[],
): MemoryPlan | undefined {
  const buffers = lifetimes(program, chosen, ARENA_ALIGN);
  const apart = placeInBanks(buffers, sizes);
  if (apart !== undefined) return apart;
  const stacks = stacksOf(buffers, pairsOf(program, buffers, chosen));
  const merged = stacks.map((stack): Buffer => ({ ...stack[0]!, to: stack.at(-1)!.to }));
  const found = placeInBanks(merged, sizes);
  if (found === undefined) return undefined;
  const offsetOf = (holds: Holding): number => found.buffers.find((b) => b.holds === holds)!.offset;
  const { lowerBound } = placeChosen(program, chosen, ARENA_ALIGN);
  return {
    ...found,
    lowerBound,
    proven: found.arenaBytes === lowerBound,
    buffers: stacks.flatMap((stack) =>
      stack.map((buffer, i): PlacedBuffer => {
        const under = i === 0 ? {} : { overInputUntil: stack[i - 1]!.to };
        return { ...buffer, offset: offsetOf(stack[0]!.holds), ...under };
      }),
    ),
  };
}

/** Buffers that lie over each other for all their time: each at least half as large as the one before, and no larger. */
function stacksOf(buffers: readonly Buffer[], pairs: readonly Pair[]): Buffer[][] {
  const close = pairs.filter(({ under, over }) => {
    const [first, last] = [buffers[under]!.bytes, buffers[over]!.bytes];
    return last <= first && 2 * last >= first;
  });
  return chainsOf(buffers.length, close).map((members) => members.map((i) => buffers[i]!));
}

/** The places of what was chosen, in banks. Throws `plan/banks`, which names the layer that has no room. */
export function requireBanks(
  program: DeviceProgram,
  chosen: ChosenSteps,
  sizes: readonly number[],
): MemoryPlan {
  const memory = placeChosenInBanks(program, chosen, sizes);
  if (memory === undefined) throw noRoom(program, chosen, lifetimes(program, chosen, ARENA_ALIGN), sizes);
  return memory;
}

function noRoom(
  program: DeviceProgram,
  chosen: ChosenSteps,
  buffers: readonly Buffer[],
  sizes: readonly number[],
): BitloomError {
  const tooLarge = buffers.filter((b) => b.bytes > Math.max(...sizes));
  const step = peakStep(buffers)!;
  const live = buffers.filter((b) => b.from <= step && step <= b.to).sort((a, b) => b.bytes - a.bytes);
  const parts = (of: readonly Buffer[]): string =>
    of.map((b) => `${holdingText(program, chosen, b)} (${b.bytes} bytes)`).join(", ");
  const problem =
    tooLarge.length > 0
      ? `no bank has room for ${parts(tooLarge)}`
      : `${layerText(program, chosen, step)} needs ${liveBytesAt(buffers, step)} bytes at a time: ${parts(live)}`;
  return fail("plan/banks", `the arena does not fit banks of ${sizes.join(" and ")} bytes: ${problem}`, {
    remedy: "give larger banks or more of them; `--optimize ram` shows how little one arena can need",
  });
}

function holdingText(program: DeviceProgram, chosen: ChosenSteps, { holds }: Buffer): string {
  if (holds.kind === "scratch") return `the working memory of ${layerText(program, chosen, holds.step)}`;
  const { tensor, layout } = holds;
  const step = chosen.choices.findIndex((c) => c.output === tensor && c.outputLayout === layout);
  return step < 0 ? "rows of the input" : `the output of ${layerText(program, chosen, step)}`;
}

/** `layer3_conv_pairs (conv1)`: the kernel's symbol and the name in the model. */
function layerText(program: DeviceProgram, { choices }: ChosenSteps, step: number): string {
  const { kernel, output } = choices[step]!;
  return `layer${step}_${kernel} (${printable(program.tensors[output]!.name, 60)})`;
}
