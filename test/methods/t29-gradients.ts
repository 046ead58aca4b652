/**
 * T29: methods that change how signs are trained and not what they compute: BNN+ (Darabi et al. 2018) with SwishSign, Bi-Real Net's
 * ApproxSign, IR-Net's EDE, and the straight-through estimator. Their nets are one net.
 */
import { products, sign as signOf, type Value } from "../support/methods/arithmetic.js";
import { normed } from "../support/methods/latent.js";
import { batchnorm, conv, ONE_BIT, sign } from "../support/methods/layers.js";
import type { Method } from "../support/methods/method.js";
import { CENTERED, type MethodNet } from "../support/methods/net.js";

export const gradientNet: MethodNet = {
  name: "gradients_of_signs",
  input: [3, 9, 7],
  bytes: CENTERED,
  layers: [
    conv("conv1", ONE_BIT),
    batchnorm("bn1"),
    sign("sign1", 1),
    conv("conv2", ONE_BIT, { padding: 1, padding_value: 0 }),
    batchnorm("bn2"),
    sign("sign2", 1),
    conv("conv3", ONE_BIT),
    batchnorm("bn3"),
  ],
  reference(x, drawn, see) {
    const bits = (name: string, shape: readonly number[]): Value =>
      signOf(drawn.latent(`${name}.weight`, shape), 1);
    const d1 = see("conv1", products(x, bits("conv1", [33, 3, 3, 3])), 1 / 128);
    const a1 = see("sign1", signOf(normed(drawn, "bn1", d1), 1));
    const d2 = see("conv2", products(a1, bits("conv2", [31, 33, 3, 3]), { pads: 1 }));
    const a2 = see("sign2", signOf(normed(drawn, "bn2", d2), 1));
    const d3 = see("conv3", products(a2, bits("conv3", [10, 31, 7, 5])));
    return normed(drawn, "bn3", d3, { ofScores: true });
  },
};

export const gradients: Method = {
  test: "T29",
  systems: [
    {
      number: "36",
      name: "BNN+",
      paper: "Darabi et al. 2018, arXiv:1812.11800",
      models: "Larq (SwishSign)",
      formats: ["Larq", "bundle", "ONNX"],
      command: "bitloom verify model.h5 --input-type u8 --board nucleo-f446re",
      reading: "no factor; learned factors of layers or filters are XNOR-Net's",
    },
  ],
  result: "exact",
  nets: [gradientNet],
};
