/** Nets with scales of the input or of the position, run by ONNX Runtime: see fixtures/onnx-dynamic/versions.json. */
import { describe, expect, test } from "vitest";
import { readModel } from "../../../src/formats/index.js";
import { lowerGraph } from "../../../src/passes/registry.js";
import { inDeviceOrder, inModelOrder } from "../../../src/program/index.js";
import { compileDevice } from "../../../src/reference/device-fast.js";
import {
  expectClose,
  type FixtureFacts,
  fixturesOf,
  testReferences,
} from "../../support/framework-fixtures.js";

interface Facts extends FixtureFacts {
  readonly operators: readonly string[];
}

const fixtures = fixturesOf<Facts>("onnx-dynamic");

describe.each(fixtures.models)("%s", (name, facts) => {
  const graph = readModel(fixtures.read(`${name}.onnx`), `${name}.onnx`);
  const vectors = fixtures.vectors(name);

  testReferences(graph, vectors, facts);

  test("the device program gives the framework's outputs", () => {
    const { program } = lowerGraph(graph, { input: { type: "f32" }, output: "float32" });
    const device = compileDevice(program);
    const outputs = vectors.inputs.map(
      (x) => inModelOrder(program, device(inDeviceOrder(program, x))) as Float32Array,
    );
    if (facts.exact) expect(outputs).toEqual(vectors.expected);
    else expectClose(outputs, vectors.expected);
  });
});

test("between them the fixtures have every operator that depends on the input", () => {
  const seen = new Set(fixtures.models.flatMap(([, f]) => f.operators));
  expect(["Abs", "ReduceMean", "Mul", "Sub", "AveragePool", "Conv"].filter((op) => !seen.has(op))).toEqual(
    [],
  );
});
