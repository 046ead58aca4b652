/** QKeras' quantizers with fixed scales, for constants: qkeras 0.9, quantizers.py. */
import { printable } from "../../../diagnostics/text.js";
import { Rejection } from "../../common/rejection.js";
import type { Settings } from "../settings.js";
import type { Identifier } from "./identifier.js";
import { EPSILON, halfEven } from "./scale.js";

const f = Math.fround;

/** Integers, and one scale for all or one per output. The values are `fround(code · scale)`. */
export interface Codes {
  readonly codes: ArrayLike<number>;
  readonly scale: Float32Array;
}

/** The scale that a quantizer names: a number, computed from what it quantizes, or none. */
export function alphaOf(settings: Settings): number | "auto" | "auto_po2" | undefined {
  const alpha = settings.raw("alpha");
  if (alpha === undefined || alpha === "auto" || alpha === "auto_po2") return alpha;
  if (typeof alpha === "number" && Number.isFinite(alpha) && alpha > 0) return f(alpha);
  throw new Rejection(
    `its quantizer's alpha is ${printable(String(alpha), 20)}`,
    'use a positive number, None, "auto" or "auto_po2"',
  );
}

/** QKeras can blend quantized and float values during training; a model is deployed when the blend is over. */
export function checkNoNoise(settings: Settings): void {
  if (settings.number("qnoise_factor", 1) !== 1)
    throw new Rejection(
      "its quantizer's qnoise_factor is not 1",
      "finish the training schedule, then save the model",
    );
  if (settings.raw("scale_axis") !== undefined)
    throw new Rejection(
      "its quantizer has a scale_axis",
      "leave the scale on the output axis, QKeras' default",
    );
}

/** What `quantized_bits` makes of numbers when its scale is fixed. All parts are powers of two. */
export interface FixedPoint {
  readonly bits: number;
  readonly step: number;
  readonly least: number;
  readonly greatest: number;
  /** One bit with a sign: ±1, and +1 for 0. */
  readonly isSign: boolean;
}

export function fixedPoint(settings: Settings): FixedPoint {
  const bits = settings.integer("bits", 8);
  const integer = settings.integer("integer", 0);
  const keepNegative = settings.flag("keep_negative", true);
  const symmetric = settings.flag("symmetric", false);
  settings.raw("use_stochastic_rounding");
  checkNoNoise(settings);
  checkSizes(bits, integer);
  const unsigned = bits - (keepNegative ? 1 : 0);
  const m = 2 ** unsigned;
  return {
    bits,
    step: 2 ** (integer - unsigned),
    least: keepNegative ? -m + (symmetric ? 1 : 0) : 0,
    greatest: m - 1,
    isSign: unsigned === 0,
  };
}

/** Widths that float32 holds exactly. */
export function checkSizes(bits: number, integer: number): void {
  if (bits >= 1 && bits <= 24 && Math.abs(integer) <= 32) return;
  throw new Rejection(`its quantizer has ${bits} bits, ${integer} of them integer`, "use 1 to 8 bits");
}

/** `|x| ≥ threshold` keeps the sign; QKeras' default is 0.33. */
export function ternaryThreshold(settings: Settings): number {
  const threshold = f(settings.number("threshold", 0.33));
  for (const name of ["use_stochastic_rounding", "number_of_unrolls", "temperature", "use_real_sigmoid"])
    settings.raw(name);
  if (threshold > 2 ** -100 && threshold < 2 ** 100) return threshold;
  throw new Rejection(`its quantizer's threshold is ${threshold}`, "use a positive threshold");
}

