import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { GraphOp, ModelGraph } from "../../../../src/graph/types.js";
import { lowerGraph } from "../../../../src/passes/registry.js";
import { traceModel } from "../../../../src/reference/model.js";
import { type FileSpec, floats, graphOf, ints, node, problemOf, run, scalar } from "../../../support/onnx.js";

const x = Float32Array.of(1, 2, 3, 4);
/** Weights [4, 3] and their transpose, written out by hand. */
const W = floats([4, 3], [1, -1, 1, 1, 1, -1, -1, 1, 1, 1, 1, 1]);
const WT = floats([3, 4], [1, 1, -1, 1, -1, 1, 1, 1, 1, -1, 1, 1]);
const product = [4, 8, 6];

function denseOf(graph: ModelGraph): Extract<GraphOp, { kind: "dense" }> {
  for (const { op } of graph.nodes) if (op.kind === "dense") return op;
  throw new Error("no dense layer");
}

describe("MatMul", () => {
  it("multiplies by the weights", () => {
    expect(run({ nodes: [node("MatMul", "x W")], constants: { W } }, x)).toEqual(product);
  });

  it("takes weights behind a Transpose and a Reshape", () => {
    const flat = floats([12], [1, 1, -1, 1, -1, 1, 1, 1, 1, -1, 1, 1]);
    const nodes = [
      node("Reshape", "flat shape", {}, "WT"),
      node("Transpose", "WT", { perm: [1, 0] }, "W"),
      node("MatMul", "x W"),
    ];
    const shape = { dims: [2n], dataType: 7, int64Data: [3n, -1n] };
    expect(run({ nodes, constants: { flat, shape } }, x)).toEqual(product);
  });

  it.each<[string, FileSpec, RegExp]>([
    ["computed weights", { nodes: [node("MatMul", "x x")] }, /second operand is not a constant/],
    ["weights on the left", { nodes: [node("MatMul", "W x")], constants: { W } }, /second operand/],
    [
      "sizes that do not fit",
      { nodes: [node("MatMul", "x W")], constants: { W: WT } },
      /1×4 does not fit.*3×4/,
    ],
    [
      "weights of rank 1",
      { nodes: [node("MatMul", "x W")], constants: { W: floats([4], [1, 1, 1, 1]) } },
      /fit/,
    ],
    [
      "empty weights",
      { nodes: [node("MatMul", "x W")], constants: { W: floats([4, 0], []) } },
      /does not fit/,
    ],
    [
      "attributes",
      { nodes: [node("MatMul", "x W", { transA: 1 })], constants: { W } },
      /"transA" is not known/,
    ],
  ])("refuses %s", (_, spec, message) => {
    expect(problemOf(spec)).toMatch(message);
  });
});

