/**
 * T21: uniform quantizers of 2, 3 and 4 bits whose steps training has fixed: WRPN (Mishra et al. 2017), PACT (Choi et al. 2018),
 * DSQ (Gong et al. 2019) and APQ (Wang et al. 2020).
 */
import { clip, roundHalfEven, type Taps, type Value } from "../support/methods/arithmetic.js";
import { integers, type Levels, layerOf, normed } from "../support/methods/latent.js";
import { arithmetic, batchnorm, conv } from "../support/methods/layers.js";
import { bundleCommand, type Method } from "../support/methods/method.js";
import { CENTERED, type MethodNet } from "../support/methods/net.js";
import type { Parameters } from "../support/methods/parameters.js";

const f = Math.fround;

const BITS = [2, 3, 4] as const;

/** Activations as integers of which each stands for `unit`. */
interface Codes {
  readonly codes: Value;
  readonly unit: number;
}

/** A paper's two quantizers of k bits, each told as layers of a manifest and as a definition. */
interface Scheme {
  readonly name: string;
  readonly weightQuantizer: (layer: string, bits: number) => unknown;
  readonly weights: (latent: Value, drawn: Parameters, layer: string, bits: number) => Levels;
  readonly activationLayers: (layer: string, bits: number) => unknown[];
  readonly activations: (x: Value, bits: number) => Codes;
}

const shapes = [
  [12, 3, 3, 3],
  [31, 12, 3, 3],
  [10, 31, 2, 2],
] as const;
const geometry: readonly { readonly fields: Readonly<Record<string, unknown>>; readonly taps: Taps }[] = [
  { fields: {}, taps: {} },
  {
    fields: { stride: 2, padding: [0, 0, 1, 1], padding_value: 0 },
    taps: { stride: 2, pads: [0, 0, 1, 1] },
  },
  { fields: {}, taps: {} },
];

/** Three convolutions, of 2, 3 and 4 bits. */
function netOf(scheme: Scheme): MethodNet {
  return {
    name: scheme.name,
    input: [3, 9, 7],
    bytes: CENTERED,
    layers: BITS.flatMap((bits, i) => [
      conv(
        `conv${i}`,
        scheme.weightQuantizer(`conv${i}`, bits) as Readonly<Record<string, unknown>>,
        geometry[i]!.fields,
      ),
      batchnorm(`bn${i}`),
      ...(i < 2 ? scheme.activationLayers(`q${i}`, bits) : []),
    ]),
    reference(x, drawn, see) {
      let a: Codes = { codes: { shape: x.shape, data: x.data.map((v) => v * 128) }, unit: 1 / 128 };
      for (const [i, bits] of BITS.entries()) {
        const name = `conv${i}`;
        const latent = drawn.numbers(`${name}.weight`, shapes[i]!, () => 0.5 * drawn.random.normal());
        const levels = scheme.weights(latent, drawn, name, bits);
        const y = layerOf(see, name, a.codes, levels, a.unit, geometry[i]!.taps);
        const normal = normed(drawn, `bn${i}`, y, { ofScores: i === 2 });
        if (i === 2) return normal;
        a = scheme.activations(normal, bits);
        see(`q${i}`, a.codes);
      }
      throw new Error("no layers");
    },
  };
}

/** `round(n · clip(w, −1, 1)) / n`, n = 2^(k−1) − 1; activations `round((2^k − 1) · clip(x, 0, 1)) / (2^k − 1)`. */
const wrpn: Scheme = {
  name: "wrpn",
  weightQuantizer: (_, bits) => ({
    type: "uniform",
    bits,
    signed: true,
    narrow: true,
    scale: { reciprocal: 2 ** (bits - 1) - 1 },
    rounding: "half-even",
  }),
  weights(latent, _, __, bits) {
    const n = 2 ** (bits - 1) - 1;
    const codes = integers(clip(latent, -1, 1), [-n, n], (w) => roundHalfEven(f(n * w)));
    return { codes, scale: [f(1 / n)] };
  },
  activationLayers: (layer, bits) => [
    { type: "clip", min: 0, max: 1 },
    arithmetic(`${layer}.levels`, "multiply", 2 ** bits - 1),
    { type: "quantize", name: layer, bits, signed: false, scale: 1, rounding: "half-even" },
    arithmetic(`${layer}.value`, "divide", 2 ** bits - 1),
  ],
  activations(x, bits) {
    const n = 2 ** bits - 1;
    return { codes: integers(clip(x, 0, 1), [0, n], (v) => roundHalfEven(f(v * n))), unit: f(1 / n) };
  },
};

/** Learned bounds of the activations, as distiller keeps them in `clip_val`. */
const ALPHAS = [0, 0, f(1.37), f(2.71), f(0.9)];

