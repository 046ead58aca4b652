/**
 * T04: Esser et al. 2016 on TrueNorth: ternary weights in groups of few inputs, activations that are spikes (0 or 1), and
 * classes that count the spikes of their features.
 */
import {
  both,
  each,
  filled,
  flatten,
  plus,
  products,
  type Taps,
  type Value,
} from "../support/methods/arithmetic.js";
import { arithmetic, conv, FLOAT, linear, sign } from "../support/methods/layers.js";
import { bundleCommand, type Method } from "../support/methods/method.js";
import { CENTERED, type MethodNet } from "../support/methods/net.js";
import type { Parameters } from "../support/methods/parameters.js";

const f = Math.fround;
const GROUPS = 4;
const CLASSES = 10;
const FEATURES = 40;

/** `(r − μ) / (σ + ε) + b`, then a spike where that is 0 or more: a step is (sign + 1) / 2. */
function neuron(name: string): unknown[] {
  return [
    arithmetic(`${name}.centered`, "subtract", `${name}.mean`),
    arithmetic(`${name}.normalized`, "divide", `${name}.deviation`),
    arithmetic(`${name}.biased`, "add", `${name}.bias`),
    sign(name, 1),
    arithmetic(`${name}.twice`, "add", 1),
    arithmetic(`${name}.value`, "multiply", 0.5),
  ];
}

function spikes(drawn: Parameters, name: string, r: Value): Value {
  const { mean, variance, beta } = drawn.normalization(`~${name}`, r);
  const channels = mean.length;
  drawn.vector(`${name}.mean`, channels, (c) => mean[c]!);
  const deviation = drawn.vector(`${name}.deviation`, channels, (c) =>
    f(f(Math.sqrt(variance[c]!)) + f(1e-4)),
  );
  drawn.vector(`${name}.bias`, channels, (c) => beta[c]!);
  const normalized = each(r, (v, c) => f(f(v - mean[c]!) / deviation[c]!));
  return each(plus(normalized, beta), (v) => (v >= 0 ? 1 : 0));
}

/** Hidden weights rounded: a third each of −1, 0 and 1. */
function trits(drawn: Parameters, name: string, shape: readonly number[]): Value {
  return drawn.numbers(name, shape, () => drawn.random.integer(-1, 1));
}

/** Weights of the layer that reads the image: seven levels each side, in steps of 1/8. */
const TRANSDUCTION = { type: "uniform", range: [-7, 7], scale: 1 / 8, rounding: "half-even" };

const eednNet: MethodNet = {
  name: "eedn",
  input: [1, 12, 12],
  bytes: CENTERED,
  layers: [
    conv("transduction", TRANSDUCTION),
    ...neuron("spikes1"),
    conv("spatial", FLOAT, { groups: GROUPS, padding: 1, padding_value: 0 }),
    ...neuron("spikes2"),
    conv("pooling", FLOAT, { groups: GROUPS, stride: 2 }),
    ...neuron("spikes3"),
    conv("pointwise", FLOAT, { groups: GROUPS }),
    ...neuron("spikes4"),
    { type: "flatten" },
    linear("counts", FLOAT),
  ],
  reference(x, drawn, see) {
    const levels = drawn.numbers("~levels", [16, 1, 3, 3], () => drawn.random.integer(-7, 7));
    drawn.numbers("transduction.weight", [16, 1, 3, 3], (i) => levels.data[i]! / 8);
    const r1 = see(
      "transduction",
      products(
        x,
        each(levels, (v) => v / 8),
      ),
      1 / 128 / 8,
    );
    const a1 = see("spikes1", spikes(drawn, "spikes1", r1));
    const layer = (name: string, a: Value, shape: readonly number[], taps: Taps): Value =>
      see(name, products(a, trits(drawn, `${name}.weight`, shape), { groups: GROUPS, ...taps }));
    const a2 = see("spikes2", spikes(drawn, "spikes2", layer("spatial", a1, [24, 4, 3, 3], { pads: 1 })));
    const a3 = see("spikes3", spikes(drawn, "spikes3", layer("pooling", a2, [32, 6, 2, 2], { stride: 2 })));
    const a4 = see("spikes4", spikes(drawn, "spikes4", layer("pointwise", a3, [FEATURES, 8, 1, 1], {})));
    return see("counts", countsOf(a4, drawn));
  },
};

/** Spikes of each class's features: feature o belongs to class o mod 10, wherever on the map it spikes. */
function countsOf(a: Value, drawn: Parameters): Value {
  const pixels = a.shape[2]! * a.shape[3]!;
  const size = FEATURES * pixels;
  const isOf = (k: number, i: number): boolean => Math.floor((i % size) / pixels) % CLASSES === k;
  drawn.numbers("counts.weight", [CLASSES, size], (i) => (isOf(Math.floor(i / size), i) ? 1 : 0));
  const spiking = flatten(a);
  const perClass = Array.from({ length: CLASSES }, (_, k) =>
    both(
      spiking,
      each(spiking, (_v, feature) => (isOf(k, feature) ? 1 : 0)),
      (v, mask) => v * mask,
    ),
  );
  return filled([a.shape[0]!, CLASSES], (i) => {
    const n = Math.floor(i / CLASSES);
    return perClass[i % CLASSES]!.data.subarray(n * size, (n + 1) * size).reduce((sum, v) => sum + v, 0);
  });
}

export const eedn: Method = {
  test: "T04",
  systems: [
    {
      number: "4",
      name: "EEDN",
      paper: "Esser et al. 2016, arXiv:1603.08270",
      models: "no public code; ternary layers of Brevitas",
      formats: ["bundle", "QONNX"],
      command: bundleCommand(),
      reading:
        "one tick is one evaluation: a spike where (r − μ) / (σ + ε) + b ≥ 0; the layer that reads the image has weights of more levels",
    },
  ],
  result: "exact",
  nets: [eednNet],
};
