/** `bitloom compile --package`. */
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { runBitloom } from "../support/bitloom.js";
import { repoRoot } from "../support/root.js";

const folder = mkdtempSync(join(tmpdir(), "bitloom-cli-packages-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const model = join(repoRoot, "examples/mnist-mlp/model.onnx");

async function compile(out: string, ...args: readonly string[]) {
  const line = ["compile", model, "--name", "digits", "-o", out, ...args];
  return runBitloom(line);
}

/** Paths of the files below a folder, sorted. */
function filesBelow(dir: string): string[] {
  const all = readdirSync(dir, { recursive: true, encoding: "utf8" });
  return all.filter((path) => statSync(join(dir, path)).isFile()).sort();
}

it("writes the package with its folders, and lists its files in JSON", async () => {
  const out = join(folder, "pack");
  const identity = ["--package-version", "1.2.3", "--package-vendor", "acme"];
  const { stdout, exitCode } = await compile(out, "--package", "cmsis-pack", ...identity, "--json");
  expect(exitCode).toBe(0);
  const report = JSON.parse(stdout);
  expect(report).toMatchObject({ ok: true, package: "cmsis-pack" });
  expect(filesBelow(out)).toEqual([...report.files].sort());
  expect(report.files).toEqual(
    expect.arrayContaining([
      "include/digits.h",
      "src/digits.c",
      "acme.digits.pdsc",
      "acme.digits.1.2.3.pack",
    ]),
  );
});

it("points to the README", async () => {
  const { stdout } = await compile(join(folder, "zephyr"), "--package", "zephyr");
  expect(stdout).toMatch(/wrote \d+ files to .*: README\.md says how to add it to a project$/m);
});

it.each([
  [["--package", "cmke"], /did you mean cmake/],
  [["--package", "cmake", "--package-version", "1"], /--package-version 1\.2\.0/],
  [["--package", "arduino", "--package-url", "file://x"], /--package-url/],
  [["--package", "cmake", "--name", "test"], /--name/],
])("usage %j ends in 2 and writes nothing", async (args, message) => {
  const out = join(folder, "never");
  const { stderr, exitCode } = await compile(out, ...args);
  expect(exitCode).toBe(2);
  expect(stderr).toMatch(message);
  expect(existsSync(out)).toBe(false);
});