describe("Gemm", () => {
  const bias = floats([3], [10, 20, 30]);

  it.each<[string, FileSpec, number[]]>([
    ["is a dense layer", { nodes: [node("Gemm", "x W")], constants: { W } }, product],
    ["transposes", { nodes: [node("Gemm", "x W", { transB: 1 })], constants: { W: WT } }, product],
    ["adds a bias", { nodes: [node("Gemm", "x W b")], constants: { W, b: bias } }, [14, 28, 36]],
    ["adds one number", { nodes: [node("Gemm", "x W b")], constants: { W, b: scalar(1) } }, [5, 9, 7]],
    [
      "applies alpha and beta",
      {
        nodes: [node("Gemm", "x W b", { alpha: { float: 0.5 }, beta: { float: 2 } })],
        constants: { W, b: bias },
      },
      [22, 44, 63],
    ],
  ])("%s", (_, spec, expected) => {
    expect(run(spec, x)).toEqual(expected);
  });

  it("is alpha · x · W + beta · c for every layout", () => {
    const small = fc.integer({ min: -3, max: 3 });
    const numbers = (n: number): fc.Arbitrary<number[]> => fc.array(small, { minLength: n, maxLength: n });
    const factor = fc.constantFrom(1, 0, -1, 2, 0.5, -0.25);
    const bias = fc.option(fc.constantFrom<number[][]>([2], [1, 2], [], [1], [1, 1]));
    const all = [numbers(3), numbers(6), numbers(2), factor, factor, fc.boolean(), bias] as const;
    fc.assert(
      fc.property(...all, (x, w, c, alpha, beta, transB, shape) => {
        const size = shape?.reduce((a, b) => a * b, 1) ?? 0;
        const attributes = { alpha: { float: alpha }, beta: { float: beta }, transB: transB ? 1 : 0 };
        const spec: FileSpec = {
          inputs: { x: [1, 3] },
          constants: {
            w: floats(transB ? [2, 3] : [3, 2], w),
            ...(shape ? { c: floats(shape, c.slice(0, size)) } : {}),
          },
          nodes: [node("Gemm", shape ? "x w c" : "x w", attributes)],
        };
        const expected = [0, 1].map((n) => {
          const sum = x.reduce((s, v, k) => s + v * (transB ? w[n * 3 + k]! : w[k * 2 + n]!), 0);
          return alpha * sum + (shape ? beta * (size === 1 ? c[0]! : c[n]!) : 0) + 0;
        });
        expect(run(spec, x).map((v) => v + 0)).toEqual(expected);
      }),
      { numRuns: 100 },
    );
  });

  it("keeps the file's names for what the file's node computes", () => {
    const graph = graphOf({
      nodes: [node("Gemm", "x W b", { alpha: { float: 0.5 } }, "hidden"), node("Relu", "hidden")],
      constants: { W, b: bias },
    });
    expect(graph.nodes.map((n) => [n.name, n.op.kind, n.output])).toEqual([
      ["Gemm_0 product", "dense", "hidden product"],
      ["Gemm_0 scaled", "arithmetic", "hidden scaled"],
      ["Gemm_0", "arithmetic", "hidden"],
      ["Relu_1", "relu", "y"],
    ]);
    expect([...traceModel(graph, x).get("hidden")!]).toEqual([12, 24, 33]);
  });

  it.each<[string, FileSpec, RegExp]>([
    ["transA", { nodes: [node("Gemm", "x W", { transA: 1 })], constants: { W } }, /transposes its input/],
    ["other ranks", { nodes: [node("Gemm", "x W")], constants: { W }, inputs: { x: [1, 1, 4] } }, /matrix/],
    [
      "a wrong bias",
      { nodes: [node("Gemm", "x W b")], constants: { W, b: floats([2], [1, 2]) } },
      /bias of shape 2/,
    ],
    ["a computed bias", { nodes: [node("Gemm", "x W x")], constants: { W } }, /bias is not a float constant/],
    [
      "an overflow",
      { nodes: [node("Gemm", "x W b", { beta: { float: 3e38 } })], constants: { W, b: bias } },
      /finite/,
    ],
    [
      "a NaN",
      { nodes: [node("Gemm", "x W", { alpha: { float: Number.NaN } })], constants: { W } },
      /"alpha".*finite/,
    ],
    [
      "an infinity",
      { nodes: [node("Gemm", "x W", { alpha: { float: Number.POSITIVE_INFINITY } })], constants: { W } },
      /onnx\/node.*"alpha"/,
    ],
    [
      "a NaN for the bias",
      { nodes: [node("Gemm", "x W b", { beta: { float: Number.NaN } })], constants: { W, b: bias } },
      /onnx\/node.*"beta"/,
    ],
    [
      "attributes of the wrong type",
      { nodes: [node("Gemm", "x W", { alpha: 1 })], constants: { W } },
      /type float/,
    ],
    [
      "typing errors",
      { nodes: [node("Gemm", "x W", { trasnB: 1 })], constants: { W } },
      /did you mean transB/,
    ],
  ])("refuses %s", (_, spec, message) => {
    expect(problemOf(spec)).toMatch(message);
  });

  it.each([
    ["weights of rank 1", [4], [2]],
    ["weights of rank 3", [1, 4, 1], [1]],
    ["a bias of another size", [4, 2], [3]],
    ["a bias per input", [4, 2], [2, 1]],
  ])("refuses %s, either way round", (_, shape, biasShape) => {
    const ones = (dims: number[]) => floats(dims, new Array(dims.reduce((a, b) => a * b)).fill(1));
    for (const transB of [0, 1]) {
      const W = ones(transB && shape.length === 2 ? [...shape].reverse() : shape);
      const nodes = [node("Gemm", "x W b", { transB })];
      expect(problemOf({ nodes, constants: { W, b: ones(biasShape) } })).toMatch(/./);
    }
  });
});

