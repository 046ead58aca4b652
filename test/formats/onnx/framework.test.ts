/** Models made and run by frameworks (QONNX, ONNX Runtime, Brevitas on PyTorch): see fixtures/onnx/versions.json. */
import { describe, expect, it } from "vitest";
import { readModel } from "../../../src/formats/index.js";
import { readNpy } from "../../../src/formats/npy.js";
import { runModel } from "../../../src/reference/model.js";
import { compileModel } from "../../../src/reference/model-fast.js";
import { fixture } from "./support/fixtures.js";

interface Fixture {
  readonly note: string;
  readonly output_type: string;
  readonly inputs_nearer_than_margin: number;
  readonly inputs_where_float64_decides_otherwise: number;
}

const versions = JSON.parse(fixture("onnx/versions.json").toString()) as {
  readonly fixtures: Readonly<Record<string, Fixture>>;
};

/**
 * Outputs differ by the order of float32 sums only: a wrong decision would change them by a quantizer step,
 * thousands of times more. Relative to the largest output.
 */
const TOLERANCE = 2 ** -20;
/** Where every sum is exact in float32 the outputs are equal in every bit. */
const exact = ["exact_ties", "bipolar_scaled"];

describe.each(Object.entries(versions.fixtures))("%s", (name, about) => {
  const graph = readModel(fixture(`onnx/${name}.onnx`), `${name}.onnx`);
  const x = readNpy(fixture(`onnx/${name}.x.npy`));
  const y = readNpy(fixture(`onnx/${name}.y.npy`));
  const count = x.shape[0]!;
  const inputs = Float32Array.from(x.data);
  const size = inputs.length / count;
  const outputs = Array.from({ length: count }, (_, i) =>
    runModel(graph, inputs.subarray(i * size, (i + 1) * size)),
  );
  const width = y.data.length / count;
  const expected = (i: number): number[] => Array.from(y.data.subarray(i * width, (i + 1) * width));
  const largest = Array.from(y.data).reduce((a, v) => Math.max(a, Math.abs(v)), 0);
  const isClose = (i: number): boolean =>
    expected(i).every((v, c) => Math.abs(v - outputs[i]![c]!) <= largest * TOLERANCE);

  it(`gives the framework's outputs: ${about.note}`, () => {
    const different = outputs.flatMap((_, i) => (isClose(i) ? [] : [i]));
    // Ties that float32 sums decide one way or the other: the fixture says on how many inputs.
    expect(different.length).toBeLessThanOrEqual(about.inputs_where_float64_decides_otherwise);
    if (about.output_type === "int64")
      expect(outputs.map((o) => [...o])).toEqual(outputs.map((_, i) => expected(i)));
  });

  if (exact.includes(name)) {
    it("gives them bit for bit, signs of zeros included", () => {
      expect(outputs.map((o) => [...o])).toEqual(outputs.map((_, i) => expected(i)));
    });
  }

  it("the fast reference gives the same bits for the whole batch", () => {
    const all = compileModel(graph)(inputs);
    const naive = Float32Array.from(outputs.flatMap((o) => [...o]));
    expect(Buffer.from(all.buffer).equals(Buffer.from(naive.buffer))).toBe(true);
  });
});
