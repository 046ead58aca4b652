/** A rolled group that a search extends step by step: its progress, its rings, and what it takes of the arena. */
import { type Layout, layoutBytes, rowBytes } from "../kernels/layout.js";
import type { KernelChoice } from "../kernels/types.js";
import type { DeviceProgram, RowNeed, TensorId } from "../program/index.js";
import { isCallers } from "./lifetimes.js";
import { mayLieOver } from "./over-rows.js";
import {
  choiceNeeds,
  clockProgress,
  limitAfter,
  type Progress,
  type RowWait,
  ringRows,
  stepProgress,
} from "./schedule.js";
import { aligned, type Live } from "./states.js";

/** A tensor in a layout that a step of the group makes; its place in the list is the step's position. */
interface Made {
  readonly tensor: TensorId;
  readonly layout: Layout;
  readonly choice: KernelChoice;
  readonly progress: Progress;
  readonly limit: number;
  /** Rows that the readers so far need at once. */
  readonly slots: number;
}

export interface OpenGroup {
  /** Names the group: the instruction that it begins with, its clock and band. */
  readonly key: string;
  /** The instruction that it begins with. */
  readonly start: number;
  readonly clock: TensorId;
  readonly band: number;
  /** Bytes of tensors that were there before, which stay until the end. */
  readonly outside: number;
  readonly made: readonly Made[];
  /** Rows of the clock's tensor that are read at once, where it is pushed; 0 where it is whole. */
  readonly clockSlots: number;
  /** The most working memory of a step. */
  readonly scratch: number;
}

export function openGroup(
  index: number,
  clock: TensorId,
  band: number,
  outside: number,
  pushes: boolean,
): OpenGroup {
  const key = `${index}/${clock}/${band}`;
  return { key, start: index, clock, band, outside, made: [], clockSlots: pushes ? 1 : 0, scratch: 0 };
}

/** What a choice waits for in a group, and the most rows that it then makes in a tick. */
export function waitsIn(
  program: DeviceProgram,
  group: OpenGroup,
  choice: KernelChoice,
): { readonly waits: readonly RowWait[]; readonly limit: number } {
  const needs = choiceNeeds(program, choice);
  const waits: RowWait[] = [];
  let limit = group.band;
  choice.inputs.forEach((id, i) => {
    const need = needs[i]!;
    const maker = madeIn(group, id, choice.inputLayouts[i]!);
    const rows = program.tensors[id]!.shape[0];
    if (maker === undefined && id !== group.clock) return;
    waits.push({ progress: maker?.progress ?? clockOf(rows, group.band), need, rows });
    limit = Math.min(limit, limitAfter(maker?.limit ?? group.band, need));
  });
  return { waits, limit };
}

/** The group after one more step. */
export function extended(program: DeviceProgram, group: OpenGroup, choice: KernelChoice): OpenGroup {
  const { waits, limit } = waitsIn(program, group, choice);
  const { output: tensor, outputLayout: layout } = choice;
  const rows = program.tensors[tensor]!.shape[0];
  const progress = progressOf(waits, rows, limit);
  const needs = choiceNeeds(program, choice);
  const made = group.made.map((m) => {
    const slots = choice.inputs.flatMap((id, i) =>
      id === m.tensor && choice.inputLayouts[i] === m.layout
        ? [slotsFor(m.progress, program.tensors[id]!.shape[0], progress, needs[i]!, rows)]
        : [],
    );
    return slots.length === 0 ? m : { ...m, slots: Math.max(m.slots, ...slots) };
  });
  const clockSlots = choice.inputs.map((id, i) => {
    const height = program.tensors[id]!.shape[0];
    const readsClock = group.clockSlots > 0 && id === group.clock && choice.inputLayouts[i] === "channels";
    return readsClock ? slotsFor(clockOf(height, group.band), height, progress, needs[i]!, rows) : 0;
  });
  return {
    ...group,
    clockSlots: Math.max(group.clockSlots, ...clockSlots),
    made: [...made, { tensor, layout, choice, progress, limit, slots: 1 }],
    scratch: Math.max(group.scratch, aligned(choice.scratchBytes)),
  };
}

