import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { applyScale } from "../../src/passes/chain.js";
import { outputOrder } from "../../src/passes/output-order.js";
import type { ScaleStep } from "../../src/program/types.js";
import { Random } from "../support/random-graph.js";

const CHANNELS = 6;

function randomSteps(random: Random): ScaleStep[] {
  const perChannel = (make: () => number): Float32Array => Float32Array.from({ length: CHANNELS }, make);
  return [
    {
      operator: "multiply",
      operand: perChannel(() => (random.next() < 0.2 ? -1 : 1) * (0.1 + random.next())),
    },
    { operator: "add", operand: perChannel(() => random.normal() * 3) },
  ];
}

describe("integers in the order of float outputs", () => {
  it("compare as the floats do, on every pair of channels and scores", () => {
    let ranked = 0;
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 30 }), (seed) => {
        const random = new Random(seed);
        const steps = randomSteps(random);
        const ranges = Array.from({ length: CHANNELS }, () => ({
          low: -random.integer(1, 40),
          high: random.integer(1, 40),
          stride: 1,
        }));
        const order = outputOrder(steps, ranges);
        if (order.kind !== "ranks") return;
        ranked++;
        const real = (score: number, c: number): number =>
          steps.reduce((x, step) => applyScale(step, x, c, Math.fround), Math.fround(score));
        const rank = (score: number, c: number): number => order.slope[c]! * score + order.offset[c]!;
        for (let i = 0; i < 300; i++) {
          const [a, b] = [random.integer(0, CHANNELS - 1), random.integer(0, CHANNELS - 1)];
          const [s, t] = [
            random.integer(ranges[a]!.low, ranges[a]!.high),
            random.integer(ranges[b]!.low, ranges[b]!.high),
          ];
          expect(Math.sign(rank(s, a) - rank(t, b))).toBe(Math.sign(real(s, a) - real(t, b)));
          expect(Math.abs(rank(s, a))).toBeLessThan(2 ** 31);
        }
      }),
      { numRuns: 100 },
    );
    expect(ranked).toBeGreaterThan(50);
  });

  it("are the scores themselves where one rising function serves all channels", () => {
    const steps: ScaleStep[] = [{ operator: "divide", operand: Float32Array.of(17.8) }];
    const ranges = [0, 1].map(() => ({ low: -64, high: 64, stride: 2 }));
    expect(outputOrder(steps, ranges).kind).toBe("scores");
  });

  it("do not exist where floats lose what integers tell apart", () => {
    // Two neighbouring scores give one float: the integers would break a tie that the model has.
    const steps: ScaleStep[] = [{ operator: "add", operand: Float32Array.of(2 ** 25) }];
    expect(outputOrder(steps, [{ low: 0, high: 8, stride: 1 }]).kind).toBe("float");
  });
});
