/** Orders of execution against all orders. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { leastPeakOrder } from "../../../src/plan/order/search.js";
import type { Unit } from "../../../src/plan/order/units.js";
import { netSeed, Random } from "../../support/random-graph.js";

function randomUnits(random: Random, count: number): Unit[] {
  return Array.from({ length: count }, (_, i): Unit => {
    const inputs = Array.from({ length: random.integer(0, 2) }, () => random.integer(0, i - 1));
    return {
      bytes: random.integer(0, 30),
      working: random.next() < 0.5 ? 0 : random.integer(0, 15),
      inputs: i === 0 ? [] : [...new Set(inputs)],
    };
  });
}

/** Most bytes at any time of an order: at each time the results that were made and are read then or later. */
function peakOf(units: readonly Unit[], order: readonly number[]): number {
  const at = order.map((unit, now) => {
    const kept = order
      .slice(0, now)
      .filter((made) => order.slice(now).some((u) => units[u]!.inputs.includes(made)));
    return kept.reduce((sum, u) => sum + units[u]!.bytes, units[unit]!.bytes + units[unit]!.working);
  });
  return Math.max(0, ...at);
}

function allOrders(units: readonly Unit[], begun: readonly number[] = []): number[][] {
  if (begun.length === units.length) return [[...begun]];
  return units.flatMap(({ inputs }, i) =>
    begun.includes(i) || !inputs.every((input) => begun.includes(input))
      ? []
      : allOrders(units, [...begun, i]),
  );
}

describe("the order of execution", () => {
  it("has the least peak of all orders of at most 8 units", () => {
    let better = 0;
    fc.assert(
      fc.property(netSeed, (seed) => {
        const random = new Random(seed);
        const units = randomUnits(random, random.next() < 0.05 ? 8 : random.integer(1, 6));
        const { order, peak, bound } = leastPeakOrder(units);
        const all = allOrders(units);
        expect(all).toContainEqual(order);
        expect(peakOf(units, order)).toBe(peak);
        expect(peak).toBe(Math.min(...all.map((o) => peakOf(units, o))));
        expect(bound).toBe(peak);
        const given = units.map((_, i) => i);
        if (peak < peakOf(units, given)) better++;
        else expect(order).toEqual(given);
      }),
      { numRuns: 400 },
    );
    expect(better).toBeGreaterThan(50);
  });

  it("takes the branch that needs many bytes on its way before the one whose result is large", () => {
    const units: Unit[] = [
      { bytes: 10, working: 0, inputs: [] },
      { bytes: 30, working: 0, inputs: [0] },
      { bytes: 100, working: 0, inputs: [0] },
      { bytes: 4, working: 0, inputs: [2] },
      { bytes: 6, working: 0, inputs: [1, 3] },
    ];
    expect(leastPeakOrder(units)).toEqual({ order: [0, 2, 3, 1, 4], peak: 114, bound: 114 });
  });

  it("of a thousand units in many branches is possible and no worse than the one given, and tells what is needed", () => {
    const random = new Random(3);
    const units = randomUnits(random, 1000);
    const { order, peak, bound } = leastPeakOrder(units);
    const place = new Map(order.map((unit, at) => [unit, at]));
    expect(place.size).toBe(units.length);
    expect(units.every(({ inputs }, i) => inputs.every((input) => place.get(input)! < place.get(i)!))).toBe(
      true,
    );
    expect(bound).toBeLessThanOrEqual(peak);
  });
});
