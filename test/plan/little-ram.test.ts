/** What row by row execution is for: nets whose maps need far more RAM than the device has. */
import { describe, expect, it } from "vitest";
import { hostEmulator, qemuEmulator } from "../../src/emulators/index.js";
import { randomBatch } from "../../src/inputs.js";
import { planCurve } from "../../src/plan/index.js";
import { findBoard } from "../../src/targets/index.js";
import { verifyModel } from "../../src/verify.js";
import { cifarNet } from "../support/cifar-net.js";
import { full } from "../support/models.js";

const board = findBoard("mps2-an386");
const hasQemu = (await qemuEmulator.find()) !== undefined;

describe("a binary net of CIFAR-10's size", () => {
  it("runs in 8 KB of RAM for activations and scratch, for no quarter more instructions than in any", () => {
    const { points: curve, isWhole } = planCurve(cifarNet(1).program);
    expect(isWhole).toBe(true);
    const within = curve.find((point) => point.arenaBytes <= 8192)!;
    expect(curve[0]!.arenaBytes).toBeGreaterThan(3 * 8192);
    expect(within.instructions).toBeLessThan(1.25 * curve[0]!.instructions);
    expect(curve.at(-1)!.arenaBytes).toBeLessThan(5000);
  });

  it.skipIf(!hasQemu)(
    "of half the width in 6 KB, and computes what the reference does",
    async () => {
      const model = cifarNet(1 / 2, { ramLimit: 6144 });
      expect(model.plan.memory.arenaBytes).toBeLessThanOrEqual(6144);
      const batch = randomBatch(model.program, 1, 1);
      const result = await verifyModel(model, batch, { emulator: qemuEmulator, board });
      expect(result).toMatchObject({ passed: true });
    },
    120_000,
  );

  it.skipIf(!full)(
    "computes what the reference does in 8 KB and in the least",
    async () => {
      for (const options of [{ ramLimit: 8192 }, { goal: "ram" } as const]) {
        const model = cifarNet(1, options);
        const batch = randomBatch(model.program, 2, 1);
        for (const emulator of [hostEmulator, qemuEmulator])
          expect(await verifyModel(model, batch, { emulator, board })).toMatchObject({ passed: true });
      }
    },
    600_000,
  );
});
