/**
 * T25: Loss-Aware Binarization (Hou et al. 2017): weights ±α with one α per layer, the mean magnitude weighted by the square roots of
 * Adam's second moments, which the file must have. Activations are float32 (ReLU) or signs.
 */
import { products, relu, sign as signOf, times, type Value } from "../support/methods/arithmetic.js";
import { floatLayerOf, type Levels, normed } from "../support/methods/latent.js";
import { batchnorm, linear, sign } from "../support/methods/layers.js";
import { bundleCommand, type Method } from "../support/methods/method.js";
import { CENTERED, type MethodNet } from "../support/methods/net.js";
import type { Parameters } from "../support/methods/parameters.js";

const f = Math.fround;

export const lab = (layer: string) => ({
  type: "sign",
  sign_of_zero: 1,
  scale: { mean_abs: "tensor", second_moments: `${layer}.acc_W` },
});

const shapes: Readonly<Record<string, readonly [number, number]>> = {
  fc1: [33, 49],
  fc2: [40, 33],
  fc3: [10, 40],
};

/** `α = Σ |D ⊙ W| / Σ D`, D = √v. */
function binary(drawn: Parameters, layer: string): Levels {
  const w = drawn.latent(`${layer}.weight`, shapes[layer]!);
  // Gradients of weights near 0 are large where training has not decided.
  const v = drawn.numbers(
    `${layer}.acc_W`,
    shapes[layer]!,
    (i) => drawn.random.next() ** 4 / (0.1 + Math.abs(w.data[i]!)),
  );
  const d = v.data.map((x) => f(Math.sqrt(x)));
  const weighted = d.reduce((sum, factor, i) => sum + Math.abs(factor * w.data[i]!), 0);
  return { codes: signOf(w, 1), scale: [f(weighted / d.reduce((sum, factor) => sum + factor, 0))] };
}

const withRelu: MethodNet = {
  name: "lab_relu",
  input: [49],
  bytes: CENTERED,
  layers: [
    linear("fc1", lab("fc1")),
    batchnorm("bn1"),
    { type: "relu", name: "relu1" },
    linear("fc2", lab("fc2")),
    batchnorm("bn2"),
    { type: "relu", name: "relu2" },
    linear("fc3", lab("fc3")),
    batchnorm("bn3"),
  ],
  reference(x, drawn, see) {
    const w1 = binary(drawn, "fc1");
    const d1 = see("fc1", products(x, w1.codes), 1 / 128);
    const a1 = see("fc2 input", relu(normed(drawn, "bn1", times(d1, w1.scale[0]!))));
    const float = (name: string, a: Value): Value => floatLayerOf(see, name, a, binary(drawn, name));
    const a2 = see("fc3 input", relu(normed(drawn, "bn2", float("fc2", a1))));
    return see("float scores", normed(drawn, "bn3", float("fc3", a2), { ofScores: true }));
  },
};

const withSigns: MethodNet = {
  name: "lab_sign",
  input: [49],
  bytes: CENTERED,
  layers: [
    linear("fc1", lab("fc1")),
    batchnorm("bn1"),
    sign("sign1", 1),
    linear("fc2", lab("fc2")),
    batchnorm("bn2"),
    sign("sign2", 1),
    linear("fc3", lab("fc3")),
    batchnorm("bn3"),
  ],
  reference(x, drawn, see) {
    const layer = (name: string, a: Value, unit = 1): Value => {
      const { codes, scale } = binary(drawn, name);
      return times(see(name, products(a, codes), unit), scale[0]!);
    };
    const a1 = see("sign1", signOf(normed(drawn, "bn1", layer("fc1", x, 1 / 128)), 1));
    const a2 = see("sign2", signOf(normed(drawn, "bn2", layer("fc2", a1)), 1));
    return normed(drawn, "bn3", layer("fc3", a2), { ofScores: true });
  },
};

export const lossAware: Method = {
  test: "T25",
  systems: [
    {
      number: "30",
      name: "LAB",
      paper: "Hou et al. 2017, arXiv:1611.01600",
      models: "houlu369/Loss-aware-Binarization (acc_W)",
      formats: ["bundle"],
      command: bundleCommand(),
    },
  ],
  result: "exact; layers of float32 activations are summed in a stated order",
  nets: [withRelu, withSigns],
};
