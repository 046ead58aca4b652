/**
 * T18: MeliusNet (Bethge et al. 2020): dense blocks add channels, improvement blocks add to the channels just made. The stem and
 * the transition are float32, in groups; the transition shuffles its channels first.
 */
import {
  both,
  channelsInOrder,
  concatenate,
  floatProducts,
  maxPool,
  products,
  relu,
  sign as signOf,
  type Value,
} from "../support/methods/arithmetic.js";
import { floatWeights, head, headLayers } from "../support/methods/head.js";
import { batchnorm, conv, FLOAT, maxpool, ONE_BIT, paddedConv, sign } from "../support/methods/layers.js";
import { bundleCommand, type Method } from "../support/methods/method.js";
import { CENTERED, type MethodNet } from "../support/methods/net.js";
import { bits, normalized } from "../support/methods/parameters.js";

const f = Math.fround;
const GROWTH = 8;
const FEATURES = 16;
const SQUEEZED = 12;
const GROUPS = 2;

/** Names of the blocks of a stage with the features that they read. */
interface Block {
  readonly name: string;
  readonly features: number;
}

const STAGES: readonly (readonly Block[])[] = [
  [
    { name: "a1", features: FEATURES },
    { name: "a2", features: FEATURES + GROWTH },
  ],
  [{ name: "b1", features: SQUEEZED }],
];

/** x ← concat(x, bconv(sign(BN(x)))), then x[−8:] ← x[−8:] + bconv(sign(BN(x))). */
function blockLayers({ name, features }: Block, before: string): unknown[] {
  const dense = `${name}.dense`;
  const bconv = (part: string, input: string): unknown[] => [
    batchnorm(`${name}.${part}.bn`, { inputs: [input] }),
    sign(`${name}.${part}.sign`, 1),
    paddedConv(`${name}.${part}.conv`, ONE_BIT, 1),
  ];
  return [
    ...bconv("grow", before),
    { type: "concat", name: dense, dim: 1, inputs: [before, `${name}.grow.conv`] },
    ...bconv("improve", dense),
    { type: "slice", name: `${name}.kept`, dim: 1, start: 0, end: features, inputs: [dense] },
    { type: "slice", name: `${name}.own`, dim: 1, start: features, inputs: [dense] },
    { type: "add", name: `${name}.improved`, inputs: [`${name}.own`, `${name}.improve.conv`] },
    { type: "concat", name, dim: 1, inputs: [`${name}.kept`, `${name}.improved`] },
  ];
}

const [first, second] = STAGES as readonly [readonly Block[], readonly Block[]];

const meliusNet: MethodNet = {
  name: "melius",
  input: [3, 19, 19],
  bytes: CENTERED,
  layers: [
    paddedConv("stem1", FLOAT, 1, { stride: 2 }),
    batchnorm("stem1.bn"),
    { type: "relu", name: "stem1.relu" },
    paddedConv("stem2", FLOAT, 1, { groups: 4 }),
    batchnorm("stem2.bn"),
    { type: "relu", name: "stem2.relu" },
    paddedConv("stem3", FLOAT, 1, { groups: 8 }),
    maxpool("pool", 2),
    ...first.flatMap((block, i) => blockLayers(block, first[i - 1]?.name ?? "pool")),
    batchnorm("transition.bn"),
    maxpool("transition.pool", 2),
    { type: "relu", name: "transition.relu" },
    { type: "channel_shuffle", name: "transition.shuffle", groups: GROUPS },
    conv("transition", FLOAT, { groups: GROUPS }),
    ...second.flatMap((block) => blockLayers(block, "transition")),
    batchnorm("last.bn"),
    { type: "relu", name: "last" },
    ...headLayers,
  ],
  reference(x, drawn, see) {
    const floatConv = (
      name: string,
      v: Value,
      shape: readonly number[],
      stride: number,
      groups: number,
    ): Value => {
      const taps = { stride, pads: 1, groups };
      return see(
        name,
        floatProducts(see(`${name} input`, v), floatWeights(drawn, `${name}.weight`, shape), taps),
      );
    };
    const activated = (name: string, v: Value): Value => relu(normalized(drawn, `${name}.bn`, v));
    const s1 = activated("stem1", floatConv("stem1", x, [16, 3, 3, 3], 2, 1));
    const s2 = activated("stem2", floatConv("stem2", s1, [16, 4, 3, 3], 1, 4));
    let features = see("pool", maxPool(floatConv("stem3", s2, [FEATURES, 2, 3, 3], 1, 8), 2));
    const bconv = (name: string, v: Value): Value => {
      const a = see(`${name}.sign`, signOf(normalized(drawn, `${name}.bn`, v), 1));
      return see(
        `${name}.conv`,
        products(a, bits(drawn, `${name}.conv.weight`, [GROWTH, v.shape[1]!, 3, 3]), { pads: 1 }),
      );
    };
    const block = (name: string, v: Value): Value => {
      const own = bconv(`${name}.grow`, v);
      const improvement = bconv(`${name}.improve`, concatenate(v, own));
      return concatenate(
        v,
        see(
          `${name}.improved`,
          both(own, improvement, (a, b) => f(a + b)),
        ),
      );
    };
    for (const { name } of first) features = block(name, features);
    const normal = see("transition.bn as float", normalized(drawn, "transition.bn", features));
    const pooled = see("transition input", relu(see("transition.pool", maxPool(normal, 2))));
    const channels = pooled.shape[1]!;
    const perGroup = channels / GROUPS;
    const shuffled = channelsInOrder(
      pooled,
      Array.from({ length: channels }, (_, c) => (c % GROUPS) * perGroup + Math.floor(c / GROUPS)),
    );
    const weights = floatWeights(drawn, "transition.weight", [SQUEEZED, perGroup, 1, 1]);
    const grouped = floatProducts(see("transition selection", shuffled), weights, { groups: GROUPS });
    features = see("transition", grouped);
    for (const { name } of second) features = block(name, features);
    return head(activated("last", features), drawn, see);
  },
};

export const melius: Method = {
  test: "T18",
  systems: [
    {
      number: "18",
      name: "MeliusNet",
      paper: "Bethge et al. 2020, arXiv:2001.05936",
      models: "BMXNet v2, Larq zoo",
      formats: ["bundle", "Larq", "ONNX"],
      command: bundleCommand(),
    },
  ],
  result: "exact; stem, transitions and last layer in float32, summed in a stated order",
  nets: [meliusNet],
};
