import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { lowerGraph } from "../../src/passes/registry.js";
import { planProgram, verifyPlan } from "../../src/plan/index.js";
import { placeBuffers } from "../../src/plan/memory.js";
import type { Buffer } from "../../src/plan/types.js";
import { canonicalSize } from "../../src/program/index.js";
import { findCpu } from "../../src/targets/index.js";
import { mnistMlp } from "../support/models.js";
import { netSeed, randomNet } from "../support/random-graph.js";

const buffers = fc.array(
  fc.record({
    bytes: fc.integer({ min: 1, max: 500 }),
    from: fc.nat({ max: 8 }),
    length: fc.nat({ max: 4 }),
  }),
  { minLength: 1, maxLength: 8 },
);

function asBuffers(drawn: readonly { bytes: number; from: number; length: number }[]): Buffer[] {
  return drawn.map(({ bytes, from, length }, tensor) => ({
    holds: { kind: "tensor", tensor, layout: "channels" },
    bytes,
    from,
    to: from + length,
  }));
}

describe("placement", () => {
  it("never lets live buffers overlap, and never claims less than the bound", () => {
    fc.assert(
      fc.property(buffers, (drawn) => {
        const plan = placeBuffers(asBuffers(drawn));
        expect(plan.arenaBytes).toBeGreaterThanOrEqual(plan.lowerBound);
        for (const a of plan.buffers) {
          expect(a.offset % 8).toBe(0);
          expect(a.offset + a.bytes).toBeLessThanOrEqual(plan.arenaBytes);
          for (const b of plan.buffers) {
            const together = a !== b && a.from <= b.to && b.from <= a.to;
            if (together) expect(a.offset + a.bytes <= b.offset || b.offset + b.bytes <= a.offset).toBe(true);
          }
        }
      }),
    );
  });

  it("skips no word on cores that fetch words, and no pair of words on those that fetch pairs", () => {
    const words = asBuffers([1, 2, 3].map(() => ({ bytes: 4, from: 0, length: 0 })));
    expect(placeBuffers(words)).toMatchObject({ arenaBytes: 20, lowerBound: 20, proven: true });
    const apart = words.map((b) => ({ ...b, align: 4 }));
    expect(placeBuffers(apart)).toMatchObject({ arenaBytes: 12, lowerBound: 12, proven: true });
    const { program } = mnistMlp();
    const alignsOn = (id: string) =>
      new Set(planProgram(program, { cpu: findCpu(id) }).memory.buffers.map((b) => b.align));
    expect(["cortex-m0", "cortex-m4", "cortex-m7", "cortex-m55"].map(alignsOn)).toEqual(
      [4, 4, 8, 8].map((align) => new Set([align])),
    );
  });

  it("meets the bound on chains, where two neighbours are live at a time", () => {
    fc.assert(
      fc.property(netSeed, (seed) => {
        const { program } = lowerGraph(randomNet(seed, { exactScales: true, maxLayers: 4 }));
        const plan = planProgram(program);
        verifyPlan(plan);
        expect(plan.memory.arenaBytes).toBe(plan.memory.lowerBound);
      }),
      { numRuns: 200 },
    );
  });
});

describe("the plan's verifier", () => {
  it("finds an overlap that is put into a good plan", () => {
    const { plan } = mnistMlp();
    const moved = plan.memory.buffers.map((b) => ({ ...b, offset: 0 }));
    expect(() => verifyPlan(plan)).not.toThrow();
    expect(() => verifyPlan({ ...plan, memory: { ...plan.memory, buffers: moved } })).toThrow(/overlap/);
    expect(() => verifyPlan({ ...plan, steps: plan.steps.slice(1) })).toThrow(/cover/);
  });

  it("and the arena holds exactly the tensors between layers and the working memory of kernels", () => {
    const { plan, program } = mnistMlp();
    const bytes = (kind: "tensor" | "scratch"): number[] =>
      plan.memory.buffers.filter((b) => b.holds.kind === kind).map((b) => b.bytes);
    const between = plan.steps.slice(0, -1).map((s) => canonicalSize(program.tensors[s.choice.output]!));
    const working = plan.steps.map((s) => s.choice.scratchBytes).filter((n) => n > 0);
    expect(between).toEqual([100, 32, 16]);
    expect(bytes("tensor").sort()).toEqual([...between].sort());
    expect(bytes("scratch").sort()).toEqual([...working].sort());
  });
});