/** Codes of a quantizer whose alpha is a number, or whose missing alpha means 1. */
export function fixedCodes({ name, settings }: Identifier, data: Float32Array): Codes {
  const alpha = alphaOf(settings) ?? 1;
  if (typeof alpha !== "number")
    throw new Rejection(
      `its quantizer's alpha is "${alpha}"`,
      "only kernels can have a scale that is computed from them",
    );
  const scale = Float32Array.of(alpha);
  if (name === "ternary" || name === "stochastic_ternary") {
    const threshold = ternaryThreshold(settings);
    return { codes: data.map((x) => (Math.abs(x) >= threshold ? Math.sign(x) : 0)), scale };
  }
  if (name === "quantized_bits") {
    const { step, least, greatest, isSign } = fixedPoint(settings);
    if (isSign) return { codes: data.map((x) => (x >= 0 ? 1 : -1)), scale };
    const code = (x: number): number => Math.min(Math.max(halfEven(f(x / step)), least), greatest);
    return { codes: data.map(code), scale: Float32Array.of(step * alpha) };
  }
  throw new Rejection(
    `its quantizer "${printable(name, 40)}" is not supported here`,
    "use quantized_bits, ternary or no quantizer",
  );
}

/**
 * Biases and the constants of a normalization after their quantizer, as floats. QKeras returns `x + (q − x)` in
 * float32, which is `q` but for a last bit; that is kept, since these numbers stay float.
 */
export function quantizeConstants(quantizer: Identifier | undefined, data: Float32Array): Float32Array {
  if (quantizer === undefined) return data;
  const { name, settings } = quantizer;
  const quantized = powersOfTwo(quantizer, data) ?? fixedValues(quantizer, data);
  settings.finish();
  if (name === "quantized_relu_po2") {
    const most = settings.optionalNumber("max_value") ?? Number.POSITIVE_INFINITY;
    return data.map((x, i) => straightThrough(x > most ? f(most) : Math.max(x, 0), quantized[i]!));
  }
  return data.map((x, i) => straightThrough(x, quantized[i]!));
}

function straightThrough(x: number, quantized: number): number {
  return f(x + f(quantized - x));
}

function fixedValues(quantizer: Identifier, data: Float32Array): Float32Array {
  const { codes, scale } = fixedCodes(quantizer, data);
  return Float32Array.from(data, (_, i) => codes[i]! * scale[0]!);
}

/** `quantized_po2` and `quantized_relu_po2`: the nearest power of two; undefined for other quantizers. */
export function powersOfTwo({ name, settings }: Identifier, data: Float32Array): Float32Array | undefined {
  if (name !== "quantized_po2" && name !== "quantized_relu_po2") return undefined;
  const isRelu = name === "quantized_relu_po2";
  const bits = settings.integer("bits", 8) - (isRelu ? 0 : 1);
  const most = settings.optionalNumber("max_value");
  const isEven = settings.flag("quadratic_approximation", false);
  const isFloor = settings.text("log2_rounding", "rnd") === "floor";
  settings.raw("use_stochastic_rounding");
  checkNoNoise(settings);
  if (bits < 1 || bits > 8) throw new Rejection(`its quantizer has ${bits} bits`, "use 2 to 8 bits");
  if (isRelu && settings.number("negative_slope", 0) !== 0)
    throw new Rejection("its quantizer has a negative slope", "use quantized_relu_po2 without one");
  // A sign of the exponent takes one bit, unless only numbers up to 1 occur.
  const exponentBits = bits - (most === undefined || most > 1 ? 1 : 0);
  const largest = 2 ** exponentBits - 1;
  const range = { least: -(2 ** exponentBits), greatest: isEven ? 2 * Math.floor(largest / 2) : largest };
  const exponent = (x: number): number => powerExponent(x, most, range, isEven, isFloor);
  if (isRelu) return data.map((x) => 2 ** exponent(Math.max(x, 0)));
  return data.map((x) => (x >= 0 ? 1 : -1) * 2 ** exponent(Math.abs(x)));
}

/** `_clip_power_of_two`: below epsilon the least exponent; the root's exponent twice where it must be even. */
function powerExponent(
  x: number,
  most: number | undefined,
  { least, greatest }: { readonly least: number; readonly greatest: number },
  isEven: boolean,
  isFloor: boolean,
): number {
  if (x < EPSILON) return least;
  const clipped = most !== undefined && x >= most ? f(most) : x;
  const log2 = f(f(Math.log(isEven ? f(Math.sqrt(clipped)) : clipped)) / f(Math.log(2)));
  const rounded = isFloor ? Math.floor(log2) : halfEven(log2);
  return (isEven ? 2 : 1) * Math.min(Math.max(rounded, least), greatest);
}
