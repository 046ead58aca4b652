/** Nets of QONNX's and FINN's operators, run by qonnx and ONNX Runtime: see fixtures/onnx-qonnx/versions.json. */
import { describe, expect, test } from "vitest";
import { companionFiles } from "../../../src/companion-files.js";
import { readModel } from "../../../src/formats/index.js";
import { lowerGraph } from "../../../src/passes/registry.js";
import { inDeviceOrder, inModelOrder } from "../../../src/program/index.js";
import { compileDevice } from "../../../src/reference/device-fast.js";
import { type FixtureFacts, fixturesOf, testReferences } from "../../support/framework-fixtures.js";

interface Facts extends FixtureFacts {
  readonly operators: readonly string[];
}

const fixtures = fixturesOf<Facts>("onnx-qonnx");

describe.each(fixtures.models)("%s", (name, facts) => {
  const path = fixtures.path(`${name}.onnx`);
  const graph = readModel(fixtures.read(`${name}.onnx`), path, { companions: companionFiles(path) });
  const { inputs, expected } = fixtures.vectors(name);

  test("has one right answer in every bit", () => expect(facts.exact).toBe(true));
  testReferences(graph, fixtures.vectors(name), facts);

  test("gives the same bits on the device, as integers where the layers are", () => {
    const { program, diagnostics } = lowerGraph(graph, { input: { type: "f32" }, output: "float32" });
    expect(diagnostics.all.filter((d) => d.code === "lowering/float-layer")).toEqual([]);
    const device = compileDevice(program);
    const plain = (values: ArrayLike<number>): number[] => Array.from(values, (v) => (v === 0 ? 0 : v));
    const results = inputs.map((x) => plain(inModelOrder(program, device(inDeviceOrder(program, x)))));
    expect(results).toEqual(expected.map(plain));
  });
});
