/** Weights of several bits: levels in equal distances, and powers of two. */
import { z } from "zod";
import { quantize } from "../../../graph/quantize.js";
import type { FloatTensor, UniformQuantizer } from "../../../graph/types.js";
import { type FloatConstant, floatConstant } from "../../common/constant.js";
import { Rejection } from "../../common/rejection.js";
import { numberOrTensor, wholeNumber } from "../fields.js";
import { levelFields, levelsOf, roundingField } from "../quantizers.js";
import type { Tensors } from "../tensors.js";
import {
  checkFinite,
  computable,
  mapWeights,
  numbers,
  over,
  perOutput,
  sizeOf,
  withCodes,
} from "./fields.js";
import { greatestMagnitudes } from "./statistics.js";

const f = Math.fround;

export const uniformFields = z
  .strictObject({
    type: z.literal("uniform"),
    ...levelFields,
    scale: computable(
      [
        z.strictObject({ max_abs: over }),
        z.strictObject({ range: perOutput("the magnitude of the greatest integer") }),
        z.strictObject({ reciprocal: perOutput("what weights are multiplied by") }),
      ],
      '{"max_abs": "output" or "tensor"}: the greatest magnitude over the greatest integer, {"range": …}: the same of a stored magnitude (APQ), or {"reciprocal": …}: weights are multiplied by it before they are rounded (WRPN: 2^(bits − 1) − 1)',
    ),
    zero_point: numberOrTensor("the integer that stands for 0").default(0),
    rounding: roundingField,
  })
  .describe("(integer − zero point) · scale");

const MOST_BITS = 8;
const bitsText = `2 to ${MOST_BITS} bits`;

export const dorefaFields = z
  .strictObject({
    type: z.literal("dorefa"),
    bits: wholeNumber(2, MOST_BITS, `${bitsText}; for one bit use sign with {"mean_abs": "tensor"}`),
  })
  .describe(
    "2 · round(n · (tanh(w) / (2 · max |tanh(w)|) + ½)) / n − 1 with n = 2^bits − 1, rounded half to even, the maximum over all weights",
  );

export const betweenFields = z
  .strictObject({
    type: z.literal("between"),
    bits: wholeNumber(1, MOST_BITS, `1 to ${MOST_BITS} bits`),
    low: perOutput("the least level"),
    high: perOutput("the greatest level"),
    rounding: roundingField,
  })
  .describe(
    "2^bits levels from low to high (DSQ): low + step · round((w − low) / step); integers where low is a multiple of the step, or of half of it",
  );

const exponentsText = "[least, greatest] exponent, whole numbers from −126 to 127";
const exponent = wholeNumber(-126, 127, exponentsText);

export const powerFields = z
  .strictObject({
    type: z.literal("powers_of_two"),
    bits: wholeNumber(
      2,
      MOST_BITS,
      `${bitsText}; the greatest exponent follows from the greatest weight (INQ)`,
    ).optional(),
    exponents: z.tuple([exponent, exponent], { error: exponentsText }).describe(exponentsText).optional(),
  })
  .describe(
    "0 and ±2^n with the least and the greatest n of exponents, or of bits: ⌊log2(4/3 · max |w|)⌋ and 2^(bits − 2) − 1 below (INQ). Magnitudes from half of the least power, then from three quarters of each power on, become it",
  );

/** The graph's uniform quantizer on each weight: divide (or multiply), add the zero point, clamp, round. */
export function uniform(
  quantizer: z.output<typeof uniformFields>,
  weights: FloatTensor,
  tensors: Tensors,
): FloatConstant {
  const { qmin, qmax } = levelsOf(quantizer);
  const { scale, unit } = scaleOf(quantizer, qmax, weights, tensors);
  const zeros = numbers(quantizer.zero_point, weights, tensors, "zero point");
  const zero = scale.findIndex((s) => s === 0 || !Number.isFinite(s));
  if (zero >= 0)
    throw new Rejection(`scale ${zero} of its weights is ${scale[zero]}`, "use scales that are not 0");
  if (!zeros.every(Number.isInteger))
    throw new Rejection("its zero point is no whole number", "round the zero points as training did");
  const integers = wholeNumbers(quantizer.rounding, qmin, qmax);
  const size = sizeOf(weights);
  const codes = Int32Array.from(weights.data, (x, i) => {
    const output = Math.floor(i / size);
    return integers(unit(x, output), zeros[output % zeros.length]!);
  });
  return withCodes(weights, codes, scale);
}

interface Scale {
  readonly scale: Float32Array;
  /** A weight of an output in steps of the scale. */
  readonly unit: (x: number, output: number) => number;
}

function scaleOf(
  { scale: given }: z.output<typeof uniformFields>,
  qmax: number,
  weights: FloatTensor,
  tensors: Tensors,
): Scale {
  if (typeof given === "object" && "reciprocal" in given) {
    const factors = numbers(given.reciprocal, weights, tensors, "reciprocal");
    const unit = (x: number, output: number): number => f(x * factors[output % factors.length]!);
    return { scale: factors.map((n) => 1 / n), unit };
  }
  const scale = dividing(given, qmax, weights, tensors);
  return { scale, unit: (x, output) => f(x / scale[output % scale.length]!) };
}

function dividing(
  given: Exclude<z.output<typeof uniformFields>["scale"], { readonly reciprocal: unknown }>,
  qmax: number,
  weights: FloatTensor,
  tensors: Tensors,
): Float32Array {
  if (typeof given !== "object") return numbers(given, weights, tensors, "scale");
  const greatest =
    "range" in given
      ? numbers(given.range, weights, tensors, "range")
      : greatestMagnitudes(weights, given.max_abs);
  return greatest.map((m) => m / qmax);
}

