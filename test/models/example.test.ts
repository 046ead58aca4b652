/** examples/mnist-mlp: its accuracy, its size, its firmware. */
import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, describe, expect, it } from "vitest";
import { mnistTest } from "../../examples/mnist-mlp/images.js";
import { evaluate } from "../../src/evaluate.js";
import { checkArmv6M, readElf } from "../../src/toolchain/index.js";
import { memoryUse } from "../../src/toolchain/size.js";
import { findOnPath } from "../../src/toolchain/tools.js";
import { mnistBatch, mnistMlp } from "../support/models.js";
import { repoRoot } from "../support/root.js";

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
    const elf = await buildFirmware();
    const { flashBytes, ramBytes } = memoryUse(await readElf(elf));
    expect(flashBytes).toBeLessThan(40_000);
    expect(ramBytes).toBeLessThan(1024);
    expect(await checkArmv6M(elf)).toEqual([]);
    if (findOnPath("qemu-system-arm") === undefined) return;
    expect(await firstLines(elf, /PASS|FAIL/)).toBe(
      "digit 7 recognised as 7\ndigit 2 recognised as 2\ndigit 1 recognised as 1\ndigit 0 recognised as 0\nPASS",
    );
  });
});

/** Builds a copy of the firmware with its own Makefile. */
async function buildFirmware(): Promise<string> {
  cpSync(join(repoRoot, "examples/mnist-mlp"), join(folder, "mnist-mlp"), {
    recursive: true,
    filter: (path) => !path.includes("/build"),
  });
  const dir = join(folder, "mnist-mlp/firmware");
  const tsx = join(repoRoot, "node_modules/tsx/dist/cli.mjs");
  const images = join(repoRoot, "examples/mnist-mlp/images.ts");
  mkdirSync(join(dir, "build"));
  await execa(process.execPath, [tsx, images, "header", join(dir, "build/digits.h")]);
  // Makefile commands: the built program in place of `npx bitloom`, and nothing where digits.h is up to date.
  await execa("make", ["-C", dir, `BITLOOM=${process.execPath} ${join(repoRoot, "dist/cli/main.js")}`]);
  return join(dir, "build/mnist_mlp.elf");
}

/** What the firmware prints until a line matches. */
async function firstLines(elf: string, last: RegExp): Promise<string> {
  const flags = ["-machine", "microbit", "-display", "none", "-monitor", "none", "-serial", "stdio"];
  const qemu = execa("qemu-system-arm", [...flags, "-kernel", elf], {
    timeout: 20_000,
    reject: false,
    stdin: "ignore",
  });
  let text = "";
  qemu.stdout.on("data", (bytes: Buffer) => {
    text += bytes.toString();
    if (last.test(text)) qemu.kill("SIGKILL");
  });
  await qemu;
  return text.replaceAll("\r", "").trim();
}
