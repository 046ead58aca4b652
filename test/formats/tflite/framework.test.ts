/** Nets of Larq, converted and run by Larq Compute Engine: see fixtures/tflite/versions.json. */
import { describe, expect, test } from "vitest";
import { compileModelFile } from "../../../src/compile.js";
import { hostEmulator } from "../../../src/emulators/index.js";
import { evaluate } from "../../../src/evaluate.js";
import { readModel } from "../../../src/formats/index.js";
import { readNpy } from "../../../src/formats/npy.js";
import { findTfliteOp } from "../../../src/formats/tflite/registry.js";
import { printGraph } from "../../../src/graph/print.js";
import { batchFromArray } from "../../../src/inputs.js";
import { findBoard } from "../../../src/targets/index.js";
import { verifyModel } from "../../../src/verify.js";
import {
  expectClose,
  type FixtureFacts,
  fixturesOf,
  testReferences,
} from "../../support/framework-fixtures.js";

interface Facts extends FixtureFacts {
  readonly operators: readonly string[];
}

const fixtures = fixturesOf<Facts>("tflite");
const file = fixtures.read;

describe.each(fixtures.models)("%s", (name, facts) => {
  const bytes = file(`${name}.tflite`);
  const graph = readModel(bytes, `${name}.tflite`);
  const zero = graph.values.get(graph.inputs[0]!)!.stored?.zero ?? 0;
  const { inputs, expected } = fixtures.vectors(name);

  testReferences(graph, { inputs: inputs.map((row) => row.map((x) => x - zero)), expected }, facts);

  const { model, batch } = compiled(name, bytes);

  test("gives them on the device", () => {
    const result = evaluate(model, batch, "both");
    const size = result.floats.length / batch.count;
    const floats = evaluate(model, batch, "integer").floats;
    const rows = expected.map((_, i) => floats.slice(i * size, (i + 1) * size));
    if (model.program.output.omitted.includes("softmax"))
      expect(rows.map(greatest)).toEqual(expected.map(greatest));
    else if (facts.exact) expect(rows).toEqual(expected);
    else {
      expectClose(rows, expected);
      expect(rows.map(greatest)).toEqual(expected.map(greatest));
    }
    expect(result.differing > 0 && facts.exact).toBe(false);
  });

  test("gives them in C on this machine, every tensor of it", async () => {
    const some = { ...batch, count: Math.min(batch.count, 4) };
    const result = await verifyModel(model, some, { emulator: hostEmulator, board: findBoard("microbit") });
    expect(result.builds.flatMap((b) => b.problems)).toEqual([]);
    expect(result.builds.map((b) => [b.vectors, b.failedVectors, b.differingBits])).toEqual([
      [some.count, 0, 0],
      [some.count, 0, 0],
    ]);
    expect(result.passed).toBe(true);
  });
});

function compiled(name: string, bytes: Uint8Array) {
  const array = readNpy(file(`${name}.x.npy`));
  const isFloat = array.data instanceof Float32Array;
  const model = compileModelFile(bytes, `${name}.tflite`, isFloat ? { input: { type: "f32" } } : {});
  return { model, batch: batchFromArray(model.program, array, name) };
}

function greatest(row: Float32Array): number {
  return row.indexOf(Math.max(...row));
}

test("between them the fixtures have the engine's operators and the usual ones around them", () => {
  const seen = new Set(fixtures.models.flatMap(([, f]) => f.operators));
  const wanted =
    "LceQuantize LceDequantize LceBconv2d LceBMaxPool2d CONV_2D DEPTHWISE_CONV_2D FULLY_CONNECTED ADD SUB MUL " +
    "MAX_POOL_2D AVERAGE_POOL_2D MEAN PAD PADV2 RESHAPE CONCATENATION SOFTMAX QUANTIZE DEQUANTIZE STRIDED_SLICE " +
    "SLICE RELU6 PRELU LEAKY_RELU TRANSPOSE MINIMUM MAXIMUM ARG_MAX";
  expect(wanted.split(" ").filter((op) => !seen.has(op))).toEqual([]);
  expect([...seen].filter((op) => findTfliteOp(op, op.startsWith("Lce")) === undefined)).toEqual([]);
});

test("a net prints with the engine's conventions as attributes of the graph", () => {
  const lines = printGraph(readModel(file("groups.tflite"), "groups.tflite")).split("\n");
  expect(lines[0]).toBe("groups.tflite (TFLite with Larq Compute Engine, schema 3, by MLIR Converted)");
  expect(lines.map((line) => line.replace(/^.*(conv|quantize) /, "$1 "))).toEqual(
    expect.arrayContaining([
      "quantize to 1 bit ±1, scale 1, sign(0) = +1",
      "conv 24×32×3×3, pads 1, 2 groups, padding 1, weights 1 bit ±1, scale 1",
      "conv 12×32×2×3, 2 groups, weights 1 bit ±1, scale 1",
    ]),
  );
});
