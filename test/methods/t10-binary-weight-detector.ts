/**
 * T10: detectors with binary weights (Xu et al. 2018): BWN's factor per filter, float activations, darknet's batch
 * normalization, leaky ReLU, reorg, route and region layers; a net like Tiny YOLO and one of depthwise convolutions.
 */
import { exactExp } from "../../src/reference/exact-exp.js";
import {
  channelsOf,
  concatenate,
  each,
  floatProducts,
  maxPool,
  products,
  relu,
  sign,
  type Taps,
  times,
  type Value,
} from "../support/methods/arithmetic.js";
import { floatLayerOf, type Levels } from "../support/methods/latent.js";
import { conv, FLOAT, maxpool } from "../support/methods/layers.js";
import { bundleCommand, type Method } from "../support/methods/method.js";
import type { MethodNet } from "../support/methods/net.js";
import type { Parameters } from "../support/methods/parameters.js";
import { detect, type HeadRule } from "../support/methods/regions.js";

const f = Math.fround;
const SIGNS = { type: "sign", sign_of_zero: 1, scale: { mean_abs: "output" } };
/** Pixels of 0 … 1, in steps that float32 holds. */
const PIXELS = { numerator: 1, denominator: 256, zero: 0 };
const EPS = f(1e-6);

const padded = { padding: 1, padding_value: 0 };
const halved = { stride: 2, padding: [0, 0, 1, 1], padding_value: 0 };
const HALVED: Taps = { stride: 2, pads: [0, 0, 1, 1] };

function darknetNorm(name: string): unknown {
  return {
    type: "batchnorm",
    formula: "darknet",
    name,
    weight: `${name}.scales`,
    bias: `${name}.biases`,
    running_mean: `${name}.mean`,
    running_var: `${name}.variance`,
    eps: 1e-6,
  };
}

/** Latent weights' mean magnitude per filter, summed in float64 and rounded once. */
function factors({ shape, data }: Value): Float32Array {
  const size = data.length / shape[0]!;
  return Float32Array.from({ length: shape[0]! }, (_, o) => {
    let sum = 0;
    for (const w of data.subarray(o * size, (o + 1) * size)) sum += Math.abs(w);
    return sum / size;
  });
}

/** Signs of latent weights, and a factor per filter. */
function binarized(latent: Value): Levels {
  return { codes: sign(latent, 1), scale: factors(latent) };
}

/** `(x − mean) / (√variance + .000001f) · scale + bias`, one rounding after each; some channels fall and some rise. */
function normalizedByDarknet(drawn: Parameters, name: string, x: Value): Value {
  const { gamma, beta, mean, variance } = drawn.normalization(`~${name}`, x, { ofScores: true, eps: EPS });
  const scales = gamma.map((g, c) => (c < 2 ? (2 * c - 1) * Math.abs(g) : g));
  const stored = { scales, biases: beta, mean, variance };
  for (const [field, numbers] of Object.entries(stored))
    drawn.vector(`${name}.${field}`, numbers.length, (c) => numbers[c]!);
  const deviation = variance.map((v) => f(Math.sqrt(v)) + EPS);
  return each(x, (v, c) => f(f(f(f(v - mean[c]!) / deviation[c]!) * scales[c]!) + beta[c]!));
}

function leaky(x: Value): Value {
  return each(x, (v) => (v >= 0 ? v : f(v * f(0.1))));
}

/** Darknet's reorg, index by index as `reorg_cpu` runs when it is called with the sizes of its input. */
function reorg(x: Value, stride: number): Value {
  const [batch, channels, height, width] = x.shape as [number, number, number, number];
  const fewer = channels / (stride * stride);
  const data = new Float64Array(x.data.length);
  for (let b = 0; b < batch; b++) {
    for (let k = 0; k < channels; k++) {
      for (let j = 0; j < height; j++) {
        for (let i = 0; i < width; i++) {
          const offset = Math.floor(k / fewer);
          const column = i * stride + (offset % stride);
          const row = j * stride + Math.floor(offset / stride);
          data[i + width * (j + height * (k + channels * b))] =
            x.data[column + width * stride * (row + height * stride * ((k % fewer) + fewer * b))]!;
        }
      }
    }
  }
  return { shape: [batch, channels * stride * stride, height / stride, width / stride], data };
}

