/** Models that frameworks wrote, with inputs and the outputs that they computed: the folders of test/fixtures. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { ModelGraph } from "../../src/graph/types.js";
import { runModel } from "../../src/reference/model.js";
import { compileModel } from "../../src/reference/model-fast.js";
import { rowsOf } from "./models.js";
import { repoRoot } from "./root.js";

/** What a generator recorded of a model. */
export interface FixtureFacts {
  /** Whether there is one right answer in every bit; otherwise sums of floats may be rounded in another order. */
  readonly exact: boolean;
  readonly input: readonly number[];
  readonly output: readonly number[];
}

/** Inputs of a model, and the framework's outputs. */
export interface Vectors {
  readonly inputs: readonly Float32Array[];
  readonly expected: readonly Float32Array[];
}

export interface Fixtures<Facts> {
  readonly path: (name: string) => string;
  readonly read: (name: string) => Uint8Array;
  readonly vectors: (name: string) => Vectors;
  /** Names of the models and what is known of them. */
  readonly models: readonly (readonly [name: string, facts: Facts])[];
}

/** A folder with its versions.json. */
export function fixturesOf<Facts extends FixtureFacts>(folder: string): Fixtures<Facts> {
  const path = (name: string): string => join(repoRoot, "test/fixtures", folder, name);
  const versions = JSON.parse(readFileSync(path("versions.json"), "utf8")) as {
    readonly fixtures: Readonly<Record<string, Facts>>;
  };
  const read = (name: string): Uint8Array => readFileSync(path(name));
  return {
    path,
    read,
    vectors: (name) => ({ inputs: rowsOf(read(`${name}.x.npy`)), expected: rowsOf(read(`${name}.y.npy`)) }),
    models: Object.entries(versions.fixtures),
  };
}

/** Float32 sums in another order, relative to the largest output; a wrong decision changes far more. */
export const TOLERANCE = 2 ** -18;

export function expectClose(
  outputs: readonly Float32Array[],
  expected: readonly Float32Array[],
  tolerance = TOLERANCE,
): void {
  const largest = Math.max(...expected.flatMap((y) => Array.from(y, Math.abs)));
  const difference = outputs.flatMap((y, i) => Array.from(y, (v, c) => Math.abs(v - expected[i]![c]!)));
  expect(Math.max(...difference) / largest).toBeLessThan(tolerance);
}

/** Declares the tests that a model's references give the framework's outputs. */
export function testReferences(
  graph: ModelGraph,
  { inputs, expected }: Vectors,
  facts: FixtureFacts,
  tolerance = TOLERANCE,
): void {
  test("has the framework's shapes", () => {
    const sizes = (value: string): readonly number[] => graph.values.get(value)!.shape.slice(1);
    expect([inputs.length, ...sizes(graph.inputs[0]!)]).toEqual(facts.input);
    expect([inputs.length, ...sizes(graph.outputs[0]!)]).toEqual(facts.output);
  });

  test(facts.exact ? "gives the framework's outputs in every bit" : "gives the framework's outputs", () => {
    const outputs = inputs.map((x) => runModel(graph, x));
    if (facts.exact) expect(outputs).toEqual(expected);
    else expectClose(outputs, expected, tolerance);
  });

  test("gives the same bits for the whole batch in the fast reference", () => {
    const naive = flat(inputs.map((x) => runModel(graph, x)));
    const fast = compileModel(graph)(flat(inputs));
    expect(Buffer.from(fast.buffer).equals(Buffer.from(naive.buffer))).toBe(true);
  });
}

function flat(rows: readonly Float32Array[]): Float32Array {
  return Float32Array.from(rows.flatMap((r) => [...r]));
}
