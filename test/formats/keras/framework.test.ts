/** Models made and run by Larq, QKeras and Keras: see fixtures/keras/versions.json. */
import { describe, expect, test } from "vitest";
import { compileModelFile } from "../../../src/compile.js";
import { evaluate } from "../../../src/evaluate.js";
import { readModel } from "../../../src/formats/index.js";
import { kerasLayers } from "../../../src/formats/keras/registry.js";
import { readNpy } from "../../../src/formats/npy.js";
import { printGraph } from "../../../src/graph/print.js";
import { batchFromArray } from "../../../src/inputs.js";
import { runModel } from "../../../src/reference/model.js";
import { errorsOf } from "../../support/errors.js";
import {
  expectClose,
  type FixtureFacts,
  fixturesOf,
  testReferences,
} from "../../support/framework-fixtures.js";
import { rowsOf } from "../../support/models.js";

interface Facts extends FixtureFacts {
  readonly file: string;
  readonly layers: readonly string[];
}

const fixtures = fixturesOf<Facts>("keras");
const { read } = fixtures;
const files = new Map(fixtures.models.map(([name, { file }]) => [name, file]));

describe.each(fixtures.models)("%s", (name, facts) => {
  const graph = readModel(read(facts.file), facts.file);

  testReferences(graph, fixtures.vectors(name), facts);
});

/** Nets whose float layers, if any, have exact sums: the device gives the model's bits. */
test.each([
  "bnn",
  "bop",
  "nested",
  "quantized_scope",
  "quantizers",
  "signal",
  "trained",
  "around_signal",
  "zoo_alexnet",
  "qkeras_calls",
  "qkeras_folded",
  "qkeras_means",
  "qkeras_objects",
  "qkeras_trained",
])("the device program of %s gives the model's bits", (name) => {
  const file = files.get(name)!;
  const model = compileModelFile(read(file), file, { input: { type: "f32" } });
  const batch = batchFromArray(model.program, readNpy(read(`${name}.x.npy`)), "x");
  expect(evaluate(model, batch, "both").differing).toBe(0);
});

test("one model in both formats gives the same C, byte for byte", () => {
  const libraries = ["trained.h5", "trained.keras"].map((file) => {
    const { library } = compileModelFile(read(file), file, { name: "net", input: { type: "f32" } });
    return library.files;
  });
  expect(libraries[0]).toEqual(libraries[1]);
});

test("models inside models have the same weights in both formats", () => {
  const texts = ["nested.h5", "nested.keras"].map((file) => {
    const graph = readModel(read(file), file);
    return printGraph({ ...graph, origin: { format: "", version: "", producer: "" } });
  });
  expect(texts[0]).toBe(texts[1]);
  const [inputs, expected] = [rowsOf(read("nested.x.npy")), rowsOf(read("nested.y.npy"))];
  const graph = readModel(read("nested.h5"), "nested.h5");
  expect(inputs.map((x) => runModel(graph, x))).toEqual(expected);
});

test("layers of float sums differ from the model by rounding only", () => {
  for (const name of ["residual", "plain", "zoo_quicknet", "zoo_bireal", "zoo_xnor", "keras3_operations"]) {
    const file = files.get(name)!;
    const model = compileModelFile(read(file), file, { output: "float32", input: { type: "f32" } });
    const batch = batchFromArray(model.program, readNpy(read(`${name}.x.npy`)), "x");
    const { floats } = evaluate(model, batch, "integer");
    expectClose([floats], [Float32Array.from(readNpy(read(`${name}.y.npy`)).data)]);
  }
});

test("between them the fixtures have most layers of the registry", () => {
  const seen = new Set(fixtures.models.flatMap(([, f]) => f.layers));
  const rest = kerasLayers.map((l) => l.layer).filter((l) => !seen.has(l));
  // Those that differ from one that is there in the number of axes, the kind of pool or not at all.
  expect(rest).toEqual(
    "QuantSeparableConv2D ApproxSign SwishSign SteHeaviside DoReFa NoOp QSeparableConv1D Conv1D SeparableConv1D SpatialDropout2D Divide".split(
      " ",
    ),
  );
});

test("a gate is refused where it stands, with what to do", () => {
  const problems = errorsOf(() => readModel(read("refused_real_to_binary.h5"), "m.h5"));
  expect(problems.map((p) => p.message)).toEqual([
    expect.stringMatching(/activation is "sigmoid".*Dense of 1×2/),
  ]);
  expect(problems[0]!.remedy).toMatch(/quantized activation.*train again/);
});

test("Keras 3 writes the same model in both formats", () => {
  const texts = ["keras3_operations.h5", "keras3_operations.keras"].map((file) => {
    const graph = readModel(read(file), file);
    return printGraph({ ...graph, origin: { format: "", version: "", producer: "" } });
  });
  expect(texts[0]).toBe(texts[1]);
});
