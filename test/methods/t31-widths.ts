/**
 * T31: Searching for Accurate Binary Neural Architectures (Shen et al. 2019): a DoReFa net of one bit whose layers have widths of their
 * own, multiples from 1/4 to 4 of a base. Activations of one bit are read as 0 and 1 (DoReFa's) and as ±1.
 */
import {
  clip,
  each,
  maxPool,
  products,
  sign as signOf,
  times,
  type Value,
} from "../support/methods/arithmetic.js";
import { meanMagnitude, normed } from "../support/methods/latent.js";
import { batchnorm, conv, maxpool, sign } from "../support/methods/layers.js";
import { bundleCommand, type Method } from "../support/methods/method.js";
import { CENTERED, type MethodNet } from "../support/methods/net.js";

const f = Math.fround;

/** Multiples of 13, rounded down: 3, 6, 13, 26, 52, 39 channels. */
const WIDTHS = [0.25, 0.5, 1, 2, 4, 3].map((ratio) => Math.floor(13 * ratio));
const CLASSES = 10;
const binary = { type: "sign", sign_of_zero: 1, scale: { mean_abs: "tensor" } };
const last = WIDTHS.length;

interface Bits {
  readonly name: string;
  readonly layers: (name: string) => readonly unknown[];
  readonly of: (x: Value) => Value;
}

/** `round(clip(x, 0, 1))`: 1 above a half. */
const zeroOne: Bits = {
  name: "searched_widths_01",
  layers: (name) => [
    { type: "clip", min: 0, max: 1 },
    { type: "quantize", name, bits: 1, signed: false, scale: 1, rounding: "half-even" },
  ],
  of: (x) => each(clip(x, 0, 1), (v) => (v > 0.5 ? 1 : 0)),
};

const plusMinus: Bits = {
  name: "searched_widths_signs",
  layers: (name) => [sign(name, 1)],
  of: (x) => signOf(x, 1),
};

/** Pads of every layer: the first has none, odd ones have all sides, the third strides as TensorFlow's SAME. */
const geometry = (i: number) => {
  if (i === 0) return { fields: {}, taps: {} };
  if (i === 2)
    return {
      fields: { stride: 2, padding: [0, 0, 1, 1], padding_value: 0 },
      taps: { stride: 2, pads: [0, 0, 1, 1] as const },
    };
  return i < 5 ? { fields: { padding: 1, padding_value: 0 }, taps: { pads: 1 } } : { fields: {}, taps: {} };
};

function widthsNet(bits: Bits): MethodNet {
  return {
    name: bits.name,
    input: [3, 13, 11],
    bytes: CENTERED,
    layers: [...WIDTHS, CLASSES].flatMap((_, i) => [
      conv(`conv${i}`, binary, geometry(i).fields),
      batchnorm(`bn${i}`),
      ...(i === 3 ? [maxpool(`pool${i}`, 2)] : []),
      ...(i < last ? bits.layers(`q${i}`) : []),
    ]),
    reference(x, drawn, see) {
      let a = x;
      for (const [i, width] of [...WIDTHS, CLASSES].entries()) {
        const size = i < 5 ? [3, 3] : [i < last ? 2 : 1, 1];
        const w = drawn.latent(`conv${i}.weight`, [width, a.shape[1]!, ...size]);
        const unit = i === 0 ? 1 / 128 : 1;
        const d = see(`conv${i}`, products(a, signOf(w, 1), geometry(i).taps), unit);
        const y = normed(drawn, `bn${i}`, times(d, f(meanMagnitude(w.data))), { ofScores: i === last });
        if (i === last) return y;
        a = see(`q${i}`, bits.of(i === 3 ? maxPool(y, 2) : y));
      }
      throw new Error("no layers");
    },
  };
}

export const searchedWidths: Method = {
  test: "T31",
  systems: [
    {
      number: "37",
      name: "Searching for Accurate Binary Neural Architectures",
      paper: "Shen et al. 2019, arXiv:1909.07378",
      models: "no public code",
      formats: ["bundle", "ONNX", "Larq"],
      command: bundleCommand(),
      reading: "weights ±E with one E per layer; activations of one bit are 0 and 1, or ±1: both are shown",
    },
  ],
  result: "exact",
  nets: [widthsNet(zeroOne), widthsNet(plusMinus)],
};
