/**
 * T35: APQ (Wang et al. 2020): inverted residual blocks of MobileNetV2 of which each layer has 4, 6 or 8 bits for weights and for
 * activations, and depthwise kernels of 3, 5 and 7. Expanded activations reach from 0 to R, those between blocks are signed.
 */
import {
  both,
  clip,
  products,
  roundHalfEven,
  type Taps,
  times,
  type Value,
} from "../support/methods/arithmetic.js";
import { integers, normed } from "../support/methods/latent.js";
import { arithmetic, batchnorm, conv } from "../support/methods/layers.js";
import { bundleCommand, type Method } from "../support/methods/method.js";
import { CENTERED, type MethodNet, type See } from "../support/methods/net.js";

const f = Math.fround;

/** What the next block reads: eight bits of the sum. */
const STREAM = f(5.17 / 127);

type Bits = 4 | 6 | 8;

interface Layer {
  readonly name: string;
  /** [outputs, channels per group, kernel height, kernel width]. */
  readonly shape: readonly [number, number, number, number];
  readonly fields: Readonly<Record<string, unknown>>;
  readonly taps: Taps;
  readonly weightBits: Bits;
  /** The quantizer behind the normalization; half-wave ones begin at 0. */
  readonly bits: Bits;
  readonly isHalfWave: boolean;
}

function pointwise(
  name: string,
  shape: readonly [number, number],
  weightBits: Bits,
  bits: Bits,
  isHalfWave: boolean,
): Layer {
  return { name, shape: [...shape, 1, 1], fields: {}, taps: {}, weightBits, bits, isHalfWave };
}

function depthwise(
  name: string,
  channels: number,
  kernel: number,
  stride: number,
  weightBits: Bits,
  bits: Bits,
): Layer {
  const pads = (kernel - 1) / 2;
  const fields = { groups: channels, stride, padding: pads, padding_value: 0 };
  const taps = { groups: channels, stride, pads };
  return { name, shape: [channels, 1, kernel, kernel], fields, taps, weightBits, bits, isHalfWave: true };
}

const STEM: Layer = {
  name: "stem",
  shape: [11, 3, 3, 3],
  fields: {},
  taps: {},
  weightBits: 8,
  bits: 8,
  isHalfWave: false,
};

/** Two blocks with a shortcut and one that halves the map; pruned widths are odd. */
const BLOCKS: readonly { readonly isResidual: boolean; readonly layers: readonly [Layer, Layer, Layer] }[] = [
  {
    isResidual: true,
    layers: [
      pointwise("expand1", [33, 11], 4, 6, true),
      depthwise("depth1", 33, 3, 1, 6, 4),
      pointwise("project1", [11, 33], 8, 8, false),
    ],
  },
  {
    isResidual: true,
    layers: [
      pointwise("expand2", [21, 11], 6, 4, true),
      depthwise("depth2", 21, 5, 1, 4, 8),
      pointwise("project2", [11, 21], 4, 6, false),
    ],
  },
  {
    isResidual: false,
    layers: [
      pointwise("expand3", [30, 11], 8, 8, true),
      depthwise("depth3", 30, 7, 2, 8, 6),
      pointwise("project3", [10, 30], 6, 8, false),
    ],
  },
];

const levelsOf = ({ bits, isHalfWave }: Layer): number => (isHalfWave ? 2 ** bits - 1 : 2 ** (bits - 1) - 1);
/** Activation ranges that training has learned: at most 6. */
const rangeOf = ({ isHalfWave, shape }: Layer): number => f(isHalfWave ? 2.3 : 2.7 + shape[1] / 100);
const stepOf = (layer: Layer): number => f(rangeOf(layer) / levelsOf(layer));

function layersOf(layer: Layer, input?: string): unknown[] {
  const { name, weightBits, bits, isHalfWave } = layer;
  const quantizer = {
    type: "uniform",
    bits: weightBits,
    signed: true,
    narrow: true,
    scale: { range: `${name}.weight_range` },
    rounding: "half-even",
  };
  return [
    conv(name, quantizer, { ...layer.fields, ...(input === undefined ? {} : { inputs: [input] }) }),
    batchnorm(`${name}.bn`),
    ...quantized(name, bits, isHalfWave, stepOf(layer)),
  ];
}

