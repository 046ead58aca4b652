/**
 * Rows over rows: in a rolled group an output that is kept whole may be written over a tensor from before the group, as long
 * as every row of that tensor is read for the last time before a row of the output hits it.
 */
import { type Layout, layoutBytes, rowBytes } from "../kernels/layout.js";
import type { KernelChoice } from "../kernels/types.js";
import { type DeviceProgram, firstRowRead, type RowNeed, type TensorId } from "../program/index.js";
import { mayWriteOver } from "./lifetimes.js";
import { choiceNeeds, type Progress, rowsAfter } from "./schedule.js";

/** Rows that a step of a group makes in each tick. */
export interface RowMaker {
  /** Its position in the group: steps of a tick follow each other. */
  readonly position: number;
  readonly progress: Progress;
  /** All rows of its output. */
  readonly rows: number;
}

/** A step that reads a tensor from before the group. */
export interface RowReader extends RowMaker {
  readonly need: RowNeed;
}

/** A step with its kernel. */
export interface GroupStep extends RowMaker {
  readonly choice: KernelChoice;
}

/**
 * Whether the whole output of a step may be written over a whole tensor from before the group, which nobody reads behind it.
 *
 * @param steps All steps of the group.
 */
export function mayLieOver(
  program: DeviceProgram,
  writer: GroupStep,
  steps: readonly GroupStep[],
  id: TensorId,
  layout: Layout,
): boolean {
  const { output, outputLayout } = writer.choice;
  const [over, under] = [program.tensors[output]!, program.tensors[id]!];
  if (layoutBytes(over, outputLayout) > layoutBytes(under, layout)) return false;
  if (!mayWriteOver(writer.choice, id, layout)) return false;
  const readers = steps.flatMap((step) => {
    const { inputs, inputLayouts } = step.choice;
    const needs = choiceNeeds(program, step.choice);
    return inputs.flatMap((input, i) =>
      input === id && inputLayouts[i] === layout ? [{ ...step, need: needs[i]! }] : [],
    );
  });
  // Traces compute what fused kernels skip when the group is done: what these read must be whole then.
  if (readers.some((r) => r.choice.covers.length !== 1)) return false;
  return staysBehind(writer, readers, {
    over: rowBytes(over, outputLayout),
    under: rowBytes(under, layout),
  });
}

/**
 * Whether rows that a step writes from a tensor's first byte on never hit rows of it that another step still reads. Whether
 * they hit what the step itself reads is its kernel's to say.
 *
 * @param bytes Of a row that is written, and of one that it is written over.
 */
export function staysBehind(
  writer: RowMaker,
  readers: readonly RowReader[],
  bytes: { readonly over: number; readonly under: number },
): boolean {
  const others = readers.filter((r) => r.position !== writer.position);
  for (let tick = 0; tick <= writer.progress.length; tick++) {
    const written = rowsAfter(writer.progress, tick, writer.rows) * bytes.over;
    const isFree = others.every((reader) => {
      const done = rowsAfter(
        reader.progress,
        reader.position < writer.position ? tick : tick - 1,
        reader.rows,
      );
      return done === reader.rows || written <= firstRowRead(reader.need, done) * bytes.under;
    });
    if (!isFree) return false;
  }
  return true;
}
