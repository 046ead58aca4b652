/**
 * T09: ABC-Net (Lin et al. 2017): weights are sums of bases `sign(W − mean + u · std)`, activations of bits side by side, each with a
 * shift and a factor of its own: `[clip(x + v, 0, 1) ≥ ½]`. Shifts are in no order, and factors have both signs.
 */
import { filled, type Value } from "../support/methods/arithmetic.js";
import { bundleCommand, type Method } from "../support/methods/method.js";
import type { Parameters } from "../support/methods/parameters.js";
import type { Basis, PlaneQuantizer } from "../support/methods/planes.js";
import {
  type PlanesMethod,
  planesNet,
  storedBases,
  storedBasesQuantizer,
} from "../support/methods/planes-net.js";

const f = Math.fround;
const SHIFTS = [0.7, -0.9, 0.05].map(f);
const FACTORS = [0.61, 0.43, -0.27].map(f);
/** −1 … 1 in equal steps. */
const SPREAD = [-1, 0, 1];

const quantizer: PlaneQuantizer = {
  coefficients: FACTORS,
  encode: (x) => SHIFTS.map((v) => (Math.min(Math.max(f(x + v), 0), 1) >= 0.5 ? 1 : -1)),
};

/** Bases by the mean and the deviation of all weights of the layer. */
function basesOf({ shape, data }: Value): Value[] {
  const mean = data.reduce((a, b) => a + b, 0) / data.length;
  const deviation = Math.sqrt(data.reduce((a, w) => a + (w - mean) ** 2, 0) / data.length);
  return SPREAD.map((u) => filled(shape, (i) => (data[i]! - mean + u * deviation >= 0 ? 1 : -1)));
}

/** Factors α for the layer, or fitted for each output. */
function abc(per: "output" | "tensor"): PlanesMethod {
  return {
    quantizer,
    layer: (name) => ({
      type: "bases",
      name,
      shifts: "shifts",
      coefficients: "betas",
      threshold: 0.5,
      at_threshold: "above",
    }),
    weightQuantizer: (name) => storedBasesQuantizer(name, SPREAD.length),
    bases(drawn: Parameters, name: string, shape: readonly number[]): readonly Basis[] {
      const codes = basesOf(drawn.latent(`${name}.weight`, shape));
      const alpha = (m: number): number => [0.9, -0.21, 0.37][m]! * (0.5 + drawn.random.next());
      return storedBases(drawn, name, codes, (_, m) => alpha(m), per);
    },
    tensors(drawn) {
      drawn.vector("shifts", SHIFTS.length, (l) => SHIFTS[l]!);
      drawn.vector("betas", FACTORS.length, (l) => FACTORS[l]!);
    },
  };
}

export const abcNet: Method = {
  test: "T09",
  systems: [
    {
      number: "9",
      name: "ABC-Net",
      paper: "Lin et al. 2017, arXiv:1711.11294",
      models: "re-implementations (TensorFlow, PyTorch)",
      formats: ["bundle", "ONNX"],
      command: bundleCommand(),
      reading:
        "shifts u equally spaced in −1 … 1 times the deviation of the layer's weights; factors α of the layer or of each filter, both shown; shifts v and factors β of a layer in any order and sign",
    },
    {
      number: "25",
      name: "ABC-Net, as the survey lists it",
      paper: "Lin et al. 2017, arXiv:1711.11294",
      models: "as 9",
      formats: ["bundle", "ONNX"],
      command: bundleCommand(),
      reading: "as 9",
    },
  ],
  result: "exact; sums of planes by bases in float32, in a stated order",
  nets: [
    planesNet("abc_layer", abc("tensor"), { isRanked: true }),
    planesNet("abc_output", abc("output"), { isRanked: true, poolFirst: true }),
  ],
};
