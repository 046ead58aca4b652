/** One model that works and one that must be refused, for every supported class of layers. */
import { describe, expect, test } from "vitest";
import { kerasLayers } from "../../../src/formats/keras/registry.js";
import type { FloatTensor } from "../../../src/graph/types.js";
import { filled, type LayerSpec, type ModelSpec, problemsOf, run, tensor } from "../../support/keras.js";

interface Case {
  readonly good: ModelSpec;
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly bad: ModelSpec;
}

const one = (layer: LayerSpec, input: readonly number[]): ModelSpec => ({ input, layers: [layer] });

/** A layer on four numbers as a map 2 × 2 × 1, or another shape; the bad one has other settings. */
function layer(
  name: string,
  good: LayerSpec["config"],
  y: readonly number[],
  bad: LayerSpec["config"],
  {
    input = [2, 2, 1],
    x = [1, -2, 3, 4],
    weights = [],
  }: {
    readonly input?: readonly number[];
    readonly x?: readonly number[];
    readonly weights?: LayerSpec["weights"];
  } = {},
): Case {
  const of = (config: LayerSpec["config"]): ModelSpec =>
    one({ class: name, config: config!, weights: weights! }, input);
  return { good: of(good), x, y, bad: of({ ...good, ...bad }) };
}

const sign = "ste_sign";
const nothing = (name: string, config: LayerSpec["config"] = {}): Case =>
  layer(name, config, [1, -2, 3, 4], { frobnicate: 3 });
/** A quantizer as a layer on four numbers. */
const quantizer = (name: string, y: readonly number[], config: LayerSpec["config"] = {}): Case =>
  layer(name, config, y, { frobnicate: 3 }, { input: [4], x: [1, -2, 0, 0.5] });

function dense(name: string, config: LayerSpec["config"], y: readonly number[]): Case {
  // 2 × 3: rows are inputs.
  const weights = [tensor([2, 3], [0.5, -1, 0, 2, 0.25, -3]), tensor([3], [0, 10, 100])];
  return layer(name, { units: 3, ...config }, y, { units: 4 }, { input: [2], x: [2, 3], weights });
}

/** A 2 × 2 kernel [[1, −1], [1, 1]] over 2 × 2 × 1, SAME: pads stand below and on the right. */
function conv2d(name: string, config: LayerSpec["config"], y: readonly number[], bias = 100): Case {
  const weights = [tensor([2, 2, 1, 1], [0.5, -0.25, 2, 1]), tensor([1], [bias])];
  const settings = { filters: 1, kernel_size: [2, 2], padding: "same", ...config };
  return layer(name, settings, y, { groups: 2 }, { x: [1, -2, 3, 4], weights });
}

function conv1d(name: string, config: LayerSpec["config"], y: readonly number[]): Case {
  const weights = [tensor([2, 1, 1], [-0.5, 1]), tensor([1], [0])];
  const settings = { filters: 1, kernel_size: [2], padding: "causal", ...config };
  return layer(name, settings, y, { padding: "reflect" }, { input: [3, 1], x: [1, -2, 3], weights });
}

function depthwise(name: string, config: LayerSpec["config"], y: readonly number[]): Case {
  // Two channels, two kernels each: outputs are 0·a, 0·b, 1·a, 1·b.
  const weights = [tensor([1, 1, 2, 2], [1, -1, 0.5, -2]), tensor([4], [0, 0, 0, 0])];
  const settings = { kernel_size: [1, 1], depth_multiplier: 2, ...config };
  return layer(name, settings, y, { depth_multiplier: 3 }, { input: [1, 1, 2], x: [3, -5], weights });
}

function separable(name: string, axes: 1 | 2, config: LayerSpec["config"], y: readonly number[]): Case {
  const ones = axes === 1 ? [1] : [1, 1];
  const weights = [tensor([...ones, 2, 1], [1, -2]), tensor([...ones, 2, 1], [1, 3]), tensor([1], [0])];
  const settings = { filters: 1, kernel_size: ones, ...config };
  return layer(name, settings, y, { filters: 2 }, { input: [...ones, 2], x: [3, -5], weights });
}

