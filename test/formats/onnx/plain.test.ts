/** Nets whose quantizers are plain PyTorch code, exported and run by frameworks: see fixtures/generate/plain.py. */
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

const file = (name: string): Uint8Array => readFileSync(join(repoRoot, "test/fixtures/onnx-plain", name));
const numbers = (name: string): Float32Array => Float32Array.from(readNpy(file(name)).data);
const { fixtures } = JSON.parse(new TextDecoder().decode(file("versions.json"))) as {
  readonly fixtures: Readonly<Record<string, Facts>>;
};

/** Float32 sums in another order, relative to the largest output; a wrong decision changes far more. */
const TOLERANCE = 2 ** -18;

function compiled(name: string, signOfZero?: SignOfZero): ReturnType<typeof compileModelFile> {
  const options: CompileOptions = {
    input: { type: "u8", affine: { numerator: 1, denominator: 256, zero: 0 } },
    ...(signOfZero === undefined ? {} : { signOfZero }),
  };
  return compileModelFile(file(`${name}.onnx`), `${name}.onnx`, options);
}

describe.each(Object.entries(fixtures))("%s", (name, facts) => {
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
    const kinds = model.program.instructions.map((i) => i.kind);
    expect(kinds).toEqual(["conv", "threshold", "pool", "conv", "threshold", "conv"]);
    expect(model.diagnostics.map((d) => d.code)).not.toContain("lowering/float-layer");
  });
});

test("nets that need the sign of 0 say so", () => {
  const needing = Object.entries(fixtures).filter(([, f]) => f.signOfZero !== undefined);
  expect(needing.length).toBeGreaterThan(0);
  for (const [name, { operators }] of needing) {
    expect(operators).toContain("Sign");
    const [first, ...rest] = errorsOf(() => compiled(name));
    expect(rest).toEqual([]);
    expect(first!.where).toMatch(/Sign/);
    expect(first!.remedy).toMatch(/--sign-of-zero \+1 or -1/);
  }
});

test("the fixtures are of both exporters, of old and new opsets, and have every operator of such code", () => {
  const facts = Object.values(fixtures);
  expect(new Set(facts.map((f) => f.exporter))).toEqual(new Set(["TorchScript", "dynamo"]));
  expect(Math.min(...facts.map((f) => f.opset))).toBe(9);
  expect(Math.max(...facts.map((f) => f.opset))).toBe(23);
  const seen = new Set(facts.flatMap((f) => f.operators));
  const wanted =
    "Sign Where Greater GreaterOrEqual Less Not Cast Round Clip Min Tanh Abs ReduceMean ReduceSum ReduceMax Sub Neg";
  expect(wanted.split(" ").filter((op) => !seen.has(op))).toEqual([]);
});

test("small functions equal ONNX Runtime on both sides of every tie, in every bit but the sign of 0", () => {
  const graph = readModel(file("idioms.onnx"), "idioms.onnx", { signOfZero: 0 });
  const [x, y] = [numbers("idioms.x.npy"), numbers("idioms.y.npy")];
  const values = traceModel(graph, x);
  expect(graph.outputs.length * x.length).toBe(y.length);
  graph.outputs.forEach((output, k) => {
    const given = Array.from(values.get(output)!, (v, i) => [output, x[i], v + 0]);
    const wanted = Array.from(y.subarray(k * x.length, (k + 1) * x.length), (v, i) => [output, x[i], v + 0]);
    expect(given).toEqual(wanted);
  });
});
