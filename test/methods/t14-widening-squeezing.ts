/**
 * T14: Widening and Squeezing (Liu et al. 2020): nets are widened, and channels whose quantized features tell nothing are
 * removed by gates of 0. What is left has widths that are no multiples of anything.
 */
import {
  clip,
  each,
  flatten,
  maxPool,
  meanMagnitudes,
  products,
  roundHalfEven,
  times,
  type Value,
} from "../support/methods/arithmetic.js";
import { arithmetic, batchnorm, conv, linear, maxpool, paddedConv } from "../support/methods/layers.js";
import { bundleCommand, type Method } from "../support/methods/method.js";
import { CENTERED, type MethodNet } from "../support/methods/net.js";
import { bits, normalized } from "../support/methods/parameters.js";
import { quantizer } from "./t06-dorefa.js";

const f = Math.fround;
const LEVELS = 3;
const WEIGHTS = { type: "sign", sign_of_zero: 1, scale: { mean_abs: "output" } };

/** Normalization, gate, and codes of two bits. */
const features = (name: string, pool: readonly unknown[] = []): unknown[] => [
  batchnorm(`${name}.bn`),
  arithmetic(`${name}.gated`, "multiply", `${name}.gate`),
  ...pool,
  ...quantizer(name, 2),
];

/** Every third channel or so has a gate of 0. */
const GATED = 0.3;

const net: MethodNet = {
  name: "widened_squeezed",
  input: [3, 9, 9],
  bytes: CENTERED,
  layers: [
    conv("conv1", WEIGHTS),
    ...features("q1"),
    paddedConv("conv2", WEIGHTS, 1),
    ...features("q2", [maxpool("pool2", 2)]),
    conv("conv3", WEIGHTS),
    ...features("q3"),
    { type: "flatten" },
    linear("fc", WEIGHTS),
  ],
  reference(x, drawn, see) {
    const levels = (name: string, y: Value, pool: (v: Value) => Value): Value => {
      const normal = normalized(drawn, `${name}.bn`, y);
      const gates = drawn.vector(`${name}.gate`, y.shape[1]!, () => (drawn.random.next() < GATED ? 0 : 1));
      const open = clip(pool(times(normal, gates)), 0, 1);
      return see(
        name,
        each(open, (v) => roundHalfEven(f(v * LEVELS))),
      );
    };
    const layer = (name: string, q: Value, shape: readonly number[], pads: number, unit: number): Value => {
      const alpha = meanMagnitudes(drawn.latent(`${name}.weight`, shape), "output");
      const isPixels = unit !== 1;
      const d = see(name, products(q, bits(drawn, `${name}.weight`, shape), { pads }), unit);
      return times(d, isPixels ? alpha : alpha.map((a) => f(a * f(1 / LEVELS))));
    };
    const same = (v: Value): Value => v;
    const q1 = levels("q1", layer("conv1", x, [37, 3, 3, 3], 0, 1 / 128), same);
    const q2 = levels("q2", layer("conv2", q1, [91, 37, 3, 3], 1, 1), (v) => maxPool(v, 2));
    const q3 = levels("q3", layer("conv3", q2, [13, 91, 3, 3], 0, 1), same);
    return layer("fc", flatten(q3), [10, 13], 0, 1);
  },
};

export const wideningSqueezing: Method = {
  test: "T14",
  systems: [
    {
      number: "14",
      name: "Widening and Squeezing",
      paper: "Liu et al. 2020, arXiv:2002.00555",
      models: "no public code",
      formats: ["bundle", "ONNX"],
      command: bundleCommand(),
      reading:
        "quantizers are those of DoReFa-Net with a factor per filter; a gate of 0 multiplies the normalized channel",
    },
  ],
  result: "exact",
  nets: [net],
};
