import fc from "fast-check";
import { expect, test } from "vitest";
import { readModel } from "../../../../src/formats/index.js";
import type { WeightTensor } from "../../../../src/graph/types.js";
import { lowerGraph } from "../../../../src/passes/registry.js";
import { rejected, run } from "../../../support/import.js";
import {
  type Attributes,
  floats,
  type ModelParts,
  node,
  onnxFile,
  QONNX,
  scalar,
} from "../../../support/onnx-builder.js";

const small = fc.integer({ min: -3, max: 3 });

test("Gemm is alpha · x · W + beta · c for every layout", () => {
  const numbers = (n: number): fc.Arbitrary<number[]> => fc.array(small, { minLength: n, maxLength: n });
  const factor = fc.constantFrom(1, 0, -1, 2, 0.5, -0.25);
  const bias = fc.constantFrom<number[][]>([2], [1, 2], [], [1], [1, 1]);
  fc.assert(
    fc.property(
      numbers(3),
      numbers(6),
      numbers(2),
      factor,
      factor,
      fc.boolean(),
      fc.option(bias),
      (x, w, c, alpha, beta, transB, shape) => {
        const attributes: Attributes = {
          alpha: { float: alpha },
          beta: { float: beta },
          transB: { int: transB ? 1 : 0 },
        };
        const size = shape?.reduce((a, b) => a * b, 1) ?? 0;
        const parts: ModelParts = {
          input: [1, 3],
          constants: [
            floats("w", transB ? [2, 3] : [3, 2], w),
            ...(shape ? [floats("c", shape, c.slice(0, size))] : []),
          ],
          nodes: [node("Gemm", ["x", "w", ...(shape ? ["c"] : [])], ["y"], attributes)],
        };
        const expected = [0, 1].map((n) => {
          const sum = x.reduce((s, v, k) => s + v * (transB ? w[n * 3 + k]! : w[k * 2 + n]!), 0);
          return alpha * sum + (shape ? beta * (size === 1 ? c[0]! : c[n]!) : 0);
        });
        expect(run(parts, x).map((v) => v + 0)).toEqual(expected.map((v) => v + 0));
      },
    ),
    { numRuns: 100 },
  );
});

test.each([
  ["alpha", Number.NaN],
  ["alpha", Number.POSITIVE_INFINITY],
  ["beta", Number.NaN],
  ["beta", 3e38],
])("Gemm with %s = %d is refused", (name, value) => {
  const parts: ModelParts = {
    constants: [floats("w", [4, 1], [1, 1, 1, 1]), floats("c", [1], [4])],
    nodes: [node("Gemm", ["x", "w", "c"], ["y"], { [name]: { float: value } })],
  };
  expect(rejected(parts)[0]!.code).toBe("onnx/node");
});

test.each([
  ["weights of rank 1", [4], [1, 1, 1, 1], [2], [1, 1]],
  ["weights of rank 3", [1, 4, 1], [1, 1, 1, 1], [1], [1]],
  ["a bias of another size", [4, 2], [1, 1, 1, 1, 1, 1, 1, 1], [3], [1, 1, 1]],
  ["a bias per input", [4, 2], [1, 1, 1, 1, 1, 1, 1, 1], [2, 1], [1, 1]],
])("Gemm with %s is refused, either way round", (_, shape, w, biasShape, c) => {
  for (const transB of [0, 1]) {
    const parts: ModelParts = {
      constants: [
        floats("w", transB && shape.length === 2 ? [...shape].reverse() : shape, w),
        floats("c", biasShape, c),
      ],
      nodes: [node("Gemm", ["x", "w", "c"], ["y"], { transB: { int: transB } })],
    };
    expect(rejected(parts)).toHaveLength(1);
  }
});

function weightsOf(values: readonly number[]): WeightTensor {
  const parts: ModelParts = {
    input: [1, 2],
    constants: [floats("w", [2, values.length / 2], values)],
    nodes: [node("MatMul", ["x", "w"], ["y"])],
  };
  const { op } = readModel(onnxFile(parts), "m.onnx").nodes[0]!;
  if (op.kind !== "dense") throw new Error("not dense");
  return op.weights;
}

test.each([
  ["±s", [0.3, -0.3, -0.3, 0.3], [1, -1, -1, 1]],
  ["ternary", [0.3, 0, -0.3, 0.3], [1, 0, -1, 1]],
  ["small multiples", [0.5, -1, 1.5, 0], [1, -2, 3, 0]],
  ["all zero", [0, 0, 0, 0], [0, 0, 0, 0]],
  ["±s with another s per output", [0.3, -0.7, -0.3, 0.7], [1, -1, -1, 1]],
  ["one magnitude of one sign", [2, 2, 2, 2], [1, 1, 1, 1]],
])("plain weights %s are recognised as codes", (_, values, codes) => {
  const { quantized, data } = weightsOf(values);
  expect(Array.from(quantized!.codes, (c) => c + 0)).toEqual(codes);
  const scale = quantized!.scale.data;
  const products = Array.from(quantized!.codes, (c, i) => Math.fround(c * scale[i % scale.length]!) + 0);
  expect(products).toEqual(Array.from(data, (v) => v + 0));
});

test.each([
  ["arbitrary floats", [0.3, -0.31, 0.7, 0.11]],
  ["far too many levels", Array.from({ length: 64 }, (_, i) => i - 32.5)],
  ["codes beyond 127", [1, -1, 128, 1]],
])("plain weights that are %s are left as floats", (_, values) => {
  expect(weightsOf(values).quantized).toBeUndefined();
});

test("a net with plain ±s weights lowers like the one with their quantizer", () => {
  const signs = [1, -1, -1, 1, 1, 1, -1, 1];
  const build = (quantizer: boolean): ModelParts => ({
    constants: [
      scalar("one", 1),
      scalar("s", 0.25),
      floats(
        "w",
        [4, 2],
        signs.map((v) => v * 0.25),
      ),
    ],
    nodes: [
      node("BipolarQuant", ["x", "one"], ["q"], {}, { domain: QONNX }),
      ...(quantizer ? [node("BipolarQuant", ["w", "s"], ["wq"], {}, { domain: QONNX })] : []),
      node("MatMul", ["q", quantizer ? "wq" : "w"], ["y"]),
    ],
  });
  const dense = (quantizer: boolean): unknown =>
    lowerGraph(readModel(onnxFile(build(quantizer)), "m.onnx")).program.instructions.map((i) =>
      i.kind === "dense" ? i.weights : i.kind,
    );
  expect(dense(false)).toEqual(dense(true));
});
