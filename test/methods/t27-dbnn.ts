/**
 * T27: a distilled BNN that estimates masks for speech separation (DBNN): a dense net whose input is a real frame, with signs between
 * binary layers, and a real mask from 0 to 1 as its output.
 */
import {
  clip,
  floatProducts,
  plus,
  products,
  sign as signOf,
  times,
  type Value,
} from "../support/methods/arithmetic.js";
import { normed } from "../support/methods/latent.js";
import { arithmetic, batchnorm, linear, ONE_BIT, sign } from "../support/methods/layers.js";
import { bundleCommand, type Method } from "../support/methods/method.js";
import type { MethodNet } from "../support/methods/net.js";
import type { Parameters } from "../support/methods/parameters.js";

const f = Math.fround;

/** Bins of a frame. */
const BINS = 65;
const SLOPE = f(0.2);

const signs = (drawn: Parameters, name: string, shape: readonly number[]): Value =>
  signOf(drawn.latent(`${name}.weight`, shape), 1);

const maskNet: MethodNet = {
  name: "dbnn_mask",
  input: [BINS],
  options: { output: "float32" },
  layers: [
    linear("fc1", ONE_BIT),
    batchnorm("bn1"),
    sign("sign1", 1),
    linear("fc2", ONE_BIT),
    batchnorm("bn2"),
    sign("sign2", 1),
    linear("fc3", ONE_BIT),
    batchnorm("bn3"),
    arithmetic("slope", "multiply", SLOPE),
    arithmetic("middle", "add", 0.5),
    { type: "clip", name: "mask", min: 0, max: 1 },
  ],
  reference(x, drawn, see) {
    const d1 = see("fc1", floatProducts(x, signs(drawn, "fc1", [70, BINS])));
    const a1 = see("sign1", signOf(normed(drawn, "bn1", d1), 1));
    const d2 = see("fc2", products(a1, signs(drawn, "fc2", [64, 70])));
    const a2 = see("sign2", signOf(normed(drawn, "bn2", d2), 1));
    const d3 = see("fc3", products(a2, signs(drawn, "fc3", [BINS, 64])));
    const logits = normed(drawn, "bn3", d3, { ofScores: true });
    return see("float scores", clip(plus(times(logits, SLOPE), 0.5), 0, 1));
  },
};

export const distilled: Method = {
  test: "T27",
  systems: [
    {
      number: "33",
      name: "DBNN, distilled binary networks that separate speech",
      paper: "Chen et al. 2018, IJCNN",
      models: "no public code",
      formats: ["bundle", "Larq"],
      command: bundleCommand("f32"),
      reading:
        "the mask is the hard sigmoid clip(0.2·x + 0.5, 0, 1) of the last normalization; a net with a true sigmoid ends at the normalization, and the application takes the sigmoid",
    },
  ],
  result: "exact; the first layer, of float32 inputs, is summed in a stated order",
  nets: [maskNet],
};
