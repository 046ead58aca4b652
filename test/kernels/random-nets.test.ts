/**
 * Generated C against the device reference on random nets, every tensor of a trace build and the outputs of
 * the ordinary one: on the host under sanitizers' eyes elsewhere, here as it is flashed.
 */
import { describe, expect, it } from "vitest";
import { hostEmulator, qemuEmulator } from "../../src/emulators/index.js";
import { type InputBatch, randomBatch } from "../../src/inputs.js";
import { findBoard } from "../../src/targets/index.js";
import { verifyModel } from "../../src/verify.js";
import { compileGraph, full } from "../support/models.js";
import { randomFloats, randomNet, withTail } from "../support/random-graph.js";

const qemu = (await qemuEmulator.find()) !== undefined;
const hostNets = full ? 150 : 12;
const boardNets = full ? 12 : 2;
/** BITLOOM_SEED replays a run; failures print the seed of their net. */
const firstSeed = Number(process.env.BITLOOM_SEED ?? 20_000);

async function check(seed: number, emulator: typeof hostEmulator, board: string): Promise<void> {
  const net = randomNet(seed, { exactScales: seed % 2 === 0, maxWidth: seed % 4 === 0 ? 400 : 80 });
  const graph =
    seed % 7 === 0 ? withTail(net, ["argmax"]) : seed % 5 === 0 ? withTail(net, ["softmax"]) : net;
  const size = graph.values.get("input")!.shape[1]!;
  const isImage = seed % 3 === 0;
  const affine = { numerator: 1, denominator: 64, zero: 128 };
  const model = compileGraph(graph, isImage ? new Int32Array(size) : randomFloats(seed, size), {
    output: seed % 5 === 0 ? "float32" : "scores",
    ...(isImage ? { input: { type: "u8" as const, affine } } : {}),
  });
  const batch = isImage ? randomBatch(model.program, 8, seed) : floatBatch(size, seed);
  const result = await verifyModel(model, batch, { emulator, board: findBoard(board) });
  const failed = result.builds.flatMap((b) => b.checks.filter((c) => c.verdict === "failed"));
  expect(result.builds.map((b) => ({ ...b, seed, failed }))).toMatchObject(
    ["flash", "trace"].map((build) => ({
      build,
      vectors: 8,
      failedVectors: 0,
      differingBits: 0,
      problems: [],
      seed,
      failed: [],
    })),
  );
  expect(result.builds.every((b) => b.divergence === undefined)).toBe(true);
}

function floatBatch(size: number, seed: number): InputBatch {
  const input = (index: number): Float32Array => randomFloats(seed * 16 + index, size);
  return { count: 8, stored: input, real: input };
}

describe("random nets: C equals the device reference in every tensor", () => {
  it(`${hostNets} nets on the host, from seed ${firstSeed}`, async () => {
    for (let i = 0; i < hostNets; i++) await check(firstSeed + i, hostEmulator, "microbit");
  }, 600_000);

  it
    .skipIf(!qemu)
    .each(["qemu-cortex-m0", "mps2-an385", "mps2-an386", "mps2-an500", "mps2-an505", "mps3-an547"])(
    `${boardNets} nets in QEMU's %s`,
    async (board) => {
      for (let i = 0; i < boardNets; i++) await check(firstSeed + 1000 + i, qemuEmulator, board);
    },
    600_000,
  );
});