/** The head's rows of boxes for all of a batch, as docs/NUMERICS.md rounds. */
function boxes(head: Value, rule: HeadRule): Value {
  const batch = head.shape[0]!;
  const data = new Float64Array(batch * rule.boxes * 6);
  for (let n = 0; n < batch; n++) {
    const { rows } = detect(head, n, rule, { exp: exactExp, round: f });
    data.set(rows.flat(), n * rule.boxes * 6);
  }
  return { shape: [batch, rule.boxes, 6], data };
}

/** Rows of numbers as the device has them: a map of one row, whose channels are a box's numbers. */
function asMap({ shape, data }: Value): Value {
  const [batch, count, numbers] = shape as [number, number, number];
  const map = data.map((_, i) => {
    const [n, rest] = [Math.floor(i / (count * numbers)), i % (count * numbers)];
    return data[(n * count + (rest % count)) * numbers + Math.floor(rest / count)]!;
  });
  return { shape: [batch, numbers, 1, count], data: map };
}

/** A head of boxes as bundles have it. */
export function regionLayer(name: string, rule: HeadRule): Readonly<Record<string, unknown>> {
  return {
    type: "region",
    name,
    anchors: rule.anchors,
    classes: rule.classes,
    class_scores: rule.isSoftmax ? "softmax" : "sigmoid",
    score_threshold: rule.scoreThreshold,
    iou_threshold: rule.iouThreshold,
    suppression: rule.anyClass ? "any" : "class",
    max_candidates: rule.candidates,
    max_boxes: rule.boxes,
  };
}

/** Few candidates, so that the list gets full. */
export const darknetRule: HeadRule = {
  anchors: [
    [1.0625, 1.25],
    [2.5, 1.75],
  ],
  classes: 3,
  isSoftmax: true,
  scoreThreshold: f(0.2),
  iouThreshold: f(0.4),
  anyClass: false,
  candidates: 20,
  boxes: 10,
};

export const mobileRule: HeadRule = {
  ...darknetRule,
  isSoftmax: false,
  scoreThreshold: f(0.25),
  iouThreshold: 0.5,
  anyClass: true,
  candidates: 24,
  boxes: 8,
};

/** The layers that join the fine map and the coarse one, and the head. */
function headLayers(fine: string, coarse: string, rule: HeadRule): unknown[] {
  return [
    { type: "space_to_depth", name: "reorg", inputs: [fine], block_size: 2, order: "darknet" },
    { type: "concat", name: "route", inputs: ["reorg", coarse], dim: 1 },
    conv("head", FLOAT, { bias: "head.bias" }),
    regionLayer("boxes", rule),
  ];
}

/** Whether a number of an anchor is a width or height. */
function isSize(entry: number): boolean {
  return entry === 2 || entry === 3;
}

function headOf(
  fine: Value,
  coarse: Value,
  rule: HeadRule,
  drawn: Parameters,
  see: (name: string, v: Value) => Value,
): Value {
  const moved = see("route selection", reorg(fine, 2));
  const joined = see("route", concatenate(moved, coarse));
  const outputs = rule.anchors.length * (5 + rule.classes);
  const weights = drawn.numbers(
    "head.weight",
    [outputs, channelsOf(joined), 1, 1],
    (i) =>
      (isSize(Math.floor(i / channelsOf(joined)) % (5 + rule.classes)) ? 0.02 : 0.1) * drawn.random.normal(),
  );
  const sums = see("head product", floatProducts(joined, weights));
  const bias = drawn.vector(
    "head.bias",
    outputs,
    (i) => 0.5 * drawn.random.normal() - (i % (5 + rule.classes) === 4 ? 1 : 0),
  );
  const head = see(
    "boxes input",
    each(sums, (v, c) => f(v + bias[c]!)),
  );
  const rows = boxes(head, rule);
  see("boxes", asMap(rows));
  return rows;
}

