import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type RowReader, staysBehind } from "../../src/plan/over-rows.js";
import { rowsAfter } from "../../src/plan/schedule.js";

/** Rows after each tick, all of them at the end. */
const progress = (rows: number) =>
  fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 12 }).map((steps) => {
    let done = 0;
    const ticks = steps.map((step) => (done = Math.min(rows, done + step)));
    while (done < rows) ticks.push(++done);
    return Int32Array.from(ticks);
  });

const maker = (position: number) =>
  fc
    .integer({ min: 1, max: 8 })
    .chain((rows) => progress(rows).map((made) => ({ position, rows, progress: made })));

const reader = (position: number): fc.Arbitrary<RowReader> =>
  fc
    .record({
      made: maker(position),
      span: fc.integer({ min: 1, max: 3 }),
      stride: fc.integer({ min: 1, max: 2 }),
      pad: fc.integer({ min: 0, max: 2 }),
    })
    .map(({ made, span, stride, pad }) => ({ ...made, need: { span, stride, pad } }));

/** Executes all ticks byte by byte: whether every byte that is read is one of the old ones. */
function reads(
  writer: RowReader,
  readers: readonly RowReader[],
  rowBytes: { over: number; under: number },
): boolean {
  const last = Math.max(writer.progress.length, ...readers.map((r) => r.progress.length));
  const steps = [writer, ...readers].sort((a, b) => a.position - b.position);
  let written = 0;
  for (let tick = 0; tick < last; tick++) {
    for (const step of steps) {
      const [done, next] = [
        rowsAfter(step.progress, tick - 1, step.rows),
        rowsAfter(step.progress, tick, step.rows),
      ];
      if (step === writer) written = next * rowBytes.over;
      else if (step.need !== "all" && done < next) {
        const first = Math.max(0, done * step.need.stride - step.need.pad);
        if (first * rowBytes.under < written) return false;
      }
    }
  }
  return true;
}

describe("rows over rows", () => {
  it("are allowed where nothing that is read has been written over, and nowhere else", () => {
    let allowed = 0;
    let refused = 0;
    fc.assert(
      fc.property(
        reader(1),
        fc.tuple(reader(0), reader(2)),
        fc.record({ over: fc.constantFrom(4, 8), under: fc.constantFrom(4, 8) }),
        (writer, readers, rowBytes) => {
          const expected = reads(writer, readers, rowBytes);
          expect(staysBehind(writer, [writer, ...readers], rowBytes)).toBe(expected);
          if (expected) allowed++;
          else refused++;
        },
      ),
      { numRuns: 2000 },
    );
    expect(allowed).toBeGreaterThan(50);
    expect(refused).toBeGreaterThan(50);
  });
});