/** What `quantize` is given beside its quantizer. */
const one: FloatTensor = { shape: [], data: Float32Array.of(1) };

/** Adds a zero point, clamps and rounds; the result is less the zero point. */
function wholeNumbers(
  rounding: UniformQuantizer["rounding"],
  qmin: number,
  qmax: number,
): (x: number, zeroPoint: number) => number {
  const unit: UniformQuantizer = { kind: "uniform", scale: one, zeroPoint: one, qmin, qmax, rounding };
  return (x, zeroPoint) => quantize(unit, x, 1, zeroPoint);
}

/** DoReFa-Net's weights of several bits: odd integers times 1 / n. */
export function dorefa({ bits }: z.output<typeof dorefaFields>, weights: FloatTensor): FloatConstant {
  const n = 2 ** bits - 1;
  const limited = weights.data.map((x) => Math.tanh(x));
  const most = limited.reduce((greatest, x) => Math.max(greatest, Math.abs(x)), 0);
  if (most === 0) throw new Rejection("all its weights are 0", "save the trained weights");
  const integers = wholeNumbers("half-even", 0, n);
  const codes = Int32Array.from(limited, (x) => 2 * integers(f(f(f(x / f(2 * most)) + 0.5) * n), 0) - n);
  return withCodes(weights, codes, Float32Array.of(1 / n));
}

/** Levels from `low` to `high`. Bounds whose middle is 0 make odd integers of half steps. */
export function between(
  { bits, rounding, ...bounds }: z.output<typeof betweenFields>,
  weights: FloatTensor,
  tensors: Tensors,
): FloatConstant {
  const n = 2 ** bits - 1;
  const [low, high] = boundsOf(bounds, weights, tensors);
  const steps = low.map((l, i) => f(high[i]! - l) / n);
  const odd = steps.findIndex((step) => !(step > 0 && Number.isFinite(step)));
  if (odd >= 0)
    throw new Rejection(
      `its levels reach from ${low[odd]} to ${high[odd]}`,
      "give low and high as training left them: low is below high",
    );
  const integers = wholeNumbers(rounding, 0, n);
  const size = sizeOf(weights);
  const at = (list: Float32Array, i: number): number => list[Math.floor(i / size) % list.length]!;
  const counts = weights.data.map((x, i) => integers(f(f(x - at(low, i)) / at(steps, i)), 0));
  if (low.every((l, i) => l === -high[i]!)) {
    const codes = Int32Array.from(counts, (q) => 2 * q - n);
    return withCodes(
      weights,
      codes,
      steps.map((step) => step / 2),
    );
  }
  const zeros = low.map((l, i) => Math.round(l / steps[i]!));
  if (zeros.every((zero, i) => f(zero * steps[i]!) === low[i]))
    return withCodes(
      weights,
      Int32Array.from(counts, (q, i) => q + at(zeros, i)),
      steps,
    );
  const values = counts.map((q, i) => f(q * at(steps, i)) + at(low, i));
  checkFinite(values);
  return floatConstant(weights.shape, values);
}

/** Both bounds, of one length. */
function boundsOf(
  { low, high }: Pick<z.output<typeof betweenFields>, "low" | "high">,
  weights: FloatTensor,
  tensors: Tensors,
): [Float32Array, Float32Array] {
  const bounds = [numbers(low, weights, tensors, "low"), numbers(high, weights, tensors, "high")] as const;
  const length = Math.max(...bounds.map((b) => b.length));
  const [lows, highs] = bounds.map((b) => Float32Array.from({ length }, (_, i) => b[i % b.length]!));
  return [lows!, highs!];
}

/** Incremental Network Quantization's levels: the codes are powers of two, the scale is the least one. */
export function powersOfTwo(quantizer: z.output<typeof powerFields>, weights: FloatTensor): FloatConstant {
  const [least, greatest] = exponentsOf(quantizer, weights);
  if (greatest - least > MOST_EXPONENTS)
    throw new Rejection(
      `its exponents reach from ${least} to ${greatest}`,
      `use exponents at most ${MOST_EXPONENTS} apart`,
    );
  const codes = mapWeights(weights, Float32Array.of(2 ** least), (x, smallest) => {
    const magnitude = Math.abs(x) / smallest;
    if (magnitude < 0.5) return 0;
    // Three quarters of a power lie in the middle between it and the one before.
    const power = Math.max(0, Math.floor(Math.log2((magnitude * 4) / 3)));
    return Math.sign(x) * 2 ** Math.min(power, greatest - least);
  });
  return withCodes(weights, Int32Array.from(codes), Float32Array.of(2 ** least));
}

/** Codes of layers have 16 bits at most. */
const MOST_EXPONENTS = 14;

function exponentsOf(
  { bits, exponents }: z.output<typeof powerFields>,
  weights: FloatTensor,
): readonly [number, number] {
  if ((bits === undefined) === (exponents === undefined))
    throw new Rejection(
      bits === undefined ? "it says neither bits nor exponents" : "it has both bits and exponents",
      'give "bits" for latent weights, "exponents": [least, greatest] for weights that are powers of two already',
    );
  if (exponents !== undefined) {
    if (exponents[0] <= exponents[1]) return exponents;
    throw new Rejection(`its exponents are ${exponents[0]} and ${exponents[1]}`, "the least one comes first");
  }
  const [most] = greatestMagnitudes(weights, "tensor");
  if (most === 0) throw new Rejection("all its weights are 0", "save the trained weights");
  const greatest = Math.floor(Math.log2((4 * most!) / 3));
  return [greatest + 1 - 2 ** (bits! - 2), greatest];
}
