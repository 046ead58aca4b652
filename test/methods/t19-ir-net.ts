/**
 * T19: IR-Net (Qin et al. 2019): signs of standardized weights times a power of two per filter; a float32 stream with a hardtanh
 * after every sum. Shortcuts between stages take every second pixel and pad with channels of 0 (option A of ResNet), or convolve.
 */
import {
  both,
  channelsInOrder,
  clip,
  everyOther,
  filled,
  flatten,
  floatProducts,
  maxPool,
  products,
  sign as signOf,
  times,
  type Value,
} from "../support/methods/arithmetic.js";
import { floatWeights, head, headLayers } from "../support/methods/head.js";
import { batchnorm, FLOAT, linear, maxpool, paddedConv, sign } from "../support/methods/layers.js";
import {
  bundleCommand,
  inFixedPoint,
  type Method,
  type System,
  systemInFixedPoint,
} from "../support/methods/method.js";
import { CENTERED, type MethodNet, type See } from "../support/methods/net.js";
import { normalized, type Parameters } from "../support/methods/parameters.js";

const f = Math.fround;

interface Kernel {
  readonly signs: Value;
  /** 2^s of each filter. */
  readonly powers: Float32Array;
}

/**
 * `ŵ = (w − mean) / std` per filter (std with n − 1), its signs, and `2^round(log2(mean |ŵ|))`. The file has the standardized weights
 * and the powers.
 */
function kernel(drawn: Parameters, name: string, shape: readonly number[]): Kernel {
  const filters = shape[0]!;
  const raw = drawn.numbers(`~${name}`, shape, (i) => {
    // Filters of several sizes and offsets, so that powers differ and centring changes signs.
    const filter = Math.floor(i / shape.slice(1).reduce((a, b) => a * b, 1));
    return (drawn.random.normal() + (filter % 3) * 0.4) * 2 ** (filter % 5);
  });
  const size = raw.data.length / filters;
  const standard = filled(shape, () => 0);
  const powers = new Float32Array(filters);
  for (let o = 0; o < filters; o++) {
    const w = raw.data.subarray(o * size, (o + 1) * size);
    const mean = f(w.reduce((a, b) => a + b, 0) / size);
    const centred = w.map((v) => f(v - mean));
    const deviation = f(Math.sqrt(centred.reduce((a, b) => a + b * b, 0) / (size - 1)));
    const unit = centred.map((v) => f(v / deviation));
    standard.data.set(unit, o * size);
    powers[o] = 2 ** Math.round(Math.log2(unit.reduce((a, b) => a + Math.abs(b), 0) / size));
  }
  drawn.numbers(`${name}.weight`, shape, (i) => standard.data[i]!);
  drawn.vector(`${name}.power`, filters, (o) => powers[o]!);
  return { signs: signOf(standard, 1), powers };
}

const hardtanh = (x: Value): Value => clip(x, -1, 1);

const irConv = (name: string, more: Readonly<Record<string, unknown>> = {}) =>
  paddedConv(name, { type: "sign", sign_of_zero: 1, scale: `${name}.power` }, 1, more);

/** hardtanh(BN(conv(sign(x))) + shortcut(x)). */
function blockLayers(name: string, before: string, stride: number, shortcut: readonly unknown[]): unknown[] {
  const last = shortcut.length === 0 ? before : `${name}.shortcut`;
  return [
    ...shortcut,
    sign(`${name}.sign`, 0, { inputs: [before] }),
    irConv(`${name}.conv`, { stride }),
    batchnorm(`${name}.bn`),
    { type: "add", name: `${name}.sum`, inputs: [`${name}.bn`, last] },
    { type: "hardtanh", name },
  ];
}

/** Every second row and column, between new channels of 0. */
const optionA = (name: string, before: string, each: number): unknown[] => [
  { type: "slice", name: `${name}.rows`, dim: 2, start: 0, step: 2, inputs: [before] },
  { type: "slice", name: `${name}.pixels`, dim: 3, start: 0, step: 2 },
  { type: "pad", name: `${name}.shortcut`, before: [0, each, 0, 0], after: [0, each, 0, 0], value: 0 },
];

const convolved = (name: string, before: string): unknown[] => [
  {
    type: "conv2d",
    name: `${name}.down`,
    weight: `${name}.down.weight`,
    weight_quantizer: FLOAT,
    stride: 2,
    inputs: [before],
  },
  batchnorm(`${name}.shortcut`),
];

