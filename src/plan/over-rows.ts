/**
 * Rows over rows: in a rolled group an output that is kept whole may be written over a tensor from before the group, as long
 * as every row of that tensor is read for the last time before a row of the output hits it.
 */
import { firstRowRead, type RowNeed } from "../program/index.js";
import { type Progress, rowsAfter } from "./schedule.js";

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

/**
 * Whether rows that a step writes from a tensor's first byte on never hit rows of it that another step still reads. Whether
 * they hit what the step itself reads is its kernel's to say.
 *
 * @param rowBytes Of the rows that are written, and of those that they are written over.
 */
export function staysBehind(
  writer: RowMaker,
  readers: readonly RowReader[],
  rowBytes: { readonly over: number; readonly under: number },
): boolean {
  const others = readers.filter((r) => r.position !== writer.position);
  for (let tick = 0; tick <= writer.progress.length; tick++) {
    const written = rowsAfter(writer.progress, tick, writer.rows) * rowBytes.over;
    const isFree = others.every((reader) => {
      const done = rowsAfter(
        reader.progress,
        reader.position < writer.position ? tick : tick - 1,
        reader.rows,
      );
      return done === reader.rows || written <= firstRowRead(reader.need, done) * rowBytes.under;
    });
    if (!isFree) return false;
  }
  return true;
}
