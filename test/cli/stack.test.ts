import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { bitloom } from "../support/bitloom.js";
import { describeWith } from "../toolchain/toy.js";

const model = "examples/mnist-mlp/model.onnx";

describeWith(["arm-none-eabi-gcc"], "bitloom stack", () => {
  it("prints the stack of functions, and writes a header of it", async () => {
    const folder = mkdtempSync(join(tmpdir(), "bitloom-stack-cli-"));
    try {
      const args = ["--board", "microbit", "--name", "net", "-o", folder, "--json"];
      const { exitCode, stdout } = await bitloom("stack", model, ...args);
      const json = JSON.parse(stdout);
      expect([exitCode, json.core, json.board]).toEqual([0, "cortex-m0", "microbit"]);
      const run = json.entries.find((e: { entry: string }) => e.entry === "run");
      const header = readFileSync(json.file, "utf8");
      expect(header).toContain(`#define NET_RUN_STACK_BYTES ${run.bytes}U\n`);
      expect(json.file).toBe(join(folder, "net_stack.h"));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it("asks for a core", async () => {
    const { exitCode, stderr } = await bitloom("stack", model);
    expect([exitCode, stderr]).toEqual([
      2,
      expect.stringContaining("add --board ID or e.g. --cpu cortex-m4"),
    ]);
  });
});
