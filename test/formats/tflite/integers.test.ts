/** int8 operators one by one, with what Larq Compute Engine's interpreter makes of them: fixtures/tflite/operators.json.gz. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { readModel } from "../../../src/formats/index.js";
import { verifyGraph } from "../../../src/graph/index.js";
import { runModel } from "../../../src/reference/model.js";
import { compileModel } from "../../../src/reference/model-fast.js";
import { repoRoot } from "../../support/root.js";

interface Case {
  readonly name: string;
  /** Base64. */
  readonly model: string;
  readonly x: readonly number[];
  readonly y: readonly number[];
}

const packed = readFileSync(join(repoRoot, "test/fixtures/tflite/operators.json.gz"));
const { cases } = JSON.parse(gunzipSync(packed).toString()) as { readonly cases: readonly Case[] };

describe.each(cases)("$name", ({ name, model, x, y }) => {
  const graph = readModel(Buffer.from(model, "base64"), name);
  const zero = graph.values.get(graph.inputs[0]!)!.stored?.zero ?? 0;
  const input = Float32Array.from(x, (v) => v - zero);

  test("gives the interpreter's output in every bit", () => {
    verifyGraph(graph);
    expect(Array.from(runModel(graph, input), (v) => v + 0)).toEqual(y.map((v) => v + 0));
  });

  test("gives the same bits for a batch in the fast reference", () => {
    const twice = compileModel(graph)(Float32Array.from([...input, ...input]));
    const once = runModel(graph, input);
    expect([...twice]).toEqual([...once, ...once]);
  });
});
