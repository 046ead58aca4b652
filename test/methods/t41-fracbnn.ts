/**
 * T41: FracBNN (Zhang et al. 2020): images as thermometers of ±1 channels; activations ±1 and ±1/3, that is 2/3 of a first sign and 1/3
 * of a second one; convolutions whose second sign counts only where the sum of the first ones exceeds a learned threshold; shifted
 * PReLUs. Blocks are those of the authors' net for CIFAR-10.
 */
import {
  both,
  channelsInOrder,
  concatenate,
  each,
  over,
  plus,
  products,
  roundHalfEven,
  sign as signOf,
  sumPool,
  type Taps,
  times,
  type Value,
} from "../support/methods/arithmetic.js";
import { head, headLayers } from "../support/methods/head.js";
import { normed } from "../support/methods/latent.js";
import {
  arithmetic,
  batchnorm,
  conv,
  type Fields,
  FLOAT,
  ONE_BIT,
  paddedConv,
  sign,
} from "../support/methods/layers.js";
import { bundleCommand, type Method } from "../support/methods/method.js";
import { type MethodNet, type See, WHOLE } from "../support/methods/net.js";
import { bits, type Parameters } from "../support/methods/parameters.js";
import { shiftedPrelu, shiftedPreluLayers } from "../support/methods/shifted.js";

const f = Math.fround;

/** Grey values to a step of the thermometer, and its steps. */
const RESOLUTION = 8;
const STEPS = 32;
const COLOURS = 3;

/** Channel 32·c + k is +1 where k < round(x / 8), else −1. */
const encoderLayers: readonly unknown[] = [
  // Every colour 32 times: weights of 1.
  conv("encoder", FLOAT, { groups: COLOURS }),
  arithmetic("encoder.steps", "divide", RESOLUTION),
  { type: "quantize", name: "encoder.whole", bits: 6, signed: false, scale: 1, rounding: "half-even" },
  arithmetic("encoder.above", "subtract", "encoder.places"),
  sign("bits", 1),
];

function encoded(x: Value, drawn: Parameters, see: See): Value {
  const order = Array.from({ length: COLOURS * STEPS }, (_, i) => Math.floor(i / STEPS));
  drawn.numbers("encoder.weight", [order.length, 1, 1, 1], () => 1);
  // Between k and k + 1, so that no number meets it.
  drawn.vector("encoder.places", order.length, (i) => (i % STEPS) + 0.5);
  const copies = see("encoder", channelsInOrder(x, order));
  return see(
    "bits",
    each(copies, (v, c) => (c % STEPS < roundHalfEven(f(v / RESOLUTION)) ? 1 : -1)),
  );
}

/** `round((clip(x, −1, 1) + 1) / δ)` is the code of ±1 and ±1/3, δ = 2/3. */
const DELTA = f(2 / 3);
const quantizerLayers = (name: string, from: string): Fields[] => [
  { type: "clip", name: `${name}.clip`, min: -1, max: 1, inputs: [from] },
  arithmetic(`${name}.from0`, "add", 1),
  arithmetic(`${name}.codes`, "divide", DELTA),
  {
    type: "levels",
    name,
    thresholds: "frac.thresholds",
    // Halves go to the even code.
    at_threshold: ["below", "above", "below"],
    codes: [0, 1, 2, 3],
    coefficients: "frac.coefficients",
    alphabet: "signs",
  },
];

/** Odd integers, of which each stands for 1/3: the first sign twice and the second one. */
function quantized(x: Value): Value {
  return each(x, (v) => 2 * roundHalfEven(f(f(Math.min(Math.max(v, -1), 1) + 1) / DELTA)) - 3);
}

/** `mask · full + (1 − mask) · first`, mask = [first > Δ]; both convolutions have the same weights. */
const gatedLayers = (name: string, stride: number): Fields[] => {
  const weights = { weight: `${name}.weight`, stride };
  return [
    sign(`${name}.sign`, 1, { inputs: [`${name}.q`] }),
    paddedConv(`${name}.first`, ONE_BIT, 1, weights),
    arithmetic(`${name}.twice`, "multiply", 2),
    arithmetic(`${name}.msb`, "divide", 3),
    arithmetic(`${name}.beyond`, "subtract", `${name}.threshold`),
    {
      type: "levels",
      name: `${name}.mask`,
      thresholds: "frac.zero",
      at_threshold: "below",
      values: "frac.bits",
    },
    { ...arithmetic(`${name}.not`, "subtract", 1), operand_first: true },
    { type: "multiply", name: `${name}.low`, inputs: [`${name}.not`, `${name}.msb`] },
    paddedConv(`${name}.full`, ONE_BIT, 1, { ...weights, inputs: [`${name}.q`] }),
    { type: "multiply", name: `${name}.high`, inputs: [`${name}.mask`, `${name}.full`] },
    { type: "add", name, inputs: [`${name}.low`, `${name}.high`] },
  ];
};

