/**
 * T13: Least squares binary quantization (Pouransari et al. 2020): weights of each filter and activations by the same family: ls-1 v₁·s₁;
 * ls-2 v₁·s₁ + v₂·s₂ with s₂ = sign(x − v₁·s₁) and the best v; ls-T v₁·(s₁ + s₂), which is −2v₁, 0 or 2v₁; gf-k greedy, k levels. Scales of
 * activations are averages saved in training, or, ls-1 only, the mean magnitude of the input itself. Blocks as in XNOR-Net, BN → quantizer
 * → convolution with bias → PReLU, each with a shortcut of its own; first, last and downsampling layers in float32.
 */
import {
  both,
  clip,
  each,
  filled,
  floatProducts,
  magnitude,
  over,
  plus,
  prelu,
  products,
  sign as signOf,
  sumOfAll,
  type Taps,
  times,
  type Value,
} from "../support/methods/arithmetic.js";
import { floatWeights, head, headLayers } from "../support/methods/head.js";
import {
  arithmetic,
  batchnorm,
  conv,
  type Fields,
  FLOAT,
  paddedConv,
  sign,
} from "../support/methods/layers.js";
import { bundleCommand, type Method } from "../support/methods/method.js";
import { CENTERED, type MethodNet, type See } from "../support/methods/net.js";
import { normalized, type Parameters } from "../support/methods/parameters.js";
import { type Basis, codesOf, type Planar, planar } from "../support/methods/planes.js";
import {
  planesLayer,
  signQuantizer,
  storedBases,
  storedBasesQuantizer,
} from "../support/methods/planes-net.js";
import { residualLayer, residualSigns } from "./t08-rebnet.js";

const f = Math.fround;

export type Kind = "ls-1" | "ls-1 dynamic" | "ls-2" | "ls-T" | "gf-3";

const mean = (values: readonly number[]): number =>
  values.reduce((a, b) => a + b, 0) / Math.max(values.length, 1);

/** The best levels v₁ − v₂ and v₁ + v₂ of magnitudes split at v₁, by Lloyd's iteration. */
function leastSquares(magnitudes: readonly number[]): readonly [number, number] {
  let v1 = mean(magnitudes);
  let v2 = 0;
  for (let round = 0; round < 30; round++) {
    const [below, above] = [magnitudes.filter((m) => m < v1), magnitudes.filter((m) => m >= v1)].map(mean);
    [v1, v2] = [(below! + above!) / 2, (above! - below!) / 2];
  }
  return [v1, v2];
}

/** The best 2v₁ of magnitudes of which those below v₁ are 0. */
function ternaryScale(magnitudes: readonly number[]): number {
  let v1 = mean(magnitudes);
  for (let round = 0; round < 30; round++) v1 = mean(magnitudes.filter((m) => m >= v1)) / 2;
  return v1;
}

/** Mean magnitudes of what is left, level after level. */
function greedy(numbers: readonly number[], levels: number): number[] {
  let rest = [...numbers];
  return Array.from({ length: levels }, () => {
    const v = f(mean(rest.map(Math.abs)));
    rest = rest.map((r) => (r >= 0 ? r - v : r + v));
    return v;
  });
}

/** v₁ … v_k of some numbers. */
function scalesOf(kind: Kind, numbers: readonly number[]): readonly number[] {
  const magnitudes = numbers.map(Math.abs);
  switch (kind) {
    case "ls-1":
    case "ls-1 dynamic":
      return [f(mean(magnitudes))];
    case "ls-2":
      return leastSquares(magnitudes).map(f);
    case "ls-T":
      return [f(ternaryScale(magnitudes))];
    case "gf-3":
      return greedy(numbers, 3);
  }
}

/** −1, 0, 1 times 2v₁. */
function ternary(x: Value, v: (channel: number, index: number) => number): Value {
  return each(x, (w, c, i) => {
    const first = w >= 0 ? 1 : -1;
    return (first + (f(w - v(c, i) * first) >= 0 ? 1 : -1)) / 2;
  });
}

const layersOf = { "ls-1": 1, "ls-1 dynamic": 1, "ls-2": 2, "ls-T": 1, "gf-3": 3 } as const;

