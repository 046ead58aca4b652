/**
 * T23: ternary weights times codes: Two-Step Quantization (Wang et al. 2018), the nearest ternary weights of each filter times two
 * bits of which 0 has a threshold of its own; and a student of Apprentice (Mishra and Marr 2017), TWN's weights times bytes.
 */
import { clip, each, floatProducts, relu, roundHalfEven, type Value } from "../support/methods/arithmetic.js";
import { eachWeight, integers, type Levels, layerOf, normed } from "../support/methods/latent.js";
import { arithmetic, batchnorm, conv, FLOAT } from "../support/methods/layers.js";
import { bundleCommand, type Method } from "../support/methods/method.js";
import { CENTERED, type MethodNet } from "../support/methods/net.js";
import type { Parameters } from "../support/methods/parameters.js";

const f = Math.fround;

/** Latent weights; those of one filter are all 0, as pruning leaves them. */
function latentOf(drawn: Parameters, name: string, shape: readonly number[], silent: number): Value {
  const size = shape.slice(1).reduce((a, b) => a * b, 1);
  return drawn.numbers(`${name}.weight`, shape, (i) =>
    Math.floor(i / size) === silent ? 0 : f(drawn.random.normal()) || 1,
  );
}

/** Each filter's `argmin ‖w − α·t‖²`: every count of kept weights is tried, the greatest magnitudes first. */
function nearestTernary(w: Value): Levels {
  const outputs = w.shape[0]!;
  const size = w.data.length / outputs;
  const scale = new Float32Array(outputs);
  const kept = new Float64Array(outputs);
  for (let n = 0; n < outputs; n++) {
    const falling = Array.from(w.data.subarray(n * size, (n + 1) * size), Math.abs).sort((a, b) => b - a);
    const squares = falling.reduce((sum, m) => sum + m * m, 0);
    let least = squares;
    kept[n] = Number.POSITIVE_INFINITY;
    let sum = 0;
    falling.forEach((m, i) => {
      sum += m;
      const distance = squares - sum ** 2 / (i + 1);
      if (!(distance < least)) return;
      least = distance;
      kept[n] = m;
      scale[n] = f(sum / (i + 1));
    });
  }
  return { codes: eachWeight(w, kept, (x, t) => (Math.abs(x) >= t ? Math.sign(x) : 0)), scale };
}

/** Zero up to θ, then a level for each Δ: x in (θ + (q − 1)Δ, θ + qΔ] has the code q. */
const THETA = f(0.31);
const DELTA = f(0.45);
const MOST = 3;

const sparseLayers = (name: string): unknown[] => [
  arithmetic(`${name}.above`, "subtract", THETA),
  { type: "quantize", name, bits: 2, signed: false, scale: DELTA, rounding: "ceil" },
];
const sparse = (x: Value): Value => integers(x, [0, MOST], (v) => Math.ceil(f(f(v - THETA) / DELTA)));

const nearest = {
  type: "ternary",
  threshold: { least_squares: "output" },
  threshold_is_zero: true,
  scale: { mean_abs: "output" },
};
const stride2 = { stride: 2, padding: [0, 0, 1, 1], padding_value: 0, groups: 3 };

const tsq: MethodNet = {
  name: "tsq",
  input: [3, 9, 7],
  bytes: CENTERED,
  layers: [
    conv("conv0", nearest),
    batchnorm("bn0"),
    ...sparseLayers("q0"),
    conv("conv1", nearest, stride2),
    batchnorm("bn1"),
    ...sparseLayers("q1"),
    conv("conv2", nearest),
    batchnorm("bn2"),
  ],
  reference(x, drawn, see) {
    const bytes = { shape: x.shape, data: x.data.map((v) => v * 128) };
    const w0 = nearestTernary(latentOf(drawn, "conv0", [33, 3, 3, 3], 5));
    const q0 = see("q0", sparse(normed(drawn, "bn0", layerOf(see, "conv0", bytes, w0, 1 / 128))));
    const w1 = nearestTernary(latentOf(drawn, "conv1", [33, 11, 3, 3], 20));
    const taps = { stride: 2, pads: [0, 0, 1, 1], groups: 3 } as const;
    const q1 = see("q1", sparse(normed(drawn, "bn1", layerOf(see, "conv1", q0, w1, DELTA, taps))));
    const w2 = nearestTernary(latentOf(drawn, "conv2", [10, 33, 3, 2], -1));
    return normed(drawn, "bn2", layerOf(see, "conv2", q1, w2, DELTA), { ofScores: true });
  },
};

