/** What training does to latent weights before it quantizes them, in the order of the manifest. */
import { z } from "zod";
import { shapeText } from "../../../diagnostics/text.js";
import type { FloatTensor } from "../../../graph/types.js";
import { checkFolded } from "../../common/limits.js";
import { Rejection } from "../../common/rejection.js";
import { flag, float, oneOf } from "../fields.js";
import type { Tensors } from "../tensors.js";
import { mapWeights, numbers, over, perOutput, sizeOf } from "./fields.js";
import { deviation, groupsOf, meanOf } from "./statistics.js";

const f = Math.fround;

const centreOver = oneOf(
  ["channels", "output", "tensor"],
  '"channels" (each tap of each output: XNOR-Net), "output" (IR-Net) or "tensor"',
);

const transforms = {
  center: z
    .strictObject({ type: z.literal("center"), over: centreOver })
    .describe("w − mean, the mean rounded once"),
  standardize: z
    .strictObject({
      type: z.literal("standardize"),
      over,
      unbiased: flag("true or false: whether squares are divided by the count less 1 (torch.std: true)"),
    })
    .describe("w / standard deviation; put center before it where training did"),
  clip: z
    .strictObject({
      type: z.literal("clip"),
      min: float("the least weight"),
      max: float("the greatest weight"),
    })
    .describe("min(max(w, min), max)"),
  subtract: z
    .strictObject({ type: z.literal("subtract"), value: perOutput("what is subtracted") })
    .describe("w − value: a learned threshold of signs"),
  tanh: z.strictObject({ type: z.literal("tanh") }).describe("tanh(w), rounded once"),
  flip: z
    .strictObject({ type: z.literal("flip") })
    .describe("kernels turned by 180°: Lasagne and Theano convolve, where others correlate"),
  rotations: z
    .strictObject({
      type: z.literal("rotations"),
      count: z
        .literal([2, 4, 8], { error: "2, 4 or 8 orientations" })
        .describe("2, 4 or 8 orientations of each 3 × 3 kernel"),
    })
    .describe(
      "circulant filters (CBCN): output n · count + r has the kernels of filter n, their ring of eight taps turned r · 8 / count places counter-clockwise",
    ),
};

type Transform = z.output<(typeof transforms)[keyof typeof transforms]>;

const [first, ...rest] = Object.values(transforms);
const expected = `what training does to the weights before it quantizes them: objects whose "type" is ${Object.keys(transforms).join(", ")}`;

/** The field of layers with weights. */
export const weightTransforms = z
  .array(
    z.discriminatedUnion("type", [first!, ...rest], { error: expected }).meta({ id: "weight_transform" }),
    { error: expected },
  )
  .max(16, { error: expected })
  .describe(expected)
  .default([]);

/** Names of fields in transforms, of which typing errors may mean one. */
export const transformFields: readonly string[] = Object.values(transforms).flatMap((t) =>
  Object.keys(t.shape),
);

/** Weights, outputs on the first axis, as training had them in front of its quantizer. Throws a Rejection. */
export function transformed(stored: FloatTensor, steps: readonly Transform[], tensors: Tensors): FloatTensor {
  return steps.reduce((weights, step) => {
    const next = apply(step, weights, tensors);
    tensors.spend(next.data.length);
    return next;
  }, stored);
}

function apply(step: Transform, weights: FloatTensor, tensors: Tensors): FloatTensor {
  const { shape, data } = weights;
  switch (step.type) {
    case "center":
      return { shape, data: step.over === "channels" ? centredTaps(weights) : centred(weights, step.over) };
    case "standardize":
      return { shape, data: standardized(weights, step) };
    case "clip":
      return { shape, data: data.map((x) => Math.min(Math.max(x, f(step.min)), f(step.max))) };
    case "subtract":
      return {
        shape,
        data: mapWeights(weights, numbers(step.value, weights, tensors, "value"), (x, v) => x - v),
      };
    case "tanh":
      return { shape, data: data.map((x) => Math.tanh(x)) };
    case "flip":
      return { shape, data: flipped(weights) };
    case "rotations":
      return rotated(weights, step.count);
  }
}

function centred(weights: FloatTensor, per: z.output<typeof over>): Float32Array {
  const means = Float32Array.from(groupsOf(weights, per, weights.data), meanOf);
  return mapWeights(weights, means, (x, mean) => x - mean);
}

/** Means over the input channels: one for each output and tap. */
function centredTaps(weights: FloatTensor): Float32Array {
  const [, channels = 1] = weights.shape;
  const size = sizeOf(weights);
  const taps = size / channels;
  const sums = new Float64Array(weights.data.length / channels);
  const place = (i: number): number => Math.floor(i / size) * taps + (i % taps);
  weights.data.forEach((x, i) => {
    sums[place(i)]! += x;
  });
  return weights.data.map((x, i) => x - f(sums[place(i)]! / channels));
}

function standardized(
  weights: FloatTensor,
  { over: per, unbiased }: Extract<Transform, { readonly type: "standardize" }>,
): Float32Array {
  const deviations = Float32Array.from(groupsOf(weights, per, weights.data), (group) =>
    deviation(group, unbiased ? 1 : 0),
  );
  const odd = deviations.findIndex((d) => !(d > 0));
  if (odd >= 0)
    throw new Rejection(
      `the standard deviation of ${per === "output" ? `output ${odd}` : "its weights"} is ${deviations[odd]}`,
      "training divides by it: outputs of one weight, or of equal weights, have none",
    );
  return mapWeights(weights, deviations, (x, d) => x / d);
}

/** Taps of each channel, the last first. */
function flipped({ shape, data }: FloatTensor): Float32Array {
  const taps = shape.slice(2).reduce((a, b) => a * b, 1);
  if (shape.length < 3)
    throw new Rejection("it flips weights that are no kernels", "flip the weights of convolutions only");
  return data.map((_, i) => data[i - (i % taps) + (taps - 1 - (i % taps))]!);
}

/** Taps of a 3 × 3 kernel around the middle, counter-clockwise. */
const RING = [0, 3, 6, 7, 8, 5, 2, 1];
const MIDDLE = 4;
const TAPS = 9;

function rotated({ shape, data }: FloatTensor, count: number): FloatTensor {
  const [outputs, ...inner] = shape as [number, ...number[]];
  if (shape.length !== 4 || shape[2] !== 3 || shape[3] !== 3)
    throw new Rejection(
      `it turns kernels of shape ${shapeText(shape)}`,
      "circulant filters are 3 × 3: outputs × channels × 3 × 3",
    );
  const all = [outputs * count, ...inner];
  checkFolded(all);
  const size = sizeOf({ shape, data });
  const turned = new Float32Array(data.length * count);
  for (let o = 0; o < all[0]!; o++) {
    const places = (RING.length / count) * (o % count);
    for (let i = 0; i < size; i++) {
      const from = Math.floor(o / count) * size + (i - (i % TAPS));
      turned[o * size + i] = data[from + sourceTap(i % TAPS, places)]!;
    }
  }
  return { shape: all, data: turned };
}

/** The tap that comes to stand at `tap` when the ring turns. */
function sourceTap(tap: number, places: number): number {
  if (tap === MIDDLE) return MIDDLE;
  const place = RING.indexOf(tap);
  return RING[(place - places + RING.length) % RING.length]!;
}
