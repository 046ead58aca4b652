/**
 * T40: Trained Ternary Quantization (Zhu et al. 2016): weights −Wn, 0 and +Wp with two learned magnitudes per layer and the threshold
 * 0.05 · max |w|; first and last layers in float32. Activations stay float32, as in the paper, or have DoReFa-Net's two bits, as
 * tensorpack's script lets them.
 */
import {
  filled,
  floatProducts,
  maxPool,
  relu,
  roundHalfEven,
  type Value,
} from "../support/methods/arithmetic.js";
import { floatWeights, head, headLayers } from "../support/methods/head.js";
import { normed } from "../support/methods/latent.js";
import { batchnorm, conv, FLOAT, maxpool, paddedConv } from "../support/methods/layers.js";
import { bundleCommand, type Method } from "../support/methods/method.js";
import { CENTERED, type MethodNet, type See } from "../support/methods/net.js";
import type { Parameters } from "../support/methods/parameters.js";
import {
  type Basis,
  byBases,
  codesOf,
  type Planar,
  type PlaneQuantizer,
  planar,
} from "../support/methods/planes.js";
import { storedBases, storedBasesQuantizer } from "../support/methods/planes-net.js";
import { quantizer as dorefaLayers } from "./t06-dorefa.js";

const f = Math.fround;

/** `Wp · [w > Δ] − Wn · [w < −Δ]`: two bases, whose codes the export takes from latent weights. */
function ternary(drawn: Parameters, name: string, shape: readonly number[]): readonly Basis[] {
  const latent = drawn.latent(`${name}.weight`, shape);
  const delta = f(0.05 * latent.data.reduce((most, w) => Math.max(most, Math.abs(w)), 0));
  const positive = filled(shape, (i) => (latent.data[i]! > delta ? 1 : 0));
  const negative = filled(shape, (i) => (latent.data[i]! < -delta ? -1 : 0));
  const magnitude = (): number => 0.05 + 0.2 * drawn.random.next();
  return storedBases(drawn, name, [positive, negative], magnitude, "tensor");
}

/** The weights themselves. */
function numbersOf([positive, negative]: readonly Basis[]): Value {
  const [p, n] = [positive!, negative!];
  return filled(p.codes.shape, (i) =>
    f(f(p.codes.data[i]! * p.coefficient[0]!) + f(n.codes.data[i]! * n.coefficient[0]!)),
  );
}

const HIDDEN = [31, 12, 3, 3];
const LAST = [24, 31, 3, 3];

/** A layer whose activations are what BN and `activate` leave. */
const layers = (activate: (name: string) => unknown[]): unknown[] => [
  paddedConv("conv0", FLOAT, 1),
  batchnorm("bn0"),
  ...activate("a0"),
  paddedConv("conv1", storedBasesQuantizer("conv1", 2), 1),
  batchnorm("bn1"),
  maxpool("pool1", 2),
  ...activate("a1"),
  conv("conv2", storedBasesQuantizer("conv2", 2)),
  batchnorm("bn2"),
  { type: "relu", name: "features" },
  ...headLayers,
];

function stem(x: Value, drawn: Parameters, see: See): Value {
  const w0 = floatWeights(drawn, "conv0.weight", [12, 3, 3, 3]);
  return normed(drawn, "bn0", see("conv0", floatProducts(see("conv0 input", x), w0, { pads: 1 })));
}

const onFloats: MethodNet = {
  name: "ttq",
  input: [3, 10, 10],
  bytes: CENTERED,
  layers: layers((name) => [{ type: "relu", name }]),
  reference(x, drawn, see) {
    const a0 = see("conv1 input", relu(stem(x, drawn, see)));
    const y1 = see("conv1", floatProducts(a0, numbersOf(ternary(drawn, "conv1", HIDDEN)), { pads: 1 }));
    const pooled = see("pool1", maxPool(see("bn1 as float", normed(drawn, "bn1", y1)), 2));
    const a1 = see("conv2 input", relu(pooled));
    const y2 = see("conv2", floatProducts(a1, numbersOf(ternary(drawn, "conv2", LAST))));
    return head(relu(normed(drawn, "bn2", y2)), drawn, see);
  },
};

const BITS = 2;
const MOST = 2 ** BITS - 1;

/** Two bits of `round(3 · clip(x, 0, 1)) / 3` as planes: 2/3 and 1/3. */
const twoBits: PlaneQuantizer = {
  encode(x) {
    const q = roundHalfEven(f(Math.min(Math.max(x, 0), 1) * MOST));
    return [q >> 1, q & 1];
  },
  coefficients: [f(2 / MOST), f(1 / MOST)],
};

const onCodes: MethodNet = {
  name: "ttq_two_bits",
  input: [3, 10, 10],
  bytes: CENTERED,
  layers: layers((name) => dorefaLayers(name, BITS)),
  reference(x, drawn, see) {
    const shown = (at: string, v: Value): Planar => {
      const a = planar(v, twoBits);
      see(at, codesOf(a));
      return a;
    };
    const a0 = shown("a0", stem(x, drawn, see));
    const y1 = see("conv1", byBases(a0, ternary(drawn, "conv1", HIDDEN), { pads: 1 }));
    const a1 = shown("a1", maxPool(normed(drawn, "bn1", y1), 2));
    const y2 = see("conv2", byBases(a1, ternary(drawn, "conv2", LAST)));
    return head(relu(normed(drawn, "bn2", y2)), drawn, see);
  },
};

export const trainedTernary: Method = {
  test: "T40",
  systems: [
    {
      number: "47",
      name: "Trained Ternary Quantization",
      paper: "Zhu et al. 2016, arXiv:1612.01064",
      models: "ternarynet and tensorpack (TensorFlow)",
      formats: ["bundle"],
      command: bundleCommand(),
    },
  ],
  result: "exact; layers of float32 activations, and sums of the two signs, in a stated order",
  nets: [onFloats, onCodes],
};
