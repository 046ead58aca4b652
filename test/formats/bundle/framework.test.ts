/** Nets in PyTorch, as bundles: see fixtures/bundle/versions.json. */
import { describe, expect, test } from "vitest";
import { companionFiles } from "../../../src/companion-files.js";
import { type CompileOptions, compileModelFile } from "../../../src/compile.js";
import { evaluate } from "../../../src/evaluate.js";
import { bundleLayers } from "../../../src/formats/bundle/registry.js";
import { readModel } from "../../../src/formats/index.js";
import { readNpy } from "../../../src/formats/npy.js";
import { batchFromArray } from "../../../src/inputs.js";
import { type FixtureFacts, fixturesOf, testReferences } from "../../support/framework-fixtures.js";

interface Facts extends FixtureFacts {
  readonly layers: readonly string[];
}

const fixtures = fixturesOf<Facts>("bundle");
const { path, read } = fixtures;
const options = (name: string): CompileOptions => ({ companions: companionFiles(path(name)) });

/** Float32 sums in another order, relative to the largest output; a wrong decision changes far more. */
const TOLERANCE = 1e-5;

describe.each(fixtures.models)("%s", (name, facts) => {
  const file = `${name}.json`;
  const graph = readModel(read(file), file, options(file));

  testReferences(graph, fixtures.vectors(name), facts, TOLERANCE);
});

/** Nets whose float layers, if any, have exact sums: the device gives the model's bits. */
test.each([
  "trained",
  "branches",
  "archive",
  "dynamic",
])("the device program of %s gives the model's bits", (name) => {
  const file = `${name}.json`;
  const model = compileModelFile(read(file), file, { ...options(file), input: { type: "f32" } });
  const batch = batchFromArray(model.program, readNpy(read(`${name}.x.npy`)), "x");
  expect(evaluate(model, batch, "both").differing).toBe(0);
});

test("stored integers are given as the manifest has them", () => {
  const file = "fixed_point.json";
  const model = compileModelFile(read(file), file, options(file));
  const x = readNpy(read("fixed_point.x.npy"));
  const stored = { shape: x.shape, dtype: "int8", data: Int8Array.from(x.data, (v) => v - 3) } as const;
  const { floats } = evaluate(model, batchFromArray(model.program, stored, "x"), "both");
  expect([...floats]).toEqual(Array.from(readNpy(read("fixed_point.y.npy")).data));
});

/** Of methods that PyTorch has no layers of: test/methods/planes.test.ts unfolds their definitions. */
const OF_METHODS = ["residual_sign", "bases", "levels"];

/** Of darknet, which no fixture is made with: test/methods/t10-binary-weight-detector.test.ts has them. */
const OF_DARKNET = ["space_to_depth", "region"];

test("between them the fixtures have every type of layers", () => {
  const seen = new Set([...fixtures.models.flatMap(([, f]) => f.layers), ...OF_DARKNET]);
  expect(bundleLayers.map((l) => l.type).filter((t) => !seen.has(t))).toEqual(OF_METHODS);
});
