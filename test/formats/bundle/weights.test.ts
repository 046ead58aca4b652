/** Quantizers of weights: codes and scales by hand. */
import { expect, test } from "vitest";
import { openWeights } from "../../../src/formats/bundle/tensors.js";
import type { WeightTensor } from "../../../src/graph/types.js";
import { graphOf, problemOf, type TensorSpec, tensor } from "../../support/bundle.js";

const f = Math.fround;
/** Two outputs of four weights. */
const weights = tensor([2, 4], [0.5, -0.25, 0, 1, -3, 0.75, 0.5, -0.5]);
const scales = tensor([2, 1], [2, 0.25]);

function spec(quantizer: unknown, tensors: Readonly<Record<string, TensorSpec>> = {}) {
  return {
    layers: [{ type: "linear", name: "fc", weight: "w", weight_quantizer: quantizer }],
    tensors: { w: weights, ...tensors },
  };
}

/** Codes and scales, output by output (the graph has them by input). */
function quantized(quantizer: unknown, tensors?: Readonly<Record<string, TensorSpec>>) {
  const { op } = graphOf(spec(quantizer, tensors)).nodes[0]!;
  const { quantized: found } = (op as { weights: WeightTensor }).weights;
  const codes = [0, 1].map((n) => [0, 1, 2, 3].map((k) => found!.codes[k * 2 + n]!));
  return { codes, scale: [...found!.scale.data] };
}

const signs = [
  [1, -1, 1, 1],
  [-1, 1, 1, -1],
];

test("the weights as they are: 0.25 is the largest step that makes integers of them", () => {
  const codes = [
    [2, -1, 0, 4],
    [-12, 3, 2, -2],
  ];
  expect(quantized({ type: "none" })).toEqual({ codes, scale: [0.25] });
});

test.each<[string, unknown, number[]]>([
  ["without a scale", 1, [1]],
  ["one number", 0.1, [f(0.1)]],
  ["a tensor", "scales", [2, 0.25]],
  ["mean magnitudes of outputs", { mean_abs: "output" }, [1.75 / 4, 4.75 / 4]],
  ["the mean magnitude of all", { mean_abs: "tensor" }, [6.5 / 8]],
])("signs, %s", (_, scale, expected) => {
  const quantizer = { type: "sign", sign_of_zero: 1, scale };
  expect(quantized(quantizer, scale === "scales" ? { scales } : {})).toEqual({
    codes: signs,
    scale: expected,
  });
});

test("the sign of 0 is the manifest's", () => {
  const { codes } = quantized({ type: "sign", sign_of_zero: -1, scale: 1 });
  expect(codes).toEqual([[1, -1, -1, 1], signs[1]]);
});

test.each<[string, object, number[][], number[]]>([
  [
    "the threshold belongs to 0",
    { threshold: 0.5, threshold_is_zero: true, scale: 1 },
    [
      [0, 0, 0, 1],
      [-1, 1, 0, 0],
    ],
    [1],
  ],
  [
    "the threshold belongs to ±1",
    { threshold: 0.5, threshold_is_zero: false, scale: { mean_abs: "output" } },
    [
      [1, 0, 0, 1],
      [-1, 1, 1, -1],
    ],
    [0.75, 4.75 / 4],
  ],
  [
    "Ternary Weight Networks, the layer as a whole",
    {
      threshold: { mean_abs: "tensor", factor: 0.7 },
      threshold_is_zero: true,
      scale: { mean_abs: "tensor" },
    },
    [
      [0, 0, 0, 1],
      [-1, 1, 0, 0],
    ],
    [f(4.75 / 3)],
  ],
  [
    "Ternary Weight Networks, output by output",
    {
      threshold: { mean_abs: "output", factor: 0.7 },
      threshold_is_zero: true,
      scale: { mean_abs: "output" },
    },
    [
      [1, 0, 0, 1],
      [-1, 0, 0, 0],
    ],
    [0.75, 3],
  ],
])("ternary: %s", (_, fields, codes, scale) => {
  expect(quantized({ type: "ternary", ...fields })).toEqual({ codes, scale });
});

