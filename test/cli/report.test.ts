/** `bitloom compile --report`. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { bitloom } from "../support/bitloom.js";
import { pictureOf } from "../support/picture.js";
import { repoRoot } from "../support/root.js";

const folder = mkdtempSync(join(tmpdir(), "bitloom-report-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const model = join(repoRoot, "examples/mnist-mlp/model.onnx");

describe("compile --report", () => {
  it("writes the page of the plan that the library has, beside it or alone", async () => {
    const page = join(folder, "deep/er/report.html");
    const options = ["--name", "digits", "--board", "microbit", "--optimize", "ram", "--report", page];
    const both = await bitloom("compile", model, ...options, "-o", join(folder, "library"), "--json");
    expect(both.exitCode).toBe(0);
    const html = readFileSync(page, "utf8");
    expect(JSON.parse(both.stdout)).toMatchObject({ report: page, arenaBytes: 132 });
    expect(Math.max(...pictureOf(html).boxes.map((b) => b.y + b.height))).toBeLessThanOrEqual(132);
    expect(html).toContain("Cortex-M0");
    expect(html).toContain("BBC micro:bit");
    expect(readFileSync(join(folder, "library/digits.h"), "utf8")).toContain("DIGITS_ARENA_SIZE 132");
    const alone = await bitloom("compile", model, ...options);
    expect(alone.stdout).toBe(`wrote ${page}`);
    expect(readFileSync(page, "utf8")).toBe(html);
    expect(readdirSync(join(folder, "deep/er"))).toEqual(["report.html"]);
  });

  it("draws banks, and the curve also where the input is given row by row", async () => {
    const cnn = join(repoRoot, "examples/mnist-cnn/model.onnx");
    const page = join(folder, "rows.html");
    const { exitCode } = await bitloom(
      "compile",
      cnn,
      "--push",
      "rows",
      "--arena-banks",
      "12K,6K",
      "--report",
      page,
    );
    expect(exitCode).toBe(0);
    const { elements } = pictureOf(readFileSync(page, "utf8"));
    expect(elements.filter((e) => e.attributes.class === "bank")).toHaveLength(2);
    expect(elements.some((e) => e.attributes.id === "ram-curve")).toBe(true);
    expect(elements.some((e) => e.text.startsWith("one row of 1×1×28×28"))).toBe(true);
    expect(elements.some((e) => e.text === "Plans of the curve have one arena instead of banks.")).toBe(true);
  });

  it("replaces no model, no folder and no file in a folder's place", async () => {
    const copy = join(folder, "copy.onnx");
    writeFileSync(copy, readFileSync(model));
    mkdirSync(join(folder, "folder.html"));
    const cases = [
      [copy, /cli\/report.*copy\.onnx.* is not the name of one/],
      [join(folder, "folder.html"), /is a folder, not a file/],
      [join(copy, "report.html"), /part of the path is a file, not a folder/],
    ] as const;
    for (const [path, message] of cases) {
      const out = join(folder, "never");
      const { exitCode, stderr, stdout } = await bitloom("compile", model, "-o", out, "--report", path);
      expect([exitCode, stdout]).toEqual([2, ""]);
      expect(stderr).toMatch(message);
      expect(existsSync(out)).toBe(false);
    }
    expect(readFileSync(copy)).toEqual(readFileSync(model));
  });
});
