/**
 * T02: BNN (Courbariaux et al. 2016). Theano's code and its port to PyTorch differ in the sign of 0, the order of pools and
 * normalizations, biases and the direction of kernels; both are nets here, beside the order that Larq's users have.
 */
import {
  batchNormOfTheano,
  clip,
  flatten,
  maxPool,
  type Normalization,
  plus,
  products,
  sign as signOf,
  turned,
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
import { CENTERED, type MethodNet, type Reference } from "../support/methods/net.js";
import { bits, normalized, type Parameters } from "../support/methods/parameters.js";

const stride2 = { stride: 2, padding: [0, 0, 1, 1], padding_value: 0 };

/** conv → pool → normalization → sign, with PyTorch's arithmetic and sign(0) = +1. */
const pooledFirst: MethodNet = {
  name: "bnn_pool_first",
  input: [3, 11, 11],
  bytes: CENTERED,
  layers: [
    conv("conv1", ONE_BIT),
    batchnorm("bn1"),
    sign("sign1", 1),
    paddedConv("conv2", ONE_BIT, 1),
    maxpool("pool2", 2),
    batchnorm("bn2"),
    sign("sign2", 1),
    conv("conv3", ONE_BIT, stride2),
    batchnorm("bn3"),
    sign("sign3", 1),
    { type: "flatten" },
    linear("fc1", ONE_BIT),
    batchnorm("bn4"),
    sign("sign4", 1),
    linear("fc2", ONE_BIT),
    batchnorm("bn5"),
  ],
  reference(x, drawn, see) {
    const d1 = see("conv1", products(x, bits(drawn, "conv1.weight", [33, 3, 3, 3])), 1 / 128);
    const a1 = see("sign1", signOf(normalized(drawn, "bn1", d1), 1));
    const d2 = see("conv2", products(a1, bits(drawn, "conv2.weight", [64, 33, 3, 3]), { pads: 1 }));
    const a2 = see("sign2", signOf(normalized(drawn, "bn2", maxPool(d2, 2)), 1));
    const w3 = bits(drawn, "conv3.weight", [70, 64, 3, 3]);
    const d3 = see("conv3", products(a2, w3, { stride: 2, pads: [0, 0, 1, 1] }));
    const a3 = see("sign3", signOf(normalized(drawn, "bn3", d3), 1));
    const d4 = see("fc1", products(flatten(a3), bits(drawn, "fc1.weight", [40, 280])));
    const a4 = see("sign4", signOf(normalized(drawn, "bn4", d4), 1));
    const d5 = see("fc2", products(a4, bits(drawn, "fc2.weight", [10, 40])));
    return normalized(drawn, "bn5", d5, { ofScores: true });
  },
};

/** The layers of BinaryNet.pytorch: biases, pool before normalization, hardtanh, and signs of what the *next* layer reads. */
function torchReference(inputChannels: number): Reference {
  return (x, drawn, see) => {
    const biased = (name: string, d: Value): Value =>
      plus(
        d,
        drawn.vector(`${name}.bias`, d.shape[1]!, () => drawn.random.normal()),
      );
    const clamped = (name: string, d: Value): Value => clip(normalized(drawn, name, d), -1, 1);
    const w1 = bits(drawn, "conv1.weight", [33, inputChannels, 3, 3]);
    // `if input.size(1) != 3: input = Binarize(input)`: decided by the shape.
    const first = inputChannels === 3 ? x : see("sign0", signOf(x, 0));
    const d1 = see("conv1 product", products(first, w1), inputChannels === 3 ? 1 / 128 : 1);
    const a1 = see("sign1", signOf(clamped("bn1", biased("conv1", d1)), 0));
    const d2 = see("conv2 product", products(a1, bits(drawn, "conv2.weight", [64, 33, 3, 3]), { pads: 1 }));
    const p2 = maxPool(biased("conv2", d2), 2);
    const a2 = see("sign2", signOf(clamped("bn2", p2), 0));
    const d3 = see("fc1 product", products(flatten(a2), bits(drawn, "fc1.weight", [40, 64 * 16])));
    const a3 = see("sign3", signOf(clamped("bn3", biased("fc1", d3)), 0));
    const d4 = see("fc2 product", products(a3, bits(drawn, "fc2.weight", [10, 40])));
    return normalized(drawn, "bn4", biased("fc2", d4), { ofScores: true });
  };
}

function torchNet(inputChannels: number): MethodNet {
  const withBias = (name: string) => ({ bias: `${name}.bias` });
  return {
    name: `bnn_torch_${inputChannels}_channels`,
    input: [inputChannels, 11, 11],
    bytes: CENTERED,
    layers: [
      ...(inputChannels === 3 ? [] : [sign("sign0", 0)]),
      conv("conv1", ONE_BIT, withBias("conv1")),
      batchnorm("bn1"),
      { type: "hardtanh" },
      sign("sign1", 0),
      paddedConv("conv2", ONE_BIT, 1, withBias("conv2")),
      maxpool("pool2", 2),
      batchnorm("bn2"),
      { type: "hardtanh" },
      sign("sign2", 0),
      { type: "flatten" },
      linear("fc1", ONE_BIT, withBias("fc1")),
      batchnorm("bn3"),
      { type: "hardtanh" },
      sign("sign3", 0),
      linear("fc2", ONE_BIT, withBias("fc2")),
      batchnorm("bn4"),
    ],
    reference: torchReference(inputChannels),
  };
}

/** The parameters of a normalization as Lasagne's arithmetic takes them, in three layers of one operation each. */
function theanoNorm(name: string): unknown[] {
  return [
    arithmetic(`${name}.centered`, "subtract", `${name}.mean`),
    arithmetic(`${name}.scaled`, "multiply", `${name}.gamma_inv_std`),
    arithmetic(name, "add", `${name}.beta`),
  ];
}

function normalizedByTheano(drawn: Parameters, name: string, d: Value, ofScores = false): Value {
  const drawnUnder: Normalization = drawn.normalization(`~${name}`, d, { ofScores, eps: 1e-4 });
  const { gamma, beta, mean, variance, eps } = drawnUnder;
  drawn.vector(`${name}.mean`, mean.length, (c) => mean[c]!);
  drawn.vector(`${name}.beta`, beta.length, (c) => beta[c]!);
  drawn.vector(`${name}.gamma_inv_std`, gamma.length, (c) => {
    const deviation = Math.fround(Math.sqrt(Math.fround(variance[c]! + Math.fround(eps))));
    return gamma[c]! * Math.fround(1 / deviation);
  });
  return batchNormOfTheano(d, drawnUnder);
}

/** conv (kernels turned) → normalization → pool → sign(0) = +1, as Lasagne's binary_tanh_unit. */
const theano: MethodNet = {
  name: "bnn_theano",
  input: [3, 7, 7],
  bytes: CENTERED,
  layers: [
    paddedConv("conv1", ONE_BIT, 1),
    ...theanoNorm("bn1"),
    sign("sign1", 1),
    paddedConv("conv2", ONE_BIT, 1),
    ...theanoNorm("bn2"),
    maxpool("pool2", 2),
    sign("sign2", 1),
    paddedConv("conv3", ONE_BIT, 1),
    ...theanoNorm("bn3"),
    maxpool("pool3", 2),
    sign("sign3", 1),
    { type: "flatten" },
    linear("fc1", ONE_BIT),
    ...theanoNorm("bn4"),
  ],
  reference(x, drawn, see) {
    const kernels = (name: string, shape: readonly number[]): Value => {
      const stored = turned(drawn.latent(`~${name}`, shape));
      drawn.numbers(`${name}.weight`, shape, (i) => stored.data[i]!);
      // A true convolution: the kernel runs backwards.
      return turned(signOf(drawn.latent(`~${name}`, shape), 1));
    };
    const d1 = see("conv1", products(x, kernels("conv1", [33, 3, 3, 3]), { pads: 1 }), 1 / 128);
    const a1 = see("sign1", signOf(normalizedByTheano(drawn, "bn1", d1), 1));
    const d2 = see("conv2", products(a1, kernels("conv2", [64, 33, 3, 3]), { pads: 1 }));
    const a2 = see("sign2", signOf(maxPool(normalizedByTheano(drawn, "bn2", d2), 2), 1));
    const d3 = see("conv3", products(a2, kernels("conv3", [70, 64, 3, 3]), { pads: 1 }));
    const a3 = see("sign3", signOf(maxPool(normalizedByTheano(drawn, "bn3", d3), 2), 1));
    const d4 = see("fc1", products(flatten(a3), bits(drawn, "fc1.weight", [10, 70])));
    return normalizedByTheano(drawn, "bn4", d4, true);
  },
};

export const bnn: Method = {
  test: "T02",
  systems: [
    {
      number: "2",
      name: "BNN",
      paper: "Courbariaux et al. 2016, arXiv:1602.02830",
      models: "BinaryNet (Theano), BinaryNet.pytorch, Larq, Brevitas, BNN-PYNQ",
      formats: ["bundle", "Larq", "QONNX", "ONNX"],
      command: bundleCommand(),
    },
  ],
  result: "exact",
  nets: [pooledFirst, torchNet(3), torchNet(4), theano],
};