/** Tiny YOLO's layers: convolutions with leaky ReLU and max-pools, the last one of stride 1. */
const tinyYolo: MethodNet = {
  name: "binary_weight_detector",
  input: [3, 32, 32],
  bytes: PIXELS,
  layers: [
    conv("conv1", SIGNS, padded),
    darknetNorm("bn1"),
    { type: "leaky_relu", name: "leaky1", negative_slope: 0.1 },
    maxpool("pool1", 2),
    conv("conv2", SIGNS, padded),
    darknetNorm("bn2"),
    { type: "leaky_relu", name: "leaky2", negative_slope: 0.1 },
    maxpool("pool2", 2),
    conv("conv3", SIGNS, padded),
    darknetNorm("bn3"),
    { type: "leaky_relu", name: "leaky3", negative_slope: 0.1 },
    maxpool("pool3", 2),
    conv("conv4", SIGNS, padded),
    darknetNorm("bn4"),
    { type: "leaky_relu", name: "leaky4", negative_slope: 0.1 },
    maxpool("pool4", 2, { stride: 1, padding: [0, 0, 1, 1] }),
    ...headLayers("leaky3", "pool4", darknetRule),
  ],
  reference(x, drawn, see) {
    const block = (name: string, input: Value, outputs: number): Value => {
      const latent = drawn.latent(`conv${name}.weight`, [outputs, channelsOf(input), 3, 3]);
      const isFirst = name === "1";
      // Pixels are integers: their sum is exact. Later sums are of float32 numbers; the factor follows all.
      const sums = isFirst
        ? times(see("conv1", products(input, sign(latent, 1), { pads: 1 }), 1 / 256), factors(latent))
        : floatLayerOf(see, `conv${name}`, input, binarized(latent), { pads: 1 });
      return see(`leaky${name} as float`, leaky(normalizedByDarknet(drawn, `bn${name}`, sums)));
    };
    const p1 = see("pool1", maxPool(block("1", x, 8), 2));
    const p2 = see("pool2", maxPool(block("2", p1, 16), 2));
    const fine = block("3", p2, 16);
    const p3 = see("pool3", maxPool(fine, 2));
    const p4 = see("pool4", maxPool(block("4", p3, 24), 2, { stride: 1, pads: [0, 0, 1, 1] }));
    return headOf(fine, p4, darknetRule, drawn, see);
  },
};

/** MobileNet's layers: depthwise and pointwise convolutions, all of one bit. */
const mobile: MethodNet = {
  name: "binary_weight_mobile_detector",
  input: [3, 24, 24],
  bytes: PIXELS,
  layers: [
    conv("conv1", SIGNS, halved),
    darknetNorm("bn1"),
    { type: "relu", name: "relu1" },
    ...["2", "3", "4"].flatMap((i) => [
      conv(`depth${i}`, SIGNS, { ...(i === "2" ? padded : halved), groups: i === "4" ? 16 : 8 }),
      darknetNorm(`dn${i}`),
      { type: "relu", name: `drelu${i}` },
      conv(`point${i}`, SIGNS),
      darknetNorm(`bn${i}`),
      { type: "relu", name: `relu${i}` },
    ]),
    ...headLayers("relu3", "relu4", mobileRule),
  ],
  reference(x, drawn, see) {
    const activated = (name: string, norm: string, sums: Value): Value =>
      see(name, relu(normalizedByDarknet(drawn, norm, sums)));
    const latent1 = drawn.latent("conv1.weight", [8, 3, 3, 3]);
    const d1 = see("conv1", products(x, sign(latent1, 1), HALVED), 1 / 256);
    let a = activated("depth2 input", "bn1", times(d1, factors(latent1)));
    const fine: Value[] = [];
    for (const [i, outputs] of [
      ["2", 8],
      ["3", 16],
      ["4", 24],
    ] as const) {
      const groups = channelsOf(a);
      const depthwise = binarized(drawn.latent(`depth${i}.weight`, [groups, 1, 3, 3]));
      const taps = i === "2" ? { pads: 1 } : HALVED;
      const d = floatLayerOf(see, `depth${i}`, a, depthwise, { ...taps, groups });
      const b = activated(`point${i} input`, `dn${i}`, d);
      const pointwise = binarized(drawn.latent(`point${i}.weight`, [outputs, groups, 1, 1]));
      const reader = i === "4" ? "relu4" : `depth${Number(i) + 1} input`;
      a = activated(reader, `bn${i}`, floatLayerOf(see, `point${i}`, b, pointwise));
      fine.push(a);
    }
    return headOf(fine[1]!, a, mobileRule, drawn, see);
  },
};

export const binaryWeightDetector: Method = {
  test: "T10",
  systems: [
    {
      number: "10",
      name: "Binary-weight detector",
      paper: "Xu et al. 2018, arXiv:1804.06332",
      models: "no official ones; yolo2_light and darknetTWN are near relatives",
      formats: ["bundle"],
      command: bundleCommand(),
      reading:
        "depthwise layers are binary, the head's 1 × 1 convolution is not; darknet's normalization as its GPU kernels round it",
    },
  ],
  result: "exact; boxes within 1e-6 of float64, in the same order",
  nets: [tinyYolo, mobile],
};
