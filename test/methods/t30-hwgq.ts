/**
 * T30: HWGQ (Cai et al. 2017): activations 0 up to 0, then 0.538 times 1, 2, 3 from thresholds 0, 0.807 and 1.345 on, which themselves
 * belong below; weights α_o · sign with sign(0) = +1; pools before normalizations; first and last layers in float32.
 */
import {
  each,
  floatProducts,
  maxPool,
  products,
  relu,
  times,
  type Value,
} from "../support/methods/arithmetic.js";
import { floatWeights, head, headLayers } from "../support/methods/head.js";
import { batchnorm, conv, type Fields, FLOAT, maxpool, paddedConv } from "../support/methods/layers.js";
import { bundleCommand, type Method } from "../support/methods/method.js";
import { CENTERED, type MethodNet, type See } from "../support/methods/net.js";
import { bits, normalized, type Parameters } from "../support/methods/parameters.js";
import { signQuantizer } from "../support/methods/planes-net.js";

const f = Math.fround;
export const THRESHOLDS = [0, 0.807, 1.345].map(f);
export const STEP = f(0.538);

/** The integers 0 … 3. */
const levels = (x: Value): Value => each(x, (v) => THRESHOLDS.filter((t) => v > t).length);

export const quantizer = (name: string): Fields => ({
  type: "levels",
  name,
  thresholds: "hwgq.thresholds",
  at_threshold: "below",
  values: "hwgq.levels",
});

function binary(name: string, shape: readonly number[], q: Value, drawn: Parameters, see: See) {
  const codes = bits(drawn, `${name}.weight`, shape);
  const sums = see(name, products(q, codes, { pads: 1 }));
  const alpha = drawn.vector(`${name}.scale`, shape[0]!, () => 0.02 + 0.1 * drawn.random.next());
  // Products of ±α and 0.538 · q, whose factor is rounded once.
  return {
    sums,
    value: times(
      sums,
      alpha.map((a) => a * STEP),
    ),
  };
}

const hwgqNet: MethodNet = {
  name: "hwgq",
  input: [3, 15, 13],
  bytes: CENTERED,
  layers: [
    paddedConv("conv1", FLOAT, 1),
    maxpool("pool1", 3, { stride: 2 }),
    batchnorm("bn1"),
    quantizer("q1"),
    paddedConv("conv2", signQuantizer("conv2"), 1),
    maxpool("pool2", 2),
    batchnorm("bn2"),
    quantizer("q2"),
    paddedConv("conv3", signQuantizer("conv3"), 1),
    batchnorm("bn3"),
    quantizer("q3"),
    conv("conv4", FLOAT),
    { type: "relu", name: "last" },
    ...headLayers,
  ],
  reference(x, drawn, see) {
    drawn.vector("hwgq.thresholds", 3, (i) => THRESHOLDS[i]!);
    drawn.vector("hwgq.levels", 4, (i) => i * STEP);
    const w1 = floatWeights(drawn, "conv1.weight", [12, 3, 3, 3]);
    const y1 = see("conv1", floatProducts(see("conv1 input", x), w1, { pads: 1 }));
    const pooled = see("pool1", maxPool(y1, 3, { stride: 2 }));
    const q1 = see("q1", levels(normalized(drawn, "bn1", pooled)));
    const y2 = binary("conv2", [33, 12, 3, 3], q1, drawn, see);
    see("pool2", maxPool(y2.sums, 2));
    const q2 = see("q2", levels(normalized(drawn, "bn2", maxPool(y2.value, 2))));
    const y3 = binary("conv3", [31, 33, 3, 3], q2, drawn, see);
    const q3 = see("q3", levels(normalized(drawn, "bn3", y3.value)));
    const w4 = floatWeights(drawn, "conv4.weight", [12, 31, 2, 2]);
    const a3 = see(
      "conv4 input",
      each(q3, (q) => f(q * STEP)),
    );
    return head(relu(see("conv4", floatProducts(a3, w4))), drawn, see);
  },
};

export const hwgq: Method = {
  test: "T30",
  systems: [
    {
      number: "36a",
      name: "HWGQ",
      paper: "Cai et al. 2017, arXiv:1702.00953",
      models: "hwgq (Caffe)",
      formats: ["bundle", "ONNX"],
      command: bundleCommand(),
    },
  ],
  result: "exact; first and last layers in float32, summed in a stated order",
  nets: [hwgqNet],
};
