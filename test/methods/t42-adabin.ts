/**
 * T42: AdaBin (Tu et al. 2022): two values per filter, α·(±1) + β of its weights' mean and deviation, and two values per layer of
 * activations, α·(±1) + α·β, neither of which is symmetric; pads of 0 are none of them. Behind each sum stands Maxout, a
 * learned slope per channel on either side of 0. Shortcuts between stages are ResNet's option A.
 */
import {
  both,
  channelsInOrder,
  each,
  everyOther,
  filled,
  floatProducts,
  relu,
  type Taps,
  times,
  type Value,
} from "../support/methods/arithmetic.js";
import { floatWeights, head, headLayers } from "../support/methods/head.js";
import { normed } from "../support/methods/latent.js";
import { arithmetic, batchnorm, type Fields, FLOAT, paddedConv } from "../support/methods/layers.js";
import { bundleCommand, type Method } from "../support/methods/method.js";
import { CENTERED, type MethodNet, type See } from "../support/methods/net.js";
import type { Parameters } from "../support/methods/parameters.js";
import { type Basis, byBases, type Planar } from "../support/methods/planes.js";
import { storedBases, storedBasesQuantizer } from "../support/methods/planes-net.js";

const f = Math.fround;

/** Signs of `(w − mean) / deviation` times the deviation, plus the mean; the deviation divides by the count. */
export function weights(drawn: Parameters, name: string, shape: readonly number[]): readonly Basis[] {
  const size = shape.slice(1).reduce((a, b) => a * b, 1);
  // Filters of several means, so that β matters.
  const latent = drawn.numbers(
    `${name}.weight`,
    shape,
    (i) => 0.1 * drawn.random.normal() + 0.04 * ((Math.floor(i / size) % 3) - 1),
  );
  const filters = Array.from({ length: shape[0]! }, (_, n) => latent.data.subarray(n * size, (n + 1) * size));
  const means = filters.map((w) => f(w.reduce((a, b) => a + b, 0) / size));
  const deviations = filters.map((w, n) =>
    f(Math.sqrt(w.reduce((a, v) => a + (v - means[n]!) ** 2, 0) / size)),
  );
  const signs = filled(shape, (i) => (latent.data[i]! >= means[Math.floor(i / size)]! ? 1 : -1));
  const ones = filled(shape, () => 1);
  return storedBases(drawn, name, [signs, ones], (n, m) => (m === 0 ? deviations : means)[n]!, "output");
}

/** Learned distance and centre of each layer's activations. */
const ALPHA = { block1: f(0.83), block2: f(1.27) };
const BETA = { block1: f(0.21), block2: f(-0.34) };
type BlockName = keyof typeof ALPHA;

/** `α · (sign((x − β) / α) + β)`. */
const activationLayer = (name: BlockName, before: string): Fields => ({
  type: "levels",
  name: `${name}.q`,
  inputs: [before],
  thresholds: `${name}.beta`,
  at_threshold: "above",
  codes: [0, 1],
  coefficients: `${name}.alpha`,
  alphabet: "signs",
  constant: f(ALPHA[name] * BETA[name]),
});

export function activated(name: BlockName, x: Value, drawn: Parameters, see: See): Planar {
  drawn.vector(`${name}.alpha`, 1, () => ALPHA[name]);
  drawn.vector(`${name}.beta`, 1, () => BETA[name]);
  const signs = each(x, (v) => (v >= BETA[name] ? 1 : -1));
  // The constant is a plane too, whose bit is always set: the codes are 1 and 3.
  see(
    `${name}.q`,
    each(signs, (s) => s + 2),
  );
  return { planes: [signs, each(x, () => 1)], coefficients: [ALPHA[name], f(ALPHA[name] * BETA[name])] };
}

/** `p · relu(x) − n · relu(−x)`. */
const maxoutLayers = (name: string, from: string): Fields[] => [
  { type: "relu", name: `${name}.above`, inputs: [from] },
  arithmetic(`${name}.pos`, "multiply", `${name}.pos_scale`),
  { ...arithmetic(`${name}.minus`, "multiply", -1), inputs: [from] },
  { type: "relu", name: `${name}.below` },
  arithmetic(`${name}.neg`, "multiply", `${name}.neg_scale`),
  { type: "subtract", name, inputs: [`${name}.pos`, `${name}.neg`] },
];

