/**
 * T01: binary weights on activations that are not: BinaryConnect (Courbariaux et al. 2015) with one ±H per layer, BWN
 * (Rastegari et al. 2016) and BWNH (Hu et al. 2018) with a factor per filter.
 */
import {
  clip,
  each,
  flatten,
  maxPool,
  meanMagnitudes,
  overMap,
  products,
  relu,
  roundHalfEven,
  times,
  turned,
  type Value,
} from "../support/methods/arithmetic.js";
import { floatLayerOf } from "../support/methods/latent.js";
import { batchnorm, conv, linear, maxpool, paddedConv } from "../support/methods/layers.js";
import { bundleCommand, type Method } from "../support/methods/method.js";
import { CENTERED, type MethodNet, WHOLE } from "../support/methods/net.js";
import { bits, normalized, type Parameters } from "../support/methods/parameters.js";

const f = Math.fround;

/** Glorot's bound, which BinaryConnect takes as H: no power of two, another one in each layer. */
const glorot = (inputs: number, outputs: number): number => f(Math.sqrt(1.5 / (inputs + outputs)));
const H1 = glorot(27, 33 * 9);
const H2 = glorot(33 * 9, 10);
const signs = (scale: unknown) => ({ type: "sign", sign_of_zero: 1, scale });

/** As Lasagne stores kernels: turned by 180° against what correlates. */
function lasagneKernel(drawn: Parameters, name: string, shape: readonly number[]): Value {
  const latent = turned(drawn.latent(`~${name}`, shape));
  drawn.numbers(`${name}.weight`, shape, (i) => latent.data[i]!);
  return turned(bits(drawn, `~${name}`, shape));
}

/** u8 → conv ±H → BN → ReLU → pool → dense ±H, activations in float32. */
const binaryConnect: MethodNet = {
  name: "binaryconnect",
  input: [3, 8, 8],
  bytes: CENTERED,
  layers: [
    conv("conv1", signs(H1)),
    batchnorm("bn1"),
    { type: "relu", name: "relu1" },
    maxpool("pool1", 2),
    { type: "flatten" },
    linear("fc", signs(H2)),
    batchnorm("bn2"),
  ],
  reference(x, drawn, see) {
    const d1 = see("conv1", products(x, lasagneKernel(drawn, "conv1", [33, 3, 3, 3])), 1 / 128);
    const r1 = see("relu1 as float", relu(normalized(drawn, "bn1", times(d1, H1))));
    const a1 = see("pool1", maxPool(r1, 2));
    const codes = overMap(bits(drawn, "fc.weight", [10, 297]), a1);
    const d2 = floatLayerOf(see, "fc", a1, { codes, scale: [H2] });
    return normalized(drawn, "bn2", flatten(d2), { ofScores: true });
  },
};

/** The same with activations that a later quantizer made eight bits: sums are exact integers. */
const binaryConnectBytes: MethodNet = {
  name: "binaryconnect_bytes",
  input: [3, 8, 8],
  bytes: WHOLE,
  layers: [
    paddedConv("conv1", signs(H1), 1),
    batchnorm("bn1"),
    { type: "relu" },
    { type: "quantize", name: "bytes", bits: 8, signed: false, scale: 1 / 32, rounding: "half-even" },
    conv("conv2", signs(H2), { stride: 2, padding: [0, 0, 1, 1], padding_value: 0 }),
    batchnorm("bn2"),
    { type: "relu", name: "relu2" },
  ],
  reference(x, drawn, see) {
    const d1 = see("conv1", products(x, bits(drawn, "conv1.weight", [33, 3, 3, 3]), { pads: 1 }));
    const a1 = relu(normalized(drawn, "bn1", times(d1, H1)));
    const q1 = see(
      "bytes",
      clip(
        each(a1, (v) => roundHalfEven(f(v / f(1 / 32)))),
        0,
        255,
      ),
    );
    const w2 = bits(drawn, "conv2.weight", [12, 33, 3, 3]);
    const d2 = see("conv2", products(q1, w2, { stride: 2, pads: [0, 0, 1, 1] }));
    return relu(normalized(drawn, "bn2", times(d2, f(H2 * f(1 / 32)))));
  },
};

/** Filters with a factor of their own: computed from latent weights (BWN), or stored (BWNH). */
function perFilter(name: string, scale: (layer: string) => unknown, isComputed: boolean): MethodNet {
  return {
    name,
    input: [3, 8, 8],
    bytes: CENTERED,
    layers: [
      conv("conv1", signs(scale("conv1"))),
      batchnorm("bn1"),
      { type: "relu", name: "relu1" },
      maxpool("pool1", 2),
      { type: "flatten" },
      linear("fc", signs(scale("fc"))),
      batchnorm("bn2"),
    ],
    reference(x, drawn, see) {
      const alphas = (layer: string, shape: readonly number[]): Float32Array =>
        isComputed
          ? meanMagnitudes(drawn.latent(`${layer}.weight`, shape), "output")
          : drawn.vector(`${layer}.alpha`, shape[0]!, () => 0.02 + 0.2 * drawn.random.next());
      const d1 = see("conv1", products(x, bits(drawn, "conv1.weight", [33, 3, 3, 3])), 1 / 128);
      const y1 = times(d1, alphas("conv1", [33, 3, 3, 3]));
      const r1 = see("relu1 as float", relu(normalized(drawn, "bn1", y1)));
      const a1 = see("pool1", maxPool(r1, 2));
      const scale = alphas("fc", [10, 297]);
      const codes = overMap(bits(drawn, "fc.weight", [10, 297]), a1);
      const d2 = floatLayerOf(see, "fc", a1, { codes, scale });
      return normalized(drawn, "bn2", flatten(d2), { ofScores: true });
    },
  };
}

const bwn = perFilter("bwn", () => ({ mean_abs: "output" }), true);
const bwnh = perFilter("bwnh", (layer) => `${layer}.alpha`, false);

export const binaryWeights: Method = {
  test: "T01",
  systems: [
    {
      number: "1",
      name: "BinaryConnect",
      paper: "Courbariaux et al. 2015, arXiv:1511.00363",
      models: "BinaryConnect (Theano), QKeras, Larq",
      formats: ["bundle", "Larq", "ONNX"],
      command: bundleCommand(),
      nets: [binaryConnect.name, binaryConnectBytes.name],
      reading:
        "the deterministic rule, which tests with the signs; kernels that Lasagne stored are turned by 180° before they enter the bundle",
    },
    {
      number: "3",
      name: "BWN",
      paper: "Rastegari et al. 2016, arXiv:1603.05279",
      models: "XNOR-Net (Torch), Larq",
      formats: ["bundle", "Larq", "ONNX"],
      command: bundleCommand(),
      nets: [bwn.name],
    },
    {
      number: "21",
      name: "BWNH",
      paper: "Hu et al. 2018, arXiv:1802.02733",
      models: "no public code",
      formats: ["bundle", "ONNX"],
      command: bundleCommand(),
      nets: [bwnh.name],
      reading: "weights α·(±1) with one α per filter, found by hashing in training; activations stay float32",
    },
  ],
  result: "exact; layers of float32 activations are summed in a stated order",
  nets: [binaryConnect, binaryConnectBytes, bwn, bwnh],
};
