/** examples/mnist-cnn: its accuracy, its size, its firmware, and every bit of it in emulators. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { mnistTest } from "../../examples/common/images.js";
import { hostEmulator, qemuEmulator } from "../../src/emulators/index.js";
import { evaluate } from "../../src/evaluate.js";
import { findBoard } from "../../src/targets/index.js";
import { readElf } from "../../src/toolchain/index.js";
import { memoryUse } from "../../src/toolchain/size.js";
import { verifyModel } from "../../src/verify.js";
import { buildFirmware, firstLines } from "../support/example-firmware.js";
import { full, mnistBatch, mnistCnn } from "../support/models.js";

const qemu = (await qemuEmulator.find()) !== undefined;
const folder = mkdtempSync(join(tmpdir(), "bitloom-firmware-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("examples/mnist-cnn", () => {
  it(`is right on ${full ? "9,917 of the 10,000" : "989 of the first 1,000"} test images, in integers as in floats`, () => {
    const model = mnistCnn();
    const { labels } = mnistTest();
    const [count, right] = full ? [10_000, 9917] : [1000, 989];
    const result = evaluate(model, mnistBatch(model, count), "both");
    expect(result.differing).toBe(0);
    expect(result.classes.filter((c, i) => c === labels[i]).length).toBe(right);
  });

  it("has firmware that recognises digits in the emulator", async () => {
    const elf = await buildFirmware(folder, "mnist-cnn", "mnist_cnn.elf");
    const { flashBytes, ramBytes } = memoryUse(await readElf(elf));
    expect(flashBytes).toBeLessThan(60_000);
    expect(ramBytes).toBeLessThan(40_000);
    if (!qemu) return;
    expect(await firstLines(elf, "netduinoplus2", ["null", "stdio"], /PASS|FAIL/)).toBe(
      "digit 7 recognised as 7\ndigit 2 recognised as 2\ndigit 1 recognised as 1\ndigit 0 recognised as 0\nPASS",
    );
  });
});

describe("examples/mnist-cnn equals the reference in every bit of every tensor", () => {
  const count = full ? 100 : 10;
  const model = mnistCnn();
  const batch = mnistBatch(model, count);

  it(`on the host, ${count} images`, async () => {
    const result = await verifyModel(model, batch, {
      emulator: hostEmulator,
      board: findBoard("mps2-an386"),
    });
    expect(result).toMatchObject({ passed: true });
  });

  it.skipIf(!qemu).each(["mps2-an386", "mps2-an500", "mps2-an505"])(
    `in QEMU's %s, ${count} images`,
    async (board) => {
      const result = await verifyModel(model, batch, { emulator: qemuEmulator, board: findBoard(board) });
      expect(result).toMatchObject({ passed: true });
    },
  );
});
