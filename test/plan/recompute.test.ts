/** Results that are made twice: where that saves RAM, what it may cost, and that nothing else changes. */
import { describe, expect, it } from "vitest";
import type { CompiledModel } from "../../src/compile.js";
import { emitLibrary } from "../../src/emit/index.js";
import { hostEmulator, qemuEmulator } from "../../src/emulators/index.js";
import { randomBatch } from "../../src/inputs.js";
import type { Goal } from "../../src/plan/choose.js";
import { curveWithRepeats, type Plan, planCurve, planProgram, verifyPlan } from "../../src/plan/index.js";
import { type DeviceProgram, verifyProgram } from "../../src/program/index.js";
import { compileDevice } from "../../src/reference/device-fast.js";
import { findBoard } from "../../src/targets/index.js";
import { verifyModel } from "../../src/verify.js";
import { full } from "../support/models.js";
import { Random } from "../support/random-graph.js";
import { type ProgramOptions, randomProgram, randomValues } from "../support/random-program.js";
import { randomResidual } from "../support/random-residual.js";
import { SmallGraph } from "../support/small-graph.js";
import { SmallProgram } from "../support/small-program.js";

/** BITLOOM_SEED replays a run; failures print the seed of their program. */
const firstSeed = Number(process.env.BITLOOM_SEED ?? 1);
const programs = full ? 1500 : 60;
const rolled = full ? 100 : 8;
const board = findBoard("mps2-an386");
const emulators = [hostEmulator, ...((await qemuEmulator.find()) === undefined ? [] : [qemuEmulator])];

const costOf = ({ steps }: Plan): number => steps.reduce((sum, { choice }) => sum + choice.cost, 0);
const namesAgain = ({ program: { tensors } }: Plan): string[] =>
  tensors.map(({ name }) => name).filter((name) => name.endsWith("(again)"));

/**
 * Floats of the input that run past two wide layers: `stem` makes them. An early reader beside the late one keeps the order of
 * execution from making them late.
 */
function shortcut(stem: (net: SmallProgram, input: number) => number): DeviceProgram {
  const net = new SmallProgram([8, 8, 1], "u8");
  const floats = stem(net, 0);
  const wide = net.threshold(net.conv(net.threshold(floats, [1]), 192, 1));
  const wider = net.threshold(net.conv(wide, 192, 2));
  net.add(net.scale(net.conv(wider, 1, 3), ["multiply", 1 / 64]), floats);
  return net.program;
}

/** A scale of the input: the cheapest way to floats. */
const cheap = shortcut((net, input) => net.scale(input, ["multiply", 1 / 64]));
/** The floats of a layer that takes far more than a hundredth of all instructions. */
const dear = shortcut((net, input) => net.scale(net.conv(input, 1, 4), ["multiply", 1 / 64]));
/** Floats of the input by the sum of what two layers make of them: all rows of these come before the first of the product. */
const rolling = ((): DeviceProgram => {
  const net = new SmallProgram([8, 8, 8], "u8");
  const floats = net.scale(0, ["multiply", 1 / 64]);
  const wide = net.threshold(net.conv(net.threshold(floats, [1]), 64, 1));
  net.multiply(floats, net.scale(net.reduce(net.conv(wide, 8, 2)), ["multiply", 1 / 64]));
  return net.program;
})();

function expectSameOutputs(before: DeviceProgram, after: DeviceProgram, seed: number): void {
  const input = randomValues(new Random(seed), before.tensors[before.input.tensor]!);
  expect(compileDevice(after)(input)).toEqual(compileDevice(before)(input));
}

/** Plans a program with and without recomputing; the costs are those that the goal allows. */
function plansOf(program: DeviceProgram, goal: Goal, isWhole: boolean): { once: Plan; plan: Plan } {
  const once = planProgram(program, { goal, isWhole, isOnce: true });
  const plan = planProgram(program, { goal, isWhole });
  const most = { speed: 1.01, size: 1, ram: 1.5 }[goal];
  verifyProgram(plan.program);
  verifyPlan(plan);
  expect(once.program.instructions.length).toBe(program.instructions.length);
  expect(costOf(plan)).toBeLessThanOrEqual(most * costOf(once));
  expect(plan.weightBytes).toBeLessThanOrEqual(most * once.weightBytes);
  if (namesAgain(plan).length === 0) expect(plan).toEqual(once);
  else expect(plan.memory.arenaBytes).toBeLessThanOrEqual((once.memory.arenaBytes * 63) / 64);
  return { once, plan };
}

