/**
 * Several memories in place of one arena: each buffer lies wholly in one of them. The plan counts them as one arena, bank
 * after bank, so that an offset tells the bank.
 */
import { type BitloomError, fail } from "../diagnostics/diagnostic.js";
import { printable } from "../diagnostics/text.js";
import type { DeviceProgram } from "../program/index.js";
import type { ChosenSteps } from "./choose.js";
import { lifetimes } from "./lifetimes.js";
import { placeBuffers } from "./memory.js";
import { liveBytesAt, peakStep } from "./peak.js";
import { ARENA_ALIGN, type Buffer, type MemoryPlan } from "./types.js";

/** Assignments of a buffer to a bank that are tried, and complete ones whose offsets are searched. */
const MAX_ASSIGNMENTS = 20_000;
const MAX_PLACEMENTS = 40;

/**
 * Places buffers in banks of at most `sizes` bytes. Depth first, large buffers first, each in the first bank with room: so
 * the first bank is filled first. Undefined where the search, which is bounded, finds nothing.
 */
export function placeInBanks(buffers: readonly Buffer[], sizes: readonly number[]): MemoryPlan | undefined {
  const order = [...buffers].sort((a, b) => b.bytes - a.bytes);
  let assignments = MAX_ASSIGNMENTS;
  let placements = MAX_PLACEMENTS;
  const assign = (index: number, banks: readonly (readonly Buffer[])[]): MemoryPlan | undefined => {
    if (index === order.length) return placements-- > 0 ? placed(buffers, banks, sizes) : undefined;
    for (const [bank, size] of sizes.entries()) {
      if (assignments-- <= 0 || placements <= 0) return undefined;
      const more = [...banks[bank]!, order[index]!];
      if (more.some(({ from }) => liveBytesAt(more, from) > size)) continue;
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

/** Banks one after another, if each has room; an empty one keeps a few bytes, since C has no empty arrays. */
function placed(
  all: readonly Buffer[],
  banks: readonly (readonly Buffer[])[],
  sizes: readonly number[],
): MemoryPlan | undefined {
  const plans = banks.map(placeBuffers);
  const bytes = plans.map(({ arenaBytes }) => Math.max(1, Math.ceil(arenaBytes / ARENA_ALIGN)) * ARENA_ALIGN);
  if (bytes.some((used, bank) => used > sizes[bank]!)) return undefined;
  const starts = bytes.map((_, bank) => bytes.slice(0, bank).reduce((a, b) => a + b, 0));
  return {
    ...placeBuffers(all),
    buffers: plans.flatMap((plan, bank) =>
      plan.buffers.map((b) => ({ ...b, offset: b.offset + starts[bank]! })),
    ),
    arenaBytes: bytes.reduce((a, b) => a + b, 0),
    banks: bytes,
  };
}

/** The places of what was chosen, in banks. Throws `plan/banks`, which names the layer that has no room. */
export function requireBanks(
  program: DeviceProgram,
  chosen: ChosenSteps,
  sizes: readonly number[],
): MemoryPlan {
  const buffers = lifetimes(program, chosen);
  const memory = placeInBanks(buffers, sizes);
  if (memory === undefined) throw noRoom(program, chosen, buffers, sizes);
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
