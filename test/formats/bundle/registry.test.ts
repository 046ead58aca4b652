/** One layer that works and one that must be refused, for every supported type. */
import { describe, expect, test } from "vitest";
import { bundleLayers } from "../../../src/formats/bundle/registry.js";
import { type BundleSpec, problemOf, run, type Tensors, tensor } from "../../support/bundle.js";

interface Case {
  readonly good: BundleSpec;
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly bad: BundleSpec;
  readonly message: RegExp;
}

interface Rest {
  readonly input?: readonly number[];
  readonly x?: readonly number[];
  readonly tensors?: Tensors;
}

/** A layer on a map 1 × 2 × 2, or another input; the bad one has other fields. */
function layer(
  fields: Readonly<Record<string, unknown>>,
  y: readonly number[],
  bad: Readonly<Record<string, unknown>>,
  message: RegExp,
  { input = [1, 2, 2], x = [1, -2, 3, 4], tensors }: Rest = {},
): Case {
  const of = (more: object): BundleSpec => ({
    input,
    layers: [{ name: "it", ...fields, ...more }],
    ...(tensors === undefined ? {} : { tensors }),
    more: { unused: ["other"] },
  });
  return { good: of({}), x, y, bad: of(bad), message };
}

const none = { type: "none" };
const signal = { input: [1, 4], x: [1, -2, 3, 4] };
const vector = { input: [4], x: [1, -2, 0, 0.5] };

/** Two channels, three inputs: 1 2 3 and 4 5 6. */
const maps = { input: [2, 1, 3], x: [1, 2, 3, 4, 5, 6] };

const headFields = {
  type: "region",
  anchors: [[2, 2]],
  classes: 2,
  class_scores: "softmax",
  score_threshold: 0.125,
  iou_threshold: 0.5,
  suppression: "class",
  max_candidates: 4,
  max_boxes: 2,
};

