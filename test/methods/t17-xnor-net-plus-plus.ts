/**
 * T17: XNOR-Net++ (Bulat and Tzimiropoulos 2019): Y = (sign(A) ⊛ sign(W)) ⊙ Γ with Γ learned: (1) one number per output; (2) one per
 * output and position; (3) per output, times one per position; (4) per output, times one per row, times one per column, multiplied
 * in this order. Γ is not constrained: some are negative, and one is 0.
 */
import {
  both,
  flatten,
  floatProducts,
  prelu,
  products,
  sign as signOf,
  type Taps,
  times,
  type Value,
} from "../support/methods/arithmetic.js";
import { floatWeights } from "../support/methods/head.js";
import { batchnorm, conv, FLOAT, ONE_BIT, paddedConv, sign } from "../support/methods/layers.js";
import { bundleCommand, type Method } from "../support/methods/method.js";
import { CENTERED, type MethodNet, type See } from "../support/methods/net.js";
import { bits, normalized, type Parameters } from "../support/methods/parameters.js";
import { signBases, signQuantizer } from "../support/methods/planes-net.js";

const f = Math.fround;

export type Case = 1 | 2 | 3 | 4;

interface Block {
  readonly at: 1 | 2;
  readonly inputs: number;
  readonly outputs: number;
  readonly taps: Taps;
}

/** The first with pads as TensorFlow's SAME has them for stride 2. */
const BLOCKS: readonly [Block, Block] = [
  { at: 1, inputs: 3, outputs: 33, taps: { stride: 2, pads: [0, 1, 1, 1] } },
  { at: 2, inputs: 33, outputs: 12, taps: { pads: 1 } },
];

const INPUT = [3, 12, 9] as const;
const MAP = [6, 5] as const;

/** Shapes of the factors of Γ, in order. */
function factorsOf(which: Case, channels: number): readonly (readonly number[])[] {
  const [height, width] = MAP;
  const perOutput = [1, channels, 1, 1];
  return {
    1: [perOutput],
    2: [[1, channels, height, width]],
    3: [perOutput, [1, 1, height, width]],
    4: [perOutput, [1, 1, height, 1], [1, 1, 1, width]],
  }[which];
}

/** Magnitudes around ½; of both signs and one 0, or all positive. */
function gamma(drawn: Parameters, name: string, shape: readonly number[], isSigned: boolean): Value {
  const { random } = drawn;
  return drawn.numbers(name, shape, (i) => {
    const size = Math.abs(random.normal()) / 2 + 0.1;
    if (!isSigned) return size;
    return i === 3 ? 0 : random.next() < 0.3 ? -size : size;
  });
}

function blockLayers({ at, outputs, taps }: Block, which: Case): unknown[] {
  const { stride = 1, pads } = taps;
  return [
    batchnorm(`bn${at}`),
    sign(`sign${at}`, 1),
    conv(`conv${at}`, ONE_BIT, { stride, padding: pads, padding_value: 0 }),
    ...factorsOf(which, outputs).map((_, i) => ({
      type: "arithmetic",
      name: `gamma${at}.${i}`,
      operator: "multiply",
      operand: `gamma${at}.${i}`,
    })),
  ];
}

function block(
  { at, inputs, outputs, taps }: Block,
  x: Value,
  which: Case,
  isSigned: boolean,
  drawn: Parameters,
  see: See,
): Value {
  const a = see(`sign${at}`, signOf(normalized(drawn, `bn${at}`, x), 1));
  const sums = see(`conv${at}`, products(a, bits(drawn, `conv${at}.weight`, [outputs, inputs, 3, 3]), taps));
  const factors = factorsOf(which, outputs).map((shape, i) =>
    gamma(drawn, `gamma${at}.${i}`, shape, isSigned),
  );
  const scaled = factors.reduce((y, factor) => both(y, factor, (v, g) => f(v * g)), sums);
  // Factors of one number per output are part of the thresholds behind; only a map of factors makes floats.
  return which === 1 || !isSigned ? scaled : see(`gamma${at}.${factors.length - 1} as float`, scaled);
}

/** Two blocks with a PReLU between them, one slope of which is negative, and a binary layer behind. */
function plusPlus(which: Case): MethodNet {
  const [first, second] = BLOCKS;
  return {
    name: `xnor_plus_plus_${which}`,
    input: INPUT,
    bytes: CENTERED,
    layers: [
      paddedConv("stem", FLOAT, 1),
      ...blockLayers(first, which),
      { type: "prelu", name: "prelu", weight: "prelu.weight" },
      ...blockLayers(second, which),
      sign("sign3", 1),
      conv("head", signQuantizer("head")),
    ],
    reference(x, drawn, see) {
      const w = floatWeights(drawn, "stem.weight", [3, 3, 3, 3]);
      const stem = see("stem", floatProducts(see("stem input", x), w, { pads: 1 }));
      // A PReLU follows, and floats are made once for both.
      const inner: See = (name, v, unit) => (name.startsWith("gamma") ? v : see(name, v, unit));
      const y1 = block(first, stem, which, true, drawn, inner);
      const slopes = drawn.vector("prelu.weight", first.outputs, (c) => (c === 5 ? -0.25 : 0.25));
      const activated = see("prelu as float", prelu(y1, slopes));
      const y2 = block(second, activated, which, true, drawn, see);
      const a3 = see("sign3", signOf(y2, 1));
      const [{ codes, coefficient }] = signBases(drawn, "head", [4, 12, 1, 1], "output") as [
        { codes: Value; coefficient: readonly number[] },
      ];
      return flatten(times(see("head", products(a3, codes)), coefficient));
    },
  };
}

/** A block whose Γ is followed by a sign at once. */
export function signOnly(which: Case, isSigned: boolean): MethodNet {
  const only: Block = { at: 1, inputs: 3, outputs: 12, taps: { stride: 2, pads: [0, 1, 1, 1] } };
  return {
    name: `sign_only_${which}`,
    input: INPUT,
    bytes: CENTERED,
    layers: [...blockLayers(only, which), sign("sign3", 1), conv("head", ONE_BIT)],
    reference(x, drawn, see) {
      const y = block(only, x, which, isSigned, drawn, see);
      return flatten(products(see("sign3", signOf(y, 1)), bits(drawn, "head.weight", [4, 12, 1, 1])));
    },
  };
}

export const xnorPlusPlus: Method = {
  test: "T17",
  systems: [
    {
      number: "17",
      name: "XNOR-Net++",
      paper: "Bulat and Tzimiropoulos 2019, arXiv:1909.13863",
      models: "binary-networks-pytorch, Larq zoo (LearnedRescaleLayer)",
      formats: ["bundle", "ONNX"],
      command: bundleCommand(),
      reading:
        "Γ of each of the paper's four cases, multiplied factor by factor: per output; per output and position; per output times per position; per output times per row times per column; of any sign",
    },
    {
      number: "29",
      name: "XNOR-Net++, as the survey lists it",
      paper: "Bulat and Tzimiropoulos 2019, arXiv:1909.13863",
      models: "as 17",
      formats: ["bundle", "ONNX"],
      command: bundleCommand(),
      reading: "as 17",
    },
  ],
  result: "exact; products with Γ in float32, in the order of its factors",
  nets: ([1, 2, 3, 4] as const).map(plusPlus),
};
