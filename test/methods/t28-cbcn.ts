/**
 * T28: Circulant Binary Convolutional Networks (Liu et al. 2019): each learned 3 × 3 filter stands for four, its ring of taps turned by
 * quarters. The file has the learned filters; the reference turns them while it convolves, the compiler writes all four out.
 */
import {
  flatten,
  products,
  sign as signOf,
  type Taps,
  times,
  type Value,
} from "../support/methods/arithmetic.js";
import { meanMagnitude, normed, perFilter } from "../support/methods/latent.js";
import { batchnorm, conv, linear, ONE_BIT, sign } from "../support/methods/layers.js";
import { bundleCommand, type Method } from "../support/methods/method.js";
import { CENTERED, type MethodNet } from "../support/methods/net.js";
import type { Parameters } from "../support/methods/parameters.js";

const ORIENTATIONS = 4;
const [WIDTH, TAPS] = [3, 9];

const circulant = { weight_transforms: [{ type: "rotations", count: ORIENTATIONS }] };
const scaled = { type: "sign", sign_of_zero: 1, scale: { mean_abs: "output" } };

/** All kernels a quarter turn further, counter-clockwise: numpy's rot90. */
function turnedOnce(w: Value): Value {
  const from = (tap: number): number => WIDTH * (tap % WIDTH) + (WIDTH - 1 - Math.floor(tap / WIDTH));
  return { shape: w.shape, data: w.data.map((_, i) => w.data[i - (i % TAPS) + from(i % TAPS)]!) };
}

/** A map for each orientation of the filters; orientation r of filter n is channel 4n + r. */
function turning(w: Value, convolve: (filters: Value) => Value): Value {
  const outputs = w.shape[0]! * ORIENTATIONS;
  let filters = w;
  let all: Value | undefined;
  for (let r = 0; r < ORIENTATIONS; r++) {
    const y = convolve(filters);
    const pixels = y.data.length / y.shape[1]!;
    all ??= { shape: [1, outputs, ...y.shape.slice(2)], data: new Float64Array(outputs * pixels) };
    for (let n = 0; n < y.shape[1]!; n++)
      all.data.set(y.data.subarray(n * pixels, (n + 1) * pixels), (n * ORIENTATIONS + r) * pixels);
    filters = turnedOnce(filters);
  }
  return all!;
}

/** The values of one batch entry, and all entries again in one value. */
function eachEntry(x: Value, of: (entry: Value) => Value): Value {
  const [batch] = x.shape as [number];
  const size = x.data.length / batch;
  const parts = Array.from({ length: batch }, (_, n) =>
    of({ shape: [1, ...x.shape.slice(1)], data: x.data.subarray(n * size, (n + 1) * size) }),
  );
  return {
    shape: [batch, ...parts[0]!.shape.slice(1)],
    data: Float64Array.from(parts.flatMap(({ data }) => [...data])),
  };
}

const stride2 = { stride: 2, padding: [0, 0, 1, 1], padding_value: 0 };
const shapes = { conv1: [8, 3, 3, 3], conv2: [9, 32, 3, 3], conv3: [5, 36, 3, 3] } as const;

const cbcnNet: MethodNet = {
  name: "cbcn",
  input: [3, 9, 9],
  bytes: CENTERED,
  layers: [
    conv("conv1", ONE_BIT, circulant),
    batchnorm("bn1"),
    sign("sign1", 1),
    conv("conv2", scaled, { ...circulant, padding: 1, padding_value: 0 }),
    batchnorm("bn2"),
    sign("sign2", 1),
    conv("conv3", scaled, { ...circulant, ...stride2 }),
    batchnorm("bn3"),
    sign("sign3", 1),
    { type: "flatten" },
    linear("fc", ONE_BIT),
    batchnorm("bn4"),
  ],
  reference(x, drawn, see) {
    const signs = (name: string, d: Value, bn: string): Value => see(name, signOf(normed(drawn, bn, d), 1));
    const d1 = see("conv1", turned(drawn, "conv1", x, {}), 1 / 128);
    const a1 = signs("sign1", d1, "bn1");
    const d2 = see("conv2", turned(drawn, "conv2", a1, { pads: 1 }));
    const a2 = signs("sign2", times(d2, alphas(drawn, "conv2")), "bn2");
    const d3 = see("conv3", turned(drawn, "conv3", a2, { stride: 2, pads: [0, 0, 1, 1] }));
    const a3 = signs("sign3", times(d3, alphas(drawn, "conv3")), "bn3");
    const last = signOf(drawn.latent("fc.weight", [10, a3.data.length / a3.shape[0]!]), 1);
    const d4 = see("fc", products(flatten(a3), last));
    return normed(drawn, "bn4", d4, { ofScores: true });
  },
};

type Layer = keyof typeof shapes;

function turned(drawn: Parameters, layer: Layer, x: Value, taps: Taps): Value {
  const signs = signOf(drawn.latent(`${layer}.weight`, shapes[layer]), 1);
  return eachEntry(x, (entry) => turning(signs, (filters) => products(entry, filters, taps)));
}

/** One factor per learned filter, for all of its orientations. */
function alphas(drawn: Parameters, layer: Layer): number[] {
  const perFilters = perFilter(drawn.latent(`${layer}.weight`, shapes[layer]), meanMagnitude);
  return [...perFilters].flatMap((alpha) => new Array<number>(ORIENTATIONS).fill(alpha));
}

export const circulantFilters: Method = {
  test: "T28",
  systems: [
    {
      number: "35",
      name: "CBCN",
      paper: "Liu et al. 2019, arXiv:1910.10853",
      models: "no public code",
      formats: ["bundle"],
      command: bundleCommand(),
      reading:
        "orientation r of filter n is output 4n + r, turned counter-clockwise, and all inputs of a filter are turned alike; no factor, or the filter's mean magnitude",
    },
  ],
  result: "exact",
  nets: [cbcnNet],
};
