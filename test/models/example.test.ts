/** examples/mnist-mlp: its accuracy, its size, its firmware. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { mnistTest } from "../../examples/common/images.js";
import { evaluate } from "../../src/evaluate.js";
import { checkArmv6M, readElf } from "../../src/toolchain/index.js";
import { memoryUse } from "../../src/toolchain/size.js";
import { findOnPath } from "../../src/toolchain/tools.js";
import { buildFirmware, firstLines } from "../support/example-firmware.js";
import { mnistBatch, mnistMlp } from "../support/models.js";

const folder = mkdtempSync(join(tmpdir(), "bitloom-firmware-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("examples/mnist-mlp", () => {
  it("is right on 9,791 of the 10,000 test images, in integers as in floats", () => {
    const model = mnistMlp();
    const { labels, count } = mnistTest();
    const result = evaluate(model, mnistBatch(model, count), "both");
    expect(result.differing).toBe(0);
    expect(result.classes.filter((c, i) => c === labels[i]).length).toBe(9791);
  });

  it("has firmware of less than 40 KB that recognises digits in the emulator", async () => {
    const elf = await buildFirmware(folder, "mnist-mlp", "mnist_mlp.elf");
    const { flashBytes, ramBytes } = memoryUse(await readElf(elf));
    expect(flashBytes).toBeLessThan(40_000);
    expect(ramBytes).toBeLessThan(1024);
    expect(await checkArmv6M(elf)).toEqual([]);
    if (findOnPath("qemu-system-arm") === undefined) return;
    expect(await firstLines(elf, "microbit", ["stdio"], /PASS|FAIL/)).toBe(
      "digit 7 recognised as 7\ndigit 2 recognised as 2\ndigit 1 recognised as 1\ndigit 0 recognised as 0\nPASS",
    );
  });
});
