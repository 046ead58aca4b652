/**
 * T11: Self-Binarizing Networks (Lahoud et al. 2019): trained with tanh(νx) in place of signs; deployed with signs, which makes
 * a BNN. In a variant, weights and activations are compared with a learned number k per layer in place of 0.
 */
import {
  flatten,
  maxPool,
  plus,
  products,
  sign as signOf,
  type Value,
} from "../support/methods/arithmetic.js";
import {
  arithmetic,
  batchnorm,
  conv,
  linear,
  maxpool,
  ONE_BIT,
  paddedConv,
  sign,
} from "../support/methods/layers.js";
import { bundleCommand, type Method } from "../support/methods/method.js";
import { CENTERED, type MethodNet } from "../support/methods/net.js";
import { normalized, type Parameters } from "../support/methods/parameters.js";

const f = Math.fround;

interface Variant {
  readonly name: string;
  /** What the file has for a latent weight, of which training has seen tanh(ν·w). */
  readonly stored: (latent: number) => number;
  /** The number that weights and activations are compared with. */
  readonly k: number;
}

/** Weights as the file has them, and as the net uses them: their sign against k. */
function signsOfWeights(
  drawn: Parameters,
  name: string,
  shape: readonly number[],
  { stored, k }: Variant,
): Value {
  const latent = drawn.latent(`~${name}`, shape);
  const inFile = drawn.numbers(`${name}.weight`, shape, (i) => f(stored(latent.data[i]!) - f(k)));
  return signOf(inFile, 1);
}

export function selfBinarizingNet(variant: Variant): MethodNet {
  const { name, k } = variant;
  const shifted = (layer: string): unknown[] => (k === 0 ? [] : [arithmetic(`${layer}.k`, "subtract", k)]);
  return {
    name,
    input: [3, 9, 9],
    bytes: CENTERED,
    layers: [
      conv("conv1", ONE_BIT),
      batchnorm("bn1"),
      ...shifted("sign1"),
      sign("sign1", 1),
      paddedConv("conv2", ONE_BIT, 1),
      maxpool("pool2", 2, { stride: 2 }),
      batchnorm("bn2"),
      ...shifted("sign2"),
      sign("sign2", 1),
      { type: "flatten" },
      linear("fc", ONE_BIT),
      batchnorm("bn3"),
    ],
    reference(x, drawn, see) {
      const signs = (layer: string, v: Value): Value => see(layer, signOf(k === 0 ? v : plus(v, -f(k)), 1));
      const w1 = signsOfWeights(drawn, "conv1", [31, 3, 3, 3], variant);
      const d1 = see("conv1", products(x, w1), 1 / 128);
      const a1 = signs("sign1", normalized(drawn, "bn1", d1));
      const w2 = signsOfWeights(drawn, "conv2", [33, 31, 3, 3], variant);
      const d2 = see("conv2", products(a1, w2, { pads: 1 }));
      const a2 = signs("sign2", normalized(drawn, "bn2", maxPool(d2, 2)));
      const d3 = see("fc", products(flatten(a2), signsOfWeights(drawn, "fc", [10, 33 * 9], variant)));
      return normalized(drawn, "bn3", d3, { ofScores: true });
    },
  };
}

/** Slope of the tanh at the end of training. */
const NU = 20;

const atZero = selfBinarizingNet({ name: "self_binarizing", stored: (w) => Math.tanh(NU * w), k: 0 });
const atK = selfBinarizingNet({ name: "self_binarizing_k", stored: (w) => w, k: 0.21 });

export const selfBinarizing: Method = {
  test: "T11",
  systems: [
    {
      number: "11",
      name: "Self-Binarizing Networks",
      paper: "Lahoud et al. 2019, arXiv:1902.00730",
      models: "no public code of the authors",
      formats: ["bundle", "QONNX", "ONNX"],
      command: bundleCommand(),
      reading: "at test time tanh is a sign of 0 or more; the variant with k compares w − k and x − k with 0",
    },
  ],
  result: "exact",
  nets: [atZero, atK],
};
