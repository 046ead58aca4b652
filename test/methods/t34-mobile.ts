/**
 * T34: MobileNets with binary layers of few inputs: MoBiNet (Phan et al. 2020), whose "K-dependency" convolutions see K channels per
 * output, and Evolution (Phan et al. 2020), with pointwise convolutions in groups. Each convolution has a shortcut, as in Bi-Real Net.
 */
import {
  both,
  floatProducts,
  products,
  sign as signOf,
  type Taps,
  times,
} from "../support/methods/arithmetic.js";
import { meanMagnitude, normed, perFilter } from "../support/methods/latent.js";
import { batchnorm, conv, FLOAT, sign } from "../support/methods/layers.js";
import { bundleCommand, type Method } from "../support/methods/method.js";
import { CENTERED, type MethodNet } from "../support/methods/net.js";

const f = Math.fround;
const CHANNELS = 24;
const binary = { type: "sign", sign_of_zero: 0, scale: { mean_abs: "output" } };

/** A convolution with its shortcut: `x + BN(α · conv(sign(x)))`. */
interface Unit {
  readonly kernel: number;
  readonly groups: number;
}

/** K input channels for each output; then pointwise, in groups or not. */
function block(dependency: number, pointwiseGroups: number): Unit[] {
  return [
    { kernel: 3, groups: CHANNELS / dependency },
    { kernel: 1, groups: pointwiseGroups },
  ];
}

function mobileNet(name: string, units: readonly Unit[]): MethodNet {
  return {
    name,
    input: [3, 9, 7],
    bytes: CENTERED,
    options: { output: "float32" },
    layers: [
      conv("stem", FLOAT),
      batchnorm("x"),
      ...units.flatMap(({ kernel, groups }, i) => [
        sign(`sign${i}`, 0, { inputs: [i === 0 ? "x" : `sum${i - 1}`] }),
        conv(`conv${i}`, binary, { groups, padding: (kernel - 1) / 2, padding_value: 0 }),
        batchnorm(`bn${i}`),
        { type: "add", name: `sum${i}`, inputs: [`bn${i}`, i === 0 ? "x" : `sum${i - 1}`] },
      ]),
    ],
    reference(x, drawn, see) {
      const small = drawn.numbers("stem.weight", [CHANNELS, 3, 3, 3], () => 0.3 * drawn.random.normal());
      const y0 = see("stem", floatProducts(see("stem input", x), small));
      let stream = see("x", normed(drawn, "x", y0));
      for (const [i, { kernel, groups }] of units.entries()) {
        const w = drawn.latent(`conv${i}.weight`, [CHANNELS, CHANNELS / groups, kernel, kernel]);
        const taps: Taps = { groups, pads: (kernel - 1) / 2 };
        const a = see(`sign${i}`, signOf(stream, 0));
        const d = see(`conv${i}`, products(a, signOf(w, 1), taps));
        const y = see(`bn${i}`, normed(drawn, `bn${i}`, times(d, perFilter(w, meanMagnitude))));
        stream = see(
          `sum${i}`,
          both(y, stream, (v, s) => f(v + s)),
        );
      }
      return stream;
    },
  };
}

export const mobileNets: Method = {
  test: "T34",
  systems: [
    {
      number: "44",
      name: "MoBiNet",
      paper: "Phan et al. 2020, arXiv:1907.12629",
      models: "no public code",
      formats: ["bundle", "ONNX"],
      command: bundleCommand(),
      reading:
        "K-dependency layers are convolutions in groups of K channels; a shortcut around each convolution; weights α·(±1) with one α per filter",
    },
    {
      number: "43",
      name: "Binarizing MobileNet via Evolution",
      paper: "Phan et al. 2020, arXiv:2005.06305",
      models: "no public code",
      formats: ["bundle", "ONNX"],
      command: bundleCommand(),
      reading: "activations are signs; convolutions in searched groups, pointwise ones too",
    },
  ],
  result: "exact; the first layer is summed in a stated order",
  nets: [
    mobileNet("mobinet", [...block(2, 1), ...block(4, 1), ...block(8, 1)]),
    mobileNet("evolution_mobilenet", [...block(1, 3), ...block(3, 2), ...block(24, 6)]),
  ],
};
