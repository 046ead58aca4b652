/** TFLite files on the command line, known by what they hold and not by their names. */
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { readNpy } from "../../src/formats/npy.js";
import { bitloom, expectVerifiedOnHost } from "../support/bitloom.js";
import { repoRoot } from "../support/root.js";
import { tfliteFile } from "../support/tflite.js";

const folder = mkdtempSync(join(tmpdir(), "bitloom-cli-tflite-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const fixture = (name: string): string => join(repoRoot, "test/fixtures/tflite", name);
const model = join(folder, "model.bin");
copyFileSync(fixture("groups.tflite"), model);

it("inspect shows the layers and what they cost", async () => {
  const { stdout, exitCode } = await bitloom("inspect", model);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/TFLite with Larq Compute Engine, schema 3, by MLIR Converted/);
  expect(stdout).toMatch(/conv 24×32×3×3, pads 1, 2 groups, padding 1, weights 1 bit ±1/);
  expect(stdout).toMatch(/flash +\d+ bytes/);
});

it("run gives the interpreter's outputs for inputs in the file's own order", async () => {
  const out = join(folder, "y.npy");
  const run = await bitloom(
    "run",
    model,
    "--input",
    fixture("groups.x.npy"),
    "--reference",
    "both",
    "--input-type",
    "f32",
  );
  expect([run.exitCode, run.stdout]).toEqual([0, expect.stringMatching(/equal outputs on all of them/)]);
  const float = await bitloom(
    "run",
    model,
    "--input",
    fixture("groups.x.npy"),
    "--output",
    out,
    "--reference",
    "float",
    "--input-type",
    "f32",
  );
  expect(float.exitCode).toBe(0);
  const [given, expected] = [out, fixture("groups.y.npy")].map((path) => readNpy(readFileSync(path)));
  expect(given).toEqual(expected);
});

it("run takes the integers of an int8 model as they are", async () => {
  const out = join(folder, "int8.npy");
  const x = fixture("int8_tflite.x.npy");
  const { exitCode } = await bitloom("run", fixture("int8_tflite.tflite"), "--input", x, "--output", out);
  expect(exitCode).toBe(0);
  const [given, expected] = [out, fixture("int8_tflite.y.npy")].map(
    (path) => readNpy(readFileSync(path)).data,
  );
  // Scores are the quantizer's codes, counted from int8's least; the header says what they stand for.
  expect(Array.from(given!, Number)).toEqual(Array.from(expected!, (q) => Number(q) + 128));
});

it("compile writes a library, verify compares it on this machine", async () => {
  const out = join(folder, "library");
  const compiled = await bitloom("compile", model, "--cpu", "cortex-m4", "--name", "net", "-o", out);
  expect([compiled.exitCode, existsSync(join(out, "net.c"))]).toEqual([0, true]);
  await expectVerifiedOnHost(model);
});

it("what cannot be read ends in exit 2, with the place and what helps", async () => {
  const path = join(folder, "bad.tflite");
  const tensors = { x: { shape: [1, 2] }, y: { shape: [1, 2] } };
  writeFileSync(path, tfliteFile({ tensors, operators: [{ op: "LOGISTIC", in: ["x"], out: "y" }] }));
  const { exitCode, stderr } = await bitloom("inspect", path);
  expect(exitCode).toBe(2);
  expect(stderr).toMatch(/error\[tflite\/node\]: y: operator LOGISTIC is not supported/);
  expect(stderr).toMatch(/help: replace it by a sign or a ReLU/);
});
