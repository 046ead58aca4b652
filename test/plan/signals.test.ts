/** Signals whose moments are pushed: generated C gives every tensor that whole signals give. */
import { describe, expect, it } from "vitest";
import { BitloomError } from "../../src/diagnostics/diagnostic.js";
import { hostEmulator, qemuEmulator } from "../../src/emulators/index.js";
import { randomBatch } from "../../src/inputs.js";
import { lowerGraph } from "../../src/passes/registry.js";
import { findBoard } from "../../src/targets/index.js";
import { verifyModel } from "../../src/verify.js";
import { compileGraph, full } from "../support/models.js";
import { randomConvNet } from "../support/random-conv-net.js";

const nets = full ? 200 : 2;
/** BITLOOM_SEED replays a run; failures print the seed of their net. */
const firstSeed = Number(process.env.BITLOOM_SEED ?? 74_000);
const INPUT = { type: "u8" as const, affine: { numerator: 1, denominator: 64, zero: 128 } };
const hasQemu = (await qemuEmulator.find()) !== undefined;
const board = findBoard("mps2-an386");

/** Compares all tensors with those of the signal's own program; undefined for nets that cannot be pushed. */
async function pushed(seed: number, emulator = hostEmulator): Promise<true | undefined> {
  const graph = randomConvNet(seed, { signals: true });
  try {
    const model = compileGraph(graph, undefined, { input: INPUT, pushes: true }, { pushes: true });
    expect(model.plan.push).toBeDefined();
    const { program } = lowerGraph(graph, { input: INPUT });
    const result = await verifyModel({ ...model, program }, randomBatch(program, 3, seed), {
      emulator,
      board,
    });
    const wrong = result.builds.filter((b) => b.differingBits > 0 || b.problems.length > 0);
    expect({ seed, wrong }).toEqual({ seed, wrong: [] });
    return true;
  } catch (error) {
    // Nets that read their input at several depths, or whole.
    if (error instanceof BitloomError && error.message.includes("row by row")) return undefined;
    throw error;
  }
}

describe("signals that are pushed", () => {
  it(`give every tensor of ${nets} nets on the host, from seed ${firstSeed}`, async () => {
    let count = 0;
    for (let seed = firstSeed; seed < firstSeed + nets; seed++) count += Number((await pushed(seed)) ?? 0);
    expect(count).toBeGreaterThan(nets / 4);
  }, 3_600_000);

  it.skipIf(!hasQemu)(
    "give every tensor on an M4",
    async () => {
      const seeds = Array.from({ length: 10 }, (_, i) => firstSeed + i);
      for (const seed of seeds) if (await pushed(seed, qemuEmulator)) return;
      expect.unreachable();
    },
    600_000,
  );
});
