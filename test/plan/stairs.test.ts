import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { placeStairs, type Stairs } from "../../src/plan/stairs.js";

/** Stacks whose treads follow each other in time and grow no larger. */
const stairs = fc.array(
  fc
    .record({
      from: fc.nat({ max: 8 }),
      treads: fc.array(
        fc.record({ length: fc.integer({ min: 1, max: 3 }), bytes: fc.integer({ min: 1, max: 300 }) }),
        { minLength: 1, maxLength: 3 },
      ),
    })
    .map(({ from, treads }): Stairs => {
      let next = from;
      const sizes = treads.map((t) => t.bytes).sort((a, b) => b - a);
      return treads.map(({ length }, i) => {
        const at = next;
        next += length;
        return { from: at, to: next - 1, bytes: sizes[i]! };
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
            for (const { bytes } of treads.filter((t) => t.from <= step && step <= t.to)) {
              expect(offsets[i]! % 8).toBe(0);
              for (let byte = offsets[i]!; byte < offsets[i]! + bytes; byte++) {
                expect(used.has(byte)).toBe(false);
                used.add(byte);
              }
              end = Math.max(end, offsets[i]! + bytes);
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
      { from: 0, to: 1, bytes: 64 },
      { from: 2, to: 4, bytes: 16 },
    ];
    const second = [{ from: 2, to: 3, bytes: 48 }];
    expect(placeStairs([first, second], 64, 8)).toEqual({ offsets: [0, 16], height: 64 });
  });
});
