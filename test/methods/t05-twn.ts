/** T05: Ternary Weight Networks (Li et al. 2016), a net like LeNet; and Larq's ternary quantizers, which have no factor. */
import { flatten, maxPool, products, relu, times, type Value } from "../support/methods/arithmetic.js";
import { floatLayerOf, type Levels } from "../support/methods/latent.js";
import { batchnorm, conv, linear, maxpool } from "../support/methods/layers.js";
import { bundleCommand, type Method } from "../support/methods/method.js";
import { CENTERED, type MethodNet } from "../support/methods/net.js";
import { normalized, type Parameters } from "../support/methods/parameters.js";

const f = Math.fround;

/**
 * Weights as the blob of caffe-twns makes them: Δ = 0.7 · mean |W|, α the mean magnitude of what is beyond it. `|w| > Δ`, over the
 * whole layer; a filter of small weights becomes all 0.
 */
export function ternary({ shape, data }: Value): Levels {
  const mean = f(data.reduce((sum, w) => sum + Math.abs(w), 0) / data.length);
  const delta = f(f(0.7) * mean);
  const kept = Array.from(data).filter((w) => Math.abs(w) > delta);
  const sum = kept.reduce((total, w) => total + Math.abs(w), 0);
  return {
    codes: { shape, data: data.map((w) => (Math.abs(w) > delta ? Math.sign(w) : 0)) },
    scale: [f(sum / Math.max(1, kept.length))],
  };
}

/** Latent weights; `silent` is a filter whose weights are all small. */
function latent(drawn: Parameters, name: string, shape: readonly number[], silent: number): Value {
  const perFilter = shape.slice(1).reduce((a, b) => a * b, 1);
  return drawn.numbers(name, shape, (i) => {
    const isSilent = Math.floor(i / perFilter) === silent;
    return (isSilent ? 0.01 : 1) * drawn.random.normal();
  });
}

const TWN = {
  type: "ternary",
  threshold: { mean_abs: "tensor", factor: 0.7 },
  threshold_is_zero: true,
  scale: { mean_abs: "tensor" },
};

const LAYERS = (quantizer: Readonly<Record<string, unknown>>) => [
  conv("conv1", quantizer),
  batchnorm("bn1"),
  { type: "relu", name: "relu1" },
  maxpool("pool1", 2),
  conv("conv2", quantizer),
  batchnorm("bn2"),
  { type: "relu", name: "relu2" },
  maxpool("pool2", 2),
  { type: "flatten" },
  linear("fc", quantizer),
];

/** conv → BN → ReLU → pool twice, then a dense layer; every factor is its layer's own. */
function leNet(
  name: string,
  quantizer: Readonly<Record<string, unknown>>,
  quantized: (w: Value) => Levels,
): MethodNet {
  return {
    name,
    input: [1, 12, 12],
    bytes: CENTERED,
    layers: LAYERS(quantizer),
    reference(x, drawn, see) {
      const t1 = quantized(latent(drawn, "conv1.weight", [12, 1, 3, 3], 4));
      const d1 = times(see("conv1", products(x, t1.codes), 1 / 128), t1.scale[0]!);
      const r1 = see("relu1 as float", relu(normalized(drawn, "bn1", d1)));
      const a1 = see("pool1", maxPool(r1, 2));
      const t2 = quantized(latent(drawn, "conv2.weight", [17, 12, 3, 3], 0));
      const d2 = floatLayerOf(see, "conv2", a1, t2);
      const r2 = see("relu2 as float", relu(normalized(drawn, "bn2", d2)));
      const a2 = see("pool2", maxPool(r2, 2));
      const t3 = quantized(latent(drawn, "fc.weight", [10, 17], 9));
      return floatLayerOf(see, "fc", flatten(a2), t3);
    },
  };
}

/** Larq's `ste_tern` by default: a threshold of 0.05 for all, and no factor. */
function fixedThreshold({ shape, data }: Value): Levels {
  const delta = f(0.05);
  return { codes: { shape, data: data.map((w) => (Math.abs(w) > delta ? Math.sign(w) : 0)) }, scale: [1] };
}

const twn = leNet("twn_lenet", TWN, ternary);
const larq = leNet(
  "ste_tern_lenet",
  { type: "ternary", threshold: 0.05, threshold_is_zero: true, scale: 1 },
  fixedThreshold,
);

export const ternaryWeights: Method = {
  test: "T05",
  systems: [
    {
      number: "5",
      name: "TWN",
      paper: "Li et al. 2016, arXiv:1605.04711",
      models: "caffe-twns, Larq (ste_tern)",
      formats: ["bundle", "Larq", "QONNX", "ONNX"],
      command: bundleCommand(),
    },
  ],
  result: "exact; layers of float32 activations are summed in a stated order",
  nets: [twn, larq],
};
