/**
 * T16: BinaryDenseNet (Bethge et al. 2018): every layer reads all features before it and adds its own. BMXNet pads with −1 and
 * counts the equal bits, (d + K) / 2; Larq's zoo pads with 0 and sums. Between stages stands a float32 convolution.
 */
import {
  concatenate,
  floatProducts,
  maxPool,
  plus,
  products,
  relu,
  sign as signOf,
  type Taps,
  times,
  type Value,
} from "../support/methods/arithmetic.js";
import { floatWeights, head, headLayers } from "../support/methods/head.js";
import {
  arithmetic,
  batchnorm,
  conv,
  FLOAT,
  maxpool,
  ONE_BIT,
  paddedConv,
  sign,
} from "../support/methods/layers.js";
import { bundleCommand, type Method } from "../support/methods/method.js";
import { CENTERED, type MethodNet } from "../support/methods/net.js";
import { bits, normalized } from "../support/methods/parameters.js";

const STEM = 12;
const GROWTH = 9;
const SQUEEZED = 16;

interface Convention {
  readonly name: string;
  /** What the map of ±1 is padded with. */
  readonly padValue: -1 | 0;
  /** Whether a layer gives (d + K) / 2 in place of d. */
  readonly counts: boolean;
  /** Of each layer of the second stage. */
  readonly dilations: readonly number[];
}

/** Names of the layers of a stage with the number of features that they read. */
function stage(prefix: string, features: number): { name: string; inputs: number }[] {
  return [0, 1, 2].map((i) => ({ name: `${prefix}${i + 1}`, inputs: features + i * GROWTH }));
}

const STAGES = [stage("a", STEM), stage("b", SQUEEZED)] as const;

function denseLayers(
  { name, inputs }: { name: string; inputs: number },
  before: string,
  { padValue, counts }: Convention,
  dilation: number,
): unknown[] {
  const taps = { padding: dilation, padding_value: padValue, dilation };
  return [
    batchnorm(`${name}.bn`, { inputs: [before] }),
    sign(`${name}.sign`, 1),
    conv(`${name}.conv`, ONE_BIT, taps),
    ...(counts
      ? [arithmetic(`${name}.shift`, "add", 9 * inputs), arithmetic(`${name}.half`, "multiply", 0.5)]
      : []),
    { type: "concat", name, dim: 1, inputs: [before, counts ? `${name}.half` : `${name}.conv`] },
  ];
}

function denseNet(convention: Convention): MethodNet {
  const { name, padValue, counts, dilations } = convention;
  const layersOf = (index: 0 | 1, first: string): unknown[] =>
    STAGES[index].flatMap((layer, i) =>
      denseLayers(layer, STAGES[index][i - 1]?.name ?? first, convention, index === 0 ? 1 : dilations[i]!),
    );
  return {
    name,
    input: [3, 9, 9],
    bytes: CENTERED,
    internal: {
      "transition.pool":
        "pools of pieces, of some before the factors of batch normalization: `transition input` shows what they come to",
    },
    layers: [
      paddedConv("stem", FLOAT, 1),
      ...layersOf(0, "stem"),
      batchnorm("transition.bn"),
      maxpool("transition.pool", 2),
      { type: "relu", name: "transition.relu" },
      conv("transition", FLOAT),
      ...layersOf(1, "transition"),
      batchnorm("last.bn"),
      { type: "relu", name: "last" },
      ...headLayers,
    ],
    reference(x, drawn, see) {
      const layer = (at: string, features: Value, dilation: number): Value => {
        const a = see(`${at}.sign`, signOf(normalized(drawn, `${at}.bn`, features), 1));
        const inputs = features.shape[1]!;
        const taps: Taps = { pads: dilation, padValue, dilation };
        const d = see(
          `${at}.conv`,
          products(a, bits(drawn, `${at}.conv.weight`, [GROWTH, inputs, 3, 3]), taps),
        );
        return concatenate(features, counts ? times(plus(d, 9 * inputs), 0.5) : d);
      };
      const stemmed = floatProducts(
        see("stem input", x),
        floatWeights(drawn, "stem.weight", [STEM, 3, 3, 3]),
        { pads: 1 },
      );
      let features = see("stem", stemmed);
      for (const { name: at } of STAGES[0]) features = layer(at, features, 1);
      const normal = see("transition.bn as float", normalized(drawn, "transition.bn", features));
      const squeezed = relu(maxPool(normal, 2));
      const weights = floatWeights(drawn, "transition.weight", [SQUEEZED, STEM + 3 * GROWTH, 1, 1]);
      features = see("transition", floatProducts(see("transition input", squeezed), weights));
      for (const [i, { name: at }] of STAGES[1].entries()) features = layer(at, features, dilations[i]!);
      return head(relu(normalized(drawn, "last.bn", features)), drawn, see);
    },
  };
}

export const binaryDenseNet: Method = {
  test: "T16",
  systems: [
    {
      number: "16",
      name: "BinaryDenseNet",
      paper: "Bethge et al. 2018, arXiv:1812.01965",
      models: "BMXNet v2, Larq zoo",
      formats: ["bundle", "Larq", "ONNX"],
      command: bundleCommand(),
    },
  ],
  result: "exact; first and last layers and transitions in float32, summed in a stated order",
  nets: [
    denseNet({ name: "densenet_bmxnet", padValue: -1, counts: true, dilations: [1, 1, 1] }),
    denseNet({ name: "densenet_larq", padValue: 0, counts: false, dilations: [1, 1, 1] }),
    denseNet({ name: "densenet_dilated", padValue: 0, counts: false, dilations: [1, 2, 4] }),
  ],
};
