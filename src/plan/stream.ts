/**
 * The plan of an input that never ends: one group from input to output, on a program of so many rows that no counter gets
 * to its end before it steps back.
 */
import { fail } from "../diagnostics/diagnostic.js";
import type { KernelChoice } from "../kernels/types.js";
import {
  type DeviceProgram,
  type RowNeed,
  type RowWindow,
  type StreamShape,
  streamShape,
  stretchedProgram,
} from "../program/index.js";
import type { ChosenSteps } from "./choose.js";
import { chosenFor, type PlanOptions } from "./goals.js";
import { neededBuffers } from "./lifetimes.js";
import { streamPeriod } from "./periods.js";
import { type GroupSchedule, scheduleGroup } from "./rolling.js";
import type { PlannedRows, PlannedStream } from "./types.js";

/** Kernels state heights in 16 bits. */
const MOST_ROWS = 65535;
/** Longer rows can change the choice of kernels, and that the period: so often at most. */
const MAX_TRIALS = 8;

export interface ChosenStream {
  readonly chosen: ChosenSteps;
  readonly stream: PlannedStream;
}

/** Throws `plan/no-stream` where the model has no outputs that go on with its input. */
export function chooseStream(program: DeviceProgram, options: PlanOptions): ChosenStream {
  const shape = streamShape(program);
  const window = program.tensors[program.input.tensor]!.shape[0];
  const whole = (rows: number): number => window + Math.ceil((rows - window) / shape.unit) * shape.unit;
  let rows = whole(2 * window + 4 * shape.unit);
  for (let trial = 0; trial < MAX_TRIALS; trial++) {
    if (rows > MOST_ROWS) break;
    const long = stretchedProgram(program, shape, rows);
    const chosen = chosenFor(long, options, shape);
    const stream = { ...rhythmOf(long, chosen, shape), program: long };
    const needed = whole(stream.stepsBackAt + window + shape.unit);
    if (needed <= rows) return { chosen: ofWindow(chosen, window / rows), stream };
    rows = needed;
  }
  throw fail("plan/no-stream", "the model cannot be given sample by sample: its windows are too long", {
    remedy: "windows of up to 10000 samples can be",
  });
}

/** Costs of the long program's rows as those of one window. */
function ofWindow(chosen: ChosenSteps, part: number): ChosenSteps {
  return { ...chosen, choices: chosen.choices.map((c) => ({ ...c, cost: Math.round(c.cost * part) })) };
}

/** When outputs come, and when counters step back. */
function rhythmOf(
  program: DeviceProgram,
  chosen: ChosenSteps,
  shape: StreamShape,
): Omit<PlannedStream, "program"> {
  const group = chosen.groups[0]!;
  const { first, settled } = firstRows(scheduleGroup(program, chosen.choices, group), chosen, shape);
  const period = streamPeriod(program, neededBuffers(program, chosen), shape);
  const { tensor } = program.output;
  const perOutput = shape.strides[tensor]!;
  return { ...shape, period, stepsBackAt: settled + period, warmUp: first, perOutput };
}

/**
 * Rows of the input that are there when the last step makes its first row, and when no step is at a border of its input any
 * more.
 */
function firstRows(
  { rows }: GroupSchedule,
  { choices }: ChosenSteps,
  { strides }: StreamShape,
): { readonly first: number; readonly settled: number } {
  const firsts = firstsOf(rows, choices, strides);
  let settled = 0;
  for (const [step, { waits }] of rows) {
    const inner = waits.map(({ need }) => Math.ceil(windowOf(need).pad / windowOf(need).stride));
    const stride = strides[choices[step]!.output]!;
    settled = Math.max(settled, firsts.get(step)! + (Math.max(1, ...inner) - 1) * stride);
  }
  return { first: [...firsts.values()].at(-1)!, settled };
}

/** Rows of the input that are there when a step makes its first row: row j is made `j · stride` rows later. */
export function firstsOf(
  rows: ReadonlyMap<number, PlannedRows>,
  choices: readonly KernelChoice[],
  strides: readonly number[],
): ReadonlyMap<number, number> {
  const firsts = new Map<number, number>();
  for (const [step, { waits }] of rows) {
    const first = waits.map(({ on, need, input }) => {
      const { span, pad } = windowOf(need);
      const before = on === "clock" ? 1 : firsts.get(on)!;
      return before + (span - pad - 1) * strides[choices[step]!.inputs[input]!]!;
    });
    firsts.set(step, Math.max(1, ...first));
  }
  return firsts;
}

/** Every need is a window of rows: see streamShape. */
function windowOf(need: RowNeed): RowWindow {
  return need as RowWindow;
}
