/**
 * Quantizers of weights: the state_dict has latent weights, the net computes with these codes times scales. Statistics
 * of weights are summed in float64 and rounded to float32 once; PyTorch adds float32 in an order that depends on the
 * machine.
 */
import { z } from "zod";
import { shapeText } from "../../diagnostics/text.js";
import { sumOfBases } from "../../graph/planes.js";
import { quantize } from "../../graph/quantize.js";
import type { FloatTensor, UniformQuantizer } from "../../graph/types.js";
import { type FloatConstant, floatConstant } from "../common/constant.js";
import { Rejection } from "../common/rejection.js";
import { flag, float, name, numberOrTensor, oneOf } from "./fields.js";
import { levelFields, levelsOf, roundingField, signOfZeroField } from "./quantizers.js";
import type { Tensors } from "./tensors.js";

const f = Math.fround;

const perText = "a number, or the name of a tensor of one number or one per output";
const over = oneOf(["output", "tensor"], '"output" (one number for each) or "tensor" (one for all)');

/** One number, one per output, or something computed from the weights. */
function scaleField<Computed extends z.ZodType>(computed: Computed, what: string) {
  const expected = `${perText}, or ${what}`;
  return z.union([float(perText), name(perText), computed], { error: expected }).describe(expected);
}

const meanAbs = z.strictObject({ mean_abs: over });
const scaleOfSigns = scaleField(
  meanAbs,
  '{"mean_abs": "output" or "tensor"}: the mean magnitude of the weights (of ternary ones, of those that are not 0); 1 is no scale',
);

const MOST_BASES = 8;
const codesText = `the names of 1 to ${MOST_BASES} tensors in the weights' shape: ±1, 0 and 1, or other small integers`;

/** Every quantizer of weights: its type and what a manifest says of it. */
const quantizers = {
  none: z.strictObject({ type: z.literal("none") }).describe("the weights as they are"),
  sign: z
    .strictObject({ type: z.literal("sign"), sign_of_zero: signOfZeroField, scale: scaleOfSigns })
    .describe("±scale"),
  ternary: z
    .strictObject({
      type: z.literal("ternary"),
      threshold: scaleField(
        z.strictObject({
          mean_abs: over,
          factor: float("what the mean magnitude is multiplied by: TWN has 0.7"),
        }),
        '{"mean_abs": "output" or "tensor", "factor": 0.7}',
      ),
      threshold_is_zero: flag(
        "true or false: whether a magnitude of exactly the threshold becomes 0 (TWN: true)",
      ),
      scale: scaleOfSigns,
    })
    .describe("0 up to the threshold, ±scale beyond"),
  uniform: z
    .strictObject({
      type: z.literal("uniform"),
      ...levelFields,
      scale: scaleField(
        z.strictObject({ max_abs: over }),
        '{"max_abs": "output" or "tensor"}: the greatest magnitude over the greatest integer',
      ),
      zero_point: numberOrTensor("the integer that stands for 0").default(0),
      rounding: roundingField,
    })
    .describe("(integer − zero point) · scale"),
  bases: z
    .strictObject({
      type: z.literal("bases"),
      codes: z
        .array(name(codesText), { error: codesText })
        .min(1, { error: codesText })
        .max(MOST_BASES, { error: codesText })
        .describe(codesText),
      coefficients: name("the name of a tensor of one coefficient per basis, or of outputs × bases"),
    })
    .describe("the sum of bases times their coefficients; of the weights only their shape counts"),
};

const types = Object.keys(quantizers);

/** The field of layers with weights. */
export const weightQuantizer = z
  .discriminatedUnion(
    "type",
    [quantizers.none, quantizers.sign, quantizers.ternary, quantizers.uniform, quantizers.bases],
    {
      error: `how weights are quantized: an object whose "type" is ${types.join(", ")}`,
    },
  )
  .meta({
    id: "weight_quantizer",
    description:
      'how the net quantizes its weights; {"type": "none"} takes them as they are, and small integers times one scale are recognised',
  });

type WeightQuantizer = z.output<typeof weightQuantizer>;
type Of<Type extends WeightQuantizer["type"]> = Extract<WeightQuantizer, { readonly type: Type }>;
type Over = z.output<typeof over>;