const cases: Readonly<Record<string, Case>> = {
  conv1d: layer(
    { type: "conv1d", weight: "w", padding: [1, 0], padding_value: 2, weight_quantizer: none },
    [-2 + 1, -1 - 2, 2 + 3, -3 + 4],
    { weight: "other" },
    /it: weights of shape 1 in 1 groups do not fit an input of shape 1×1×4/,
    { ...signal, tensors: { w: tensor([1, 1, 2], [-1, 1]), other: tensor([1], [0]) } },
  ),
  // Signs of the kernel: 1 −1 / 1 1 (the zero counts as 1); pads of −1 above and on the left.
  conv2d: layer(
    {
      type: "conv2d",
      weight: "w",
      bias: "b",
      padding: [1, 1, 0, 0],
      padding_value: -1,
      weight_quantizer: { type: "sign", sign_of_zero: 1, scale: 0.5 },
    },
    [100, 99.5, 100, 105],
    { padding_value: undefined },
    /it pads, but does not say with what — add "padding_value": 0/,
    { tensors: { w: tensor([1, 1, 2, 2], [0.5, -0.25, 0, 1]), b: tensor([1], [100]) } },
  ),
  linear: layer(
    { type: "linear", weight: "w", bias: "b", weight_quantizer: none },
    [-1, 10],
    { weight: "b" },
    /an input of shape 1×2 does not fit weights of shape 2/,
    { input: [2], x: [2, 3], tensors: { w: tensor([2, 2], [1, -1, 0, 1]), b: tensor([2], [0, 7]) } },
  ),
  // (2.5 − 1) · 3 / √2.25 = 3; 4 · −1 / √1 + 1 = −3
  batchnorm: layer(
    { type: "batchnorm", weight: "w", bias: "b", running_mean: "m", running_var: "v", eps: 0.25 },
    [3, -3],
    { eps: undefined },
    /layers\[0\]\.eps: it is missing — expected: what is added to variances, or to darknet/,
    {
      input: [2],
      x: [2.5, 4],
      tensors: {
        w: tensor([2], [3, -1]),
        b: tensor([2], [0, 1]),
        m: tensor([2], [1, 0]),
        v: tensor([2], [2, 0.75]),
      },
    },
  ),
  sign: layer(
    { type: "sign", sign_of_zero: -1, scale: 2 },
    [2, -2, -2, 2],
    { sign_of_zero: undefined },
    /layers\[0\]\.sign_of_zero: it is missing — expected: 1, -1 or 0/,
    vector,
  ),
  quantize: layer(
    { type: "quantize", bits: 3, signed: true, narrow: true, scale: 0.5, rounding: "floor" },
    [1, -1.5, 0, 0.5],
    { rounding: "nearest" },
    /layers\[0\]\.rounding: it is "nearest" — expected: .*half-even/,
    vector,
  ),
  relu: layer(
    { type: "relu" },
    [1, 0, 0, 0.5],
    { max: 6 },
    /layers\[0\]\.max: "max" is not known here/,
    vector,
  ),
  leaky_relu: layer(
    { type: "leaky_relu", negative_slope: 0.25 },
    [1, -0.5, 0, 0.5],
    { negative_slope: undefined },
    /negative_slope: it is missing — expected: the factor below 0/,
    vector,
  ),
  prelu: layer(
    { type: "prelu", weight: "w" },
    [1, -1, 3, 4],
    { weight: "other" },
    /a tensor of shape 3×1×1 does not broadcast to 1×1×2×2/,
    { tensors: { w: tensor([1], [0.5]), other: tensor([3], [1, 2, 3]) } },
  ),
  hardtanh: layer(
    { type: "hardtanh" },
    [1, -1, 0, 0.5],
    { min_val: 2 },
    /it clips to 2…1, which is empty/,
    vector,
  ),
  clip: layer({ type: "clip", min: -1 }, [1, -1, 0, 0.5], { min: undefined }, /it has no bound/, vector),
  maxpool1d: layer(
    { type: "maxpool1d", kernel_size: 3, stride: 1, padding: 1, dilation: 1 },
    [1, 3, 4, 4],
    { kernel_size: 7 },
    /a kernel of 1×7 does not fit into 1×1×4/,
    signal,
  ),
  maxpool2d: layer(
    { type: "maxpool2d", kernel_size: 2 },
    [4],
    { padding: 5 },
    /one of its windows lies outside the map/,
  ),
  avgpool1d: layer(
    { type: "avgpool1d", kernel_size: 3, ceil_mode: true },
    [2 / 3, 4],
    { padding: 1, count_include_pad: true },
    /with ceil_mode its last windows can reach beyond the pads/,
    signal,
  ),
  avgpool2d: layer(
    { type: "avgpool2d", kernel_size: 2, stride: 1, padding: [0, 1], count_include_pad: true },
    [1, 1.5, 0.5],
    { count_include_pad: undefined },
    /it pads, but does not say whether pads count/,
  ),
  global_avgpool: layer(
    { type: "global_avgpool" },
    [2, 5],
    {},
    /its input has the shape 1×4 — maps of shape/,
    maps,
  ),
  global_maxpool: layer(
    { type: "global_maxpool", keepdim: false },
    [3, 6],
    { keepdim: 0 },
    /keepdim: it is 0 — expected: true or false/,
    maps,
  ),
  flatten: layer({ type: "flatten" }, [1, -2, 3, 4], { start_dim: 1 }, /"start_dim" is not known here/),
  reshape: layer(
    { type: "reshape", shape: [1, -1, 2] },
    [1, -2, 3, 4],
    { shape: [1, 3] },
    /1×1×2×2 cannot become 1×3/,
  ),
  permute: layer(
    { type: "permute", dims: [0, 2, 3, 1] },
    [1, 4, 2, 5, 3, 6],
    { dims: [0, 1, 1, 2] },
    /no order of 4 axes/,
    maps,
  ),
  channel_shuffle: layer(
    { type: "channel_shuffle", groups: 2 },
    [1, 3, 2, 4],
    { groups: 3 },
    /3 groups do not divide 4 channels/,
    { input: [4, 1, 1], x: [1, 2, 3, 4] },
  ),
  // Rows and columns of two from two channels of 2 × 2: 0 1 / 2 3 and 4 5 / 6 7.
  space_to_depth: layer(
    { type: "space_to_depth", block_size: 2, order: "onnx" },
    [0, 4, 1, 5, 2, 6, 3, 7],
    { block_size: 3 },
    /blocks of 3 do not divide 1×2×2×2/,
    { input: [2, 2, 2], x: [0, 1, 2, 3, 4, 5, 6, 7] },
  ),
  pad: layer(
    { type: "pad", before: [0, 0, 1, 0], after: [0, 0, 0, 1], value: -1 },
    [-1, -1, -1, 1, -2, -1, 3, 4, -1],
    { before: [1, 1] },
    /it has 2 and 4 pads for 4 axes/,
  ),
  slice: layer(
    { type: "slice", dim: -1, start: 1, step: 2 },
    [-2, 4],
    { start: 4 },
    /it takes nothing of axis 2, which has 4 elements/,
    signal,
  ),
  add: layer(
    { type: "add", inputs: ["input", "input", "input"] },
    [3, -6, 9, 12],
    { inputs: ["input"] },
    /it adds fewer than two values/,
  ),
  concat: layer(
    { type: "concat", inputs: ["input", "input"], dim: 1 },
    [1, -2, 3, 4, 1, -2, 3, 4],
    { dim: 4 },
    /it works on axis 4 of 1×1×2×2 — use an axis from -4 to 3/,
  ),
  arithmetic: layer(
    { type: "arithmetic", operator: "subtract", operand: "t", dim: 1, operand_first: true },
    [9, 8, 7, 16, 15, 14],
    { operator: "divide", operand: 0, operand_first: false, dim: undefined },
    /it divides by 0/,
    { ...maps, tensors: { t: tensor([2], [10, 20]) } },
  ),
  // Times 0.75, halves up: −1.5 becomes −1.
  rescale: layer(
    { type: "rescale", multiplier: 1610612736, shift: 0, halves: "up", range: [-10, 70] },
    [3, -1, 70, 0],
    { shift: 40 },
    /it multiplies or shifts by 40 — use whole numbers from -31 to 30/,
    { input: [4], x: [4, -2, 100, 0] },
  ),
  subtract: layer(
    { type: "subtract", inputs: ["input", "input"] },
    [0, 0, 0, 0],
    { inputs: ["input"] },
    /it reads 1 values where two are expected/,
    vector,
  ),
  multiply: layer(
    { type: "multiply", inputs: ["input", "input"] },
    [1, 4, 0, 0.25],
    { inputs: ["input", "input", "input"] },
    /it reads 3 values where two are expected/,
    vector,
  ),
  abs: layer({ type: "abs" }, [1, 2, 0, 0.5], { slope: 1 }, /"slope" is not known here/, vector),
  mean: layer(
    { type: "mean", dim: [1], keepdim: false },
    [3, 4, 5, 6],
    { dim: [1, 2] },
    /it works on axes 1, 2 of 1×2×2×2/,
    { input: [2, 2, 2], x: [1, 2, 3, 4, 5, 6, 7, 8] },
  ),
  // 1: the first sign +1 leaves 0.25, then +1; −0.5: −1 leaves 0.25; 0 counts as +1 and leaves −0.75.
  residual_sign: layer(
    { type: "residual_sign", scales: "g", sign_of_zero: 1 },
    [1, -0.5, 0.5, 1],
    { scales: "other" },
    /it has 9 scales — use 1 to 8/,
    {
      input: [4],
      x: [1, -0.5, 0, 9],
      tensors: { g: tensor([2], [0.75, -0.25]), other: tensor([9], new Array(9).fill(1)) },
    },
  ),
  // Shifted by 1 and −1, compared with 0.5: both, the first, none, the first from exactly −0.5 on.
  bases: layer(
    { type: "bases", shifts: "v", coefficients: "b", threshold: 0.5, at_threshold: "above" },
    [5, -1, -5, -1],
    { coefficients: "other" },
    /it has 2 shifts and 1 coefficients — give one of each per basis/,
    {
      input: [4],
      x: [2, 0, -1, -0.5],
      tensors: { v: tensor([2], [1, -1]), b: tensor([2], [2, 3]), other: tensor([1], [2]) },
    },
  ),
  levels: layer(
    { type: "levels", thresholds: "t", at_threshold: ["below", "above"], values: "v" },
    [7, 7, -1, 0],
    { at_threshold: ["above"] },
    /it has 1 sides for 2 thresholds — give one, or one each/,
    { input: [4], x: [1, 2, 0.5, 0], tensors: { t: tensor([2], [0, 1]), v: tensor([3], [0, -1, 7]) } },
  ),
  softmax: layer({ type: "softmax" }, [0.5, 0.5], { dim: 7 }, /axis 7 of 1×2/, { input: [2], x: [3, 3] }),
  argmax: layer({ type: "argmax", select_last: true }, [2], { dim: 0 }, /it works on axis 0 of 1×3/, {
    input: [3],
    x: [1, 5, 5],
  }),
  // An objectness of 1/2, shared by two classes; the anchor is the map's two cells wide.
  region: layer(
    headFields,
    [0.75, 0.5, 1, 2, 0.25, 0, 0.75, 0.5, 1, 2, 0.25, 1],
    { max_boxes: 9 },
    /9 boxes cannot come from 4 candidates — let max_candidates be max_boxes or more/,
    {
      input: [7, 1, 2],
      x: [0, 0, 0, 0, 0, 0, 0, 0, -9, 0, 0, 0, 0, 0],
    },
  ),
};

