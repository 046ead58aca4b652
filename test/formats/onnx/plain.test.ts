/**
 * Nets whose quantizers are plain PyTorch or Larq code, exported and run by frameworks: see plain.py and plain_larq.py in
 * fixtures/generate.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type CompileOptions, compileModelFile } from "../../../src/compile.js";
import { evaluate } from "../../../src/evaluate.js";
import { readModel } from "../../../src/formats/index.js";
import { readNpy } from "../../../src/formats/npy.js";
import type { SignOfZero } from "../../../src/formats/onnx/node.js";
import { batchFromArray } from "../../../src/inputs.js";
import { traceModel } from "../../../src/reference/model.js";
import { errorsOf } from "../../support/errors.js";
import { repoRoot } from "../../support/root.js";

interface Facts {
  readonly opset: number;
  readonly exporter: string;
  readonly operators: readonly string[];
  readonly signOfZero?: SignOfZero;
}

const file = (name: string): Uint8Array => readFileSync(join(repoRoot, "test/fixtures", name));
const numbers = (name: string): Float32Array => Float32Array.from(readNpy(file(name)).data);
const fixtures = ["onnx-plain", "onnx-tf2onnx"].flatMap((folder) => {
  const versions = JSON.parse(new TextDecoder().decode(file(`${folder}/versions.json`))) as {
    readonly fixtures: Readonly<Record<string, Facts>>;
  };
  return Object.entries(versions.fixtures).map(([name, facts]) => [`${folder}/${name}`, facts] as const);
});

/** Float32 sums in another order, relative to the largest output; a wrong decision changes far more. */
const TOLERANCE = 2 ** -18;

function compiled(name: string, signOfZero?: SignOfZero): ReturnType<typeof compileModelFile> {
  const options: CompileOptions = {
    input: { type: "u8", affine: { numerator: 1, denominator: 256, zero: 0 } },
    ...(signOfZero === undefined ? {} : { signOfZero }),
  };
  return compileModelFile(file(`${name}.onnx`), `${name}.onnx`, options);
}

describe.each(fixtures)("%s", (name, facts) => {
  const model = compiled(name, facts.signOfZero);
  const batch = batchFromArray(model.program, readNpy(file(`${name}.x.npy`)), name);
  const expected = numbers(`${name}.y.npy`);

  test.each(["integer", "float"] as const)("the %s reference gives the framework's outputs", (which) => {
    const { floats } = evaluate(model, batch, which);
    expect(floats).toHaveLength(expected.length);
    const largest = expected.reduce((most, y) => Math.max(most, Math.abs(y)), 0);
    const furthest = floats.reduce((most, y, i) => Math.max(most, Math.abs(y - expected[i]!)), 0);
    expect(furthest / largest).toBeLessThan(TOLERANCE);
  });

  test("becomes an integer program with one threshold behind each hidden layer", () => {
    // Larq's pads of +1 stand in front of a transpose, and stay.
    const kinds = model.program.instructions.map((i) => i.kind).filter((kind) => kind !== "pad");
    expect(kinds).toEqual(["conv", "threshold", "pool", "conv", "threshold", "conv"]);
    expect(model.diagnostics.map((d) => d.code)).not.toContain("lowering/float-layer");
  });
});

test("nets that need the sign of 0 say so", () => {
  const needing = fixtures.filter(([, f]) => f.signOfZero !== undefined);
  expect(needing.length).toBeGreaterThan(0);
  for (const [name, { operators }] of needing) {
    expect(operators).toContain("Sign");
    const [first, ...rest] = errorsOf(() => compiled(name));
    expect(rest).toEqual([]);
    expect(first!.where).toMatch(/Sign/);
    expect(first!.remedy).toMatch(/--sign-of-zero \+1 or -1/);
  }
});

test("the fixtures are of all exporters, of old and new opsets, and have every operator of such code", () => {
  const facts = fixtures.map(([, f]) => f);
  expect(new Set(facts.map((f) => f.exporter))).toEqual(new Set(["TorchScript", "dynamo", "tf2onnx"]));
  expect(Math.min(...facts.map((f) => f.opset))).toBe(9);
  expect(Math.max(...facts.map((f) => f.opset))).toBe(23);
  const seen = new Set(facts.flatMap((f) => f.operators));
  const wanted =
    "Sign Where Greater GreaterOrEqual Less Not Cast Round Clip Min Tanh Abs ReduceMean ReduceSum ReduceMax Sub Neg";
  expect(wanted.split(" ").filter((op) => !seen.has(op))).toEqual([]);
});

test("small functions equal ONNX Runtime on both sides of every tie, in every bit but the sign of 0", () => {
  const graph = readModel(file("onnx-plain/idioms.onnx"), "idioms.onnx", { signOfZero: 0 });
  const [x, y] = [numbers("onnx-plain/idioms.x.npy"), numbers("onnx-plain/idioms.y.npy")];
  const values = traceModel(graph, x);
  expect(graph.outputs.length * x.length).toBe(y.length);
  graph.outputs.forEach((output, k) => {
    const given = Array.from(values.get(output)!, (v, i) => [output, x[i], v + 0]);
    const wanted = Array.from(y.subarray(k * x.length, (k + 1) * x.length), (v, i) => [output, x[i], v + 0]);
    expect(given).toEqual(wanted);
  });
});
