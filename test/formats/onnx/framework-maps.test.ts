/** Nets of convolutions made and run by frameworks: see fixtures/onnx-maps/versions.json. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readModel } from "../../../src/formats/index.js";
import { runModel } from "../../../src/reference/model.js";
import { compileModel } from "../../../src/reference/model-fast.js";
import { rowsOf } from "../../support/models.js";
import { repoRoot } from "../../support/root.js";

interface Facts {
  readonly exact: boolean;
  readonly operators: readonly string[];
  readonly input: readonly number[];
  readonly output: readonly number[];
}

const file = (name: string): Uint8Array => readFileSync(join(repoRoot, "test/fixtures/onnx-maps", name));
const { fixtures } = JSON.parse(new TextDecoder().decode(file("versions.json"))) as {
  readonly fixtures: Readonly<Record<string, Facts>>;
};

/** Float32 sums in another order, relative to the largest output; a wrong decision changes far more. */
const TOLERANCE = 2 ** -18;

describe.each(Object.entries(fixtures))("%s", (name, facts) => {
  const graph = readModel(file(`${name}.onnx`), `${name}.onnx`);
  const [inputs, expected] = [rowsOf(file(`${name}.x.npy`)), rowsOf(file(`${name}.y.npy`))];

  test("has the framework's shapes", () => {
    const sizes = (value: string): readonly number[] => graph.values.get(value)!.shape.slice(1);
    expect([inputs.length, ...sizes(graph.inputs[0]!)]).toEqual(facts.input);
    expect([inputs.length, ...sizes(graph.outputs[0]!)]).toEqual(facts.output);
  });

  test(facts.exact ? "gives the framework's outputs in every bit" : "gives the framework's outputs", () => {
    const outputs = inputs.map((x) => runModel(graph, x));
    if (facts.exact) return expect(outputs).toEqual(expected);
    const largest = Math.max(...expected.flatMap((y) => Array.from(y, Math.abs)));
    const difference = outputs.flatMap((y, i) => Array.from(y, (v, c) => Math.abs(v - expected[i]![c]!)));
    expect(Math.max(...difference) / largest).toBeLessThan(TOLERANCE);
  });

  test("gives the same bits for the whole batch in the fast reference", () => {
    const flat = (rows: readonly Float32Array[]): Float32Array =>
      Float32Array.from(rows.flatMap((r) => [...r]));
    const naive = flat(inputs.map((x) => runModel(graph, x)));
    const fast = compileModel(graph)(flat(inputs));
    expect(Buffer.from(fast.buffer).equals(Buffer.from(naive.buffer))).toBe(true);
  });
});

test("between them the fixtures have every operator on maps", () => {
  const seen = new Set(Object.values(fixtures).flatMap((f) => f.operators));
  const wanted =
    "Conv MaxPool AveragePool GlobalAveragePool GlobalMaxPool ReduceMean ReduceMax QuantizeLinear " +
    "DequantizeLinear Add Concat Slice Split Pad Transpose Reshape PRelu LeakyRelu Relu Clip Flatten Gemm MatMul";
  expect(wanted.split(" ").filter((op) => !seen.has(op))).toEqual([]);
});
