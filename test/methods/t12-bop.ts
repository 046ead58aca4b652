/**
 * T12: Bop (Helwegen et al. 2019): no latent weights, the kernels in the file are ±1 and have no quantizer. The net is that of
 * Larq's users: a first layer without pads, normalizations without factors, sign(0) = +1.
 */
import { flatten, maxPool, products, sign as signOf, type Value } from "../support/methods/arithmetic.js";
import { batchnorm, conv, FLOAT, linear, maxpool, paddedConv, sign } from "../support/methods/layers.js";
import type { Method } from "../support/methods/method.js";
import { CENTERED, type MethodNet } from "../support/methods/net.js";
import { normalized, type Parameters } from "../support/methods/parameters.js";

/** What Bop has flipped so often: ±1 from the beginning. */
function stored(drawn: Parameters, name: string, shape: readonly number[]): Value {
  return drawn.numbers(`${name}.weight`, shape, () => (drawn.random.next() < 0.5 ? -1 : 1));
}

/** `BatchNormalization(scale=False)`: a normalization without weight. */
const unscaled = (name: string): unknown => {
  const { weight: _none, ...fields } = batchnorm(name);
  return fields;
};

const bopNet: MethodNet = {
  name: "bop_binarynet",
  input: [3, 11, 11],
  bytes: CENTERED,
  layers: [
    conv("conv1", FLOAT),
    unscaled("bn1"),
    sign("sign1", 1),
    paddedConv("conv2", FLOAT, 1),
    maxpool("pool2", 2),
    unscaled("bn2"),
    sign("sign2", 1),
    paddedConv("conv3", FLOAT, 1),
    unscaled("bn3"),
    sign("sign3", 1),
    { type: "flatten" },
    linear("fc", FLOAT),
    unscaled("bn4"),
  ],
  reference(x, drawn, see) {
    const norm = (name: string, d: Value): Value => normalized(drawn, name, d, { withoutScale: true });
    const d1 = see("conv1", products(x, stored(drawn, "conv1", [32, 3, 3, 3])), 1 / 128);
    const a1 = see("sign1", signOf(norm("bn1", d1), 1));
    const d2 = see("conv2", products(a1, stored(drawn, "conv2", [70, 32, 3, 3]), { pads: 1 }));
    const p2 = maxPool(d2, 2);
    const a2 = see("sign2", signOf(norm("bn2", p2), 1));
    const d3 = see("conv3", products(a2, stored(drawn, "conv3", [31, 70, 3, 3]), { pads: 1 }));
    const a3 = see("sign3", signOf(norm("bn3", d3), 1));
    const d4 = see("fc", products(flatten(a3), stored(drawn, "fc", [10, 31 * 16])));
    return normalized(drawn, "bn4", d4, { withoutScale: true, ofScores: true });
  },
};

export const bop: Method = {
  test: "T12",
  systems: [
    {
      number: "12",
      name: "Bop",
      paper: "Helwegen et al. 2019, arXiv:1906.02107",
      models: "rethinking-bnn-optimization, Larq (Bop)",
      formats: ["Larq", "bundle", "ONNX"],
      command: "bitloom verify model.h5 --input-type u8 --board nucleo-f446re",
    },
  ],
  result: "exact",
  nets: [bopNet],
};
