/**
 * What training makes of latent weights, made twice: by transforms and quantizers of a manifest, and here by the papers' definitions,
 * whose results a second file has. Both files have to become the same layer.
 */
import { expect, it } from "vitest";
import { compileModelFile } from "../../src/compile.js";
import type { DeviceProgram } from "../../src/program/index.js";
import { manifestOf, safetensorsFile, type Tensors, tensor } from "../support/bundle.js";
import type { Value } from "../support/methods/arithmetic.js";
import { eachWeight, meanMagnitude, perFilter } from "../support/methods/latent.js";
import { Random } from "../support/random-graph.js";

const f = Math.fround;
const SHAPE = [12, 7, 3, 3];
const TAPS = 9;
const seed = Number(process.env.BITLOOM_SEED ?? 1);

/** Filters of several sizes and offsets, so that powers of two differ and centring changes signs. */
function latentWeights(): Value {
  const random = new Random(seed);
  const size = SHAPE.slice(1).reduce((a, b) => a * b, 1);
  const data = Float64Array.from({ length: SHAPE[0]! * size }, (_, i) => {
    const filter = Math.floor(i / size);
    return f((random.normal() + (filter % 3) * 0.4) * 2 ** (filter % 5));
  });
  return { shape: SHAPE, data };
}

/** Weights of a net as the device has them, and what follows their sums. */
interface Deployed {
  readonly weights: DeviceProgram["instructions"][number];
  readonly affine: DeviceProgram["output"]["affine"];
}

function deployed(fields: object, tensors: Tensors): Deployed {
  const conv = { type: "conv2d", name: "conv", weight: "w", ...fields };
  const manifest = manifestOf({ input: [SHAPE[1]!, 5, 5], layers: [conv], tensors });
  const { program } = compileModelFile(new TextEncoder().encode(JSON.stringify(manifest)), "net.json", {
    input: { type: "u8", affine: { numerator: 1, denominator: 1, zero: 0 } },
    companions: () => safetensorsFile(tensors),
  });
  return { weights: program.instructions[0]!, affine: program.output.affine };
}

const stored = (w: Value): Tensors[string] => tensor(w.shape, [...w.data]);
const signOf = (x: number): number => (x >= 0 ? 1 : -1);

interface Case {
  readonly name: string;
  readonly fields: object;
  /** The weights that the net computes with. */
  readonly defined: (w: Value) => Value;
}

/** Each weight less the mean of its place over the input channels. */
function centredOverChannels({ shape, data }: Value): Value {
  const [, channels] = shape as [number, number];
  const size = channels * TAPS;
  const mean = (i: number): number => {
    let sum = 0;
    for (let c = 0; c < channels; c++) sum += data[Math.floor(i / size) * size + c * TAPS + (i % TAPS)]!;
    return f(sum / channels);
  };
  return { shape, data: data.map((x, i) => f(x - mean(i))) };
}

function standardized(w: Value): Value {
  const mean = (group: Float64Array): number => group.reduce((a, b) => a + b, 0) / group.length;
  const centred = eachWeight(w, perFilter(w, mean), (x, m) => f(x - m));
  const deviations = perFilter(centred, (group) => {
    const squares = group.reduce((sum, x) => sum + (x - mean(group)) ** 2, 0);
    return Math.sqrt(squares / (group.length - 1));
  });
  return eachWeight(centred, deviations, (x, d) => f(x / d));
}

const withSigns = (w: Value, scale: ArrayLike<number>): Value =>
  eachWeight(w, scale, (x, s) => f(signOf(x) * s));

const cases: readonly Case[] = [
  {
    name: "XNOR-Net: centred over channels, clipped, the mean magnitude of each filter",
    fields: {
      weight_transforms: [
        { type: "center", over: "channels" },
        { type: "clip", min: -1, max: 1 },
      ],
      weight_quantizer: { type: "sign", sign_of_zero: 1, scale: { mean_abs: "output" } },
    },
    defined: (w) => {
      const centred = centredOverChannels(w);
      const clipped = { shape: w.shape, data: centred.data.map((x) => Math.min(Math.max(x, -1), 1)) };
      return withSigns(clipped, perFilter(clipped, meanMagnitude));
    },
  },
  {
    name: "IR-Net: standardized, a power of two for each filter",
    fields: {
      weight_transforms: [
        { type: "center", over: "output" },
        { type: "standardize", over: "output", unbiased: true },
      ],
      weight_quantizer: {
        type: "sign",
        sign_of_zero: 1,
        scale: { mean_abs: "output", power_of_two: true },
      },
    },
    defined: (w) => {
      const unit = standardized(w);
      const powers = perFilter(
        unit,
        (group) => 2 ** Math.round(Math.log(meanMagnitude(group)) / Math.log(2)),
      );
      return withSigns(unit, powers);
    },
  },
  {
    name: "Self-Binarizing Networks with a learned threshold",
    fields: {
      weight_transforms: [{ type: "tanh" }, { type: "subtract", value: 0.21 }],
      weight_quantizer: { type: "sign", sign_of_zero: 1, scale: 1 },
    },
    // tanh rises, so that the threshold may as well be one of the latent weights.
    defined: (w) => ({ shape: w.shape, data: w.data.map((x) => (x >= Math.atanh(0.21) ? 1 : -1)) }),
  },
  {
    name: "BinaryConnect in Lasagne: kernels that convolve",
    fields: {
      weight_transforms: [{ type: "flip" }],
      weight_quantizer: { type: "sign", sign_of_zero: 1, scale: 0.3 },
    },
    defined: ({ shape, data }) => ({
      shape,
      data: data.map((_, i) => f(signOf(data[i - (i % TAPS) + TAPS - 1 - (i % TAPS)]!) * f(0.3))),
    }),
  },
  {
    name: "DoReFa-Net with three bits",
    fields: { weight_quantizer: { type: "dorefa", bits: 3 } },
    defined: ({ shape, data }) => {
      const squashed = data.map((x) => f(Math.tanh(x)));
      const most = squashed.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
      return { shape, data: squashed.map((t) => f((2 * Math.round((t / (2 * most) + 0.5) * 7)) / 7 - 1)) };
    },
  },
];

it.each(cases)(`$name, BITLOOM_SEED=${seed}`, ({ fields, defined }) => {
  const w = latentWeights();
  const fromLatent = deployed(fields, { w: stored(w) });
  const fromStored = deployed({ weight_quantizer: { type: "none" } }, { w: stored(defined(w)) });
  expect(fromLatent).toEqual(fromStored);
  const plain = deployed({ weight_quantizer: { type: "sign", sign_of_zero: 1, scale: 1 } }, { w: stored(w) });
  expect(fromLatent).not.toEqual(plain);
});