/** A block up to its hardtanh, given the shortcut. */
function block(
  name: string,
  x: Value,
  outputs: number,
  stride: number,
  shortcut: Value,
  drawn: Parameters,
  see: See,
): Value {
  const { signs, powers } = kernel(drawn, `${name}.conv`, [outputs, x.shape[1]!, 3, 3]);
  const a = see(`${name}.sign`, signOf(x, 0));
  const d = see(`${name}.conv`, products(a, signs, { pads: 1, stride }));
  const y = see(`${name}.bn`, normalized(drawn, `${name}.bn`, times(d, powers)));
  return see(
    `${name}.sum`,
    both(y, shortcut, (v, w) => f(v + w)),
  );
}

const resNet: MethodNet = {
  name: "ir_resnet",
  input: [3, 9, 9],
  bytes: CENTERED,
  layers: [
    paddedConv("stem", FLOAT, 1),
    batchnorm("stem.bn"),
    { type: "hardtanh", name: "stem.out" },
    ...blockLayers("block1", "stem.out", 1, []),
    ...blockLayers("block2", "block1", 2, optionA("block2", "block1", 6)),
    ...blockLayers("block3", "block2", 2, convolved("block3", "block2")),
    ...headLayers,
  ],
  reference(x, drawn, see) {
    const stem = see(
      "stem",
      floatProducts(see("stem input", x), floatWeights(drawn, "stem.weight", [12, 3, 3, 3]), { pads: 1 }),
    );
    const x1 = see("stem.out", hardtanh(normalized(drawn, "stem.bn", stem)));
    const sum1 = block("block1", x1, 12, 1, x1, drawn, see);
    // The device takes pixels before it clamps them.
    see("block2.shortcut selection", everyOther(sum1, 2));
    const y1 = hardtanh(sum1);
    const padded = Array.from({ length: 24 }, (_, c) => (c >= 6 && c < 18 ? c - 6 : -1));
    const smaller = see("block2.shortcut input", everyOther(y1, 2));
    const s2 = see("block2.shortcut", channelsInOrder(smaller, padded));
    const y2 = see("block3.down input", hardtanh(block("block2", y1, 24, 2, s2, drawn, see)));
    const weights = floatWeights(drawn, "block3.down.weight", [33, 24, 1, 1]);
    const down = see("block3.down", floatProducts(y2, weights, { stride: 2 }));
    const s3 = see("block3.shortcut", normalized(drawn, "block3.shortcut", down));
    const y3 = hardtanh(block("block3", y2, 33, 2, s3, drawn, see));
    return head(y3, drawn, see);
  },
};

/** VGG-small: conv → pool → BN → hardtanh, where the hardtanh changes no sign. */
const vgg: MethodNet = {
  name: "ir_vgg",
  input: [3, 8, 8],
  bytes: CENTERED,
  layers: [
    paddedConv("stem", FLOAT, 1),
    batchnorm("stem.bn"),
    { type: "hardtanh" },
    sign("sign1", 0),
    irConv("conv1"),
    maxpool("pool1", 2),
    batchnorm("bn1"),
    { type: "hardtanh" },
    sign("sign2", 0),
    irConv("conv2"),
    batchnorm("bn2"),
    { type: "hardtanh", name: "last" },
    { type: "flatten" },
    linear("fc", FLOAT),
  ],
  reference(x, drawn, see) {
    const stem = see(
      "stem",
      floatProducts(see("stem input", x), floatWeights(drawn, "stem.weight", [12, 3, 3, 3]), { pads: 1 }),
    );
    const a1 = see("sign1", signOf(hardtanh(normalized(drawn, "stem.bn", stem)), 0));
    const k1 = kernel(drawn, "conv1", [33, 12, 3, 3]);
    const d1 = times(see("conv1", products(a1, k1.signs, { pads: 1 })), k1.powers);
    const a2 = see("sign2", signOf(hardtanh(normalized(drawn, "bn1", maxPool(d1, 2))), 0));
    const k2 = kernel(drawn, "conv2", [31, 33, 3, 3]);
    const d2 = times(see("conv2", products(a2, k2.signs, { pads: 1 })), k2.powers);
    const last = see("fc input", hardtanh(normalized(drawn, "bn2", d2)));
    const weights = floatWeights(drawn, "fc.weight", [10, 31 * 16]);
    return flatten(floatProducts(last, { shape: [10, 31, 4, 4], data: weights.data }));
  },
};

const system: System = {
  number: "19",
  name: "IR-Net",
  paper: "Qin et al. 2019, arXiv:1909.10788",
  models: "IR-Net (PyTorch)",
  formats: ["bundle", "ONNX"],
  command: bundleCommand(),
  nets: ["ir_resnet", "ir_vgg"],
};

export const irNet: Method = {
  test: "T19",
  systems: [system, systemInFixedPoint(system, ["ir_resnet_q16"])],
  result: "exact; the stream and first and last layers in float32, summed in a stated order",
  nets: [resNet, vgg, inFixedPoint(resNet)],
};
