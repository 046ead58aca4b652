/**
 * Row by row execution of consecutive steps. A clock gives out rows of one tensor that the steps read, `band` rows in
 * a tick; in each tick every step computes the rows that have become possible, at most `limit` of them. Tensors between
 * the steps are rings of as many rows as are still read.
 */
import type { KernelChoice } from "../kernels/types.js";
import {
  bothRows,
  type DeviceProgram,
  firstRowRead,
  inputsOf,
  type RowNeed,
  rowNeed,
  rowsReady,
  type TensorId,
  throughRows,
} from "../program/index.js";

/** Rows of a tensor that exist after each tick; after the last entry all do. */
export type Progress = Int32Array;

/** What a step waits for: rows of a tensor of which not all exist from the start. */
export interface RowWait {
  readonly progress: Progress;
  readonly need: RowNeed;
  /** Rows of the tensor. */
  readonly rows: number;
}

/** The clock itself: `band` more rows in every tick. */
export function clockProgress(rows: number, band: number): Progress {
  return Int32Array.from({ length: Math.ceil(rows / band) }, (_, tick) => Math.min(rows, (tick + 1) * band));
}

/** Rows after a tick. */
export function rowsAfter(progress: Progress, tick: number, rows: number): number {
  if (tick < 0) return 0;
  return tick < progress.length ? progress[tick]! : rows;
}

/** Progress of a step with `rows` rows of output that computes at most `limit` of them in a tick. */
export function stepProgress(waits: readonly RowWait[], rows: number, limit: number): Progress {
  const done: number[] = [];
  for (let at = 0, tick = 0; at < rows; tick++) {
    const ready = waits.reduce(
      (least, w) => Math.min(least, rowsReady(w.need, rowsAfter(w.progress, tick, w.rows), w.rows, rows)),
      rows,
    );
    at = Math.max(at, Math.min(ready, at + limit));
    done.push(at);
  }
  return Int32Array.from(done);
}

/** Rows of a ring that a tensor needs for one of its readers: of what is written some has not been read. */
export function ringRows(
  written: Progress,
  rows: number,
  reader: { readonly progress: Progress; readonly need: RowNeed; readonly rows: number },
): number {
  let most = 0;
  for (let tick = 0; tick <= Math.max(written.length, reader.progress.length); tick++) {
    const done = rowsAfter(reader.progress, tick - 1, reader.rows);
    if (done === reader.rows) break;
    most = Math.max(most, rowsAfter(written, tick, rows) - firstRowRead(reader.need, done));
  }
  return Math.min(most, rows);
}

/** The most rows in a tick of a step, from those of a tensor that it waits for. */
export function limitAfter(limit: number, need: RowNeed): number {
  return need === "all" ? limit : Math.max(1, Math.floor(limit / need.stride));
}

const needsOfChoice = new WeakMap<KernelChoice, readonly RowNeed[]>();

/** What a choice needs of each of its inputs, through all the instructions that it covers. */
export function choiceNeeds(program: DeviceProgram, choice: KernelChoice): readonly RowNeed[] {
  const needs = needsOfChoice.get(choice) ?? needsThrough(program, choice);
  needsOfChoice.set(choice, needs);
  return needs;
}

function needsThrough(program: DeviceProgram, choice: KernelChoice): RowNeed[] {
  const { covers, inputs, output } = choice;
  const needs = new Map<TensorId, RowNeed>([[output, { span: 1, stride: 1, pad: 0 }]]);
  for (const index of [...covers].reverse()) {
    const instruction = program.instructions[index]!;
    const after = needs.get(instruction.output);
    if (after === undefined) continue;
    for (const input of inputsOf(instruction)) {
      const need = throughRows(after, rowNeed(program, instruction, input));
      const known = needs.get(input);
      needs.set(input, known === undefined ? need : bothRows(known, need));
    }
  }
  return inputs.map((id) => needs.get(id)!);
}