/** `round(clip(x, 0, α) · n / α) · α / n`; weights are DoReFa's. */
const pact: Scheme = {
  name: "pact",
  weightQuantizer: (_, bits) => ({ type: "dorefa", bits }),
  weights(latent, _, __, bits) {
    const n = 2 ** bits - 1;
    const squashed = latent.data.map((w) => f(Math.tanh(w)));
    const most = squashed.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
    const data = squashed.map((t) => 2 * roundHalfEven(f(n * f(f(t / f(2 * most)) + 0.5))) - n);
    return { codes: { shape: latent.shape, data }, scale: [f(1 / n)] };
  },
  activationLayers: (layer, bits) => [
    { type: "clip", min: 0, max: ALPHAS[bits] },
    arithmetic(`${layer}.levels`, "multiply", f((2 ** bits - 1) / ALPHAS[bits]!)),
    { type: "quantize", name: layer, bits, signed: false, scale: 1, rounding: "half-even" },
    arithmetic(`${layer}.value`, "multiply", f(ALPHAS[bits]! / (2 ** bits - 1))),
  ],
  activations(x, bits) {
    const [n, alpha] = [2 ** bits - 1, ALPHAS[bits]!];
    const codes = integers(clip(x, 0, alpha), [0, n], (v) => roundHalfEven(f(v * f(n / alpha))));
    return { codes, unit: f(alpha / n) };
  },
};

/** `l + Δ · round((x − l) / Δ)`, Δ = (u − l) / n as training left it: bounds around 0 for weights, from 0 on for activations. */
const dsq: Scheme = {
  name: "dsq",
  weightQuantizer: (layer, bits) => ({
    type: "between",
    bits,
    low: `${layer}.running_lw`,
    high: `${layer}.running_uw`,
    rounding: "half-even",
  }),
  weights(latent, drawn, layer, bits) {
    const n = 2 ** bits - 1;
    const [high] = drawn.vector(`${layer}.running_uw`, 1, () => 0.6 + 0.3 * drawn.random.next());
    const [low] = drawn.vector(`${layer}.running_lw`, 1, () => -high!);
    const step = f(f(high! - low!) / n);
    // Levels are odd multiples of half a step.
    const codes = integers(latent, [-n, n], (w) => {
      const inside = Math.min(Math.max(w, low!), high!);
      return 2 * roundHalfEven(f(f(inside - low!) / step)) - n;
    });
    return { codes, scale: [f(step / 2)] };
  },
  activationLayers: (layer, bits) => [
    {
      type: "quantize",
      name: layer,
      bits,
      signed: false,
      scale: f(ALPHAS[bits]! / (2 ** bits - 1)),
      rounding: "half-even",
    },
  ],
  activations(x, bits) {
    const [n, high] = [2 ** bits - 1, ALPHAS[bits]!];
    const step = f(high / n);
    return { codes: integers(clip(x, 0, high), [0, n], (v) => roundHalfEven(f(v / step))), unit: step };
  },
};

/** Weights `round(w / s) · s`, s = range / (2^(k−1) − 1); activations from 0 to R in 2^k levels, or signed as weights are. */
const apq = (isHalfWave: boolean): Scheme => {
  const most = (bits: number): number => (isHalfWave ? 2 ** bits - 1 : 2 ** (bits - 1) - 1);
  return {
    name: isHalfWave ? "apq_half_wave" : "apq_signed",
    weightQuantizer: (layer, bits) => ({
      type: "uniform",
      bits,
      signed: true,
      narrow: true,
      scale: { range: `${layer}.weight_range` },
      rounding: "half-even",
    }),
    weights(latent, drawn, layer, bits) {
      const n = 2 ** (bits - 1) - 1;
      const [range] = drawn.vector(`${layer}.weight_range`, 1, () => 0.7 + 0.5 * drawn.random.next());
      const scale = f(range! / n);
      const codes = integers(clip(latent, -range!, range!), [-n, n], (w) => roundHalfEven(f(w / scale)));
      return { codes, scale: [scale] };
    },
    activationLayers: (layer, bits) => [
      {
        type: "quantize",
        name: layer,
        bits,
        signed: !isHalfWave,
        narrow: !isHalfWave,
        scale: f(ALPHAS[bits]! / most(bits)),
        rounding: "half-even",
      },
    ],
    activations(x, bits) {
      const [n, range] = [most(bits), ALPHAS[bits]!];
      const step = f(range / n);
      const least = isHalfWave ? 0 : -range;
      return {
        codes: integers(clip(x, least, range), [isHalfWave ? 0 : -n, n], (v) => roundHalfEven(f(v / step))),
        unit: step,
      };
    },
  };
};

export const uniformQuantizers: Method = {
  test: "T21",
  systems: [
    {
      number: "22",
      name: "WRPN",
      paper: "Mishra et al. 2017, arXiv:1709.01134",
      models: "distiller",
      formats: ["bundle", "ONNX"],
      command: bundleCommand(),
    },
    {
      number: "27",
      name: "PACT",
      paper: "Choi et al. 2018, arXiv:1805.06085",
      models: "distiller (clip_val)",
      formats: ["bundle", "ONNX"],
      command: bundleCommand(),
      reading: "weights are DoReFa's, as in distiller; the paper's SAWB has a stored scale instead",
    },
    {
      number: "36b",
      name: "DSQ",
      paper: "Gong et al. 2019, arXiv:1908.05033",
      models: "ricky40403/DSQ (running_lw, running_uw)",
      formats: ["bundle", "ONNX"],
      command: bundleCommand(),
      reading: "steps are those of the bounds that training stored, not of the batch at hand",
    },
  ],
  result: "exact",
  nets: [netOf(wrpn), netOf(pact), netOf(dsq), netOf(apq(true)), netOf(apq(false))],
};
