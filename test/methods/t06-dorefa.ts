/**
 * T06: DoReFa-Net (Zhou et al. 2016): weights ±E with one E per layer or odd levels of k bits, activations of k bits from 0 to 1,
 * rounded half to even; first and last layers in float32, convolutions in two groups.
 */
import {
  clip,
  each,
  filled,
  flatten,
  floatProducts,
  maxPool,
  meanMagnitudes,
  overMap,
  products,
  roundHalfEven,
  type Taps,
  times,
  type Value,
} from "../support/methods/arithmetic.js";
import {
  arithmetic,
  batchnorm,
  conv,
  FLOAT,
  linear,
  maxpool,
  paddedConv,
} from "../support/methods/layers.js";
import { bundleCommand, type Method } from "../support/methods/method.js";
import { CENTERED, type MethodNet } from "../support/methods/net.js";
import { bits, normalized, type Parameters } from "../support/methods/parameters.js";

const f = Math.fround;

/** `round(n · clip(x, 0, 1)) / n`. */
export function quantizer(name: string, bitsOfA: number): unknown[] {
  const n = 2 ** bitsOfA - 1;
  const whole = { type: "quantize", name, bits: bitsOfA, signed: false, scale: 1, rounding: "half-even" };
  const clipped = { type: "clip", min: 0, max: 1 };
  return n === 1
    ? [clipped, whole]
    : [clipped, arithmetic(`${name}.levels`, "multiply", n), whole, arithmetic(`${name}.value`, "divide", n)];
}

/** The integers 0 … n of a value. */
function levels(x: Value, n: number): Value {
  return each(clip(x, 0, 1), (v) => roundHalfEven(f(v * n)));
}

/** Weights of k bits: `2 · round(n · (tanh W / (2 · max |tanh W|) + ½)) / n − 1`, as odd integers over n. */
function oddLevels(latent: Value, n: number): Value {
  const squashed = latent.data.map((w) => f(Math.tanh(w)));
  const most = squashed.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
  return filled(latent.shape, (i) => {
    const unit = f(f(squashed[i]! / f(2 * most)) + 0.5);
    return 2 * roundHalfEven(f(n * unit)) - n;
  });
}

interface Layer {
  /** Integers, and what one of them stands for. */
  readonly codes: Value;
  readonly scale: number;
}

function weightsOf(drawn: Parameters, name: string, shape: readonly number[], bitsOfW: number): Layer {
  if (bitsOfW === 1) {
    const scale = meanMagnitudes(drawn.latent(`${name}.weight`, shape), "tensor")[0]!;
    return { codes: bits(drawn, `${name}.weight`, shape), scale };
  }
  const n = 2 ** bitsOfW - 1;
  const codes = oddLevels(drawn.latent(`~${name}`, shape), n);
  drawn.numbers(`${name}.weight`, shape, (i) => codes.data[i]! / n);
  return { codes, scale: f(1 / n) };
}

const stride2 = { stride: 2, padding: [0, 0, 1, 1], padding_value: 0, groups: 2 };

function dorefaNet(bitsOfW: number, bitsOfA: number): MethodNet {
  const weights = bitsOfW === 1 ? { type: "sign", sign_of_zero: 1, scale: { mean_abs: "tensor" } } : FLOAT;
  const n = 2 ** bitsOfA - 1;
  return {
    name: `dorefa_w${bitsOfW}a${bitsOfA}`,
    input: [3, 11, 11],
    bytes: CENTERED,
    layers: [
      conv("conv0", FLOAT),
      batchnorm("bn0"),
      ...quantizer("q0", bitsOfA),
      paddedConv("conv1", weights, 1, { groups: 2 }),
      batchnorm("bn1"),
      maxpool("pool1", 3, { stride: 2 }),
      ...quantizer("q1", bitsOfA),
      conv("conv2", weights, stride2),
      batchnorm("bn2"),
      ...quantizer("q2", bitsOfA),
      { type: "flatten" },
      linear("fc", FLOAT),
    ],
    reference(x, drawn, see) {
      const sums = (name: string, q: Value, shape: readonly number[], taps: Taps): Value => {
        const { codes, scale } = weightsOf(drawn, name, shape, bitsOfW);
        return times(see(name, products(q, codes, taps)), f(scale * f(1 / n)));
      };
      const small = drawn.numbers("conv0.weight", [12, 3, 3, 3], () => 0.3 * drawn.random.normal());
      const y0 = see("conv0", floatProducts(see("conv0 input", x), small));
      const q0 = see("q0", levels(normalized(drawn, "bn0", y0), n));
      const y1 = sums("conv1", q0, [34, 6, 3, 3], { pads: 1, groups: 2 });
      const q1 = see("q1", levels(maxPool(normalized(drawn, "bn1", y1), 3, { stride: 2 }), n));
      const y2 = sums("conv2", q1, [18, 17, 3, 3], { stride: 2, pads: [0, 0, 1, 1], groups: 2 });
      const q2 = see("q2", levels(normalized(drawn, "bn2", y2), n));
      const a2 = see(
        "fc input",
        each(q2, (q) => f(q / n)),
      );
      const last = drawn.numbers("fc.weight", [10, 72], () => 0.3 * drawn.random.normal());
      return flatten(floatProducts(a2, overMap(last, a2)));
    },
  };
}

export const dorefa: Method = {
  test: "T06",
  systems: [
    {
      number: "6",
      name: "DoReFa-Net",
      paper: "Zhou et al. 2016, arXiv:1606.06160",
      models: "tensorpack, Larq (DoReFa), distiller",
      formats: ["bundle", "Larq", "ONNX"],
      command: bundleCommand(),
    },
  ],
  result: "exact; first and last layers in float32, summed in a stated order",
  nets: [dorefaNet(1, 1), dorefaNet(1, 2), dorefaNet(2, 2)],
};
