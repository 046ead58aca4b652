/** Plans whose steps roll row by row: generated C gives every tensor that whole maps give. */
import { describe, expect, it } from "vitest";
import type { CompiledModel } from "../../src/compile.js";
import { BitloomError } from "../../src/diagnostics/diagnostic.js";
import { hostEmulator } from "../../src/emulators/index.js";
import { randomBatch } from "../../src/inputs.js";
import type { KernelChoice } from "../../src/kernels/types.js";
import { type PlanOptions, planCurve, verifyPlan } from "../../src/plan/index.js";
import { findBoard } from "../../src/targets/index.js";
import { verifyModel } from "../../src/verify.js";
import { compileGraph, full, mnistCnn } from "../support/models.js";
import { convVariants, preferring } from "../support/prefer-kernel.js";
import { randomConvNet } from "../support/random-conv-net.js";
import { Random } from "../support/random-graph.js";

const nets = full ? 200 : 12;
/** BITLOOM_SEED replays a run; failures print the seed of their net. */
const firstSeed = Number(process.env.BITLOOM_SEED ?? 70_000);
const { cpu } = findBoard("mps2-an386");
const INPUT = { type: "u8" as const, affine: { numerator: 1, denominator: 64, zero: 128 } };

/** Runs of steps at random, of one step or more, each with a clock that its first step reads. */
function randomGroups(random: Random, choices: readonly KernelChoice[]) {
  const groups = [];
  for (let from = 0; from < choices.length; ) {
    const to = Math.min(choices.length - 1, from + random.integer(0, choices.length));
    groups.push({ from, to, clock: choices[from]!.inputs[0]!, band: random.integer(1, 4) });
    from = to + 1 + random.integer(0, 1);
  }
  return groups;
}

async function check(seed: number, planning: PlanOptions): Promise<CompiledModel> {
  const board = findBoard("mps2-an386");
  const model = compileGraph(randomConvNet(seed), undefined, { input: INPUT }, planning);
  verifyPlan(model.plan);
  const batch = randomBatch(model.program, 3, seed);
  const result = await verifyModel(model, batch, { emulator: hostEmulator, board });
  const wrong = result.builds.filter((b) => b.problems.length > 0 || b.divergence !== undefined);
  expect({ seed, wrong, passed: result.passed }).toEqual({ seed, wrong: [], passed: true });
  return model;
}

describe("plans that roll", () => {
  it(`in groups at random give every tensor of ${nets} nets on the host, from seed ${firstSeed}`, async () => {
    let rings = 0;
    for (let seed = firstSeed; seed < firstSeed + nets; seed++) {
      const random = new Random(seed);
      const { program } = compileGraph(randomConvNet(seed), undefined, { input: INPUT });
      const variants = convVariants(program, cpu);
      const kernels = preferring(variants[seed % Math.max(1, variants.length)] ?? "none");
      const { plan } = await check(seed, {
        kernels,
        cpu,
        groups: (choices) => randomGroups(random, choices),
      });
      rings += plan.memory.buffers.filter((b) => b.slots !== undefined).length;
    }
    expect(rings).toBeGreaterThan(nets);
  }, 3_600_000);

  it(`for the least RAM give every tensor of ${nets} nets on the host, from seed ${firstSeed}`, async () => {
    for (let seed = firstSeed; seed < firstSeed + nets; seed++) {
      const { plan } = await check(seed, { cpu, goal: "ram" });
      expect(plan.memory.arenaBytes).toBeLessThanOrEqual(
        compileGraph(randomConvNet(seed), undefined, { input: INPUT }).plan.memory.arenaBytes,
      );
    }
  }, 3_600_000);

  it(`and take the input row by row give every tensor of ${nets} nets on the host, from seed ${firstSeed}`, async () => {
    let pushed = 0;
    for (let seed = firstSeed; seed < firstSeed + nets; seed++) {
      try {
        const { plan } = await check(seed, { cpu, pushes: true });
        expect(plan.push).toBeDefined();
        pushed++;
      } catch (error) {
        // Nets that read their input at several depths, or as one row.
        if (!(error instanceof BitloomError && error.message.includes("row by row"))) throw error;
      }
    }
    expect(pushed).toBeGreaterThan(nets / 4);
  }, 3_600_000);

  it("on the way from the fastest to the least RAM give every tensor of a trained net", async () => {
    const fastest = mnistCnn();
    const limits = planCurve(fastest.program, { cpu }).points.map((point) => point.arenaBytes);
    expect(limits.length).toBeGreaterThan(3);
    const batch = randomBatch(fastest.program, 2, 1);
    const inner = limits.filter((_, i) => i % 3 === 1);
    for (const ramLimit of [...inner, limits.at(-1)!]) {
      const model = mnistCnn({ ramLimit });
      expect(model.plan.memory.arenaBytes).toBeLessThanOrEqual(ramLimit);
      const board = findBoard("mps2-an386");
      const { builds } = await verifyModel(model, batch, { emulator: hostEmulator, board });
      const wrong = builds.filter(
        (b) => b.differingBits > 0 || b.problems.length > 0 || b.divergence !== undefined,
      );
      expect({ ramLimit, wrong }).toEqual({ ramLimit, wrong: [] });
    }
  }, 600_000);
});
