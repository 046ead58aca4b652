/** Models made and run by frameworks (QONNX, ONNX Runtime, Brevitas on PyTorch): see fixtures/onnx/versions.json. */
import { describe, expect, test } from "vitest";
import { readModel } from "../../../src/formats/index.js";
import type { ModelGraph } from "../../../src/graph/types.js";
import { lowerGraph } from "../../../src/passes/registry.js";
import { runDevice, traceDevice } from "../../../src/reference/device.js";
import { runModel } from "../../../src/reference/model.js";
import { compileModel } from "../../../src/reference/model-fast.js";
import { onnxFixture, rowsOf } from "../../support/models.js";

interface Facts {
  readonly input: readonly number[];
  readonly output_type: string;
  readonly inputs_nearer_than_margin: number;
  readonly inputs_where_float64_decides_otherwise: number;
}
const versions = JSON.parse(new TextDecoder().decode(onnxFixture("versions.json"))) as {
  readonly fixtures: Readonly<Record<string, Facts>>;
};
const all = Object.entries(versions.fixtures);
const clear = all.filter(([, facts]) => facts.inputs_nearer_than_margin === 0).map(([name]) => name);
const device = { input: { type: "f32" }, output: "float32" } as const;

function load(name: string): { graph: ModelGraph; inputs: Float32Array[]; expected: Float32Array[] } {
  return {
    graph: readModel(onnxFixture(`${name}.onnx`), `${name}.onnx`),
    inputs: rowsOf(onnxFixture(`${name}.x.npy`)),
    expected: rowsOf(onnxFixture(`${name}.y.npy`)),
  };
}

/** Largest difference, as a part of the largest output. */
function relative(actual: ArrayLike<number>, expected: Float32Array): number {
  const size = Math.max(...expected.map(Math.abs), Number.MIN_VALUE);
  return Math.max(...expected.map((y, i) => Math.abs(y - actual[i]!))) / size;
}

function greatest(values: ArrayLike<number>): number {
  const list = Array.from(values);
  return list.length === 1 ? list[0]! : list.indexOf(Math.max(...list));
}

/** A graph in two: all but its last node, and that node alone. */
function splitLast(graph: ModelGraph): [ModelGraph, ModelGraph] {
  const last = graph.nodes.at(-1)!;
  return [
    { ...graph, nodes: graph.nodes.slice(0, -1), outputs: last.inputs },
    { ...graph, nodes: [last], inputs: last.inputs },
  ];
}

test("the fixtures are those of versions.json, all but two far from ties", () => {
  expect(all).toHaveLength(11);
  expect(all.map(([name]) => name).filter((name) => !clear.includes(name))).toEqual([
    "exact_ties",
    "near_tie",
  ]);
});

/**
 * Outputs differ by the order of float32 sums only: a wrong decision would change them by a quantizer step,
 * thousands of times more. Relative to the largest output.
 */
const TOLERANCE = 2 ** -20;

describe.each(all)("%s in the model reference", (name, facts) => {
  const { graph, inputs, expected } = load(name);
  const outputs = inputs.map((x) => runModel(graph, x));
  const largest = Math.max(...expected.flatMap((y) => Array.from(y, Math.abs)));
  const isClose = (y: Float32Array, i: number): boolean =>
    y.length === expected[i]!.length &&
    y.every((v, c) => Math.abs(v - expected[i]![c]!) <= largest * TOLERANCE);

  test("gives the framework's outputs", () => {
    // Ties that float32 sums decide one way or the other: the fixture says on how many inputs.
    const different = outputs.filter((y, i) => !isClose(y, i));
    expect(different.length).toBeLessThanOrEqual(facts.inputs_where_float64_decides_otherwise);
    // Scales that are powers of two make every sum exact: equal in every bit, signs of zeros included.
    if (facts.output_type === "int64" || ["exact_ties", "bipolar_scaled"].includes(name))
      expect(outputs).toEqual(expected);
    if (!clear.includes(name)) return;
    for (const [i, y] of outputs.entries()) {
      expect(relative(y, expected[i]!), `input ${i}`).toBeLessThan(1e-5);
      expect(greatest(y), `input ${i}`).toBe(greatest(expected[i]!));
    }
  });

  test("gives the same bits for the whole batch in its fast form", () => {
    const flat = (rows: Float32Array[]): Float32Array => Float32Array.from(rows.flatMap((row) => [...row]));
    const batch = compileModel(graph)(flat(inputs));
    expect(Buffer.from(batch.buffer).equals(Buffer.from(flat(outputs).buffer))).toBe(true);
  });
});

