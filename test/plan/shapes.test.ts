/** Nets with the shapes of MobileNet and DenseNet: plans for any goal meet the bound or are proven to need no less. */
import { describe, expect, it } from "vitest";
import type { ModelGraph } from "../../src/graph/types.js";
import { lowerGraph } from "../../src/passes/registry.js";
import { type Plan, type PlanOptions, planProgram, verifyPlan } from "../../src/plan/index.js";
import { leastPeakOrder } from "../../src/plan/order/search.js";
import { peakOf, workOf } from "../../src/plan/order/units.js";
import { unitsOf } from "../../src/plan/reorder.js";
import { findCpu } from "../../src/targets/index.js";
import { denseNet, mobileNet } from "../support/shape-nets.js";

const INPUT = { type: "u8" as const, affine: { numerator: 1, denominator: 128, zero: 128 } };
const CASES: readonly (readonly [string, PlanOptions, readonly string[]])[] = [
  ["for speed", { goal: "speed" }, ["cortex-m0", "cortex-m4", "cortex-m55"]],
  ["for size", { goal: "size" }, ["cortex-m0", "cortex-m4"]],
  ["for RAM, on whole tensors", { goal: "ram", isWhole: true }, ["cortex-m0", "cortex-m4", "cortex-m55"]],
  ["for RAM, row by row", { goal: "ram" }, ["cortex-m4"]],
  ["with rows that are pushed", { pushes: true }, ["cortex-m4"]],
];

/** The most bytes of the arena that buffers take in a step; bytes of an output over its input count once. */
function mostAlive({ memory, steps }: Plan): number {
  const taken = steps.map((_, step) => {
    const alive = memory.buffers.filter(({ from, to }) => from <= step && step <= to);
    let [sum, end] = [0, 0];
    for (const { offset, bytes } of alive.toSorted((x, y) => x.offset - y.offset)) {
      sum += Math.max(0, offset + bytes - Math.max(end, offset));
      end = Math.max(end, offset + bytes);
    }
    return sum;
  });
  return Math.max(...taken);
}

describe.each([
  ["MobileNet", mobileNet, 25],
  ["DenseNet", denseNet, 80],
] as const)("%s", (_, make: () => ModelGraph, leastSteps) => {
  const { program } = lowerGraph(make(), { input: INPUT });

  it.each(CASES)(
    "%s needs no more than is alive at a time",
    (_goal, options) => {
      for (const cpu of ["cortex-m0", "cortex-m4"].map(findCpu)) {
        const plan = planProgram(program, { ...options, cpu });
        verifyPlan(plan);
        expect(plan.steps.length).toBeGreaterThanOrEqual(leastSteps);
        const { arenaBytes, lowerBound, proven } = plan.memory;
        expect({ cpu: cpu.id, arenaBytes, proven }).toEqual({
          cpu: cpu.id,
          arenaBytes: lowerBound,
          proven: true,
        });
        // The bound is met by what is alive, but for the alignment of its buffers.
        expect(arenaBytes).toBeGreaterThanOrEqual(mostAlive(plan));
        expect(arenaBytes - mostAlive(plan)).toBeLessThan(8 * plan.memory.buffers.length);
      }
    },
    600_000,
  );

  it("runs in the order that needs the least", () => {
    const plan = planProgram(program, { goal: "ram", isWhole: true });
    const units = unitsOf(
      plan.program,
      plan.steps.map((s) => s.choice),
    );
    const given = peakOf(
      workOf(units),
      units.map((_unit, i) => i),
    );
    const { peak, bound } = leastPeakOrder(units);
    expect(peak).toBe(bound);
    expect(Math.min(given, plan.memory.arenaBytes)).toBeLessThanOrEqual(peak);
  });
});
