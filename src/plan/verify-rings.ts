import { fail } from "../diagnostics/diagnostic.js";
import { type Layout, layoutBytes, rowBytes } from "../kernels/layout.js";
import { inputRows } from "../kernels/rows.js";
import type { DeviceProgram, TensorId } from "../program/index.js";
import type { Place, Plan, PlannedStep, PlannedStream, RolledGroup } from "./types.js";

/**
 * Executes the rolled groups of a plan on row numbers: every row that a call reads must be in its slot at that time, and
 * all rows must come to be. The rows read are those of the instructions' definitions, not of the schedule.
 */
export function verifyRings(plan: Plan): void {
  const { stream } = plan;
  for (const group of plan.groups) simulate(stream === undefined ? plan : { ...plan, ...stream }, group);
  if (stream !== undefined) checkPeriod(plan, stream);
  if (plan.push !== undefined && plan.groups[0]?.from !== 0)
    throw broken("nothing takes the rows that are given");
}

/** After a period all rings must be at the same slots, and counters must not get to the end of the long program before. */
function checkPeriod({ steps, push }: Plan, { program, strides, period, stepsBackAt }: PlannedStream): void {
  const rings = steps.map(({ choice, output }) => ({ tensor: choice.output, slots: slotsOf(output) ?? 1 }));
  rings.push({ tensor: program.input.tensor, slots: slotsOf(push!.place)! });
  if (rings.some(({ tensor, slots }) => period % (slots * strides[tensor]!) !== 0))
    throw broken("a ring does not fit the period");
  if (stepsBackAt >= program.tensors[program.input.tensor]!.shape[0])
    throw broken("rows end before counters step back");
}

/** Row numbers in the slots of a step's output. */
type Slots = Int32Array;

function simulate(plan: Plan, { from, to, clock, ticks }: RolledGroup): void {
  const steps = plan.steps.slice(from, to + 1);
  const written = steps.map(({ output, rolled }) => new Int32Array(slotsOf(output) ?? rolled!.rows).fill(-1));
  const pushed = from === 0 && plan.push !== undefined ? slotsOf(plan.push.place) : undefined;
  const done = new Int32Array(steps.length);
  for (let tick = 0; tick < ticks; tick++) {
    const given = Math.min((tick + 1) * clock.band, clock.rows);
    steps.forEach((step, i) => {
      const next = rowsUntil(step, done[i]!, (on) => (on === "clock" ? given : done[on - from]!));
      for (let row = done[i]!; row < next; row++) {
        requireRows(plan, step, row, { given, pushed }, written, from);
        requireOlder(plan, step, row, steps, (j) => (j === i ? row : done[j]!));
      }
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
  clock: { readonly given: number; readonly pushed: number | undefined },
  written: readonly Slots[],
  from: number,
): void {
  for (const { on, input } of step.rolled!.waits) {
    const [first, end] = inputRows(program, step.choice, input, [row, row + 1]);
    for (let read = first; read < end; read++) {
      const slots = on === "clock" ? undefined : written[on - from]!;
      const isThere = slots === undefined ? isGiven(clock, read) : slots[read % slots.length] === read;
      if (!isThere) throw broken(`${step.symbol} reads row ${read} of an input, which is not there`);
    }
  }
}

/** Bytes of the arena that a whole tensor has; undefined where it is the caller's, or a ring. */
interface Extent {
  readonly start: number;
  readonly rowBytes: number;
  readonly end: number;
}

function extentOf(program: DeviceProgram, place: Place, id: TensorId, layout: Layout): Extent | undefined {
  if (place.kind !== "arena" || place.slots !== undefined) return undefined;
  const tensor = program.tensors[id]!;
  const { offset } = place;
  return { start: offset, rowBytes: rowBytes(tensor, layout), end: offset + layoutBytes(tensor, layout) };
}

/** Rows of whole tensors that an output row reads, where rows of the group's outputs are written over them. */
function requireOlder(
  { program }: Plan,
  step: PlannedStep,
  row: number,
  steps: readonly PlannedStep[],
  writtenOf: (step: number) => number,
): void {
  step.choice.inputs.forEach((id, input) => {
    const read = extentOf(program, step.inputs[input]!, id, step.choice.inputLayouts[input]!);
    if (read === undefined) return;
    const [first, end] = inputRows(program, step.choice, input, [row, row + 1]);
    if (first === end) return;
    steps.forEach(({ choice, output, symbol }, j) => {
      const over = extentOf(program, output, choice.output, choice.outputLayout);
      if (over === undefined || over.start >= read.end || read.start >= over.end) return;
      if (choice.output === id && choice.outputLayout === step.choice.inputLayouts[input]) return;
      if (over.start + writtenOf(j) * over.rowBytes > read.start + first * read.rowBytes)
        throw broken(`${step.symbol} reads row ${first} of an input, over which ${symbol} has written`);
    });
  });
}

/** The last `pushed` rows of those given, or all, where the tensor is whole. */
function isGiven(
  { given, pushed = given }: { given: number; pushed: number | undefined },
  row: number,
): boolean {
  return row < given && row >= given - pushed;
}

function slotsOf(place: Place): number | undefined {
  return place.kind === "arena" ? place.slots : undefined;
}

function broken(problem: string): Error {
  return fail("plan/invalid", `the memory plan is inconsistent: ${problem}`, {
    remedy: "this is a defect of bitloom; please report it with the model",
  });
}
