import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { placeStairs, type Stairs } from "../../src/plan/stairs.js";

/** Stacks whose treads follow each other in time, one above the lower end of another or below it. */
const stairs = fc.array(
  fc
    .record({
      from: fc.nat({ max: 8 }),
      treads: fc.array(
        fc.record({
          length: fc.integer({ min: 1, max: 3 }),
          bytes: fc.integer({ min: 1, max: 300 }),
          at: fc.nat({ max: 12 }).map((words) => 8 * words),
        }),
        { minLength: 1, maxLength: 3 },
      ),
    })
    .map(({ from, treads }): Stairs => {
      let next = from;
      return treads.map(({ length, bytes, at }) => {
        const start = next;
        next += length;
        return { from: start, to: next - 1, bytes, at };
      });
    }),
  { minLength: 1, maxLength: 8 },
);

/** Bytes of each step, rounded up to the alignment: what any placement needs. */
function bytesAt(all: readonly Stairs[], step: number): number {
  const live = all.flat().filter((t) => t.from <= step && step <= t.to);
  return live.reduce((sum, t) => sum + Math.ceil(t.bytes / 8) * 8, 0);
}

describe("stairs", () => {
  it("never meet each other in a step, and end where the highest does", () => {
    fc.assert(
      fc.property(stairs, (all) => {
        const { offsets, height } = placeStairs(all, 0, 8);
        let end = 0;
        for (let step = 0; step < 20; step++) {
          const used = new Set<number>();
          all.forEach((treads, i) => {
            for (const { bytes, at } of treads.filter((t) => t.from <= step && step <= t.to)) {
              const offset = offsets[i]! + at;
              expect(offset % 8).toBe(0);
              for (let byte = offset; byte < offset + bytes; byte++) {
                expect(used.has(byte)).toBe(false);
                used.add(byte);
              }
              end = Math.max(end, offset + bytes);
            }
          });
          expect(Math.ceil(height / 8) * 8).toBeGreaterThanOrEqual(bytesAt(all, step));
        }
        expect(height).toBe(end);
      }),
      { numRuns: 60 },
    );
  });

  it("go down before what stands on their lower part", () => {
    const first = [
      { from: 0, to: 1, bytes: 64, at: 0 },
      { from: 2, to: 4, bytes: 16, at: 0 },
    ];
    const second = [{ from: 2, to: 3, bytes: 48, at: 0 }];
    expect(placeStairs([first, second], 64, 8)).toEqual({ offsets: [0, 16], height: 64 });
  });

  it("stand with their upper part over others, until these end", () => {
    const growing = [
      { from: 0, to: 1, bytes: 16, at: 48 },
      { from: 2, to: 4, bytes: 64, at: 0 },
    ];
    const beneath = [{ from: 0, to: 1, bytes: 48, at: 0 }];
    expect(placeStairs([growing, beneath], 64, 8)).toEqual({ offsets: [0, 0], height: 64 });
  });
});