describe("weights without a quantizer", () => {
  const codesOf = (shape: number[], data: number[]) =>
    denseOf(
      graphOf({
        nodes: [node("MatMul", "x W")],
        constants: { W: floats(shape, data) },
        inputs: { x: [1, shape[0]!] },
      }),
    ).weights.quantized;

  it.each([
    ["±s", [0.3, -0.3, -0.3, 0.3], [1, -1, -1, 1], [0.3]],
    ["ternary", [0.3, 0, -0.3, 0], [1, 0, -1, 0], [0.3]],
    ["small multiples of s", [0.25, -0.75, 0.5, 1], [1, -3, 2, 4], [0.25]],
    ["zeros", [0, 0, 0, 0], [0, 0, 0, 0], [1]],
    ["a scale per output", [0.3, 0.7, -0.3, -0.7], [1, 1, -1, -1], [0.3, 0.7]],
    ["one number", [2, 2, 2, 2], [1, 1, 1, 1], [2]],
  ])("have codes when they are %s", (_, data, codes, scale) => {
    const quantized = codesOf([2, 2], data);
    expect([...quantized!.codes]).toEqual(codes);
    expect([...quantized!.scale.data]).toEqual(scale.map(Math.fround));
    const products = codes.map((c, i) => Math.fround(c * Math.fround(scale[i % scale.length]!)));
    expect(products).toEqual(data.map(Math.fround));
  });

  it("have none when they are floats, or multiples only nearly", () => {
    expect(codesOf([4, 1], [0.1, 0.25, -0.7, 1])).toBeUndefined();
    expect(codesOf([2, 2], [0.3, -0.3, 0.3000001, 0.3])).toBeUndefined();
    const manyLevels = Array.from({ length: 40 }, (_, i) => i + 1);
    expect(codesOf([40, 1], manyLevels)).toBeUndefined();
    expect(codesOf([2, 2], [1, -1, 128, 1])).toBeUndefined();
  });

  describe("made by roundings in float32", () => {
    const f = Math.fround;
    const inputs = 40;
    const latent = (i: number): number => Math.sin(i * i + 1);
    /** DoReFa's weights of k bits, `2 · round(n · w) / n − 1`, times a scale per output. */
    const dorefa = (bits: number, scales: readonly number[]): number[] =>
      Array.from({ length: inputs * scales.length }, (_, i) => {
        const n = 2 ** bits - 1;
        const q = Math.round(n * (latent(i) / 2 + 0.5));
        return f(f(f(2 * f(q / n)) - 1) * f(scales[i % scales.length]!));
      });

    it.each([
      [2, [1]],
      [3, [1, 1]],
      [4, [1, 0.37, 2.2]],
    ])("have the codes of the nearest grid: %d bits, scales %j", (bits, scales) => {
      const data = dorefa(bits, scales);
      const { codes, scale } = codesOf([inputs, scales.length], data)!;
      const n = 2 ** bits - 1;
      const wanted = data.map((_, i) => 2 * Math.round(n * (latent(i) / 2 + 0.5)) - n);
      expect([...codes]).toEqual(wanted);
      const single = scales.every((s) => s === 1);
      expect(scale.data).toHaveLength(single ? 1 : scales.length);
      data.forEach((x, i) => {
        const product = codes[i]! * scale.data[single ? 0 : i % scales.length]!;
        expect(Math.abs(product - x)).toBeLessThan(2 ** -22 * 2.2);
      });
    });

    it("are floats where one is off the grid, or where each occurs but once or twice", () => {
      const data = dorefa(4, [1]);
      expect(codesOf([inputs, 1], data.with(3, data[3]! + 1e-5))).toBeUndefined();
      const rare = dorefa(4, [1]).slice(0, 12);
      expect(codesOf([12, 1], rare)).toBeUndefined();
    });
  });

  it("lower like the same weights with their quantizer", () => {
    const [plain, quantized] = [false, true].map((quantizer) => {
      const graph = graphOf({
        constants: {
          one: scalar(1),
          s: scalar(0.25),
          w: floats([4, 2], [0.25, -0.25, -0.25, 0.25, 0.25, 0.25, -0.25, 0.25]),
        },
        nodes: [
          node("BipolarQuant", "x one", {}, "q"),
          ...(quantizer ? [node("BipolarQuant", "w s", {}, "wq")] : []),
          node("MatMul", quantizer ? "q wq" : "q w"),
        ],
      });
      return lowerGraph(graph).program.instructions.map((i) => (i.kind === "conv" ? i.weights : i.kind));
    });
    expect(plain).toEqual(quantized);
  });
});

describe("weights with a quantizer", () => {
  it("keep codes and scales per output through Transpose, Reshape and Squeeze", () => {
    // [3, 4] weights with one scale for each of the three outputs.
    const graph = graphOf({
      nodes: [
        node("Quant", "w s zero bits", { narrow: 1 }, "q"),
        node("Unsqueeze", "q axes", {}, "u"),
        node("Squeeze", "u axes", {}, "v"),
        node("Transpose", "v", {}, "W"),
        node("MatMul", "x W"),
      ],
      constants: {
        w: floats([3, 4], [0.1, 0.2, 0.3, -0.3, 1, 2, 3, -3, 10, 20, 30, -30]),
        s: floats([3, 1], [0.1, 1, 10]),
        zero: scalar(0),
        bits: scalar(3),
        axes: { dims: [1n], dataType: 7, int64Data: [2n] },
      },
    });
    const { quantized } = denseOf(graph).weights;
    expect([...quantized!.codes]).toEqual([1, 1, 1, 2, 2, 2, 3, 3, 3, -3, -3, -3]);
    expect(quantized!.scale).toEqual({ shape: [1, 3], data: Float32Array.of(0.1, 1, 10) });
  });

  it.each([
    ["as they are", []],
    ["written out by a Reshape", [node("Reshape", "q flat", {}, "r"), node("Reshape", "r square", {}, "q2")]],
  ])("keep scales per input, %s: they are no scales per output", (_, between) => {
    const graph = graphOf({
      nodes: [
        node("BipolarQuant", "w s", {}, "q"),
        ...between,
        node("MatMul", between.length > 0 ? "x q2" : "x q"),
      ],
      constants: {
        w: floats([2, 2], [1, -1, -1, 1]),
        s: floats([2, 1], [0.5, 3]),
        flat: ints(4),
        square: ints(2, 2),
      },
      inputs: { x: [1, 2] },
    });
    const { data, quantized } = denseOf(graph).weights;
    expect([...data]).toEqual([0.5, -0.5, -3, 3]);
    expect([...quantized!.codes]).toEqual([1, -1, -1, 1]);
    expect(new Set(quantized!.scale.data)).toEqual(new Set([0.5, 3]));
  });
});
