/**
 * T39: QuickNet (Bannink et al. 2020), as Larq's zoo has it: a stem of separable convolutions; blocks `x + BN(relu(conv(sign(x))))`
 * whose ±1 maps are padded with +1; transitions relu → max-pool of stride 1 → blur pool, a depthwise convolution of constants → 1 × 1
 * convolution → BN. Pads are TensorFlow's SAME, in front or behind as sizes have it.
 */
import {
  batchNorm,
  both,
  floatProducts,
  maxPool,
  products,
  relu,
  sign as signOf,
  type Taps,
  type Value,
} from "../support/methods/arithmetic.js";
import { floatWeights, head, headLayers } from "../support/methods/head.js";
import { normed } from "../support/methods/latent.js";
import { batchnorm, conv, FLOAT, maxpool, ONE_BIT, sign } from "../support/methods/layers.js";
import { bundleCommand, type Method } from "../support/methods/method.js";
import { CENTERED, type MethodNet, type See } from "../support/methods/net.js";
import { bits, EPS, type Parameters } from "../support/methods/parameters.js";

const f = Math.fround;

const STEM = 8;
const FIRST = 32;
const SECOND = 36;

/** Pads [top, left, bottom, right] of stride 2 over an even size, 22, and odd ones, 11 and 5. */
const OF_EVEN: Taps = { stride: 2, pads: [0, 0, 1, 1] };
const OF_ODD: Taps = { stride: 2, pads: [1, 1, 1, 1] };

const sameConv = (name: string, { stride, pads }: Taps, more: Readonly<Record<string, unknown>> = {}) =>
  conv(name, FLOAT, { stride, padding: pads, padding_value: 0, ...more });

const blockLayers = (name: string, before: string): unknown[] => [
  sign(`${name}.sign`, 1),
  conv(`${name}.conv`, ONE_BIT, { padding: 1, padding_value: 1 }),
  { type: "relu", name: `${name}.relu` },
  batchnorm(`${name}.bn`),
  { type: "add", name, inputs: [`${name}.bn`, before] },
];

function block(name: string, x: Value, drawn: Parameters, see: See): Value {
  const channels = x.shape[1]!;
  const a = see(`${name}.sign`, signOf(x, 1));
  const w = bits(drawn, `${name}.conv.weight`, [channels, channels, 3, 3]);
  const d = see(`${name}.conv`, products(a, w, { pads: 1, padValue: 1 }));
  const y = see(`${name}.bn`, normed(drawn, `${name}.bn`, relu(d), { ofScores: true }));
  return see(
    name,
    both(y, x, (v, s) => f(v + s)),
  );
}

/** Rows 1, 2, 1 times columns 1, 2, 1, over 16. */
const BLUR = [1, 2, 1].flatMap((row) => [1, 2, 1].map((column) => (row * column) / 16));

const quickNet: MethodNet = {
  name: "quicknet",
  input: [3, 22, 22],
  bytes: CENTERED,
  layers: [
    sameConv("stem1", OF_EVEN),
    batchnorm("stem1.bn"),
    { type: "relu", name: "stem1.relu" },
    sameConv("stem2", OF_ODD, { groups: STEM }),
    // scale=False, center=False
    batchnorm("stem2.bn", { weight: undefined, bias: undefined }),
    conv("stem3", FLOAT),
    batchnorm("stem3.bn"),
    ...blockLayers("block1", "stem3.bn"),
    { type: "relu", name: "relu" },
    maxpool("pool", 2, { stride: 1 }),
    sameConv("blur", OF_ODD, { groups: FIRST }),
    conv("wider", FLOAT),
    batchnorm("wider.bn"),
    ...blockLayers("block2", "wider.bn"),
    { type: "relu", name: "features" },
    ...headLayers,
  ],
  reference(x, drawn, see) {
    const w1 = floatWeights(drawn, "stem1.weight", [STEM, 3, 3, 3]);
    const y1 = see("stem1", floatProducts(see("stem1 input", x), w1, OF_EVEN));
    const a1 = see("stem2 input", relu(normed(drawn, "stem1.bn", y1)));
    const w2 = floatWeights(drawn, "stem2.weight", [STEM, 1, 3, 3]);
    const y2 = see("stem2", floatProducts(a1, w2, { ...OF_ODD, groups: STEM }));
    const a2 = see("stem3 input", plainNorm(drawn, "stem2.bn", y2));
    const w3 = floatWeights(drawn, "stem3.weight", [FIRST, STEM, 1, 1]);
    const y3 = normed(drawn, "stem3.bn", see("stem3", floatProducts(a2, w3)));
    const x1 = block("block1", see("stem3.bn", y3), drawn, see);
    // The device pools first: what is greatest before a ReLU is so behind it.
    see("pool", maxPool(x1, 2, { stride: 1 }));
    const pooled = see("blur input", maxPool(relu(x1), 2, { stride: 1 }));
    const blur = drawn.numbers("blur.weight", [FIRST, 1, 3, 3], (i) => BLUR[i % 9]!);
    // Sums of 1, 2 and 4 times a number, and 1/16 of them.
    const blurred = see("blur", floatProducts(pooled, blur, { ...OF_ODD, groups: FIRST }), 1 / 16);
    const w4 = floatWeights(drawn, "wider.weight", [SECOND, FIRST, 1, 1]);
    const y4 = normed(drawn, "wider.bn", see("wider", floatProducts(see("wider input", blurred), w4)));
    return head(relu(block("block2", see("wider.bn", y4), drawn, see)), drawn, see);
  },
};

/** Batch normalization that learns neither factor nor shift. */
function plainNorm(drawn: Parameters, name: string, x: Value): Value {
  const channels = x.shape[1]!;
  const mean = drawn.vector(`${name}.running_mean`, channels, () => 0.1 * drawn.random.normal());
  const variance = drawn.vector(`${name}.running_var`, channels, () => 0.05 + 0.1 * drawn.random.next());
  const [gamma, beta] = [new Float32Array(channels).fill(1), new Float32Array(channels)];
  return batchNorm(x, { gamma, beta, mean, variance, eps: EPS });
}

export const quickNetMethod: Method = {
  test: "T39",
  systems: [
    {
      number: "46",
      name: "QuickNet",
      paper: "Bannink et al. 2020, arXiv:2011.09398",
      models: "Larq zoo",
      formats: ["bundle", "Larq"],
      command: bundleCommand(),
    },
  ],
  result: "exact; the stream, stem, transitions and last layer in float32, summed in a stated order",
  nets: [quickNet],
};