test("a threshold tensor, and nothing kept of an output", () => {
  const quantizer = {
    type: "ternary",
    threshold: "t",
    threshold_is_zero: true,
    scale: { mean_abs: "output" },
  };
  const codes = [
    [0, 0, 0, 0],
    [-1, 0, 0, 0],
  ];
  expect(quantized(quantizer, { t: tensor([2], [9, 1]) })).toEqual({ codes, scale: [0, 3] });
});

test.each<[string, object, number[][], number[]]>([
  [
    "halves to even, clamped",
    { bits: 3, signed: true, narrow: true, scale: 0.5, rounding: "half-even" },
    [
      [1, 0, 0, 2],
      [-3, 2, 1, -1],
    ],
    [0.5],
  ],
  [
    "a range",
    { range: [-1, 2], scale: 0.5, rounding: "floor" },
    [
      [1, -1, 0, 2],
      [-1, 1, 1, -1],
    ],
    [0.5],
  ],
  [
    "a zero point",
    { bits: 2, signed: false, scale: 0.5, zero_point: 1, rounding: "half-even" },
    [
      [1, -1, 0, 2],
      [-1, 1, 1, -1],
    ],
    [0.5],
  ],
  [
    // 0.5 over the rounded 1/7 is just below 3.5.
    "the greatest magnitude over 7",
    { bits: 4, signed: true, scale: { max_abs: "output" }, rounding: "half-even" },
    [
      [3, -2, 0, 7],
      [-7, 2, 1, -1],
    ],
    [f(1 / 7), f(3 / 7)],
  ],
])("uniform: %s", (_, fields, codes, scale) => {
  expect(quantized({ type: "uniform", ...fields })).toEqual({ codes, scale });
});

const half = { rounding: "half-even", scale: 1 };

test.each<[string, object, RegExp]>([
  [
    "a scale of another shape",
    { type: "sign", sign_of_zero: 1, scale: "t" },
    /its scale has the shape 3 for weights of shape 2×4/,
  ],
  [
    "a negative threshold",
    { type: "ternary", threshold: -1, threshold_is_zero: true, scale: 1 },
    /its threshold is -1/,
  ],
  [
    "a scale of 0",
    { type: "uniform", bits: 2, signed: true, rounding: "floor", scale: 0 },
    /scale 0 of its weights is 0/,
  ],
  [
    "a broken zero point",
    { type: "uniform", bits: 2, signed: true, zero_point: 0.5, ...half },
    /zero point is no whole number/,
  ],
  ["bits and a range", { type: "uniform", bits: 2, range: [0, 1], ...half }, /both a range and bits/],
  [
    "no sign",
    { type: "uniform", bits: 2, ...half },
    /does not say what its integers are — give "bits" and "signed", or "range"/,
  ],
  [
    "one signed bit",
    { type: "uniform", bits: 1, signed: true, ...half },
    /one signed bit has the integers −1 and 0 — for ±1 use/,
  ],
  ["one narrow bit", { type: "uniform", bits: 1, signed: false, narrow: true, ...half }, /one integer only/],
  ["an empty range", { type: "uniform", range: [2, 2], ...half }, /its range 2…2 has no two integers/],
  [
    "an overflow",
    { type: "uniform", range: [100, 200], rounding: "floor", scale: 3e38 },
    /overflows float32/,
  ],
  [
    "no type",
    {},
    /weight_quantizer\.type: it is missing — expected: how weights are quantized: .*none, sign, ternary, uniform/,
  ],
  [
    "a text",
    "none" as unknown as object,
    /weight_quantizer: it is "none" — expected: how weights are quantized/,
  ],
])("refuses %s", (_, quantizer, message) => {
  const tensors = { t: tensor([3], [1, 2, 3]) };
  expect(problemOf(spec(quantizer, tensors))).toMatch(message);
});

test("a pickle in place of the weights file is called one, with the command that converts it", () => {
  const torchFile = Uint8Array.of(
    0x80,
    2,
    0x8a,
    10,
    0x6c,
    0xfc,
    0x9c,
    0x46,
    0xf9,
    0x20,
    0x6a,
    0xa8,
    0x50,
    0x19,
    0x2e,
  );
  expect(() => openWeights(torchFile, "net.pt")).toThrow(/^it is a Python pickle \(PyTorch \.pt\)$/);
  expect(() => openWeights(Uint8Array.of(1, 2, 3), "net.pt")).toThrow(/^(?!it is a Python pickle)/);
});