/** Bytes of the group's tensors: of those in `kept` whole, of the others as many rows as are needed. */
export function madeBytes(program: DeviceProgram, group: OpenGroup, kept: Live): number {
  const pushed = aligned(group.clockSlots * rowBytes(program.tensors[group.clock]!, "channels"));
  return group.made.reduce((sum, { tensor, layout, slots }) => {
    if (isCallers(program, tensor, layout)) return sum;
    const shape = program.tensors[tensor]!;
    const isKept = kept.get(tensor)?.has(layout);
    const bytes = isKept ? layoutBytes(shape, layout) : slots * rowBytes(shape, layout);
    return sum + aligned(bytes);
  }, pushed);
}

/** Those of them that can be written over tensors from before the group, which are not in `kept`. */
export function savedBytes(program: DeviceProgram, group: OpenGroup, kept: Live): number {
  const steps = group.made.map(({ tensor, layout, choice, progress }, position) => {
    const isWhole = kept.get(tensor)?.has(layout) && !isCallers(program, tensor, layout);
    return { position, progress, rows: program.tensors[tensor]!.shape[0], choice, isWhole };
  });
  if (!steps.some((s) => s.isWhole)) return 0;
  let dying = dyingIn(program, group, kept);
  let saved = 0;
  for (const step of steps.filter((s) => s.isWhole)) {
    const under = dying.find(([id, layout]) => mayLieOver(program, step, steps, id, layout));
    if (under === undefined) continue;
    const { output, outputLayout } = step.choice;
    saved += aligned(layoutBytes(program.tensors[output]!, outputLayout));
    dying = dying.filter((d) => d !== under);
  }
  return saved;
}

/** Tensors from before the group that nobody reads behind it. */
function dyingIn(program: DeviceProgram, group: OpenGroup, kept: Live): (readonly [TensorId, Layout])[] {
  const found = new Map<string, readonly [TensorId, Layout]>();
  for (const { choice } of group.made) {
    choice.inputs.forEach((id, i) => {
      const layout = choice.inputLayouts[i]!;
      const isPushed = group.clockSlots > 0 && id === group.clock;
      if (kept.get(id)?.has(layout) || isCallers(program, id, layout) || isPushed) return;
      if (madeIn(group, id, layout) === undefined) found.set(`${id} ${layout}`, [id, layout]);
    });
  }
  return [...found.values()];
}

function madeIn({ made }: OpenGroup, tensor: TensorId, layout: Layout): Made | undefined {
  return made.findLast((m) => m.tensor === tensor && m.layout === layout);
}

/*
 * The same waits come up again and again: equal progress is one object, and has a number by which what follows from it is
 * found.
 */
const numbers = new WeakMap<Progress, number>();
const clocks = new Map<string, Progress>();
const known = new Map<string, Progress>();
const slotCounts = new Map<string, number>();
let count = 0;
/** Entries that are remembered at most; all are forgotten then. */
const MAX_KNOWN = 100_000;

function clockOf(rows: number, band: number): Progress {
  return remembered(clocks, `${rows}/${band}`, () => clockProgress(rows, band));
}

function progressOf(waits: readonly RowWait[], rows: number, limit: number): Progress {
  const key = [
    rows,
    limit,
    ...waits.map((w) => `${numberOf(w.progress)}:${needText(w.need)}:${w.rows}`),
  ].join("/");
  return remembered(known, key, () => stepProgress(waits, rows, limit));
}

function slotsFor(
  written: Progress,
  rows: number,
  progress: Progress,
  need: RowNeed,
  readers: number,
): number {
  const key = `${numberOf(written)}/${rows}/${numberOf(progress)}/${needText(need)}/${readers}`;
  return remembered(slotCounts, key, () => ringRows(written, rows, { progress, need, rows: readers }));
}

function remembered<T>(table: Map<string, T>, key: string, make: () => T): T {
  const value = table.get(key) ?? make();
  if (table.size >= MAX_KNOWN) table.clear();
  table.set(key, value);
  return value;
}

function numberOf(progress: Progress): number {
  const number = numbers.get(progress) ?? count++;
  numbers.set(progress, number);
  return number;
}

function needText(need: RowNeed): string {
  return need === "all" ? "all" : `${need.span},${need.stride},${need.pad}`;
}