/** TWN's: `|w| > 0.7 · mean |w|` of the layer. */
function twn(w: Value): Levels {
  const delta = f(f(0.7) * f(w.data.reduce((sum, x) => sum + Math.abs(x), 0) / w.data.length));
  const kept = w.data.filter((x) => Math.abs(x) > delta);
  const scale = [f(kept.reduce((sum, x) => sum + Math.abs(x), 0) / kept.length)];
  return { codes: eachWeight(w, [delta], (x, d) => (Math.abs(x) > d ? Math.sign(x) : 0)), scale };
}

const layerTernary = {
  type: "ternary",
  threshold: { mean_abs: "tensor", factor: 0.7 },
  threshold_is_zero: true,
  scale: { mean_abs: "tensor" },
};
const STEP = 1 / 64;
const bytesLayers = (name: string): unknown[] => [
  { type: "relu" },
  { type: "quantize", name, bits: 8, signed: false, scale: STEP, rounding: "half-even" },
];
const bytesOf = (x: Value): Value =>
  integers(clip(relu(x), 0, 255 * STEP), [0, 255], (v) => roundHalfEven(f(v / STEP)));

/** The first and the last layer stay float32. */
const apprentice: MethodNet = {
  name: "apprentice_student",
  input: [3, 9, 7],
  bytes: CENTERED,
  layers: [
    conv("conv0", FLOAT),
    batchnorm("bn0"),
    ...bytesLayers("q0"),
    conv("conv1", layerTernary, { padding: 1, padding_value: 0 }),
    batchnorm("bn1"),
    ...bytesLayers("q1"),
    conv("conv2", FLOAT),
  ],
  reference(x, drawn, see) {
    const small = drawn.numbers("conv0.weight", [12, 3, 3, 3], () => 0.3 * drawn.random.normal());
    const y0 = see("conv0", floatProducts(see("conv0 input", x), small));
    const q0 = see("q0", bytesOf(normed(drawn, "bn0", y0)));
    const w1 = twn(latentOf(drawn, "conv1", [31, 12, 3, 3], 7));
    const y1 = layerOf(see, "conv1", q0, w1, STEP, { pads: 1 });
    const q1 = see("q1", bytesOf(normed(drawn, "bn1", y1)));
    const a1 = see(
      "conv2 input",
      each(q1, (q) => f(q * STEP)),
    );
    const last = drawn.numbers("conv2.weight", [10, 31, 7, 5], () => 0.1 * drawn.random.normal());
    return see("conv2", floatProducts(a1, last));
  },
};

export const ternaryWeights: Method = {
  test: "T23",
  systems: [
    {
      number: "26",
      name: "Two-Step Quantization",
      paper: "Wang et al. 2018, CVPR",
      models: "no public code of the authors",
      formats: ["bundle", "ONNX"],
      command: bundleCommand(),
      reading: "activations are 0 up to a threshold θ, and q·Δ in (θ + (q − 1)Δ, θ + qΔ]; one α per filter",
    },
    {
      number: "32",
      name: "Apprentice",
      paper: "Mishra and Marr 2017, arXiv:1711.05852",
      models: "no public code of the authors",
      formats: ["bundle", "ONNX", "QONNX"],
      command: bundleCommand(),
      reading: "the student: TWN's weights, activations of 8 bits, first and last layers in float32",
    },
  ],
  result: "exact; first and last layers in float32, summed in a stated order",
  nets: [tsq, apprentice],
};