function maxout(name: string, x: Value, drawn: Parameters, see: See): Value {
  const channels = x.shape[1]!;
  const slopes = (side: string, mean: number): Float32Array =>
    drawn.vector(`${name}.${side}_scale`, channels, () => mean + 0.2 * drawn.random.normal());
  const above = see(`${name}.pos`, times(relu(x), slopes("pos", 1)));
  const below = see(`${name}.neg`, times(relu(times(x, -1)), slopes("neg", 0.25)));
  return see(
    name,
    both(above, below, (p, n) => f(p - n)),
  );
}

const OUTER = 6;

/** Maxout(BN(conv(q(x))) + shortcut(x)). */
function blockLayers(name: BlockName, before: string, stride: 1 | 2): unknown[] {
  const shortcut =
    stride === 1
      ? []
      : [
          { type: "slice", name: `${name}.rows`, dim: 2, start: 0, step: 2, inputs: [before] },
          { type: "slice", name: `${name}.pixels`, dim: 3, start: 0, step: 2 },
          {
            type: "pad",
            name: `${name}.shortcut`,
            before: [0, OUTER, 0, 0],
            after: [0, OUTER, 0, 0],
            value: 0,
          },
        ];
  return [
    ...shortcut,
    activationLayer(name, before),
    paddedConv(`${name}.conv`, storedBasesQuantizer(`${name}.conv`, 2), 1, { stride }),
    batchnorm(`${name}.bn`),
    { type: "add", name: `${name}.sum`, inputs: [`${name}.bn`, stride === 1 ? before : `${name}.shortcut`] },
    ...maxoutLayers(name, `${name}.sum`),
  ];
}

function block(
  name: BlockName,
  x: Value,
  outputs: number,
  taps: Taps,
  shortcut: Value,
  drawn: Parameters,
  see: See,
): Value {
  const a = activated(name, x, drawn, see);
  const bases = weights(drawn, `${name}.conv`, [outputs, x.shape[1]!, 3, 3]);
  const sums = see(`${name}.conv`, byBases(a, bases, taps));
  const y = see(`${name}.bn`, normed(drawn, `${name}.bn`, sums, { ofScores: true }));
  const sum = see(
    `${name}.sum`,
    both(y, shortcut, (v, s) => f(v + s)),
  );
  return maxout(name, sum, drawn, see);
}

const CHANNELS = 12;
const adaNet: MethodNet = {
  name: "adabin",
  input: [3, 9, 9],
  bytes: CENTERED,
  layers: [
    paddedConv("stem", FLOAT, 1),
    batchnorm("stem.bn"),
    ...maxoutLayers("stem.out", "stem.bn"),
    ...blockLayers("block1", "stem.out", 1),
    ...blockLayers("block2", "block1", 2),
    ...headLayers,
  ],
  reference(x, drawn, see) {
    const w = floatWeights(drawn, "stem.weight", [CHANNELS, 3, 3, 3]);
    const stem = see("stem", floatProducts(see("stem input", x), w, { pads: 1 }));
    const x0 = maxout("stem.out", normed(drawn, "stem.bn", stem, { ofScores: true }), drawn, see);
    const x1 = block("block1", x0, CHANNELS, { pads: 1 }, x0, drawn, see);
    const order = Array.from({ length: CHANNELS + 2 * OUTER }, (_, c) =>
      c >= OUTER && c < CHANNELS + OUTER ? c - OUTER : -1,
    );
    const pixels = see("block2.shortcut selection", everyOther(x1, 2));
    const shortcut = see("block2.shortcut", channelsInOrder(pixels, order));
    const x2 = block("block2", x1, CHANNELS + 2 * OUTER, { pads: 1, stride: 2 }, shortcut, drawn, see);
    // What the head reads is `block2`, which is shown.
    return head(x2, drawn, (name, v, unit) => (name === "mean map input" ? v : see(name, v, unit)));
  },
};

export const adaBin: Method = {
  test: "T42",
  systems: [
    {
      number: "49",
      name: "AdaBin",
      paper: "Tu et al. 2022, arXiv:2208.08084",
      models: "huawei-noah/Efficient-Computing (PyTorch)",
      formats: ["bundle"],
      command: bundleCommand(),
      reading:
        "values are those of the released code, α·(±1) + α·β (the paper writes α·(±1) + β), and exactly the centre belongs above, as in the paper (torch.sign makes a third value of it)",
    },
  ],
  result: "exact; planes by bases, the stream and first and last layers in float32, summed in a stated order",
  nets: [adaNet],
};