function weightQuantizer(kind: Kind, name: string): Fields {
  if (kind === "ls-T")
    return {
      type: "ternary",
      threshold: `${name}.v1`,
      threshold_is_zero: false,
      scale: `${name}.scale`,
    };
  const count = layersOf[kind];
  return count === 1 ? signQuantizer(name) : storedBasesQuantizer(name, count);
}

/** Bases of each filter, from the scales of its latent weights. */
function basesOf(kind: Kind, drawn: Parameters, name: string, shape: readonly number[]): readonly Basis[] {
  const latent = drawn.latent(`${name}.weight`, shape);
  const size = latent.data.length / shape[0]!;
  const filter = (n: number): number[] => [...latent.data.subarray(n * size, (n + 1) * size)];
  const scales = Array.from({ length: shape[0]! }, (_, n) => scalesOf(kind, filter(n)));
  if (kind === "ls-T") {
    const v1 = drawn.vector(`${name}.v1`, scales.length, (n) => scales[n]![0]!);
    const twice = drawn.vector(`${name}.scale`, scales.length, (n) => 2 * v1[n]!);
    const codes = ternary(latent, (_, i) => v1[Math.floor(i / size)]!);
    return [{ codes, coefficient: [...twice] }];
  }
  if (layersOf[kind] === 1) {
    const alpha = drawn.vector(`${name}.scale`, scales.length, (n) => scales[n]![0]!);
    return [{ codes: signOf(latent, 1), coefficient: [...alpha] }];
  }
  const planes = scales[0]!.map((_, m) =>
    filled(shape, (i) => {
      const own = scales[Math.floor(i / size)]!;
      return residualSigns(own).encode(latent.data[i]!)[m]!;
    }),
  );
  return storedBases(drawn, name, planes, (n, m) => scales[n]![m]!, "output");
}

function quantizerLayers(kind: Kind, at: string): unknown[] {
  switch (kind) {
    case "ls-1 dynamic":
      return [sign(`${at}.q`, 1)];
    case "ls-T":
      return [
        {
          type: "levels",
          name: `${at}.q`,
          thresholds: `${at}.thresholds`,
          at_threshold: "above",
          values: `${at}.levels`,
        },
      ];
    default:
      return [residualLayer(`${at}.q`, `${at}.moving_average`)];
  }
}

/** Planes by averages that training saved. */
function quantized(kind: Kind, at: string, x: Value, drawn: Parameters): Planar {
  const scales = drawn.vector(`${kind === "ls-T" ? "~" : ""}${at}.moving_average`, layersOf[kind], (l) => {
    return scalesOf(kind, [...x.data])[l]!;
  });
  if (kind !== "ls-T") return planar(x, residualSigns([...scales]));
  const v = scales[0]!;
  drawn.vector(`${at}.thresholds`, 2, (i) => (i === 0 ? -v : v));
  drawn.vector(`${at}.levels`, 3, (i) => 2 * (i - 1) * v);
  return { planes: [ternary(x, () => v)], coefficients: [2 * v] };
}

interface Block {
  readonly name: string;
  readonly inputs: number;
  readonly outputs: number;
  readonly stride: 1 | 2;
}

const BLOCKS: readonly Block[] = [
  { name: "conv1", inputs: 12, outputs: 12, stride: 1 },
  { name: "conv2", inputs: 12, outputs: 33, stride: 2 },
  { name: "conv3", inputs: 33, outputs: 33, stride: 1 },
];

function blockLayers({ name, stride }: Block, before: string, kind: Kind): unknown[] {
  const isDynamic = kind === "ls-1 dynamic";
  const shortcut =
    stride === 1
      ? []
      : [conv(`${name}.down`, FLOAT, { stride, inputs: [before] }), batchnorm(`${name}.downnorm`)];
  return [
    ...shortcut,
    batchnorm(`${name}.bn`, { inputs: [before] }),
    { type: "clip", name: `${name}.clip`, min: -2, max: 2 },
    ...quantizerLayers(kind, name),
    paddedConv(`${name}.conv`, weightQuantizer(kind, `${name}.conv`), 1, {
      stride,
      ...(isDynamic ? {} : { bias: `${name}.bias` }),
    }),
    ...(isDynamic
      ? [
          { type: "abs", name: `${name}.abs`, inputs: [`${name}.clip`] },
          { type: "mean", name: `${name}.v1` },
          { type: "multiply", name: `${name}.product`, inputs: [`${name}.conv`, `${name}.v1`] },
          arithmetic(`${name}.biased`, "add", `${name}.bias`),
        ]
      : []),
    { type: "prelu", name: `${name}.act`, weight: `${name}.slopes` },
    { type: "add", name, inputs: [`${name}.act`, stride === 1 ? before : `${name}.downnorm`] },
  ];
}

