/** Periods of streams against every way to choose slots. */
import { expect, it } from "vitest";
import { bestPeriod, ringSlots } from "../../src/plan/periods.js";
import { Random } from "../support/random-graph.js";

const firstSeed = Number(process.env.BITLOOM_SEED ?? 78_000);

it(`are short and take few bytes, from seed ${firstSeed}`, () => {
  for (let seed = firstSeed; seed < firstSeed + 20; seed++) {
    const random = new Random(seed);
    const strides = [1, random.integer(1, 3), random.integer(1, 3), 2];
    const unit = strides.reduce((a, b) => a * b, 1);
    const rings = strides.map((_, i) => ({
      least: random.integer(1, 20),
      stride: strides.slice(0, i + 1).reduce((a, b) => a * b, 1),
      rowBytes: 4 * random.integer(1, 9),
    }));
    /** Undefined where a ring has no room in the period. */
    const bytesOf = (period: number): number | undefined => {
      let bytes = 0;
      for (const { least, stride, rowBytes } of rings) {
        let slots = least;
        while (slots * stride <= period && period % (slots * stride) !== 0) slots++;
        if (slots * stride > period) return undefined;
        bytes += slots * rowBytes;
      }
      return bytes;
    };
    const period = bestPeriod(rings, unit);
    expect(period % unit).toBe(0);
    const own = bytesOf(period)!;
    expect(rings.reduce((sum, ring) => sum + ringSlots(ring, period)! * ring.rowBytes, 0)).toBe(own);
    const tried = Array.from({ length: Math.floor(4096 / unit) }, (_, i) => bytesOf((i + 1) * unit));
    const fewest = Math.min(...tried.filter((bytes) => bytes !== undefined));
    expect({ seed, own }).toEqual({ seed, own: Math.min(own, fewest * (33 / 32)) });
    const shorter = tried.slice(0, period / unit - 1);
    expect(shorter.every((bytes) => bytes === undefined || bytes > fewest * (33 / 32))).toBe(true);
  }
});
