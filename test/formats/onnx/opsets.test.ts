/** The versions of ONNX's operators: one net in the words of each, and what changed its meaning. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readModel } from "../../../src/formats/index.js";
import { runModel } from "../../../src/reference/model.js";
import { rowsOf } from "../../support/models.js";
import {
  encode,
  type FileSpec,
  modelInit,
  node,
  problemOf,
  run,
  scalar,
  type TensorInit,
} from "../../support/onnx.js";
import { repoRoot } from "../../support/root.js";

const file = (name: string): Uint8Array => readFileSync(join(repoRoot, "test/fixtures/onnx-qonnx", name));
const { opsets } = JSON.parse(new TextDecoder().decode(file("versions.json"))) as {
  readonly opsets: { readonly versions: readonly number[] };
};
const [inputs, expected] = [rowsOf(file("opsets.x.npy")), rowsOf(file("opsets.y.npy"))];

test("every version from 9 on that is read has its net", () => {
  expect(opsets.versions).toEqual(Array.from({ length: 17 }, (_, i) => i + 9));
});

test.each(opsets.versions)("version %d gives ONNX Runtime's outputs in every bit", (opset) => {
  const graph = readModel(file(`opset${opset}.onnx`), "net.onnx");
  expect(graph.origin.version).toBe(`opset ${opset}`);
  expect(inputs.map((x) => runModel(graph, x))).toEqual(expected);
});

describe("Softmax before version 13 takes all from its axis on as one row", () => {
  const over = (opset: number, shape: readonly number[], axis: number): FileSpec => ({
    nodes: [node("Softmax", "x", { axis })],
    inputs: { x: shape },
    opset,
  });
  test.each([9, 11, 12])("in version %d", (opset) => {
    expect(run(over(opset, [1, 1, 2], 1), [3, 3])).toEqual([0.5, 0.5]);
    expect(run(over(opset, [1, 2, 1], 1), [3, 3])).toEqual([0.5, 0.5]);
    expect(run(over(opset, [1, 2], 0), [3, 3])).toEqual([0.5, 0.5]);
    expect(problemOf(over(opset, [1, 2, 2], 1))).toMatch(/apply softmax to the class axis only/);
    expect(problemOf(over(opset, [1, 2, 1], 2))).toMatch(/works on axis 2 of 1×2×1/);
  });
  test("and in version 13 only its axis", () => {
    expect(problemOf(over(13, [1, 1, 2], 1))).toMatch(/works on axis 1 of 1×1×2/);
  });
});

describe("float types of version 23", () => {
  const zero: TensorInit = { dims: [], dataType: 2, rawData: Uint8Array.of(0) };
  const pair = (forQuantize: Record<string, number>, forDequantize: Record<string, number>): FileSpec => ({
    nodes: [
      node("QuantizeLinear", "x one zero", forQuantize, "q"),
      node("DequantizeLinear", "q one zero", forDequantize),
    ],
    constants: { one: scalar(1), zero },
    opset: 23,
  });
  test("are read where they are float32 or the scale's", () => {
    for (const type of [0, 1])
      expect(run(pair({ precision: type }, { output_dtype: type }), [1, 2, 3, 300])).toEqual([1, 2, 3, 255]);
  });
  test("are refused where values would be rounded to float16", () => {
    expect(problemOf(pair({ precision: 10 }, {}))).toMatch(/its precision is not float32/);
    expect(problemOf(pair({}, { output_dtype: 10 }))).toMatch(/its output_dtype is not float32/);
  });
  test("of weights are no integer types", () => {
    const weights: TensorInit = {
      dims: [4n],
      dataType: 3,
      rawData: new Uint8Array(Int8Array.of(1, -1, 2, -2)),
    };
    const spec: FileSpec = {
      nodes: [node("DequantizeLinear", "w one", { output_dtype: 1 }, "v"), node("Add", "x v")],
      constants: { w: weights, one: scalar(0.5) },
      opset: 23,
    };
    expect(run(spec, [0, 0, 0, 0])).toEqual([0.5, -0.5, 1, -1]);
  });
});

describe("open sizes", () => {
  const relu = (shape: readonly number[]): FileSpec => ({ nodes: [node("Relu", "x")], inputs: { x: shape } });
  test("of the batch are 1", () => {
    expect(run(relu([0, 2]), [1, -1])).toEqual([1, 0]);
    expect(run(relu([-1, 2]), [1, -1])).toEqual([1, 0]);
  });
  test("of other axes are refused with the command that fixes them", () => {
    expect(problemOf(relu([0, 3, 0, -1]))).toMatch(
      /open on axes 2, 3 \(batch×3×batch×-1\) — fix it: .*make_dynamic_shape_fixed --input_name x --input_shape 1,3,N,N model/,
    );
    expect(problemOf(relu([1, 0]))).toMatch(/open on axis 1 /);
    expect(problemOf(relu([-2, 3]))).toMatch(/impossible sizes \(-2×3\)/);
  });
});

test("sparse constants are refused by what they are", () => {
  const spec: FileSpec = { nodes: [node("Constant", "", {}, "c"), node("Add", "x c")] };
  const model = modelInit(spec);
  model.graph!.node![0]!.attribute = [{ name: "sparse_value", type: 11 }];
  expect(problemOf(encode(model))).toMatch(/holds a sparse tensor.*dense constants/);
});
