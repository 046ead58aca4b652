/**
 * T08: ReBNet (Ghasemzadeh et al. 2018): activations are signs of what levels before leave, r ← r − g · sign(r), times learned g per
 * layer; weights ±γ with one γ per layer. Convolutional nets pool behind the quantizer, on values of several levels: where
 * g₁ < g₂ + g₃, values do not rise with codes.
 */
import { flatten, products, type Value } from "../support/methods/arithmetic.js";
import { batchnorm, type Fields, linear, ONE_BIT } from "../support/methods/layers.js";
import { bundleCommand, type Method } from "../support/methods/method.js";
import { type MethodNet, WHOLE } from "../support/methods/net.js";
import { bits, normalized } from "../support/methods/parameters.js";
import { codesOf, type PlaneQuantizer, planar } from "../support/methods/planes.js";
import {
  type PlanesMethod,
  planesLayer,
  planesNet,
  signBases,
  signQuantizer,
} from "../support/methods/planes-net.js";

const f = Math.fround;

/** `r₀ = x; b_l = sign(r_l); r_{l+1} = r_l − |g_l| · b_l`, in float32. */
export function residualSigns(scales: readonly number[]): PlaneQuantizer {
  const coefficients = scales.map(f);
  return {
    coefficients,
    encode(x) {
      let rest = f(x);
      return coefficients.map((g) => {
        const bit = rest >= 0 ? 1 : -1;
        rest = f(rest - f(g * bit));
        return bit;
      });
    },
  };
}

export function residualLayer(name: string, scales = "residual.means"): Fields {
  return { type: "residual_sign", name, scales, sign_of_zero: 1 };
}

export function rebnet(scales: readonly number[]): PlanesMethod {
  const quantizer = residualSigns(scales);
  return {
    quantizer,
    layer: residualLayer,
    weightQuantizer: signQuantizer,
    bases: (drawn, name, shape) => signBases(drawn, name, shape, "tensor"),
    // Signs of the file's numbers do not count.
    tensors(drawn) {
      drawn.vector("residual.means", scales.length, (l) => (l === 1 ? -1 : 1) * scales[l]!);
    },
  };
}

/** 784-64-64-10. */
function dense(name: string, scales: readonly number[]): MethodNet {
  const method = rebnet(scales);
  return {
    name,
    input: [784],
    bytes: WHOLE,
    layers: [
      linear("fc1", ONE_BIT),
      ...["1", "2"].flatMap((n) => [
        batchnorm(`bn${n}`),
        residualLayer(`q${n}`),
        linear(`fc${Number(n) + 1}`, signQuantizer(`fc${Number(n) + 1}`)),
      ]),
      batchnorm("bn3"),
    ],
    reference(x, drawn, see) {
      method.tensors(drawn);
      let y: Value = see("fc1", products(x, bits(drawn, "fc1.weight", [64, 784])));
      for (const [n, outputs] of [64, 10].entries()) {
        const a = planar(normalized(drawn, `bn${n + 1}`, y), method.quantizer);
        see(`q${n + 1}`, codesOf(a));
        const at = `fc${n + 2}`;
        y = planesLayer(a, method.bases(drawn, at, [outputs, 64]), {}, at, see);
      }
      return flatten(normalized(drawn, "bn3", y, { ofScores: true }));
    },
  };
}

export const reBNet: Method = {
  test: "T08",
  systems: [
    {
      number: "8",
      name: "ReBNet",
      paper: "Ghasemzadeh et al. 2018, arXiv:1711.01243",
      models: "ReBNet (Keras with Theano)",
      formats: ["bundle"],
      command: bundleCommand(),
    },
  ],
  result: "exact; sums of planes in float32, in a stated order",
  nets: [
    dense("rebnet_dense", [0.61, 0.32]),
    planesNet("rebnet_1", rebnet([0.8])),
    planesNet("rebnet_2", rebnet([0.7, 0.33]), { poolFirst: true }),
    planesNet("rebnet_3", rebnet([0.7, 0.29, 0.13])),
    planesNet("rebnet_unordered", rebnet([0.41, 0.35, 0.253]), { isRanked: true }),
  ],
};
