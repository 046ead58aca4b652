/** `--streams q16`: what users hear of it, on a Bi-Real net. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { writeNpy } from "../../src/formats/npy.js";
import { biReal } from "../methods/t15-bi-real.js";
import { bitloom } from "../support/bitloom.js";
import { buildNet, inputsOf } from "../support/methods/net.js";

const folder = mkdtempSync(join(tmpdir(), "bitloom-cli-streams-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const [net] = biReal.nets;
const built = buildNet(net!, 1);
const model = join(folder, "net.json");
writeFileSync(model, built.files.manifest);
writeFileSync(join(folder, "net.safetensors"), built.files.weights);
const inputs = inputsOf(net!, 5, 3);
const images = join(folder, "x.npy");
const pixels = Float32Array.from(inputs.flatMap(({ real }) => [...real.data]));
writeFileSync(images, writeNpy({ shape: [inputs.length, ...net!.input], dtype: "float32", data: pixels }));
const asTrained = ["--input-type", "u8", "--input-scale", "1/128", "--input-zero", "128"];

async function run(...more: string[]) {
  const { stdout, exitCode } = await bitloom(
    "run",
    model,
    "--input",
    images,
    ...asTrained,
    ...more,
    "--json",
  );
  return { exitCode, ...(JSON.parse(stdout) as Record<string, unknown>) } as {
    exitCode: number;
    classes: number[];
    approximation?: { count: number; greatestDifference: number; sameClass: number };
    diagnostics: { code: string; severity: string; where?: string }[];
  };
}

it("run says how far outputs are from the model's, and which tensors are fixed point", async () => {
  const fixed = await run("--streams", "q16");
  const float = await run();
  expect([fixed.exitCode, float.exitCode]).toEqual([0, 0]);
  expect(float.approximation).toBeUndefined();
  const { count, greatestDifference, sameClass } = fixed.approximation!;
  expect(count).toBe(inputs.length);
  expect(greatestDifference).toBeGreaterThan(0);
  expect(sameClass).toBe(fixed.classes.filter((c, i) => c === float.classes[i]).length);
  const [warning] = fixed.diagnostics;
  expect(warning).toMatchObject({ severity: "warning", code: "streams/q16" });
  const streams = fixed.diagnostics.filter(({ code }) => code === "streams/tensor").map(({ where }) => where);
  expect(streams).toEqual(expect.arrayContaining(["block1", "block2", "block3", "block4"]));
});

it("compile says it too, and refuses words that it does not know", async () => {
  const out = join(folder, "out");
  const { stdout } = await bitloom("compile", model, "-o", out, ...asTrained, "--streams", "q16", "--json");
  const { streams, integerOnly } = JSON.parse(stdout) as {
    streams: { outputError: number };
    integerOnly: boolean;
  };
  expect(streams.outputError).toBeGreaterThan(0);
  // Only outputs are float32.
  expect(integerOnly).toBe(false);
  const { exitCode, stderr } = await bitloom("run", model, "--input", images, "--streams", "q15");
  expect([exitCode, stderr]).toEqual([
    2,
    expect.stringContaining("use one of float32, q16; did you mean q16?"),
  ]);
});
