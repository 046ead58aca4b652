/**
 * Generated C against the device reference on random convolutional nets, with every variant of a kernel forced
 * in turn: every tensor of a trace build and the outputs of the ordinary one on the host, outputs on the cores.
 */
import { describe, expect, it } from "vitest";
import { hostEmulator, qemuEmulator } from "../../src/emulators/index.js";
import { randomBatch } from "../../src/inputs.js";
import { lowerGraph } from "../../src/passes/registry.js";
import { planProgram, verifyPlan } from "../../src/plan/index.js";
import { type Board, type Cpu, findBoard } from "../../src/targets/index.js";
import type { LayerCase } from "../../src/tuning/firmware.js";
import { runCases } from "../../src/tuning/run.js";
import { verifyModel } from "../../src/verify.js";
import { compileGraph, full } from "../support/models.js";
import { convVariants, preferring } from "../support/prefer-kernel.js";
import { randomConvNet } from "../support/random-conv-net.js";

const qemu = (await qemuEmulator.find()) !== undefined;
const hostNets = full ? 500 : 60;
const boardNets = full ? 60 : 5;
/** BITLOOM_SEED replays a run; failures print the seed of their net. */
const firstSeed = Number(process.env.BITLOOM_SEED ?? 40_000);
const INPUT = { type: "u8" as const, affine: { numerator: 1, denominator: 64, zero: 128 } };

/** Each seed forces another of the variants that its net can be computed with. */
function variantOf(seed: number, cpu: Cpu): { name: string; kernels: ReturnType<typeof preferring> } {
  const { program } = lowerGraph(randomConvNet(seed), { input: INPUT });
  const variants = convVariants(program, cpu);
  const name = variants[seed % Math.max(1, variants.length)] ?? "none";
  return { name, kernels: preferring(name) };
}

async function checkOnHost(seed: number): Promise<string> {
  const { cpu } = findBoard("mps2-an386");
  const { name, kernels } = variantOf(seed, cpu);
  const output = seed % 4 === 0 ? "float32" : "scores";
  const model = compileGraph(randomConvNet(seed), undefined, { input: INPUT, output }, { kernels, cpu });
  const batch = randomBatch(model.program, 4, seed);
  const result = await verifyModel(model, batch, {
    emulator: hostEmulator,
    board: findBoard("mps2-an386"),
  });
  const wrong = result.builds.filter((b) => b.differingBits > 0 || b.problems.length > 0);
  expect({ seed, variant: name, wrong }).toEqual({ seed, variant: name, wrong: [] });
  expect(result.passed).toBe(true);
  return name;
}

function boardCase(seed: number, board: Board): LayerCase {
  const { program } = lowerGraph(randomConvNet(seed), { input: INPUT });
  const plan = planProgram(program, { cpu: board.cpu, kernels: variantOf(seed, board.cpu).kernels });
  verifyPlan(plan);
  const batch = randomBatch(program, 2, seed);
  return { plan, inputs: [batch.stored(0), batch.stored(1)] };
}

describe("random convolutional nets: C equals the device reference", () => {
  it(`in every tensor of ${hostNets} nets on the host, from seed ${firstSeed}`, async () => {
    const forced = new Set<string>();
    for (let i = 0; i < hostNets; i++) forced.add(await checkOnHost(firstSeed + i));
    expect(forced.size).toBeGreaterThan(2);
  }, 3_600_000);

  it
    .skipIf(!qemu)
    .each(["qemu-cortex-m0", "mps2-an385", "mps2-an386", "mps2-an500", "mps2-an505", "mps3-an547"])(
    `in every output of ${boardNets} nets in QEMU's %s`,
    async (id) => {
      const board = findBoard(id);
      let seed = firstSeed + 1000;
      let equal = 0;
      // Nets that do not fit the board are left out, and others take their places.
      while (equal < boardNets) {
        const first = seed;
        seed += boardNets - equal;
        expect(seed, "seeds tried").toBeLessThan(firstSeed + 1000 + 4 * boardNets);
        const cases = Array.from({ length: seed - first }, (_, i) => boardCase(first + i, board));
        const figures = await runCases(cases, board);
        equal += figures.filter((f) => f !== undefined).length;
      }
    },
    3_600_000,
  );
});
