import { fail } from "../diagnostics/diagnostic.js";
import { belowInput, isOutput, isWholeTensor } from "./in-place.js";
import { mayWriteOver, reads } from "./lifetimes.js";
import { ARENA_ALIGN, type Holding, type PlacedBuffer, type Plan } from "./types.js";
import { verifyRings } from "./verify-rings.js";

/** Checks a plan independently of how it was made: no two live buffers overlap, everything is covered. */
export function verifyPlan(plan: Plan): void {
  const { buffers, arenaBytes, lowerBound } = plan.memory;
  if (arenaBytes < lowerBound) throw broken("the arena is below the lower bound");
  for (const a of buffers) {
    if (a.offset % (a.align ?? ARENA_ALIGN) !== 0 || a.offset + a.bytes > arenaBytes)
      throw broken(`${holdingText(a.holds)} lies badly`);
    for (const b of buffers) {
      const liveTogether = a !== b && a.from <= b.to && b.from <= a.to;
      const overlap = a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes;
      if (liveTogether && overlap && !isOver(plan, a, b) && !isOver(plan, b, a))
        throw broken(`${holdingText(a.holds)} and ${holdingText(b.holds)} overlap while both are live`);
    }
  }
  verifyBanks(plan);
  verifyRings(plan);
  const covered = plan.steps.flatMap((s) => s.choice.covers);
  if (covered.some((c, i) => c !== i) || covered.length !== plan.program.instructions.length) {
    throw broken("the steps do not cover the instructions in order");
  }
}

/**
 * Whether `b` is written over `a`, which no later step reads, where the kernel allows that. Of a group `verifyRings` sees that
 * rows are read before.
 */
function isOver({ steps, groups }: Plan, a: PlacedBuffer, b: PlacedBuffer): boolean {
  const group = groups.find(({ from }) => from === b.from);
  const maker = steps.slice(b.from, a.to + 1).find(({ choice }) => isOutput(b, choice));
  if (maker === undefined || a.to !== (group?.to ?? b.from) || a.from >= b.from) return false;
  if (!isWholeTensor(a) || !mayWriteOver(maker.choice, a.holds.tensor, a.holds.layout)) return false;
  const below = belowInput(b, a, b.align ?? ARENA_ALIGN);
  if (a.offset - b.offset !== below) return false;
  return group === undefined ? reads(maker.choice, a.holds.tensor, a.holds.layout) : below === 0;
}

/** Every buffer must lie wholly in one bank. */
function verifyBanks({ memory: { buffers, arenaBytes, banks = [arenaBytes] } }: Plan): void {
  if (banks.reduce((a, b) => a + b, 0) !== arenaBytes) throw broken("the banks are not the arena");
  let start = 0;
  const ends = banks.map((bytes) => (start += bytes));
  for (const { offset, bytes, holds } of buffers) {
    const bank = ends.findIndex((end) => offset < end);
    if (offset + bytes > ends[bank]!) throw broken(`${holdingText(holds)} lies in two banks`);
  }
}

function holdingText(holds: Holding): string {
  return holds.kind === "tensor"
    ? `tensor ${holds.tensor} (${holds.layout})`
    : `the scratch of step ${holds.step}`;
}

function broken(problem: string): Error {
  return fail("plan/invalid", `the memory plan is inconsistent: ${problem}`, {
    remedy: "this is a defect of bitloom; please report it with the model",
  });
}