/** Names of fields in quantizers, of which typing errors may mean one. */
export const quantizerFields: readonly string[] = Object.values(quantizers).flatMap((q) =>
  Object.keys(q.shape),
);

/** Weights, outputs on the first axis, as their quantizer makes them. Throws a Rejection. */
export function quantizeWeights(
  quantizer: WeightQuantizer,
  weights: FloatTensor,
  tensors: Tensors,
): FloatConstant {
  switch (quantizer.type) {
    case "none":
      return floatConstant(weights.shape, weights.data);
    case "sign":
      return signs(quantizer, weights, tensors);
    case "ternary":
      return ternary(quantizer, weights, tensors);
    case "uniform":
      return uniform(quantizer, weights, tensors);
    case "bases":
      return sums(quantizer, weights, tensors);
  }
}

/** Small integers of a byte are codes of a layer. */
const LARGEST_CODE = 127;

function sums(quantizer: Of<"bases">, { shape, data }: FloatTensor, tensors: Tensors): FloatConstant {
  const coefficients = tensors.floats(quantizer.coefficients);
  const count = quantizer.codes.length;
  const outputs = shape[0]!;
  const isPerOutput = shapeText(coefficients.shape) === shapeText([outputs, count]);
  if (!isPerOutput && coefficients.data.length !== count)
    throw new Rejection(
      `its coefficients have the shape ${shapeText(coefficients.shape)} for ${count} bases of ${outputs} outputs`,
      `one number per basis (${count}) is expected, or ${shapeText([outputs, count])}`,
    );
  const bases = quantizer.codes.map((codesName, m) => {
    const codes = tensors.integers(codesName);
    if (shapeText(codes.shape) !== shapeText(shape))
      throw new Rejection(
        `basis ${m} has the shape ${shapeText(codes.shape)} for weights of shape ${shapeText(shape)}`,
        "every basis has the weights' shape",
      );
    const odd = codes.data.find((c) => Math.abs(c) > LARGEST_CODE);
    if (odd !== undefined)
      throw new Rejection(`basis ${m} has the code ${odd}`, `use integers up to ${LARGEST_CODE}`);
    const own = Float32Array.from(
      { length: isPerOutput ? outputs : 1 },
      (_, n) => coefficients.data[n * count + m]!,
    );
    const coefficient = { shape: shape.map((_, axis) => (axis === 0 ? own.length : 1)), data: own };
    return { codes: codes.data, coefficient };
  });
  const values = sumOfBases(bases, shape);
  if (values.length !== data.length || !values.every(Number.isFinite))
    throw new Rejection("the sum of its bases overflows float32", "check the model's coefficients");
  return { ...floatConstant(shape, values), bases };
}

function signs(quantizer: Of<"sign">, weights: FloatTensor, tensors: Tensors): FloatConstant {
  const codes = Int32Array.from(weights.data, (x) => (x === 0 ? quantizer.sign_of_zero : Math.sign(x)));
  return withCodes(weights, codes, signScale(quantizer.scale, weights, codes, tensors));
}

/** Ternary Weight Networks: `|x| > threshold` keeps the sign. */
function ternary(quantizer: Of<"ternary">, weights: FloatTensor, tensors: Tensors): FloatConstant {
  const { threshold, threshold_is_zero: isZero } = quantizer;
  const limits =
    typeof threshold === "object"
      ? meanMagnitudes(weights, threshold.mean_abs, undefined).map((m) => f(threshold.factor) * m)
      : numbers(threshold, weights, tensors, "threshold");
  const odd = limits.find((t) => !(t >= 0));
  if (odd !== undefined) throw new Rejection(`its threshold is ${odd}`, "use a threshold of 0 or more");
  const size = sizeOf(weights);
  const codes = Int32Array.from(weights.data, (x, i) => {
    const limit = limits[Math.floor(i / size) % limits.length]!;
    const magnitude = Math.abs(x);
    return magnitude > limit || (magnitude === limit && !isZero) ? Math.sign(x) : 0;
  });
  return withCodes(weights, codes, signScale(quantizer.scale, weights, codes, tensors));
}