function block(
  { name, inputs, outputs, stride }: Block,
  x: Value,
  kind: Kind,
  drawn: Parameters,
  see: See,
): Value {
  const taps: Taps = { stride, pads: 1 };
  const a = clip(normalized(drawn, `${name}.bn`, x), -2, 2);
  const bases = basesOf(kind, drawn, `${name}.conv`, [outputs, inputs, 3, 3]);
  const y =
    kind === "ls-1 dynamic"
      ? dynamic(name, a, bases[0]!, taps, see)
      : saved(name, quantized(kind, name, a, drawn), bases, taps, see);
  const biased = plus(
    y,
    drawn.vector(`${name}.bias`, outputs, () => 0.3 * drawn.random.normal()),
  );
  // One slope is negative, so that PReLU keeps no order.
  const slopes = drawn.vector(`${name}.slopes`, outputs, (c) => (c === 5 ? -0.25 : 0.25));
  const activated = see(`${name}.act`, prelu(biased, slopes));
  let shortcut = x;
  if (stride === 2) {
    const down = floatWeights(drawn, `${name}.down.weight`, [outputs, inputs, 1, 1]);
    const d = see(`${name}.down`, floatProducts(x, down, { stride }));
    shortcut = see(`${name}.downnorm`, normalized(drawn, `${name}.downnorm`, d));
  }
  return see(
    name,
    both(activated, shortcut, (v, w) => f(v + w)),
  );
}

function saved(name: string, a: Planar, bases: readonly Basis[], taps: Taps, see: See): Value {
  see(`${name}.q`, codesOf(a));
  return planesLayer(a, bases, taps, `${name}.conv product`, see);
}

/** v₁ of the input multiplies the sums. */
function dynamic(name: string, x: Value, { codes, coefficient }: Basis, taps: Taps, see: See): Value {
  const sums = see(`${name}.conv`, products(see(`${name}.q`, signOf(x, 1)), codes, taps));
  const magnitudes = see(`${name}.abs`, magnitude(x));
  const terms = magnitudes.data.length / x.shape[0]!;
  const v1 = see(`${name}.v1`, over(see(`${name}.v1 sum`, sumOfAll(magnitudes)), terms));
  const scaled = see(`${name}.conv as float`, times(sums, coefficient));
  return see(
    `${name}.product`,
    both(scaled, v1, (v, w) => f(v * w)),
  );
}

function leastSquaresNet(kind: Kind): MethodNet {
  return {
    name: `least_squares_${kind.replace(/[- ]/g, "_").toLowerCase()}`,
    input: [3, 8, 8],
    bytes: CENTERED,
    layers: [
      paddedConv("stem", FLOAT, 1),
      ...BLOCKS.flatMap((b, i) => blockLayers(b, BLOCKS[i - 1]?.name ?? "stem", kind)),
      { type: "relu", name: "last" },
      ...headLayers,
    ],
    reference(x, drawn, see) {
      const w = floatWeights(drawn, "stem.weight", [12, 3, 3, 3]);
      const stem = see("stem", floatProducts(see("stem input", x), w, { pads: 1 }));
      const y = BLOCKS.reduce((v, b) => block(b, v, kind, drawn, see), stem);
      return head(clip(y, 0, Number.POSITIVE_INFINITY), drawn, see);
    },
  };
}

export const leastSquaresMethod: Method = {
  test: "T13",
  systems: [
    {
      number: "13",
      name: "Least squares",
      paper: "Pouransari et al. 2020, arXiv:2001.02786",
      models: "ml-quant (PyTorch)",
      formats: ["bundle", "ONNX"],
      command: bundleCommand(),
      reading:
        "activations by saved averages (moving_average_mode eval_only or train_and_eval), or, ls-1 only, by the mean magnitude of the input, which multiplies the layer's sums",
    },
  ],
  result: "exact; planes by bases, the stream and first and last layers in float32, summed in a stated order",
  nets: (["ls-1", "ls-1 dynamic", "ls-2", "ls-T", "gf-3"] as const).map(leastSquaresNet),
};