function gated(name: string, x: Value, outputs: number, stride: number, drawn: Parameters, see: See): Value {
  const taps: Taps = { pads: 1, stride };
  const codes = bits(drawn, `${name}.weight`, [outputs, x.shape[1]!, 3, 3]);
  const q = see(`${name}.q`, quantized(x));
  const d = see(`${name}.first`, products(see(`${name}.sign`, signOf(q, 1)), codes, taps));
  const first = see(`${name}.msb`, over(times(d, 2), 3));
  const full = see(`${name}.full as float`, times(see(`${name}.full`, products(q, codes, taps)), f(1 / 3)));
  const thresholds = drawn.vector(`${name}.threshold`, outputs, (c) =>
    // Of some channels all sums, and of one none, are refined.
    c === 0 ? 1000 : c === 1 ? -1000 : f(f(2 * Math.round(2 * drawn.random.normal())) / 3),
  );
  const mask = each(
    plus(
      first,
      thresholds.map((t) => -t),
    ),
    (v) => (v > 0 ? 1 : 0),
  );
  const low = both(
    each(mask, (m) => f(1 - m)),
    first,
    (m, v) => f(m * v),
  );
  const high = both(mask, full, (m, v) => f(m * v));
  return both(see(`${name}.low`, low), see(`${name}.high`, high), (v, w) => f(v + w));
}

interface Block {
  readonly name: string;
  readonly before: string;
  readonly outputs: number;
  readonly stride: 1 | 2;
}

const BLOCKS: readonly Block[] = [
  { name: "block1", before: "bn", outputs: 12, stride: 1 },
  { name: "block2", before: "block1", outputs: 24, stride: 2 },
];

/** Gated convolution, BN and shifted PReLU plus the shortcut, BN; twice, the second time with the plain shortcut. */
function blockLayers({ name, before, stride }: Block): unknown[] {
  const half = (at: string, from: string, shortcut: string, step: number): unknown[] => [
    ...quantizerLayers(`${at}.conv.q`, from),
    ...gatedLayers(`${at}.conv`, step),
    batchnorm(`${at}.bn`),
    ...shiftedPreluLayers(`${at}.act`),
    { type: "add", name: `${at}.sum`, inputs: [`${at}.act`, shortcut] },
  ];
  const shortcut =
    stride === 1
      ? []
      : [
          { type: "avgpool2d", name: `${name}.mean`, kernel_size: 2, inputs: [before] },
          { type: "concat", name: `${name}.twice`, dim: 1, inputs: [`${name}.mean`, `${name}.mean`] },
        ];
  return [
    ...shortcut,
    ...half(`${name}.a`, before, stride === 1 ? before : `${name}.twice`, stride),
    batchnorm(`${name}.middle`),
    ...half(`${name}.b`, `${name}.middle`, `${name}.middle`, 1),
    batchnorm(name),
  ];
}

function block({ name, outputs, stride }: Block, x: Value, drawn: Parameters, see: See): Value {
  const half = (at: string, from: Value, shortcut: Value, step: number): Value => {
    const y = see(`${at}.conv`, gated(`${at}.conv`, from, outputs, step, drawn, see));
    const active = see(
      `${at}.act`,
      shiftedPrelu(drawn, `${at}.act`, normed(drawn, `${at}.bn`, y, { ofScores: true })),
    );
    return see(
      `${at}.sum`,
      both(active, shortcut, (v, w) => f(v + w)),
    );
  };
  let shortcut = x;
  if (stride === 2) {
    const sums = sumPool(see(`${name}.mean input`, x), 2);
    shortcut = over(concatenate(sums, sums), 4);
  }
  const middle = normed(drawn, `${name}.middle`, half(`${name}.a`, x, shortcut, stride), { ofScores: true });
  see(`${name}.middle`, middle);
  return normed(drawn, name, half(`${name}.b`, middle, middle, 1), { ofScores: true });
}

/** Of one mask the device makes a code and two maps of numbers, which products show. */
const MASKS: Readonly<Record<string, string>> = Object.fromEntries(
  BLOCKS.flatMap(({ name }) => [`${name}.a.conv`, `${name}.b.conv`]).flatMap((at) => [
    [`${at}.mask`, "the mask as codes and as numbers, which `high` is a product of"],
    [`${at}.not`, "1 less the mask, which `low` is a product of"],
  ]),
);

const fracNet: MethodNet = {
  name: "fracbnn",
  input: [3, 6, 6],
  bytes: WHOLE,
  internal: {
    ...MASKS,
    "block2.mean": "sums of 2 × 2 and a quarter of them, which the sum shows",
  },
  layers: [
    ...encoderLayers,
    paddedConv("conv", ONE_BIT, 1),
    batchnorm("bn"),
    ...BLOCKS.flatMap(blockLayers),
    ...headLayers,
  ],
  reference(x, drawn, see) {
    drawn.vector("frac.thresholds", 3, (i) => i + 0.5);
    drawn.vector("frac.coefficients", 2, (i) => f((2 - i) / 3));
    drawn.vector("frac.zero", 1, () => 0);
    drawn.vector("frac.bits", 2, (i) => i);
    const image = encoded(x, drawn, see);
    const w = bits(drawn, "conv.weight", [12, COLOURS * STEPS, 3, 3]);
    const d = see("conv", products(image, w, { pads: 1 }));
    let stream = see("bn", normed(drawn, "bn", d, { ofScores: true }));
    for (const part of BLOCKS) stream = block(part, stream, drawn, see);
    return head(stream, drawn, see);
  },
};

export const fracBnn: Method = {
  test: "T41",
  systems: [
    {
      number: "48",
      name: "FracBNN",
      paper: "Zhang et al. 2020, arXiv:2012.12206",
      models: "cornell-zhang/FracBNN (PyTorch)",
      formats: ["bundle"],
      command: bundleCommand(),
      reading:
        "the first sums are compared with Δ themselves, as the authors' accelerator does; their training code rounds a sigmoid of the difference first",
    },
  ],
  result: "exact; the stream, sums of both signs and the last layer in float32, in a stated order",
  nets: [fracNet],
};
