/** Nets of convolutions made and run by frameworks: see fixtures/onnx-maps/versions.json. */
import { describe, expect, test } from "vitest";
import { readModel } from "../../../src/formats/index.js";
import { type FixtureFacts, fixturesOf, testReferences } from "../../support/framework-fixtures.js";

interface Facts extends FixtureFacts {
  readonly operators: readonly string[];
}

const fixtures = fixturesOf<Facts>("onnx-maps");

describe.each(fixtures.models)("%s", (name, facts) => {
  const graph = readModel(fixtures.read(`${name}.onnx`), `${name}.onnx`);

  testReferences(graph, fixtures.vectors(name), facts);
});

test("between them the fixtures have every operator on maps", () => {
  const seen = new Set(fixtures.models.flatMap(([, f]) => f.operators));
  const wanted =
    "Conv MaxPool AveragePool GlobalAveragePool GlobalMaxPool ReduceMean ReduceMax QuantizeLinear " +
    "DequantizeLinear Add Concat Slice Split Pad Transpose Reshape PRelu LeakyRelu Relu Clip Flatten Gemm MatMul";
  expect(wanted.split(" ").filter((op) => !seen.has(op))).toEqual([]);
});
