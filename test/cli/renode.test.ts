import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { runBitloom as bitloom } from "../support/bitloom.js";
import { repoRoot } from "../support/root.js";
import { temporaryFolder } from "../toolchain/toy.js";

const folder = temporaryFolder();
const model = join(repoRoot, "examples/mnist-mlp/model.onnx");
const compile = ["compile", model, "--name", "digits", "--renode"];

describe("compile --renode", () => {
  it("writes Renode's files beside the library, the same bytes every time", async () => {
    const read = async (name: string): Promise<(readonly [string, string])[]> => {
      const out = join(folder, name);
      const { stdout, exitCode } = await bitloom([...compile, "--board", "stm32f103", "-o", out, "--json"]);
      expect(exitCode).toBe(0);
      const { files } = JSON.parse(stdout) as { files: string[] };
      const below = readdirSync(out, { recursive: true, encoding: "utf8" }).filter((f) => f !== "renode");
      expect(below.sort()).toEqual([...files].sort());
      return files.map((f) => [f, readFileSync(join(out, f), "utf8")] as const);
    };
    const first = await read("first");
    expect(first.map(([f]) => f).filter((f) => f.startsWith("renode/"))).toEqual([
      "renode/digits.resc",
      "renode/digits.robot",
      "renode/stm32f103.repl",
    ]);
    expect(await read("second")).toEqual(first);
  });

  it("says what it wrote", async () => {
    const { stdout } = await bitloom([...compile, "--board", "nucleo-h753zi", "-o", join(folder, "told")]);
    expect(stdout).toMatch(/^wrote renode\/digits.resc, renode\/digits.robot$/m);
  });

  it.each([
    ["a board", [], /--renode needs a board and a folder/],
    [
      "a board that Renode has",
      ["--board", "microbit"],
      /Renode has no platform.*[\s\S]*use one of .*stm32f103/,
    ],
  ])("needs %s, else writes nothing", async (_what, options, message) => {
    const out = join(folder, "never");
    const { stderr, exitCode } = await bitloom([...compile, ...options, "-o", out]);
    expect(stderr).toMatch(message);
    expect(exitCode).toBe(2);
    expect(existsSync(out)).toBe(false);
  });

  it("refuses a folder whose name would become a command, and writes nothing", async () => {
    const out = join(folder, "a;quit");
    const { stderr, exitCode } = await bitloom([...compile, "--board", "stm32f103", "-o", out]);
    expect(stderr).toContain("Renode cannot be given a folder");
    expect(exitCode).toBe(2);
    expect(existsSync(out)).toBe(false);
  });
});