/** Divided by the step, rounded and clamped, multiplied by it: three layers, so that codes and values have names. */
function quantized(name: string, bits: Bits, isHalfWave: boolean, step: number): unknown[] {
  const whole = {
    type: "quantize",
    name: codesOf(name),
    bits,
    signed: !isHalfWave,
    narrow: !isHalfWave,
    scale: 1,
    rounding: "half-even",
  };
  return [arithmetic(`${name}.steps`, "divide", step), whole, arithmetic(outOf(name), "multiply", step)];
}

const codesOf = (name: string): string => `${name}.codes`;
const outOf = (name: string): string => `${name}.out`;

/** Codes of more than four bits are bytes: what the device stores is the code less the least one. */
function seeCodes(see: See, name: string, codes: Value, bits: Bits, isHalfWave: boolean): Value {
  const least = isHalfWave || bits === 4 ? 0 : -(2 ** (bits - 1) - 1);
  see(codesOf(name), { shape: codes.shape, data: codes.data.map((q) => q - least) });
  return codes;
}

/** Codes, and what one of them stands for. */
interface Codes {
  readonly codes: Value;
  readonly unit: number;
}

const apqNet: MethodNet = {
  name: "apq",
  input: [3, 9, 7],
  bytes: CENTERED,
  options: { output: "float32" },
  layers: [
    ...layersOf(STEM),
    ...BLOCKS.flatMap(({ isResidual, layers }, i) => {
      const input = i === 0 ? outOf("stem") : outOf(`block${i}`);
      const last = outOf(layers[2].name);
      const block = layers.flatMap((layer, l) => layersOf(layer, l === 0 ? input : undefined));
      const sum = { type: "add", name: `block${i + 1}`, inputs: [last, input] };
      return isResidual ? [...block, sum, ...quantized(`block${i + 1}`, 8, false, STREAM)] : block;
    }),
  ],
  reference(x, drawn, see) {
    const layerOf = (layer: Layer, a: Codes): Codes => {
      const { name, shape, taps, weightBits } = layer;
      const latent = drawn.numbers(`${name}.weight`, shape, () => 0.4 * drawn.random.normal());
      const [range] = drawn.vector(`${name}.weight_range`, 1, () => 0.6 + 0.6 * drawn.random.next());
      const most = 2 ** (weightBits - 1) - 1;
      const scale = f(range! / most);
      const w = integers(clip(latent, -range!, range!), [-most, most], (v) => roundHalfEven(f(v / scale)));
      const y = times(see(name, products(a.codes, w, taps)), f(scale * a.unit));
      const [n, unit] = [levelsOf(layer), stepOf(layer)];
      const least = layer.isHalfWave ? 0 : -n;
      const codes = integers(normed(drawn, `${name}.bn`, y), [least, n], (v) => roundHalfEven(f(v / unit)));
      return { codes: seeCodes(see, name, codes, layer.bits, layer.isHalfWave), unit };
    };
    const real = (name: string, { codes, unit }: Codes): Value => see(outOf(name), times(codes, unit));
    let stream = layerOf(STEM, { codes: times(x, 128), unit: 1 / 128 });
    for (const [i, { isResidual, layers }] of BLOCKS.entries()) {
      const out = layers.reduce((a, layer) => layerOf(layer, a), stream);
      if (!isResidual) return see("float scores", times(out.codes, out.unit));
      const before = i === 0 ? "stem" : `block${i}`;
      const sum = see(
        `block${i + 1}`,
        both(real(layers[2].name, out), real(before, stream), (v, s) => f(v + s)),
      );
      const codes = integers(sum, [-127, 127], (v) => roundHalfEven(f(v / STREAM)));
      stream = { codes: seeCodes(see, `block${i + 1}`, codes, 8, false), unit: STREAM };
    }
    throw new Error("no last block");
  },
};

export const apq: Method = {
  test: "T35",
  systems: [
    {
      number: "42",
      name: "APQ",
      paper: "Wang et al. 2020, arXiv:2006.08509",
      models: "mit-han-lab/apq (weight_range, activation_range)",
      formats: ["bundle", "ONNX"],
      command: bundleCommand(),
      reading: "the sum of a shortcut is quantized to eight signed bits for the next block",
    },
  ],
  result: "exact",
  nets: [apqNet],
};
