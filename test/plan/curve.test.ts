/** The curve of RAM against instructions: what its points promise, and that its search ends. */
import { describe, expect, it } from "vitest";
import { lowerGraph } from "../../src/passes/registry.js";
import {
  type PlanCurve,
  type PlanOptions,
  planCurve,
  planProgram,
  verifyPlan,
} from "../../src/plan/index.js";
import type { DeviceProgram } from "../../src/program/index.js";
import { full } from "../support/models.js";
import { randomConvNet } from "../support/random-conv-net.js";
import { randomStreamNet } from "../support/random-stream-net.js";
import { denseNet } from "../support/shape-nets.js";

const INPUT = { type: "u8" as const, affine: { numerator: 1, denominator: 64, zero: 128 } };
const nets = full ? 100 : 6;
/** BITLOOM_SEED replays a run; failures print the seed of their net. */
const firstSeed = Number(process.env.BITLOOM_SEED ?? 82_000);
const seeds = Array.from({ length: nets }, (_, i) => firstSeed + i);

function check(program: DeviceProgram, { points, isWhole }: PlanCurve, options: PlanOptions, seed: number) {
  expect({ seed, isWhole }).toEqual({ seed, isWhole: true });
  points.forEach((point, i) => {
    const { arenaBytes, lowerBound, proven, instructions } = point;
    expect(arenaBytes).toBeGreaterThanOrEqual(lowerBound);
    if (arenaBytes === lowerBound) expect(proven).toBe(true);
    if (i === 0) return;
    expect(arenaBytes).toBeLessThan(points[i - 1]!.arenaBytes);
    expect(instructions).toBeGreaterThan(points[i - 1]!.instructions);
  });
  // What the curve shows is what a limit gives.
  for (const { arenaBytes } of points) {
    const { memory } = planProgram(program, { ...options, ramLimit: arenaBytes });
    expect(memory.arenaBytes).toBeLessThanOrEqual(arenaBytes);
  }
}

describe("a curve", () => {
  it(`goes down in RAM and up in instructions, and limits keep to it, on ${nets} nets from seed ${firstSeed}`, () => {
    let points = 0;
    for (const seed of seeds) {
      const plan = planProgram(lowerGraph(randomConvNet(seed), { input: INPUT }).program);
      const curve = planCurve(plan.program);
      check(plan.program, curve, {}, seed);
      const cost = plan.steps.reduce((sum, s) => sum + s.choice.cost, 0);
      expect(curve.points[0]).toMatchObject({
        arenaBytes: plan.memory.arenaBytes,
        lowerBound: plan.memory.lowerBound,
        proven: plan.memory.proven,
        instructions: Math.round(cost),
      });
      points += curve.points.length;
    }
    expect(points).toBeGreaterThan(2 * nets);
  }, 3_600_000);

  it(`of a stream does so too, on ${nets} nets from seed ${firstSeed}`, () => {
    let points = 0;
    for (const seed of seeds) {
      const { program } = lowerGraph(randomStreamNet(seed), { input: INPUT, pushes: true });
      const curve = planCurve(program, { pushes: true, endless: true });
      check(program, curve, { pushes: true, endless: true }, seed);
      points += curve.points.length;
    }
    expect(points).toBeGreaterThan(nets);
  }, 3_600_000);
});

describe("the curve of a large net", () => {
  const { program } = planProgram(lowerGraph(denseNet(), { input: INPUT }).program);

  it("is coarse where its work is bounded, the same every time, and of plans that exist", () => {
    const work = 1_500_000;
    const [coarse, again] = [planCurve(program, {}, work), planCurve(program, {}, work)];
    expect(coarse).toEqual(again);
    expect(coarse.isWhole).toBe(false);
    expect(coarse.points.length).toBeGreaterThan(1);
    const { arenaBytes } = coarse.points.at(-1)!;
    const plan = planProgram(program, { ramLimit: arenaBytes });
    verifyPlan(plan);
    expect(plan.memory.arenaBytes).toBeLessThanOrEqual(arenaBytes);
  }, 600_000);

  it("has the fastest plan alone where there is hardly any work to do", () => {
    const { points, isWhole } = planCurve(program, {}, 1000);
    expect(isWhole).toBe(false);
    expect(points).toHaveLength(1);
  });
});