test("torch and darknet have other orders of blocks", () => {
  const of = (order: string, input: readonly number[]): BundleSpec => ({
    input,
    layers: [{ type: "space_to_depth", block_size: 2, order }],
  });
  const counted = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
  expect(run(of("torch", [2, 2, 2]), counted(8))).toEqual(counted(8));
  // The numbers of 4 × 2 × 2 are taken for those of 1 × 4 × 4.
  const darknet = [0, 2, 8, 10, 1, 3, 9, 11, 4, 6, 12, 14, 5, 7, 13, 15];
  expect(run(of("darknet", [4, 2, 2]), counted(16))).toEqual(darknet);
  expect(problemOf(of("darknet", [2, 2, 2]))).toMatch(/its square divides the channels/);
});

test("darknet's normalization adds eps to the root", () => {
  const tensors = { m: tensor([1], [1]), v: tensor([1], [4]), w: tensor([1], [3]), b: tensor([1], [0.5]) };
  const norm = { type: "batchnorm", formula: "darknet", weight: "w", bias: "b" };
  const spec = (eps: number): BundleSpec => ({
    input: [1, 1, 2],
    layers: [{ ...norm, running_mean: "m", running_var: "v", eps }],
    tensors,
  });
  expect(run(spec(0.5), [1, 3.5])).toEqual([0.5, 3.5]);
  expect(problemOf(spec(-2))).toMatch(/its root of the variance plus eps is not positive/);
});