describe.each(clear)("%s", (name) => {
  const { graph, inputs, expected } = load(name);

  test("has the framework's shapes and type", () => {
    const facts = versions.fixtures[name]!;
    const { shape } = graph.values.get(graph.inputs[0]!)!;
    expect([inputs.length, ...shape.slice(1)]).toEqual(facts.input);
    expect(graph.values.get(graph.outputs[0]!)!.dtype).toBe(facts.output_type);
  });

  test("the device program computes the framework's outputs", () => {
    const { program, diagnostics } = lowerGraph(graph, device);
    expect(diagnostics.all).toEqual([]);
    for (const [i, x] of inputs.entries()) {
      const y = runDevice(program, x);
      expect(y).toHaveLength(expected[i]!.length);
      expect(relative(y, expected[i]!), `input ${i}`).toBeLessThan(1e-5);
      expect(greatest(y), `input ${i}`).toBe(greatest(expected[i]!));
    }
  });
});

/**
 * docs/NUMERICS.md: scales that are powers of two make every float32 sum exact, whatever its order, so that
 * even ties have one right answer (halves to even, the sign of 0 is +1).
 */
describe("exact_ties", () => {
  const { graph, inputs, expected } = load("exact_ties");
  const [body, quantizer] = splitLast(graph);

  test("the device program equals the framework in every bit, and no decision is reported", () => {
    const { program, diagnostics } = lowerGraph(body, device);
    expect(diagnostics.all).toEqual([]);
    const actual = inputs.map((x) => runModel(quantizer, runDevice(program, x) as Float32Array));
    expect(actual).toEqual(expected);
  });
});

/**
 * docs/NUMERICS.md: a dense layer is the exact integer sum; a decision nearer to a reachable sum than the
 * rounding error of a float32 sum depends on the framework's order of summation and is reported.
 */
describe("near_tie", () => {
  const { graph, inputs, expected } = load("near_tie");
  const [body] = splitLast(graph);

  test("the compiler reports the decisions that the framework's order of summation makes", () => {
    const { diagnostics } = lowerGraph(body, device);
    const ties = diagnostics.all.filter((d) => d.code === "lowering/near-tie");
    expect(ties.map((d) => d.severity)).toEqual(["note", "note"]);
    expect(ties.every((d) => (d.where ?? "") !== "")).toBe(true);
  });

  test("a first layer's inputs are decided as the framework decides them: no sum comes before", () => {
    // The input quantizer has the scale 0.137: float32 division, then rounding, is all there is to it.
    const first = graph.nodes.findIndex((n) => n.op.kind === "dense");
    const { program } = lowerGraph(body, device);
    const codes = program.instructions.find((i) => i.kind === "threshold")!;
    expect(graph.nodes.slice(0, first).map((n) => n.op.kind)).toContain("quantize");
    expect(codes.input).toBe(program.input.tensor);
  });

  test("the device decides the first hidden layer by the exact integer sum, in the order of NUMERICS", () => {
    const dense = graph.nodes.find((n) => n.op.kind === "dense")!.op;
    if (dense.kind !== "dense") throw new Error("not dense");
    const weights = dense.weights.quantized!.codes;
    const f = Math.fround;
    const halfEven = (x: number): number => {
      const low = Math.floor(x);
      if (x - low === 0.5) return low % 2 === 0 ? low : low + 1;
      return Math.round(x);
    };
    const clamp = (low: number, x: number, high: number): number => Math.min(high, Math.max(low, x));
    const { program } = lowerGraph(body, device);
    const [, hidden] = program.instructions.filter((i) => i.kind === "threshold");
    for (const x of inputs) {
      // The scales are those of generate.py: 0.1 in, 0.137 for the weights, 0.0274 out.
      const codes = Array.from(x, (v) => halfEven(clamp(-3, f(v / f(0.1)), 3)));
      const expected = Array.from({ length: 14 }, (_, n) => {
        const sum = codes.reduce((s, v, k) => s + v * weights[k * 14 + n]!, 0);
        return halfEven(clamp(-8, f(f(sum * f(f(0.137) * f(0.1))) / f(0.0274)), 7)) + 8;
      });
      expect(Array.from(traceDevice(program, x)[hidden!.output]!)).toEqual(expected);
    }
  });

  test("most outputs are the framework's all the same", () => {
    const same = inputs.filter((x, i) => relative(runModel(graph, x), expected[i]!) < 1e-5).length;
    expect(same).toBeGreaterThan(inputs.length / 2);
  });
});