function compiled(plan: Plan): CompiledModel {
  const library = emitLibrary(plan, { name: "net", version: "0.1.0", arch: "", knownAnswers: [] });
  return { graph: new SmallGraph([1, 1]).graph, program: plan.program, plan, library, diagnostics: [] };
}

async function expectVerified(model: CompiledModel): Promise<void> {
  const batch = randomBatch(model.program, 2, 1);
  for (const emulator of emulators) {
    const result = await verifyModel(model, batch, { emulator, board });
    expect(result).toMatchObject({ passed: true });
    expect(result.builds.map((b) => b.tensorsCompared)).toEqual([0, 2 * model.program.tensors.length]);
  }
}

describe("results that are made twice", () => {
  it("save a shortcut's bytes where it is cheap to make from the input", () => {
    const { once, plan } = plansOf(cheap, "speed", false);
    const [instruction] = plan.program.instructions.slice(-2);
    expect(namesAgain(plan)).toEqual(["%1 (again)"]);
    expect(instruction).toEqual({ ...cheap.instructions[0], output: cheap.tensors.length });
    expect(once.memory.arenaBytes - plan.memory.arenaBytes).toBe(4 * 8 * 8);
    expectSameOutputs(cheap, plan.program, 1);
  });

  it("compute the same in C, in every tensor", () =>
    expectVerified(compiled(plansOf(cheap, "speed", false).plan)));

  it("are not worth it where they take more than a hundredth of the instructions, nor for little flash", () => {
    expect(namesAgain(plansOf(dear, "speed", false).plan)).toEqual([]);
    expect(namesAgain(plansOf(cheap, "size", false).plan)).toEqual([]);
    expect(namesAgain(plansOf(dear, "ram", true).plan)).not.toEqual([]);
  });

  it("are not looked for where nothing is kept over the fullest time", () => {
    const net = new SmallProgram([16, 16, 4], "u8");
    net.conv(net.threshold(net.conv(net.threshold(0, [100]), 128, 1)), 128, 2);
    expect(namesAgain(plansOf(net.program, "ram", true).plan)).toEqual([]);
  });

  it("keep a limit that no other plan keeps", () => {
    const program = rolling;
    const { once, plan } = plansOf(program, "ram", false);
    const ramLimit = plan.memory.arenaBytes;
    expect(ramLimit).toBeLessThan(once.memory.arenaBytes);
    expect(() => planProgram(program, { ramLimit, isOnce: true })).toThrow(/at most/);
    const within = planProgram(program, { ramLimit });
    verifyPlan(within);
    expect(within.memory.arenaBytes).toBeLessThanOrEqual(ramLimit);
    expectSameOutputs(program, within.program, 1);
    // From the fastest, which makes everything once, to the one that does not.
    const { points } = curveWithRepeats(plan.program, program);
    expect(points[0]).toEqual(planCurve(program).points[0]);
    expect(points.filter((p) => p.arenaBytes < once.memory.arenaBytes)).not.toEqual([]);
    expect(() => planProgram(program, { ramLimit: 64 })).toThrow(/at most 64 bytes/);
  });

  it("compute the same where rows roll", async () => {
    const { plan } = plansOf(rolling, "ram", false);
    expect(namesAgain(plan).length).toBeGreaterThan(0);
    expect(plan.groups.length).toBeGreaterThan(0);
    await expectVerified(compiled(plan));
  });
});

/** Few convolutions, so that branches join often. */
const OPTIONS: ProgramOptions = {
  kinds: [
    ...(["threshold", "threshold", "pool", "pool", "select", "lookup", "scale"] as const),
    ...(["combine", "pairwise", "add", "concat", "reduce", "pad"] as const),
  ],
  maxSide: 8,
  instructions: 14,
};
const random = { residual: randomResidual, mixed: (seed: number) => randomProgram(seed, OPTIONS) };

describe.each(Object.entries(random))("random programs (%s)", (_, make) => {
  it(`need no more RAM than without, within what that may cost, from seed ${firstSeed}`, () => {
    let changed = 0;
    for (let i = 0; i < programs + rolled; i++) {
      const seed = firstSeed + i;
      try {
        const program = make(seed);
        for (const goal of ["speed", "ram"] satisfies Goal[]) {
          const { plan } = plansOf(program, goal, goal === "speed" || i < programs);
          if (namesAgain(plan).length === 0) continue;
          changed++;
          expectSameOutputs(program, plan.program, seed);
        }
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error });
      }
    }
    expect(changed).toBeGreaterThan(0);
  }, 3_600_000);
});
