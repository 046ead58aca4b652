/** The schedule of a rolled group: what its steps wait for, their rows per tick, and the rings between them. */
import type { KernelChoice } from "../kernels/types.js";
import type { DeviceProgram } from "../program/index.js";
import type { ChosenGroup } from "./choose.js";
import { choiceNeeds, clockProgress, limitAfter, type Progress, ringRows, stepProgress } from "./schedule.js";
import type { PlannedRows, PlannedWait } from "./types.js";

export interface GroupSchedule {
  /** By step. */
  readonly rows: ReadonlyMap<number, PlannedRows>;
  readonly progress: ReadonlyMap<number, Progress>;
  /** Slots of the ring that a step writes, as its readers in the group need them; absent where it has none. */
  readonly slots: ReadonlyMap<number, number>;
  /** Rows of the clock's tensor that are still read at once, where it is a ring too. */
  readonly clockSlots: number;
  readonly ticks: number;
}

/** Exact and the same for every run: progress depends on sizes alone. */
export function scheduleGroup(
  program: DeviceProgram,
  choices: readonly KernelChoice[],
  group: ChosenGroup,
): GroupSchedule {
  const heightOf = (step: number): number => program.tensors[choices[step]!.output]!.shape[0];
  const clockRows = program.tensors[group.clock]!.shape[0];
  const clock = clockProgress(clockRows, group.band);
  const progress = new Map<number, Progress>();
  const rows = new Map<number, PlannedRows>();
  const slots = new Map<number, number>();
  let clockSlots = 1;
  const progressOf = (wait: PlannedWait): Progress => (wait.on === "clock" ? clock : progress.get(wait.on)!);
  for (let step = group.from; step <= group.to; step++) {
    const waits = waitsOf(program, choices, group, step);
    const limits = waits.map(({ on, need }) =>
      limitAfter(on === "clock" ? group.band : rows.get(on)!.limit, need),
    );
    const planned = { rows: heightOf(step), limit: Math.min(group.band, ...limits), waits };
    const own = stepProgress(
      waits.map((w) => ({ ...w, progress: progressOf(w) })),
      planned.rows,
      planned.limit,
    );
    rows.set(step, planned);
    progress.set(step, own);
    for (const { on, need, rows: height } of waits) {
      const written = on === "clock" ? clock : progress.get(on)!;
      const needed = ringRows(written, height, { progress: own, need, rows: planned.rows });
      if (on === "clock") clockSlots = Math.max(clockSlots, needed);
      else slots.set(on, Math.max(slots.get(on) ?? 0, needed));
    }
  }
  return {
    rows,
    progress,
    slots,
    clockSlots,
    ticks: Math.max(...[...progress.values()].map((p) => p.length)),
  };
}

/** Tensors of which a step finds only some rows: the clock's, and what steps of the group made before it. */
function waitsOf(
  program: DeviceProgram,
  choices: readonly KernelChoice[],
  { from, clock }: ChosenGroup,
  step: number,
): PlannedWait[] {
  const choice = choices[step]!;
  const needs = choiceNeeds(program, choice);
  return choice.inputs.flatMap((id, i): PlannedWait[] => {
    const maker = makerOf(choices, from, step, id, choice.inputLayouts[i]!);
    const wait = { input: i, need: needs[i]!, rows: program.tensors[id]!.shape[0] };
    if (maker !== undefined) return [{ on: maker, ...wait }];
    return id === clock ? [{ on: "clock", ...wait }] : [];
  });
}

/** The step of the group that made an input, if one did. */
function makerOf(
  choices: readonly KernelChoice[],
  from: number,
  step: number,
  id: number,
  layout: string,
): number | undefined {
  for (let at = step - 1; at >= from; at--) {
    const { output, outputLayout } = choices[at]!;
    if (output === id && outputLayout === layout) return at;
  }
  return undefined;
}
