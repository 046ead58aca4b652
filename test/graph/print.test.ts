import { describe, expect, it } from "vitest";
import { readModel } from "../../src/formats/index.js";
import { printGraph } from "../../src/graph/print.js";
import type { GraphOp, UniformQuantizer } from "../../src/graph/types.js";
import { smallNet } from "../support/onnx.js";
import { chain, tensor, withNode } from "./support.js";

const uniform: UniformQuantizer = {
  kind: "uniform",
  scale: tensor([], [0.1]),
  zeroPoint: tensor([], [2]),
  qmin: 0,
  qmax: 7,
  rounding: "half-even",
};
const ternary = {
  ...tensor([2, 2], [0.5, -0.25, 0, 0.25]),
  quantized: { codes: Int32Array.of(1, -1, 0, 1), scale: tensor([1, 2], [0.5, 0.25]) },
};
const add: GraphOp = { kind: "arithmetic", operator: "subtract", operand: tensor([], [1]), reversed: true };

it("a graph prints one line per node", () => {
  const graph = chain(
    [1, 1, 2],
    [{ kind: "reshape" }, [1, 2]],
    [add],
    [{ kind: "quantize", quantizer: uniform }],
    [{ kind: "dense", weights: ternary }],
    [{ kind: "arithmetic", operator: "add", operand: tensor([2], [-1.5, 3]), reversed: false }],
    [{ kind: "relu" }],
    [{ kind: "dense", weights: tensor([2, 2], [0.1, 0.25, -0.7, 1]) }],
    [{ kind: "argmax", axis: 1, keepDims: false, selectLast: true }, [1]],
  );
  expect(printGraph(graph)).toMatchInlineSnapshot(`
    "chain (test)
      input x 1×1×2 float32
      reshape_0     1×2  reshape
      arithmetic_1  1×2  subtract 1 (constant on the left)
      quantize_2    1×2  quantize to 3 bits 0…7, scale 0.1, zero point 2, rounding half-even
      dense_3       1×2  dense 2×2, weights 2 bits −1…1, scale 0.25…0.5 (2 numbers)
      arithmetic_4  1×2  add −1.5…3 (2 numbers)
      relu_5        1×2  relu
      dense_6       1×2  dense 2×2, float weights −0.7…1 (not quantized)
      argmax_7      1    argmax over axis 1, last of equals
      output v7 1 int64
    "
  `);
});

it("operations on maps print what is not the usual, and what they read where that is not the line before", () => {
  const window = { kernel: [3, 3], stride: [1, 1], dilation: [1, 1], pads: [1, 1, 1, 1] } as const;
  const kernels = {
    ...tensor([2, 1, 3, 3], Array(18).fill(0.5)),
    quantized: { codes: new Int32Array(18).fill(1), scale: tensor([1, 1, 1, 1], [0.5]) },
  };
  const conv = (change: object): GraphOp => ({
    ...{ kind: "conv", weights: kernels, window, groups: 1, padValue: 0 },
    ...change,
  });
  const wide = { ...window, stride: [2, 1], dilation: [2, 2], pads: [1, 2, 3, 4] } as const;
  const graph = chain(
    [1, 1, 9, 9],
    [conv({}), [1, 2, 9, 9]],
    [conv({ groups: 2, padValue: -1, window: wide }), [1, 2, 5, 11]],
    [{ kind: "max-pool", window: { ...window, pads: [0, 0, 0, 0] } }, [1, 2, 3, 9]],
    [{ kind: "average-pool", window, countPads: true }],
    [{ kind: "sum" }],
    [{ kind: "concat", axis: 1 }, [1, 10, 3, 9]],
    [{ kind: "slice", starts: [0, 1, 0, 0], steps: [1, 2, 1, 1] }, [1, 2, 3, 9]],
    [{ kind: "pad", before: [0, 0, 1, 0], after: [0, 0, 0, 1], value: -1 }, [1, 2, 4, 10]],
    [{ kind: "transpose", permutation: [0, 2, 3, 1] }, [1, 4, 10, 2]],
    [{ kind: "prelu", slope: tensor([], [0.25]) }],
    [{ kind: "clip", low: Number.NEGATIVE_INFINITY, high: 6 }],
  );
  const summed = withNode(graph, 4, { inputs: ["v3", "v2"] });
  const joined = withNode(summed, 5, { inputs: ["v4", "v3", "v2", "v2", "v2"] });
  expect(printGraph(joined)).toMatchInlineSnapshot(`
    "chain (test)
      input x 1×1×9×9 float32
      conv_0          1×2×9×9   conv 2×1×3×3, pads 1, weights 1 bit ±1, scale 0.5
      conv_1          1×2×5×11  conv 2×1×3×3, stride 2 1, dilation 2, pads 1 2 3 4, 2 groups, padding −1, weights 1 bit ±1, scale 0.5
      max-pool_2      1×2×3×9   max pool 3×3
      average-pool_3  1×2×3×9   average pool 3×3, pads 1, pads counted
      sum_4           1×2×3×9   sum of v3, v2
      concat_5        1×10×3×9  concat along axis 1 of v4, v3, v2, v2 and 1 more
      slice_6         1×2×3×9   slice from 0×1×0×0, steps 1×2×1×1
      pad_7           1×2×4×10  pad 0×0×1×0 before, 0×0×0×1 after, with −1
      transpose_8     1×4×10×2  transpose to axes 0, 2, 3, 1
      prelu_9         1×4×10×2  prelu, slope 0.25
      clip_10         1×4×10×2  clip to −Infinity…6
      output v10 1×4×10×2 float32
    "
  `);
});

it("a net from a file reads as what it is", () => {
  expect(printGraph(readModel(smallNet({ softmax: true }), "m.onnx"))).toMatchInlineSnapshot(`
    "test (QONNX, opset 11)
      input x 1×8 float32
      in                    1×8  quantize to 1 bit ±1, scale 1, sign(0) = +1
      dense                 1×6  dense 8×6, weights 1 bit ±1, scale 1
      BatchNormalization_3  1×6  batch normalization, 6 channels, epsilon 0.00001
      Quant_4               1×6  quantize to 2 bits 0…3, scale 0.5, rounding half-even
      MatMul_6              1×3  dense 6×3, weights 2 bits −1…1, scale 0.25
      Add_7                 1×3  add −0.25…0.5 (3 numbers)
      Softmax_8             1×3  softmax over axis 1
      output y 1×3 float32
    "
  `);
});

describe("names from hostile files", () => {
  const graph = withNode(chain([2], [{ kind: "relu" }]), 0, { name: `\u001b[2J\n${"long".repeat(30)}tail` });

  it("are escaped and shortened in the middle", () => {
    const [, , row] = printGraph(graph).split("\n");
    expect(row).toMatch(/^ {2}\\u001b\[2J\\n…longlong.*tail {2}2 {2}relu$/);
    expect(
      printGraph({ ...graph, name: "a\u0007", origin: { format: "b\u0007", version: "", producer: "" } }),
    ).not.toContain("\u0007");
  });

  it.each([
    "new\nline",
    "\u001b[2J",
    "\u0000",
    "\u2028",
    "tab\t",
    "\u009b31m",
    "a".repeat(100_000),
  ])("like %j keep the text printable and one line per node", (name) => {
    const plain = printGraph(readModel(smallNet(), "m.onnx")).split("\n").length;
    const hostile = readModel(smallNet({ names: name }), "m.onnx");
    const text = printGraph({ ...hostile, name, origin: { format: name, version: name, producer: name } });
    expect(text.split("\n")).toHaveLength(plain);
    expect(text.length).toBeLessThan(3000);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029]/);
  });
});