/** The graph's uniform quantizer on each weight: divide, add the zero point, clamp, round. */
function uniform(quantizer: Of<"uniform">, weights: FloatTensor, tensors: Tensors): FloatConstant {
  const { qmin, qmax } = levelsOf(quantizer);
  const scale =
    typeof quantizer.scale === "object"
      ? greatestMagnitudes(weights, quantizer.scale.max_abs).map((m) => m / qmax)
      : numbers(quantizer.scale, weights, tensors, "scale");
  const zeros = numbers(quantizer.zero_point, weights, tensors, "zero point");
  const zero = scale.findIndex((s) => s === 0 || !Number.isFinite(s));
  if (zero >= 0)
    throw new Rejection(`scale ${zero} of its weights is ${scale[zero]}`, "use scales that are not 0");
  if (!zeros.every(Number.isInteger))
    throw new Rejection("its zero point is no whole number", "round the zero points as training did");
  const size = sizeOf(weights);
  const unit: UniformQuantizer = {
    kind: "uniform",
    scale: one,
    zeroPoint: one,
    qmin,
    qmax,
    rounding: quantizer.rounding,
  };
  const codes = Int32Array.from(weights.data, (x, i) => {
    const output = Math.floor(i / size);
    return quantize(unit, f(x / scale[output % scale.length]!), 1, zeros[output % zeros.length]!);
  });
  return withCodes(weights, codes, scale);
}

/** What `quantize` is given beside its quantizer. */
const one: FloatTensor = { shape: [], data: Float32Array.of(1) };

function signScale(
  scale: Of<"sign">["scale"],
  weights: FloatTensor,
  codes: Int32Array,
  tensors: Tensors,
): Float32Array {
  return typeof scale === "object"
    ? meanMagnitudes(weights, scale.mean_abs, codes)
    : numbers(scale, weights, tensors, "scale");
}

/** Elements of one output. */
function sizeOf({ shape, data }: FloatTensor): number {
  return data.length / shape[0]!;
}

/** Mean magnitudes, rounded once; where there are codes, of the weights whose code is not 0. */
function meanMagnitudes(weights: FloatTensor, per: Over, codes: Int32Array | undefined): Float32Array {
  const size = per === "output" ? sizeOf(weights) : weights.data.length;
  const [sums, counts] = [0, 1].map(() => new Float64Array(weights.data.length / size)) as [
    Float64Array,
    Float64Array,
  ];
  for (let i = 0; i < weights.data.length; i++) {
    if (codes?.[i] === 0) continue;
    const group = Math.floor(i / size);
    sums[group]! += Math.abs(weights.data[i]!);
    counts[group]!++;
  }
  return Float32Array.from(sums, (sum, group) => sum / Math.max(1, counts[group]!));
}

function greatestMagnitudes(weights: FloatTensor, per: Over): Float32Array {
  const size = per === "output" ? sizeOf(weights) : weights.data.length;
  const greatest = new Float32Array(weights.data.length / size);
  for (let i = 0; i < weights.data.length; i++) {
    const group = Math.floor(i / size);
    greatest[group] = Math.max(greatest[group]!, Math.abs(weights.data[i]!));
  }
  return greatest;
}

/** A number, or a tensor of one or of one per output, which may have further axes of size 1. */
function numbers(
  value: number | string,
  { shape }: FloatTensor,
  tensors: Tensors,
  what: string,
): Float32Array {
  if (typeof value === "number") return Float32Array.of(value);
  const tensor = tensors.floats(value);
  const isPerOutput = tensor.shape[0] === shape[0] && tensor.data.length === shape[0];
  if (tensor.data.length === 1 || isPerOutput) return tensor.data;
  throw new Rejection(
    `its ${what} has the shape ${shapeText(tensor.shape)} for weights of shape ${shapeText(shape)}`,
    `one number, or one per output (${shape[0]}, the first axis) is expected`,
  );
}

/** `code · scale` in float32, with the scale along the first axis. */
function withCodes({ shape, data }: FloatTensor, codes: Int32Array, scale: Float32Array): FloatConstant {
  const size = sizeOf({ shape, data });
  const values = Float32Array.from(data, (_, i) => codes[i]! * scale[Math.floor(i / size) % scale.length]!);
  if (!values.every(Number.isFinite))
    throw new Rejection("quantizing its weights overflows float32", "check the model's scales");
  const scaleShape = shape.map((_, axis) => (axis === 0 ? scale.length : 1));
  return { ...floatConstant(shape, values), quantized: { codes, scale: { shape: scaleShape, data: scale } } };
}
