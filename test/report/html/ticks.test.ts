import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { binaryTicks, decimalTicks } from "../../../src/report/html/ticks.js";

describe.each([
  ["binary", binaryTicks, /^10*$/, 2],
  ["decimal", decimalTicks, /^[125]0*$/, 10],
] as const)("%s ticks", (_, ticks, round, base) => {
  it("are round, few, and reach the end", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e9 }), fc.integer({ min: 2, max: 10 }), (end, most) => {
        const found = ticks(end, most);
        const step = found[1]!;
        expect(found).toEqual(found.map((_tick, i) => i * step));
        expect(step.toString(base)).toMatch(round);
        expect(found.length - 1).toBeLessThanOrEqual(most);
        expect(end - found.at(-1)!).toBeLessThan(step);
        // The next smaller step would have been too many, or is no whole number.
        expect(step === 1 || (2.5 * end) / step > most).toBe(true);
      }),
    );
  });
});