function normalization(name: string): Case {
  const weights = [
    [3, -1],
    [0, 1],
    [1, 0],
    [2, 0.75],
  ].map((w) => tensor([2], w));
  // (2.5 − 1) · 3 / √2.25 = 3; 4 · −1 / √1 + 1 = −3
  const none = {
    beta_quantizer: null,
    gamma_quantizer: null,
    mean_quantizer: null,
    variance_quantizer: null,
  };
  return layer(
    name,
    { epsilon: 0.25, axis: [1], ...none },
    [3, -3],
    { axis: [0] },
    { input: [2], x: [2.5, 4], weights },
  );
}

/** An operation on four numbers, called with further arguments. */
function withNumber(
  name: string,
  args: LayerSpec["args"],
  y: readonly number[],
  badArgs: LayerSpec["args"],
): Case {
  const of = (given: LayerSpec["args"]): ModelSpec => ({
    layers: [{ class: name, from: ["x"], args: given! }],
  });
  return { good: of(args), x: [1, -2, 3, 4], y, bad: of(badArgs) };
}

/** The factor is −0.5 / √0.25 = −1 for the first output and 4 / √4 = 2 for the second; the bias (b − mean) · factor + beta. */
function folded(name: string, kernel: FloatTensor, config: LayerSpec["config"], y: readonly number[]): Case {
  const weights = [
    kernel,
    tensor([2], [1, 2]),
    tensor([2], [-0.5, 4]),
    tensor([2], [10, 20]),
    tensor([], [7]),
    tensor([2], [3, 1]),
    tensor([2], [0, 3.75]),
  ];
  const settings = {
    kernel_size: [1, 1],
    epsilon: 0.25,
    axis: [3],
    folding_mode: "ema_stats_folding",
    ...config,
  };
  return layer(name, settings, y, { center: false }, { input: [1, 1, 2], x: [3, -5], weights });
}

const signal = { input: [4, 1], x: [1, -2, 3, 4] };
const pool = (name: string, axes: 1 | 2, y: readonly number[]): Case =>
  layer(
    name,
    { pool_size: axes === 1 ? [2] : [2, 2] },
    y,
    { pool_size: axes === 1 ? [5] : [3, 3] },
    axes === 1 ? signal : {},
  );
const whole = (name: string, axes: 1 | 2, y: readonly number[]): Case =>
  layer(name, {}, y, { data_format: "channels_first" }, axes === 1 ? signal : {});

