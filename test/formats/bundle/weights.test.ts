/** Quantizers of weights: codes and scales by hand. */
import { expect, test } from "vitest";
import { openWeights } from "../../../src/formats/bundle/tensors.js";
import type { WeightTensor } from "../../../src/graph/types.js";
import { graphOf, problemOf, type TensorSpec, tensor } from "../../support/bundle.js";
import { Random } from "../../support/random-graph.js";

const f = Math.fround;
/** Two outputs of four weights. */
const weights = tensor([2, 4], [0.5, -0.25, 0, 1, -3, 0.75, 0.5, -0.5]);
const scales = tensor([2, 1], [2, 0.25]);

function spec(quantizer: unknown, tensors: Readonly<Record<string, TensorSpec>> = {}) {
  return {
    layers: [{ type: "linear", name: "fc", weight: "w", weight_quantizer: quantizer }],
    tensors: { w: weights, ...tensors },
    more: { unused: Object.keys(tensors) },
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

test.each([-1, 0])("the sign of 0 is the manifest's: %i", (zero) => {
  const { codes, scale } = quantized({ type: "sign", sign_of_zero: zero, scale: { mean_abs: "output" } });
  expect(codes).toEqual([[1, -1, zero, 1], signs[1]]);
  // torch.abs(w).mean() counts a weight of 0 too.
  expect(scale).toEqual([1.75 / 4, 4.75 / 4]);
});

test("scales that are powers of two: the exponent is rounded, 0.4375 and 1.1875 lie nearest to 2^-1 and 2^0", () => {
  const scale = { mean_abs: "output", power_of_two: true };
  expect(quantized({ type: "sign", sign_of_zero: 1, scale }).scale).toEqual([0.5, 1]);
  const whole = { mean_abs: "tensor", power_of_two: true };
  expect(quantized({ type: "sign", sign_of_zero: 1, scale: whole }).scale).toEqual([1]);
});

test("scales weighted by the roots of second moments", () => {
  const v = tensor([2, 4], [1, 4, 9, 0, 0, 0, 16, 1]);
  const scaled = (per: string): number[] =>
    quantized(
      { type: "sign", sign_of_zero: 1, scale: { mean_abs: per, second_moments: "fc.acc_W" } },
      { "fc.acc_W": v },
    ).scale;
  // Roots 1, 2, 3, 0 and 0, 0, 4, 1.
  expect(scaled("output")).toEqual([f(1 / 6), f(2.5 / 5)]);
  expect(scaled("tensor")).toEqual([f((1 + 2.5) / 11)]);
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

/** The squared distance of weights from their nearest scaled codes, whatever codes keep some and the mean as scale. */
function leastDistance(group: readonly number[]): number {
  let least = Number.POSITIVE_INFINITY;
  for (let kept = 1; kept < 2 ** group.length; kept++) {
    const isKept = (i: number): boolean => ((kept >> i) & 1) === 1;
    const magnitudes = group.filter((_, i) => isKept(i)).map(Math.abs);
    const scale = magnitudes.reduce((a, b) => a + b, 0) / magnitudes.length;
    const distance = group.reduce((sum, w, i) => sum + (w - (isKept(i) ? scale * Math.sign(w) : 0)) ** 2, 0);
    least = Math.min(least, distance);
  }
  return least;
}

test.each([
  true,
  false,
])("least squares: no ternary weights are nearer (the threshold is zero: %s)", (isZero) => {
  const random = new Random(3);
  for (let round = 0; round < 30; round++) {
    // Sevenths of few sizes: equal magnitudes are common.
    const groups = [0, 1].map(() => Array.from({ length: 4 }, () => f(random.integer(-4, 4) / 7) || 1));
    const w = tensor([2, 4], groups.flat());
    const quantizer = {
      type: "ternary",
      threshold: { least_squares: "output" },
      threshold_is_zero: isZero,
      scale: { mean_abs: "output" },
    };
    const { codes, scale } = quantized(quantizer, { w });
    groups.forEach((group, n) => {
      const distance = group.reduce((sum, x, k) => sum + (x - scale[n]! * codes[n]![k]!) ** 2, 0);
      expect(distance, `seed 3, ${group}`).toBeCloseTo(leastDistance(group), 5);
    });
  }
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
  [
    "a stored range over 3",
    { bits: 3, signed: true, narrow: true, scale: { range: "r" }, rounding: "half-even" },
    [
      [2, -1, 0, 3],
      [-2, 0, 0, 0],
    ],
    [f(0.75 / 3), f(6 / 3)],
  ],
  [
    "multiplied by 3, as WRPN: 0.5 · 3 is a half",
    { bits: 3, signed: true, narrow: true, scale: { reciprocal: 3 }, rounding: "half-even" },
    [
      [2, -1, 0, 3],
      [-3, 2, 2, -2],
    ],
    [f(1 / 3)],
  ],
])("uniform: %s", (_, fields, codes, scale) => {
  expect(quantized({ type: "uniform", ...fields }, { r: tensor([2, 1], [0.75, 6]) })).toEqual({
    codes,
    scale,
  });
});

/** DoReFa-Net's formula, in float64, on weights that lie near no half. */
test.each([2, 3, 4, 8])("dorefa of %i bits: odd integers over 2^k − 1", (bits) => {
  const n = 2 ** bits - 1;
  const most = Math.tanh(3);
  const expected = weights.data.map((w) => {
    const q = Math.round(n * (Math.tanh(w as number) / (2 * most) + 0.5));
    // 0 lies in the middle of two levels; the even one of them is taken.
    return w === 0 ? (Math.floor(n / 2) % 2 === 0 ? -1 : 1) : 2 * q - n;
  });
  const { codes, scale } = quantized({ type: "dorefa", bits });
  expect(codes.flat()).toEqual(expected);
  expect(scale).toEqual([f(1 / n)]);
});

test.each<[string, object, number[][], number[]]>([
  [
    "bounds around 0: odd half steps",
    { bits: 2, low: -1.5, high: 1.5 },
    [
      [1, -1, 1, 1],
      [-3, 1, 1, -1],
    ],
    [0.5],
  ],
  [
    "one bit, of which 0 is the middle",
    { bits: 1, low: "lows", high: "highs" },
    [
      [1, -1, -1, 1],
      [-1, 1, 1, -1],
    ],
    [0.5, 0.25],
  ],
  [
    "a bound that is a multiple of the step",
    { bits: 2, low: -0.5, high: 1 },
    [
      [1, -1, 0, 2],
      [-1, 1, 1, -1],
    ],
    [0.5],
  ],
])("between: %s", (_, fields, codes, scale) => {
  const tensors = { lows: tensor([2], [-0.5, -0.25]), highs: tensor([2, 1], [0.5, 0.25]) };
  const quantizer = { type: "between", rounding: "half-even", ...fields };
  // What lies half a step, two and a half, and so on above low goes to the even number of steps.
  expect(quantized(quantizer, tensors)).toEqual({ codes, scale });
});

test("between bounds of which 0 is no level: numbers without codes", () => {
  const quantizer = { type: "between", bits: 2, low: 0.1, high: 0.7, rounding: "half-even" };
  const { op } = graphOf(spec(quantizer)).nodes[0]!;
  const { data } = (op as { weights: WeightTensor }).weights;
  const step = f(f(f(0.7) - f(0.1)) / 3);
  const level = (q: number): number => f(f(q * step) + f(0.1));
  // Input by input, two outputs each.
  expect([...data]).toEqual([2, 0, 0, 3, 0, 2, 3, 0].map(level));
});

test.each<[string, object, number[][], number]>([
  // 4/3 · 3 = 2^2: exponents 2 and 1, and magnitudes from 1 on are 2.
  [
    "three bits",
    { bits: 3 },
    [
      [0, 0, 0, 1],
      [-2, 0, 0, 0],
    ],
    2,
  ],
  // Exponents 2 … −1.
  [
    "four bits",
    { bits: 4 },
    [
      [1, -1, 0, 2],
      [-8, 2, 1, -1],
    ],
    0.5,
  ],
  [
    "exponents of stored powers",
    { exponents: [-2, 0] },
    [
      [2, -1, 0, 4],
      [-4, 4, 2, -2],
    ],
    0.25,
  ],
])("powers of two: %s", (_, fields, codes, scale) => {
  expect(quantized({ type: "powers_of_two", ...fields })).toEqual({ codes, scale: [scale] });
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
    "second moments that nobody saved",
    { type: "sign", sign_of_zero: 1, scale: { mean_abs: "tensor", second_moments: "fc.acc_W" } },
    /no tensor "fc.acc_W" in the weights file, and the scale depends on Adam's second moments — save them beside the weights/,
  ],
  [
    "second moments of another shape",
    { type: "sign", sign_of_zero: 1, scale: { mean_abs: "tensor", second_moments: "t" } },
    /its second moments have the shape 3 for weights of shape 2×4 — there is one for each weight/,
  ],
  [
    "second moments below 0",
    { type: "sign", sign_of_zero: 1, scale: { mean_abs: "tensor", second_moments: "w" } },
    /a second moment is -0.25 — they are means of squares/,
  ],
  [
    "second moments of 0",
    { type: "sign", sign_of_zero: 1, scale: { mean_abs: "output", second_moments: "zeros" } },
    /"zeros" is 0 for all weights of an output — save the second moments after training/,
  ],
  ["DoReFa's single bit", { type: "dorefa", bits: 1 }, /for one bit use sign with \{"mean_abs": "tensor"\}/],
  [
    "bounds the wrong way round",
    { type: "between", bits: 2, low: 1, high: -1, rounding: "floor" },
    /its levels reach from 1 to -1 — .* low is below high/,
  ],
  ["powers of no size", { type: "powers_of_two" }, /it says neither bits nor exponents/],
  ["powers of two sizes", { type: "powers_of_two", bits: 3, exponents: [0, 1] }, /both bits and exponents/],
  [
    "exponents the wrong way round",
    { type: "powers_of_two", exponents: [2, 0] },
    /its exponents are 2 and 0 — the least one comes first/,
  ],
  [
    "powers far apart",
    { type: "powers_of_two", bits: 8 },
    /its exponents reach from -61 to 2 — use exponents at most 14 apart/,
  ],
  [
    "no type",
    {},
    /weight_quantizer\.type: it is missing — expected: how weights are quantized: .*none, sign, ternary, uniform, dorefa, between, powers_of_two/,
  ],
  [
    "a text",
    "none" as unknown as object,
    /weight_quantizer: it is "none" — expected: how weights are quantized/,
  ],
])("refuses %s", (_, quantizer, message) => {
  const tensors = { t: tensor([3], [1, 2, 3]), zeros: tensor([2, 4], new Array(8).fill(0)) };
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
