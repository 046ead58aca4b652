/** Outputs over inputs: the bytes of every plan are followed step by step, and the generated C is run. */
import { describe, expect, it } from "vitest";
import { hostEmulator, qemuEmulator } from "../../src/emulators/index.js";
import { randomBatch } from "../../src/inputs.js";
import { layoutBytes } from "../../src/kernels/layout.js";
import { type Place, type Plan, planProgram, verifyPlan } from "../../src/plan/index.js";
import { placeBuffers } from "../../src/plan/memory.js";
import { findBoard } from "../../src/targets/index.js";
import { verifyModel } from "../../src/verify.js";
import { methods } from "../methods/methods.js";
import { batchOf } from "../support/methods/machines.js";
import { buildNet, deviceInput, inputsOf } from "../support/methods/net.js";
import { compileGraph, full } from "../support/models.js";
import { randomConvNet } from "../support/random-conv-net.js";
import { type ProgramOptions, randomProgram } from "../support/random-program.js";

/** BITLOOM_SEED replays a run; failures print the seed of their net. */
const firstSeed = Number(process.env.BITLOOM_SEED ?? 90_000);
const programs = full ? 2000 : 150;
const nets = full ? 150 : 5;
const INPUT = { type: "u8" as const, affine: { numerator: 1, denominator: 64, zero: 128 } };

/** Programs with few convolutions: what remains is what may write over its input, and what may not. */
const OPTIONS: ProgramOptions = {
  kinds: [
    ...(["threshold", "threshold", "pool", "pool", "select", "lookup", "scale"] as const),
    ...(["combine", "pairwise", "add", "concat", "reduce", "pad"] as const),
  ],
  maxSide: 8,
  instructions: 12,
};

const hasQemu = (await qemuEmulator.find()) !== undefined;

/** Outputs over inputs, and inputs under larger outputs. */
function overInputs({ memory }: Plan): number {
  return memory.buffers.filter((b) => b.overInputUntil !== undefined || b.underOutputFrom !== undefined)
    .length;
}

/**
 * Executes a plan of steps that run once on the owners of bytes: what a step reads must be whole when it begins, and what it
 * writes may hit that only where its kernel allows it.
 */
function followBytes(plan: Plan): void {
  const { program, steps, memory } = plan;
  const owners = new Array<string>(memory.arenaBytes).fill("nobody");
  const range = (place: Place | undefined, bytes: number): readonly [number, number] =>
    place?.kind === "arena" ? [place.offset, place.offset + bytes] : [0, 0];
  steps.forEach(({ choice, inputs, output, scratch }, step) => {
    const size = (id: number, layout: "channels" | "pixels") => layoutBytes(program.tensors[id]!, layout);
    const to = range(output, size(choice.output, choice.outputLayout));
    const working = range(scratch, choice.scratchBytes);
    const meets = (a: readonly [number, number], b: readonly [number, number]) => a[0] < b[1] && b[0] < a[1];
    expect(meets(to, working), `scratch and output of step ${step}`).toBe(false);
    choice.inputs.forEach((id, i) => {
      const layout = choice.inputLayouts[i]!;
      const from = range(inputs[i], size(id, layout));
      const found = new Set(owners.slice(...from));
      expect([...found], `input ${i} of step ${step}`).toEqual(from[1] === 0 ? [] : [`${id} ${layout}`]);
      expect(meets(from, working), `scratch and input ${i} of step ${step}`).toBe(false);
      const more = to[1] - to[0] - (from[1] - from[0]);
      const isBelow = more > 0 ? from[0] - to[0] >= more && from[0] - to[0] < more + 8 : from[0] === to[0];
      const isAllowed = choice.inPlace?.includes(i) && isBelow;
      if (!isAllowed) expect(meets(from, to), `input ${i} and output of step ${step}`).toBe(false);
    });
    owners.fill(`scratch of ${step}`, ...working);
    owners.fill(`${choice.output} ${choice.outputLayout}`, ...to);
  });
}

describe("outputs over inputs", () => {
  it(`leave whole what is still read, in ${programs} random programs from seed ${firstSeed}`, () => {
    let smaller = 0;
    for (let seed = firstSeed; seed < firstSeed + programs; seed++) {
      const program = randomProgram(seed, OPTIONS);
      const plan = planProgram(program, { goal: seed % 2 === 0 ? "speed" : "size" });
      const apart = placeBuffers(plan.memory.buffers).arenaBytes;
      try {
        verifyPlan(plan);
        followBytes(plan);
        expect(plan.memory.arenaBytes).toBeLessThanOrEqual(apart);
        expect(plan.memory.arenaBytes < apart).toBe(overInputs(plan) > 0);
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error });
      }
      smaller += overInputs(plan) > 0 ? 1 : 0;
    }
    expect(smaller).toBeGreaterThan(programs / 20);
  });

  it(`give every tensor of ${nets} nets on the host, from seed ${firstSeed}`, async () => {
    const board = findBoard("mps2-an386");
    for (let seed = firstSeed, checked = 0; checked < nets; seed++) {
      const model = compileGraph(randomConvNet(seed), undefined, { input: INPUT });
      followBytes(model.plan);
      if (overInputs(model.plan) === 0) continue;
      checked++;
      const batch = randomBatch(model.program, 3, seed);
      const { builds } = await verifyModel(model, batch, { emulator: hostEmulator, board });
      const wrong = builds.filter((b) => b.differingBits > 0 || b.problems.length > 0);
      expect({ seed, builds: builds.length, wrong }).toEqual({ seed, builds: 2, wrong: [] });
    }
  }, 3_600_000);

  it.each([
    "adabin",
    "lq_resnet",
    "mobinet",
    "quicknet",
  ])("roll over the rows of a stream: %s computes the same in less RAM", async (name) => {
    const net = methods.flatMap((m) => m.nets).find((n) => n.name === name)!;
    const compiled = (goal: "speed" | "ram") => buildNet({ ...net, options: { ...net.options, goal } }, 1);
    const built = compiled("ram");
    const { plan } = built.compiled;
    const rolled = plan.groups.filter((group) =>
      plan.memory.buffers.some((b) => b.from === group.from && b.overInputUntil === group.to),
    );
    expect(rolled.length).toBeGreaterThan(0);
    expect(plan.memory.arenaBytes).toBeLessThan(0.9 * compiled("speed").compiled.plan.memory.arenaBytes);
    const batch = batchOf(inputsOf(net, 2, 4).map((input) => deviceInput(built, input)));
    const board = findBoard("mps2-an386");
    for (const emulator of [hostEmulator, ...(hasQemu ? [qemuEmulator] : [])])
      expect(await verifyModel(built.compiled, batch, { emulator, board })).toMatchObject({ passed: true });
  }, 600_000);

  it("are refused by the plan's verifier where the kernel does not allow it", () => {
    for (let seed = firstSeed; ; seed++) {
      const { plan } = compileGraph(randomConvNet(seed), undefined, { input: INPUT });
      if (overInputs(plan) === 0) continue;
      const steps = plan.steps.map((step) => ({ ...step, choice: { ...step.choice, inPlace: [] } }));
      expect(() => verifyPlan(plan)).not.toThrow();
      expect(() => verifyPlan({ ...plan, steps })).toThrow(/overlap/);
      return;
    }
  });
});