const cases: Readonly<Record<string, Case>> = {
  QuantConv1D: conv1d("QuantConv1D", { input_quantizer: sign, kernel_quantizer: sign }, [1, -2, 2]),
  // Signs 1 −1 1 1; kernel signs 1 −1 1 1; pads of 1.
  QuantConv2D: conv2d(
    "QuantConv2D",
    { input_quantizer: sign, kernel_quantizer: sign, pad_values: 1 },
    [104, 100, 102, 102],
  ),
  QuantDepthwiseConv2D: depthwise("QuantDepthwiseConv2D", { depthwise_quantizer: sign }, [3, -3, -5, 5]),
  QuantSeparableConv1D: separable(
    "QuantSeparableConv1D",
    1,
    { depthwise_quantizer: sign, pointwise_quantizer: sign },
    [8],
  ),
  QuantSeparableConv2D: separable("QuantSeparableConv2D", 2, { input_quantizer: sign }, [7]),
  QuantDense: dense("QuantDense", { input_quantizer: sign, kernel_quantizer: sign }, [2, 10, 100]),
  SteSign: quantizer("SteSign", [1, -1, 1, 1], { clip_value: 1 }),
  ApproxSign: quantizer("ApproxSign", [1, -1, 1, 1]),
  SwishSign: quantizer("SwishSign", [1, -1, 1, 1], { beta: 5 }),
  SteTern: quantizer("SteTern", [1, -1, 0, 1], { threshold_value: 0.5 }),
  SteHeaviside: quantizer("SteHeaviside", [1, 0, 0, 1]),
  DoReFa: quantizer("DoReFa", [1, 0, 0, Math.fround(2 / 3)], { k_bit: 2 }),
  NoOp: quantizer("NoOp", [1, -2, 0, 0.5], { precision: 1 }),
  QConv1D: conv1d("QConv1D", { kernel_quantizer: "binary(alpha=1)" }, [1, -3, 5]),
  QConv2D: conv2d(
    "QConv2D",
    { kernel_quantizer: "quantized_bits(2,1,1,alpha=1)", bias_quantizer: "quantized_bits(4,3)" },
    [14, 11, 7, 7],
  ),
  QDepthwiseConv2D: depthwise(
    "QDepthwiseConv2D",
    { depthwise_quantizer: "ternary(alpha=2,threshold=0.75)" },
    [6, -6, 0, 10],
  ),
  QSeparableConv1D: separable("QSeparableConv1D", 1, { depthwise_quantizer: "binary(alpha=1)" }, [18]),
  QSeparableConv2D: separable("QSeparableConv2D", 2, { pointwise_quantizer: "binary(alpha=1)" }, [13]),
  QDense: dense(
    "QDense",
    { kernel_quantizer: "binary(alpha=0.5)", activation: "quantized_relu(3,3)" },
    [2, 7, 7],
  ),
  QActivation: layer("QActivation", { activation: "quantized_bits(3,1,1,alpha=1)" }, [1, -1.5, 1.5, 1.5], {
    activation: "quantized_bits(3,1,alpha='auto')",
  }),
  QBatchNormalization: normalization("QBatchNormalization"),
  // Biases: (1 − 3) · −1 + 10 = 12 and (2 − 1) · 2 + 20 = 22.
  QConv2DBatchnorm: folded(
    "QConv2DBatchnorm",
    tensor([1, 1, 2, 2], [0.5, 1, -1, 0.25]),
    { filters: 2, bias_quantizer: "quantized_bits(5,4,alpha=1)", activation: "quantized_relu(6,6)" },
    [6, 18],
  ),
  QDepthwiseConv2DBatchnorm: folded(
    "QDepthwiseConv2DBatchnorm",
    tensor([1, 1, 2, 1], [0.5, 1]),
    { depthwise_quantizer: "binary(alpha=1)" },
    [12 - 3, 22 - 5],
  ),
  // The sum, 6, times 1/4 in steps of 1/8; of 1/3 in steps of 1/8, which is 3/8.
  QAveragePooling2D: layer(
    "QAveragePooling2D",
    { pool_size: [1, 3], average_quantizer: "quantized_bits(4,0,alpha=1)" },
    [6 * 0.375],
    { pool_size: [2, 2] },
    { input: [1, 3, 1], x: [1, 2, 3] },
  ),
  QGlobalAveragePooling2D: layer(
    "QGlobalAveragePooling2D",
    { average_quantizer: "quantized_bits(3,0,alpha=1)", activation: "quantized_relu(2,2)" },
    [2],
    { average_quantizer: "binary(alpha='auto')" },
  ),
  InputLayer: {
    good: one({ class: "ReLU" }, [4]),
    x: [1, -2, 3, 4],
    y: [1, 0, 3, 4],
    bad: one({ class: "ReLU" }, [null as unknown as number, 4]),
  },
  Conv1D: conv1d("Conv1D", {}, [1, -2.5, 4]),
  Conv2D: conv2d("Conv2D", {}, [100 + 0.5 + 0.5 + 6 + 4, 100 - 1 + 8, 100 + 1.5 - 1, 102]),
  DepthwiseConv2D: depthwise("DepthwiseConv2D", {}, [3, -3, -2.5, 10]),
  SeparableConv1D: separable("SeparableConv1D", 1, {}, [33]),
  SeparableConv2D: separable("SeparableConv2D", 2, {}, [33]),
  Dense: dense("Dense", {}, [7, 10 - 2 + 0.75, 91]),
  BatchNormalization: normalization("BatchNormalization"),
  Activation: layer("Activation", { activation: "relu" }, [1, 0, 3, 4], { activation: "sigmoid" }),
  ReLU: layer("ReLU", { max_value: 3.5, negative_slope: 0.5 }, [1, -1, 3, 3.5], { threshold: 1 }),
  LeakyReLU: layer("LeakyReLU", { alpha: 0.25 }, [1, -0.5, 3, 4], { alpha: "big" }),
  PReLU: layer(
    "PReLU",
    { shared_axes: [1, 2] },
    [1, -4, 3, 4],
    { shared_axes: [1] },
    { weights: [tensor([1, 1, 1], [2])] },
  ),
  Softmax: layer("Softmax", {}, [0.5, 0.5], { axis: 0 }, { input: [2], x: [7, 7] }),
  MaxPooling1D: pool("MaxPooling1D", 1, [1, 4]),
  MaxPooling2D: pool("MaxPooling2D", 2, [4]),
  AveragePooling1D: pool("AveragePooling1D", 1, [-0.5, 3.5]),
  AveragePooling2D: pool("AveragePooling2D", 2, [1.5]),
  GlobalMaxPooling1D: whole("GlobalMaxPooling1D", 1, [4]),
  GlobalMaxPooling2D: whole("GlobalMaxPooling2D", 2, [4]),
  GlobalAveragePooling1D: whole("GlobalAveragePooling1D", 1, [1.5]),
  GlobalAveragePooling2D: whole("GlobalAveragePooling2D", 2, [1.5]),
  ZeroPadding1D: layer("ZeroPadding1D", { padding: [1, 0] }, [0, 1, -2, 3, 4], { padding: -1 }, signal),
  ZeroPadding2D: layer(
    "ZeroPadding2D",
    {
      padding: [
        [0, 1],
        [1, 0],
      ],
    },
    [0, 1, -2, 0, 3, 4, 0, 0, 0],
    { padding: [1, 2, 3] },
  ),
  Cropping1D: layer("Cropping1D", { cropping: [1, 2] }, [-2], { cropping: 2 }, signal),
  Cropping2D: layer(
    "Cropping2D",
    {
      cropping: [
        [1, 0],
        [0, 1],
      ],
    },
    [3],
    { cropping: 1 },
  ),
  Flatten: layer("Flatten", {}, [1, -2, 3, 4], { data_format: "channels_first" }),
  Reshape: layer("Reshape", { target_shape: [-1, 2] }, [1, -2, 3, 4], { target_shape: [3, -1] }),
  Permute: layer("Permute", { dims: [2, 1, 3] }, [1, 3, -2, 4], { dims: [1, 2] }),
  Add: {
    good: {
      layers: [
        { class: "ReLU", from: ["x"], name: "r" },
        { class: "Add", from: ["x", "r", "x"] },
      ],
    },
    x: [1, -2, 3, 4],
    y: [3, -4, 9, 12],
    bad: {
      input: [2, 2, 1],
      layers: [
        { class: "Flatten", from: ["x"], name: "r" },
        { class: "Add", from: ["x", "r"] },
      ],
    },
  },
  Concatenate: {
    good: {
      input: [1, 2, 2],
      layers: [
        { class: "ReLU", from: ["x"], name: "r" },
        { class: "Concatenate", from: ["r", "x"], config: { axis: -1 } },
      ],
    },
    x: [1, -2, 3, -4],
    y: [1, 0, 1, -2, 3, 0, 3, -4],
    bad: { layers: [{ class: "Concatenate", from: ["x", "x"], config: { axis: 0 } }] },
  },
  Rescaling: layer("Rescaling", { scale: 0.5, offset: 1 }, [1.5, 0, 2.5, 3], { scale: [1, 2] }),
  Dropout: nothing("Dropout", { rate: 0.5, noise_shape: null, seed: null }),
  SpatialDropout1D: { ...nothing("SpatialDropout1D", { rate: 0.5 }) },
  SpatialDropout2D: nothing("SpatialDropout2D", { rate: 0.5, data_format: "channels_last" }),
  GaussianNoise: nothing("GaussianNoise", { stddev: 0.5 }),
  GaussianDropout: nothing("GaussianDropout", { rate: 0.5 }),
  ActivityRegularization: nothing("ActivityRegularization", { l1: 0.5, l2: 0 }),
  AlphaDropout: nothing("AlphaDropout", { rate: 0.5 }),
  Identity: nothing("Identity"),
  RandomFlip: nothing("RandomFlip", { mode: "horizontal" }),
  RandomRotation: nothing("RandomRotation", { factor: [-0.1, 0.1], fill_mode: "reflect" }),
  RandomTranslation: nothing("RandomTranslation", { height_factor: 0.5, width_factor: 0.5 }),
  RandomZoom: nothing("RandomZoom", { height_factor: 0.5 }),
  RandomContrast: nothing("RandomContrast", { factor: 0.5 }),
  RandomBrightness: nothing("RandomBrightness", { factor: 0.5, value_range: [0, 255] }),
  // √2.25 = 1.5 and √0 counts as 1e-7.
  Normalization: layer(
    "Normalization",
    { axis: [-1] },
    [2, Math.fround(1 / Math.fround(1e-7))],
    { axis: [0, 1] },
    { input: [2], x: [4, 3], weights: [tensor([2], [1, 2]), tensor([2], [2.25, 0]), tensor([], [9])] },
  ),
  Average: {
    good: {
      layers: [
        { class: "ReLU", from: ["x"], name: "r" },
        { class: "Average", from: ["x", "r"] },
      ],
    },
    x: [1, -2, 3, 4],
    y: [1, -1, 3, 4],
    bad: { layers: [{ class: "Average", from: ["x"] }] },
  },
  Subtract: {
    good: {
      layers: [
        { class: "ReLU", from: ["x"], name: "r" },
        { class: "Subtract", from: ["r", "x"] },
      ],
    },
    x: [1, -2, 3, 4],
    y: [0, 2, 0, 0],
    bad: { layers: [{ class: "Subtract", from: ["x", "x", "x"] }] },
  },
  Multiply: {
    good: {
      layers: [
        { class: "ReLU", from: ["x"], name: "r" },
        { class: "Multiply", from: ["x", "r"] },
      ],
    },
    x: [1, -2, 3, 4],
    y: [1, 0, 9, 16],
    bad: { layers: [{ class: "Multiply", from: ["x", "x", "x"] }] },
  },
  Divide: withNumber("Divide", { "1": 4 }, [0.25, -0.5, 0.75, 1], { "0": 4 }),
  TrueDivide: withNumber("TrueDivide", { "1": 4 }, [0.25, -0.5, 0.75, 1], { "1": 0 }),
  Maximum: withNumber("Maximum", { "0": 2 }, [2, 2, 3, 4], {}),
  Minimum: withNumber("Minimum", { "1": 2 }, [1, -2, 2, 2], { "1": "x" }),
  Negative: withNumber("Negative", {}, [-1, 2, -3, -4], { out: 3 }),
  Sign: withNumber("Sign", {}, [1, -1, 1, 1], { out: 3 }),
  Clip: layer("Clip", { x_min: -1, x_max: 3 }, [1, -1, 3, 3], { x_min: 9 }),
  Relu: withNumber("Relu", {}, [1, 0, 3, 4], { out: 3 }),
  Relu6: withNumber("Relu6", {}, [1, 0, 3, 4], { out: 3 }),
  LeakyRelu: layer("LeakyRelu", { negative_slope: 0.25 }, [1, -0.5, 3, 4], { negative_slope: "big" }),
  TFOpLambda: {
    good: { layers: [{ class: "TFOpLambda", config: { function: "math.add" }, from: ["x", "x"] }] },
    x: [1, -2, 3, 4],
    y: [2, -4, 6, 8],
    bad: { layers: [{ class: "TFOpLambda", config: { function: "math.sin" }, from: ["x"] }] },
  },
};

