import { fail } from "../diagnostics/diagnostic.js";
import type { RowNeed } from "../program/index.js";
import type { Place, Plan, PlannedStep, RolledGroup } from "./types.js";

/**
 * Executes the rolled groups of a plan on row numbers: every row that a step reads must be in its slot at that time, and
 * all rows must come to be. Simulates what the generated C does, and none of what the planner computed.
 */
export function verifyRings(plan: Plan): void {
  for (const group of plan.groups) simulate(plan, group);
}

/** Row numbers in the slots of the arena's rings, by offset. */
type Slots = Map<number, Int32Array>;

function simulate(plan: Plan, { from, to, clock, ticks }: RolledGroup): void {
  const steps = plan.steps.slice(from, to + 1);
  const slots: Slots = new Map();
  for (const { output } of steps) {
    if (output.kind === "arena" && output.slots !== undefined)
      slots.set(output.offset, new Int32Array(output.slots).fill(-1));
  }
  const rows = new Int32Array(steps.length + 1);
  for (let tick = 0; tick < ticks; tick++) {
    rows[0] = Math.min(rows[0]! + clock.band, clock.rows);
    steps.forEach((step, i) => {
      const done = rows[i + 1]!;
      let next = done;
      while (canCompute(step, rows, from, done, next)) next++;
      for (let row = done; row < next; row++) requireRows(step, rows, from, row, slots);
      const ring = slotsAt(slots, step.output);
      for (let row = done; ring !== undefined && row < next; row++) ring[row % ring.length] = row;
      rows[i + 1] = next;
    });
  }
  steps.forEach(({ rolled, symbol }, i) => {
    if (rows[i + 1] !== rolled!.rows) throw broken(`${symbol} does not finish its rows`);
  });
}

function canCompute(
  { rolled }: PlannedStep,
  rows: Int32Array,
  from: number,
  done: number,
  next: number,
): boolean {
  const { rows: height, limit, waits } = rolled!;
  return (
    next < height &&
    next - done < limit &&
    waits.every((wait) => {
      const have = rows[wait.on === "clock" ? 0 : wait.on - from + 1]!;
      if (have >= wait.rows) return true;
      return wait.need !== "all" && next * wait.need.stride - wait.need.pad + wait.need.span <= have;
    })
  );
}

/** All rows of all inputs that an output row reads must exist, and be where they are looked for. */
function requireRows(step: PlannedStep, rows: Int32Array, from: number, row: number, slots: Slots): void {
  step.rolled!.waits.forEach((wait) => {
    if (wait.on === "clock") return;
    const have = rows[wait.on - from + 1]!;
    const [first, end] = rowsRead(wait.need, row, wait.rows);
    if (end > have) throw broken(`${step.symbol} reads rows that are not there yet`);
    const ring = slotsAt(slots, step.inputs[wait.input]!);
    for (let read = first; ring !== undefined && read < end; read++) {
      if (ring[read % ring.length] !== read)
        throw broken(`${step.symbol} reads row ${read} of a ring, which is overwritten`);
    }
  });
}

function rowsRead(need: RowNeed, row: number, rows: number): readonly [number, number] {
  if (need === "all") return [0, rows];
  const first = row * need.stride - need.pad;
  return [Math.max(0, first), Math.min(rows, first + need.span)];
}

function slotsAt(slots: Slots, place: Place): Int32Array | undefined {
  return place.kind === "arena" && place.slots !== undefined ? slots.get(place.offset) : undefined;
}

function broken(problem: string): Error {
  return fail("plan/invalid", `the memory plan is inconsistent: ${problem}`, {
    remedy: "this is a defect of bitloom; please report it with the model",
  });
}
