/**
 * T07: Flexible Network Binarization (layer by layer from the deepest): one detector's trunk of which any subset of layers has
 * binary weights. The subset is data.
 */
import { flatten, floatProducts, meanMagnitudes, overMap, relu } from "../support/methods/arithmetic.js";
import { floatLayerOf, type Levels } from "../support/methods/latent.js";
import { batchnorm, FLOAT, linear, paddedConv } from "../support/methods/layers.js";
import { bundleCommand, type Method } from "../support/methods/method.js";
import type { MethodNet } from "../support/methods/net.js";
import { bits, normalized, type Parameters } from "../support/methods/parameters.js";

const BINARY = { type: "sign", sign_of_zero: 1, scale: { mean_abs: "output" } };
const WIDTHS = [3, 12, 9, 11, 7, 6];
const CONVS = [1, 2, 3, 4, 5];

/** Kernels α·(±1) with one α per filter, or the latent weights as they are. */
function kernel(drawn: Parameters, layer: number, isBinary: boolean): Levels {
  const name = `conv${layer}.weight`;
  const shape = [WIDTHS[layer]!, WIDTHS[layer - 1]!, 3, 3];
  const latent = drawn.latent(name, shape);
  return isBinary
    ? { codes: bits(drawn, name, shape), scale: meanMagnitudes(latent, "output") }
    : { codes: latent, scale: [1] };
}

/** Five convolutions, those in `binary` with binary weights; all sums of float32 in the order row, column, channel. */
function trunk(binary: readonly number[]): MethodNet {
  const isBinary = (layer: number): boolean => binary.includes(layer);
  return {
    name: `flexible_${binary.join("")}`,
    input: [3, 7, 7],
    layers: [
      ...CONVS.flatMap((layer) => [
        paddedConv(`conv${layer}`, isBinary(layer) ? BINARY : FLOAT, 1, layer === 3 ? { stride: 2 } : {}),
        batchnorm(`bn${layer}`),
        { type: "relu", name: `relu${layer}` },
      ]),
      { type: "flatten" },
      linear("fc", FLOAT),
    ],
    reference(x, drawn, see) {
      let a = x;
      for (const layer of CONVS) {
        const taps = { pads: 1, stride: layer === 3 ? 2 : 1 };
        const d = floatLayerOf(see, `conv${layer}`, a, kernel(drawn, layer, isBinary(layer)), taps);
        const next = layer === 5 ? "fc" : `conv${layer + 1}`;
        a = see(`${next} input`, relu(normalized(drawn, `bn${layer}`, d)));
      }
      const last = drawn.numbers("fc.weight", [5, 6 * 16], () => 0.2 * drawn.random.normal());
      return flatten(floatProducts(a, overMap(last, a)));
    },
  };
}

export const flexible: Method = {
  test: "T07",
  systems: [
    {
      number: "7",
      name: "Flexible Network Binarization",
      paper: "Zhuang et al. 2017, arXiv:1709.04344",
      models: "no public code",
      formats: ["bundle", "ONNX"],
      command: bundleCommand("f32"),
      reading: "chosen layers have weights α·(±1) with one α per filter; activations stay float32",
    },
  ],
  result: "exact; layers of float32 activations are summed in a stated order",
  nets: [trunk([5]), trunk([4, 5]), trunk([2, 3, 4, 5])],
};
