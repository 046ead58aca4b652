/** Nets in PyTorch, as bundles: see fixtures/bundle/versions.json. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { companionFiles } from "../../../src/companion-files.js";
import { type CompileOptions, compileModelFile } from "../../../src/compile.js";
import { evaluate } from "../../../src/evaluate.js";
import { bundleLayers } from "../../../src/formats/bundle/registry.js";
import { readModel } from "../../../src/formats/index.js";
import { readNpy } from "../../../src/formats/npy.js";
import { batchFromArray } from "../../../src/inputs.js";
import { runModel } from "../../../src/reference/model.js";
import { compileModel } from "../../../src/reference/model-fast.js";
import { rowsOf } from "../../support/models.js";
import { repoRoot } from "../../support/root.js";

interface Facts {
  readonly exact: boolean;
  readonly layers: readonly string[];
  readonly input: readonly number[];
  readonly output: readonly number[];
}

const path = (name: string): string => join(repoRoot, "test/fixtures/bundle", name);
const read = (name: string): Uint8Array => readFileSync(path(name));
const options = (name: string): CompileOptions => ({ companions: companionFiles(path(name)) });
const { fixtures } = JSON.parse(new TextDecoder().decode(read("versions.json"))) as {
  readonly fixtures: Readonly<Record<string, Facts>>;
};

/** Float32 sums in another order, relative to the largest output; a wrong decision changes far more. */
const TOLERANCE = 1e-5;

describe.each(Object.entries(fixtures))("%s", (name, facts) => {
  const file = `${name}.json`;
  const graph = readModel(read(file), file, options(file));
  const [inputs, expected] = [rowsOf(read(`${name}.x.npy`)), rowsOf(read(`${name}.y.npy`))];

  test("has the framework's shapes", () => {
    const sizes = (value: string): readonly number[] => graph.values.get(value)!.shape.slice(1);
    expect([inputs.length, ...sizes(graph.inputs[0]!)]).toEqual(facts.input);
    expect([inputs.length, ...sizes(graph.outputs[0]!)]).toEqual(facts.output);
  });

  test(facts.exact ? "gives PyTorch's outputs in every bit" : "gives PyTorch's outputs", () => {
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

/** Nets whose float layers, if any, have exact sums: the device gives the model's bits. */
test.each(["trained", "branches", "archive"])("the device program of %s gives the model's bits", (name) => {
  const file = `${name}.json`;
  const model = compileModelFile(read(file), file, { ...options(file), input: { type: "f32" } });
  const batch = batchFromArray(model.program, readNpy(read(`${name}.x.npy`)), "x");
  expect(evaluate(model, batch, "both").differing).toBe(0);
});

test("stored integers are given as the manifest has them", () => {
  const file = "fixed_point.json";
  const model = compileModelFile(read(file), file, options(file));
  const x = readNpy(read("fixed_point.x.npy"));
  const stored = { shape: x.shape, dtype: "int8", data: Int8Array.from(x.data, (v) => v - 3) } as const;
  const { floats } = evaluate(model, batchFromArray(model.program, stored, "x"), "both");
  expect([...floats]).toEqual(Array.from(readNpy(read("fixed_point.y.npy")).data));
});

test("between them the fixtures have every type of layers", () => {
  const seen = new Set(Object.values(fixtures).flatMap((f) => f.layers));
  expect(bundleLayers.map((l) => l.type).filter((t) => !seen.has(t))).toEqual([]);
});
