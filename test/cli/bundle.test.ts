/** Bundles on the command line: the weights come from the manifest's folder. */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { readNpy } from "../../src/formats/npy.js";
import { bitloom, expectVerifiedOnHost } from "../support/bitloom.js";
import { repoRoot } from "../support/root.js";

const folder = mkdtempSync(join(tmpdir(), "bitloom-cli-bundle-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const fixture = (name: string): string => join(repoRoot, "test/fixtures/bundle", name);
const model = join(folder, "net.json");
copyFileSync(fixture("branches.json"), model);
copyFileSync(fixture("branches.safetensors"), join(folder, "branches.safetensors"));

it("inspect shows the layers by their names", async () => {
  const { stdout, exitCode } = await bitloom("inspect", model);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/^format +bundle, version 1$/m);
  expect(stdout).toMatch(/right +1×8×9×6 +conv 8×8×1×1, weights 2 bits −1…1, scale 1 of bits/);
});

it("run gives PyTorch's outputs", async () => {
  const out = join(folder, "y.npy");
  const more = ["--input", fixture("branches.x.npy"), "--input-type", "f32", "--output", out];
  const run = await bitloom("run", model, ...more, "--reference", "float");
  expect(run.exitCode).toBe(0);
  const [given, expected] = [out, fixture("branches.y.npy")].map((path) => readNpy(readFileSync(path)));
  expect(given).toEqual(expected);
});

it("compile writes a library, verify compares it on this machine", async () => {
  const out = join(folder, "library");
  const compiled = await bitloom("compile", model, "--cpu", "cortex-m4", "--name", "net", "-o", out);
  expect([compiled.exitCode, existsSync(join(out, "net.c"))]).toEqual([0, true]);
  await expectVerifiedOnHost(model);
});

it("weights are looked for in the manifest's folder, and links do not lead out of it", async () => {
  const inner = join(folder, "inner");
  mkdirSync(inner);
  const manifest = readFileSync(model, "utf8");
  const path = join(inner, "net.json");
  writeFileSync(path, manifest);
  const missing = await bitloom("inspect", path);
  expect(missing.exitCode).toBe(2);
  expect(missing.stderr).toMatch(/bundle\/weights.*"branches\.safetensors" that it names is not there/);
  symlinkSync(join(folder, "branches.safetensors"), join(inner, "branches.safetensors"));
  const linked = await bitloom("inspect", path);
  expect(linked.exitCode).toBe(2);
  expect(linked.stderr).toMatch(/leads out of the model's folder/);
  writeFileSync(path, manifest.replace('"branches.safetensors"', '"../branches.safetensors"'));
  expect((await bitloom("inspect", path)).stderr).toMatch(/not below the model's folder/);
});

it("weights alone end in exit 2, with what helps", async () => {
  const { exitCode, stderr } = await bitloom("inspect", fixture("archive.npz"));
  expect(exitCode).toBe(2);
  expect(stderr).toMatch(/formats\/unknown.*weights alone \(npz\)/);
  expect(stderr).toMatch(/help: pass the manifest \(\.json\) that names this file/);
});
