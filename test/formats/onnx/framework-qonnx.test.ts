/** Nets of QONNX's and FINN's operators, run by qonnx and ONNX Runtime: see fixtures/onnx-qonnx/versions.json. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { companionFiles } from "../../../src/companion-files.js";
import { readModel } from "../../../src/formats/index.js";
import { lowerGraph } from "../../../src/passes/registry.js";
import { inDeviceOrder, inModelOrder } from "../../../src/program/index.js";
import { compileDevice } from "../../../src/reference/device-fast.js";
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

const folder = join(repoRoot, "test/fixtures/onnx-qonnx");
const file = (name: string): Uint8Array => readFileSync(join(folder, name));
const { fixtures } = JSON.parse(new TextDecoder().decode(file("versions.json"))) as {
  readonly fixtures: Readonly<Record<string, Facts>>;
};

describe.each(Object.entries(fixtures))("%s", (name, facts) => {
  const path = join(folder, `${name}.onnx`);
  const graph = readModel(readFileSync(path), path, { companions: companionFiles(path) });
  const [inputs, expected] = [rowsOf(file(`${name}.x.npy`)), rowsOf(file(`${name}.y.npy`))];
  const outputs = inputs.map((x) => runModel(graph, x));

  test("has the framework's shapes", () => {
    const sizes = (value: string): readonly number[] => graph.values.get(value)!.shape.slice(1);
    expect([inputs.length, ...sizes(graph.inputs[0]!)]).toEqual(facts.input);
    expect([inputs.length, ...sizes(graph.outputs[0]!)]).toEqual(facts.output);
  });

  test("gives the framework's outputs in every bit", () => {
    expect(facts.exact).toBe(true);
    expect(outputs).toEqual(expected);
  });

  test("gives the same bits for the whole batch in the fast reference", () => {
    const flat = (rows: readonly Float32Array[]): Float32Array =>
      Float32Array.from(rows.flatMap((r) => [...r]));
    const fast = compileModel(graph)(flat(inputs));
    expect(Buffer.from(fast.buffer).equals(Buffer.from(flat(outputs).buffer))).toBe(true);
  });

  test("gives the same bits on the device, as integers where the layers are", () => {
    const { program, diagnostics } = lowerGraph(graph, { input: { type: "f32" }, output: "float32" });
    expect(diagnostics.all.filter((d) => d.code === "lowering/float-layer")).toEqual([]);
    const device = compileDevice(program);
    const plain = (values: ArrayLike<number>): number[] => Array.from(values, (v) => (v === 0 ? 0 : v));
    const results = inputs.map((x) => plain(inModelOrder(program, device(inDeviceOrder(program, x)))));
    expect(results).toEqual(expected.map(plain));
  });
});