test("heads that fit no anchors are refused", () => {
  const spec = (more: object): BundleSpec => ({ input: [7, 1, 2], layers: [{ ...headFields, ...more }] });
  expect(problemOf(spec({ classes: 3 }))).toMatch(/1 anchors of 3 classes do not fit 1×7×1×2/);
  for (const bad of [
    { anchors: [[0, 1]] },
    { anchors: [[1, 5000]] },
    { anchors: [] },
    { score_threshold: 1 },
    { iou_threshold: -0.1 },
    { suppression: "none" },
  ])
    expect(problemOf(spec(bad))).toMatch(new RegExp(`layers\\[0\\]\\.${Object.keys(bad)[0]}.*expected`));
});

describe.each(bundleLayers.map((l) => l.type))("%s", (type) => {
  test("computes", () => {
    const { good, x, y } = cases[type]!;
    expect(run(good, x)).toEqual(y.map(Math.fround));
  });

  test("is refused with the reason", () => {
    const { bad, message } = cases[type]!;
    const spec = type === "global_avgpool" ? { ...bad, input: [4] } : bad;
    const problem = problemOf(spec);
    expect(problem).toMatch(message);
    expect(problem).toMatch(/^layers\[0\]/);
  });
});

test("between layers: what each type needs of its input", () => {
  const problem = problemOf({
    input: [4],
    layers: [
      { type: "maxpool2d", name: "pool", kernel_size: 2 },
      { type: "argmax", name: "class", inputs: ["input"] },
      { type: "relu", name: "after" },
      { type: "conv1d", name: "conv", inputs: ["input"], weight: "w", weight_quantizer: none },
      { type: "relu", name: "behind" },
    ],
  });
  expect(problem.split("\n")).toEqual([
    expect.stringMatching(
      /^layers\[0\] pool: its input has the shape 1×4 — maps of shape 1×channels×height×width/,
    ),
    expect.stringMatching(
      /^layers\[2\] after: it computes with class indices — let argmax be the last layer/,
    ),
    expect.stringMatching(/^layers\[3\] conv: its input has the shape 1×4 — signals of shape/),
  ]);
});

test("sign: 0 for 0 where torch.sign says so, of both zeros and beside the least numbers", () => {
  const sign = (scale: number) => ({ input: [5], layers: [{ type: "sign", sign_of_zero: 0, scale }] });
  const least = 2 ** -149;
  const x = [0, -0, least, -least, 3];
  expect(run(sign(1), x).map((v) => v + 0)).toEqual([0, 0, 1, -1, 1]);
  expect(run(sign(0.25), x).map((v) => v + 0)).toEqual([0, 0, 0.25, -0.25, 0.25]);
});

test("conv2d: weights stored flat have the shape that the manifest says", () => {
  const spec = (sizes: readonly number[]): BundleSpec => ({
    ...maps,
    layers: [{ type: "conv2d", weight: "w", weight_shape: sizes, weight_quantizer: none }],
    tensors: { w: tensor([4, 1], [1, 10, 100, 1000]) },
  });
  expect(run(spec([1, 2, 1, 2]), maps.x)).toEqual([1 + 20 + 400 + 5000, 2 + 30 + 500 + 6000]);
  expect(run(spec([2, 2, 1, 1]), maps.x)).toEqual([41, 52, 63, 4100, 5200, 6300]);
  expect(problemOf(spec([2, 2, 1, 2]))).toMatch(/its 4 weights do not fit the weight_shape 2×2×1×2/);
  expect(problemOf(spec([2, 2, 1]))).toMatch(/weight_shape: .*stored flat/);
});
