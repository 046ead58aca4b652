/** Whole models in a real Renode: rows, samples and little RAM on the smallest core too, and the counts that QEMU has. */
import { afterAll, expect, it } from "vitest";
import { createRenodeEmulator, qemuEmulator } from "../../src/emulators/index.js";
import { randomBatch } from "../../src/inputs.js";
import { profileModel } from "../../src/profile.js";
import { findBoard } from "../../src/targets/index.js";
import { verifyModel } from "../../src/verify.js";
import { compileGraph, mnistBatch, mnistCnn } from "../support/models.js";
import { randomStreamNet } from "../support/random-stream-net.js";
import { describeWith } from "../toolchain/toy.js";

const INPUT = { type: "u8" as const, affine: { numerator: 1, denominator: 64, zero: 128 } };
const IMAGE = { type: "u8" as const, affine: { numerator: 1, denominator: 255, zero: 0 } };
/** BITLOOM_SEED replays a run; failures print the seed of their net. */
const seed = Number(process.env.BITLOOM_SEED ?? 76_000);

/** A Cortex-M0 and M4 with the UART's models that differ most, and what runs the same instructions in QEMU. */
const cores = [
  ["stm32f072b-discovery", "microbit"],
  ["stm32f4-discovery", "mps2-an386"],
] as const;

const ways = [
  ["in little RAM", { ramLimit: 8192 }],
  ["row by row", { pushes: true }],
  ["in two banks", { banks: [6144, 16384] }],
] as const;

const real = process.env.RENODE_PATH || "renode";
describeWith(["arm-none-eabi-gcc", real], "models in the real Renode", () => {
  const emulator = createRenodeEmulator();
  afterAll(() => emulator.close());

  it.each(ways)("are equal %s", async (_way, options) => {
    const model = mnistCnn({ input: IMAGE, ...options });
    const board = findBoard("stm32f4-discovery");
    const result = await verifyModel(model, mnistBatch(model, 3), { emulator, board });
    expect(result).toMatchObject({ passed: true, notChecked: [] });
    expect(result.builds.map((b) => b.differingBits)).toEqual([0, 0]);
  });

  it.each(cores)("are equal sample by sample on %s", async (id) => {
    const board = findBoard(id);
    for (const isCausal of [false, true]) {
      const planning = { endless: true, cpu: board.cpu };
      const model = compileGraph(
        randomStreamNet(seed, { isCausal }),
        undefined,
        { input: INPUT, pushes: true },
        planning,
      );
      const batch = randomBatch(model.program, 3, seed);
      const result = await verifyModel(model, batch, { emulator, board });
      const wrong = result.builds.filter((b) => b.differingBits > 0 || b.problems.length > 0);
      expect({ seed, isCausal, passed: result.passed, wrong }).toEqual({
        seed,
        isCausal,
        passed: true,
        wrong: [],
      });
    }
  });
});

describeWith(
  ["arm-none-eabi-gcc", "qemu-system-arm", real],
  "instructions in the real Renode and in QEMU",
  () => {
    const emulator = createRenodeEmulator();
    afterAll(() => emulator.close());

    it.each(cores)("are the same on %s", async (id, machine) => {
      const { cpu } = findBoard(id);
      const model = mnistCnn({ input: IMAGE, cpu, ramLimit: 8192 });
      const inputs = mnistBatch(model, 2);
      const counts = async (name: string, by: typeof emulator | typeof qemuEmulator) => {
        const { layers, total } = await profileModel(model, inputs, { emulator: by, board: findBoard(name) });
        return [...layers, { layer: "total", ...total }].map(({ layer, fewest, most }) => ({
          layer,
          fewest,
          most,
        }));
      };
      const inRenode = await counts(id, emulator);
      expect(inRenode).toHaveLength(model.plan.steps.length + 1);
      expect(inRenode).toEqual(await counts(machine, qemuEmulator));
    });
  },
);
