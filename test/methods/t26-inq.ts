/**
 * T26: Incremental Network Quantization (Zhou et al. 2017): weights 0 or ±2^n, n from n2 to n1, of five bits: eight exponents. On
 * bytes, sums are exact integers; on float32 activations, products are exact.
 */
import { relu, roundHalfEven, type Value } from "../support/methods/arithmetic.js";
import { floatLayerOf, integers, type Levels, layerOf, normed } from "../support/methods/latent.js";
import { batchnorm, conv } from "../support/methods/layers.js";
import { bundleCommand, type Method } from "../support/methods/method.js";
import { CENTERED, type MethodNet } from "../support/methods/net.js";
import type { Parameters } from "../support/methods/parameters.js";

const f = Math.fround;
const BITS = 5;

/** n1 = ⌊log2(4s / 3)⌋ with s = max |W|, n2 = n1 + 1 − 2^(b − 1) / 2. */
function exponents(w: Value): readonly [number, number] {
  const s = w.data.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  const n1 = Math.floor(Math.log2((4 * s) / 3));
  return [n1 + 1 - 2 ** (BITS - 1) / 2, n1];
}

/** β of the powers α < β that follow each other, with α = 0 before the first, where (α + β) / 2 ≤ |w| < 3β / 2. */
function power(w: number, [n2, n1]: readonly [number, number]): number {
  let alpha = 0;
  for (let n = n2; n <= n1; n++) {
    const beta = 2 ** n;
    if (Math.abs(w) >= (alpha + beta) / 2 && Math.abs(w) < (3 * beta) / 2) return Math.sign(w) * beta;
    alpha = beta;
  }
  return 0;
}

/** Latent weights of many sizes: some round to 0, some to either end. */
function latentOf(drawn: Parameters, name: string, shape: readonly number[]): Value {
  return drawn.numbers(name, shape, () => 0.4 * drawn.random.normal() * 4 ** (-3 * drawn.random.next()));
}

/** Quantized weights, and what one step of them is. */
function powersOf(w: Value): Levels & { readonly weights: Value } {
  const bounds = exponents(w);
  const weights = { shape: w.shape, data: w.data.map((x) => power(x, bounds)) };
  const step = 2 ** bounds[0];
  return { weights, codes: { shape: w.shape, data: weights.data.map((x) => x / step) }, scale: [step] };
}

const shapes = { conv0: [12, 3, 3, 3], conv1: [31, 12, 3, 3], conv2: [10, 31, 3, 2] } as const;
type Layer = keyof typeof shapes;

const STEP = f(0.02);
const stride2 = { stride: 2, padding: [0, 0, 1, 1], padding_value: 0 };
const taps2 = { stride: 2, pads: [0, 0, 1, 1] } as const;
const quantized = (name: string): unknown[] => [
  { type: "relu" },
  { type: "quantize", name, bits: 8, signed: false, scale: STEP, rounding: "half-even" },
];

/** Codes of nine bits are two layers. */
const parts = (name: string): Record<string, string> => ({
  [`${name} bytes`]: "sums with the lower bits of the weights",
  [`${name} rest`]: "sums with the upper bits of the weights",
});

type WeightsOf = (drawn: Parameters, layer: Layer) => ReturnType<typeof powersOf>;

/** Weights that are latent in the file, or powers of two already. */
const latent: WeightsOf = (drawn, layer) => powersOf(latentOf(drawn, `${layer}.weight`, shapes[layer]));
const stored: WeightsOf = (drawn, layer) => {
  const powers = powersOf(latentOf(drawn, `~${layer}`, shapes[layer]));
  drawn.numbers(`${layer}.weight`, shapes[layer], (i) => powers.weights.data[i]!);
  return powers;
};

function onBytes(
  name: string,
  quantizer: Readonly<Record<string, unknown>>,
  weightsOf: WeightsOf,
): MethodNet {
  return {
    name,
    input: [3, 9, 7],
    bytes: CENTERED,
    internal: { ...parts("conv0"), ...parts("conv1"), ...parts("conv2") },
    layers: [
      conv("conv0", quantizer),
      batchnorm("bn0"),
      ...quantized("q0"),
      conv("conv1", quantizer, stride2),
      batchnorm("bn1"),
      ...quantized("q1"),
      conv("conv2", quantizer),
    ],
    reference(x, drawn, see) {
      const bytes = { shape: x.shape, data: x.data.map((v) => v * 128) };
      const code = (v: Value): Value => integers(relu(v), [0, 255], (r) => roundHalfEven(f(r / STEP)));
      const y0 = layerOf(see, "conv0", bytes, weightsOf(drawn, "conv0"), 1 / 128);
      const q0 = see("q0", code(normed(drawn, "bn0", y0)));
      const y1 = layerOf(see, "conv1", q0, weightsOf(drawn, "conv1"), STEP, taps2);
      const q1 = see("q1", code(normed(drawn, "bn1", y1)));
      return layerOf(see, "conv2", q1, weightsOf(drawn, "conv2"), STEP);
    },
  };
}

const inq = { type: "powers_of_two", bits: BITS };

const onFloats: MethodNet = {
  name: "inq_float_activations",
  input: [3, 9, 7],
  layers: [
    conv("conv0", inq),
    batchnorm("bn0"),
    { type: "relu", name: "relu0" },
    conv("conv1", inq, stride2),
    batchnorm("bn1"),
    { type: "relu", name: "relu1" },
    conv("conv2", inq),
  ],
  reference(x, drawn, see) {
    const y0 = floatLayerOf(see, "conv0", x, latent(drawn, "conv0"));
    const a0 = see("conv1 input", relu(normed(drawn, "bn0", y0)));
    const y1 = floatLayerOf(see, "conv1", a0, latent(drawn, "conv1"), taps2);
    const a1 = see("conv2 input", relu(normed(drawn, "bn1", y1)));
    return floatLayerOf(see, "conv2", a1, latent(drawn, "conv2"));
  },
};

export const incremental: Method = {
  test: "T26",
  systems: [
    {
      number: "31",
      name: "INQ",
      paper: "Zhou et al. 2017, arXiv:1702.03044",
      models: "Mxbonn/INQ-pytorch, AojunZhou (Caffe)",
      formats: ["bundle", "ONNX"],
      command: bundleCommand(),
    },
  ],
  result: "exact; layers of float32 activations are summed in a stated order",
  nets: [onBytes("inq_bytes", inq, latent), onBytes("inq_stored", { type: "none" }, stored), onFloats],
};