describe.each(kerasLayers.map((l) => l.layer))("%s", (name) => {
  test("has a case here", () => expect(Object.keys(cases)).toContain(name));

  test("computes what it is defined to compute", () => {
    const { good, x, y } = cases[name]!;
    const result = run(good, x);
    expect(result).toHaveLength(y.length);
    for (const [i, value] of y.entries()) expect(result[i]! + 0).toBe(value + 0);
  });

  test("is refused where it cannot be imported, in the user's words", () => {
    const [first, ...rest] = problemsOf(cases[name]!.bad);
    expect(rest).toEqual([]);
    expect(first!.code).toBe("keras/layer");
    expect(first!.message).toMatch(/^[a-z\d][^\n]{15,}$/);
    expect(first!.remedy).toMatch(/^[a-z\d`"(A-Z].{10,}/);
    expect(first!.where ?? "").not.toBe("");
  });
});

test("a kernel in front of weights of another shape is refused", () => {
  const bad = one(
    {
      class: "Conv2D",
      config: { filters: 2, kernel_size: 3 },
      weights: [filled([3, 3, 2, 2], 1), filled([2], 0)],
    },
    [5, 5, 1],
  );
  expect(problemsOf(bad)[0]!.message).toMatch(/3×3×2×2 does not fit: 3×3×1×2 is expected/);
});
