/** Nets of Larq, converted and run by Larq Compute Engine: see fixtures/tflite/versions.json. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { compileModelFile } from "../../../src/compile.js";
import { hostEmulator } from "../../../src/emulators/index.js";
import { evaluate } from "../../../src/evaluate.js";
import { readModel } from "../../../src/formats/index.js";
import { readNpy } from "../../../src/formats/npy.js";
import { findTfliteOp } from "../../../src/formats/tflite/registry.js";
import { printGraph } from "../../../src/graph/print.js";
import { batchFromArray } from "../../../src/inputs.js";
import { runModel } from "../../../src/reference/model.js";
import { compileModel } from "../../../src/reference/model-fast.js";
import { findBoard } from "../../../src/targets/index.js";
import { verifyModel } from "../../../src/verify.js";
import { rowsOf } from "../../support/models.js";
import { repoRoot } from "../../support/root.js";

interface Facts {
  readonly exact: boolean;
  readonly operators: readonly string[];
  readonly input: readonly number[];
  readonly output: readonly number[];
}

const file = (name: string): Uint8Array => readFileSync(join(repoRoot, "test/fixtures/tflite", name));
const { fixtures } = JSON.parse(new TextDecoder().decode(file("versions.json"))) as {
  readonly fixtures: Readonly<Record<string, Facts>>;
};

/** Float32 sums in another order, relative to the largest output; a wrong decision changes far more. */
const TOLERANCE = 2 ** -18;

describe.each(Object.entries(fixtures))("%s", (name, facts) => {
  const bytes = file(`${name}.tflite`);
  const graph = readModel(bytes, `${name}.tflite`);
  const zero = graph.values.get(graph.inputs[0]!)!.stored?.zero ?? 0;
  const inputs = rowsOf(file(`${name}.x.npy`)).map((row) => row.map((x) => x - zero));
  const expected = rowsOf(file(`${name}.y.npy`));

  const isClose = (outputs: readonly Float32Array[]): void => {
    const largest = Math.max(...expected.flatMap((y) => Array.from(y, Math.abs)));
    const difference = outputs.flatMap((y, i) => Array.from(y, (v, c) => Math.abs(v - expected[i]![c]!)));
    expect(Math.max(...difference) / largest).toBeLessThan(TOLERANCE);
    expect(outputs.map(greatest)).toEqual(expected.map(greatest));
  };

  test("has the interpreter's shapes", () => {
    const sizes = (value: string): readonly number[] => graph.values.get(value)!.shape.slice(1);
    expect([inputs.length, ...sizes(graph.inputs[0]!)]).toEqual(facts.input);
    expect([inputs.length, ...sizes(graph.outputs[0]!)]).toEqual(facts.output);
  });

  test(
    facts.exact ? "gives the interpreter's outputs in every bit" : "gives the interpreter's outputs",
    () => {
      const outputs = inputs.map((x) => runModel(graph, x));
      if (facts.exact) expect(outputs).toEqual(expected);
      else isClose(outputs);
    },
  );

  test("gives the same bits for the whole batch in the fast reference", () => {
    const flat = (rows: readonly Float32Array[]): Float32Array =>
      Float32Array.from(rows.flatMap((r) => [...r]));
    const naive = flat(inputs.map((x) => runModel(graph, x)));
    const fast = compileModel(graph)(flat(inputs));
    expect(Buffer.from(fast.buffer).equals(Buffer.from(naive.buffer))).toBe(true);
  });

  const { model, batch } = compiled(name, bytes);

  test("gives them on the device", () => {
    const result = evaluate(model, batch, "both");
    const size = result.floats.length / batch.count;
    const floats = evaluate(model, batch, "integer").floats;
    const rows = expected.map((_, i) => floats.slice(i * size, (i + 1) * size));
    if (facts.exact) expect(rows).toEqual(expected);
    else if (!model.program.output.omitted.includes("softmax")) isClose(rows);
    else expect(rows.map(greatest)).toEqual(expected.map(greatest));
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
  const seen = new Set(Object.values(fixtures).flatMap((f) => f.operators));
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
