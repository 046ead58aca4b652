import { fail } from "../diagnostics/diagnostic.js";
import { inputRows } from "../kernels/rows.js";
import type { Place, Plan, PlannedStep, RolledGroup } from "./types.js";

/**
 * Executes the rolled groups of a plan on row numbers: every row that a call reads must be in its slot at that time, and
 * all rows must come to be. The rows read are those of the instructions' definitions, not of the schedule.
 */
export function verifyRings(plan: Plan): void {
  for (const group of plan.groups) simulate(plan, group);
}

/** Row numbers in the slots of a step's output. */
type Slots = Int32Array;

function simulate(plan: Plan, { from, to, clock, ticks }: RolledGroup): void {
  const steps = plan.steps.slice(from, to + 1);
  const written = steps.map(({ output, rolled }) => new Int32Array(slotsOf(output) ?? rolled!.rows).fill(-1));
  const done = new Int32Array(steps.length);
  for (let tick = 0; tick < ticks; tick++) {
    const given = Math.min((tick + 1) * clock.band, clock.rows);
    steps.forEach((step, i) => {
      const next = rowsUntil(step, done[i]!, (on) => (on === "clock" ? given : done[on - from]!));
      for (let row = done[i]!; row < next; row++) requireRows(plan, step, row, given, written, from);
      for (let row = done[i]!; row < next; row++) written[i]![row % written[i]!.length] = row;
      done[i] = next;
    });
  }
  steps.forEach(({ rolled, symbol }, i) => {
    if (done[i] !== rolled!.rows) throw broken(`${symbol} does not finish its rows`);
  });
}

/** What the loop in the generated C comes to. */
function rowsUntil({ rolled }: PlannedStep, done: number, haveOf: (on: "clock" | number) => number): number {
  const { rows, limit, waits } = rolled!;
  const isReady = (row: number): boolean =>
    waits.every(({ on, need, rows: all }) => {
      const have = haveOf(on);
      return have >= all || (need !== "all" && row * need.stride + need.span <= have + need.pad);
    });
  let next = done;
  while (next < rows && next - done < limit && isReady(next)) next++;
  return next;
}

/** All rows of all inputs that an output row reads must exist, and be where they are looked for. */
function requireRows(
  { program }: Plan,
  step: PlannedStep,
  row: number,
  given: number,
  written: readonly Slots[],
  from: number,
): void {
  for (const { on, input } of step.rolled!.waits) {
    const [first, end] = inputRows(program, step.choice, input, [row, row + 1]);
    for (let read = first; read < end; read++) {
      const slots = on === "clock" ? undefined : written[on - from]!;
      const isThere = slots === undefined ? read < given : slots[read % slots.length] === read;
      if (!isThere) throw broken(`${step.symbol} reads row ${read} of an input, which is not there`);
    }
  }
}

function slotsOf(place: Place): number | undefined {
  return place.kind === "arena" ? place.slots : undefined;
}

function broken(problem: string): Error {
  return fail("plan/invalid", `the memory plan is inconsistent: ${problem}`, {
    remedy: "this is a defect of bitloom; please report it with the model",
  });
}
