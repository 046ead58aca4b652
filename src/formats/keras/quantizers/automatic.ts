/** QKeras' kernels whose scales are computed from the weights: alpha "auto" and "auto_po2". */
import type { FloatTensor } from "../../../graph/types.js";
import { Rejection } from "../../common/rejection.js";
import type { Identifier } from "./identifier.js";
import { type Codes, checkNoNoise, fixedPoint } from "./qkeras.js";
import { greatestMagnitudes, halfEven, leastSquares, nearestPowerOfTwo } from "./scale.js";

const f = Math.fround;
type Automatic = "auto" | "auto_po2";

/** Rounds in which QKeras fits a power of two in `quantized_bits`. */
const ROUNDS = 5;

/**
 * `quantized_bits` with an automatic scale: first the greatest magnitude over the levels; for a power of two codes and
 * least-squares scale in turn. The codes are those before the last scale, as in QKeras.
 */
export function automaticBits(
  { settings }: Identifier,
  kernel: FloatTensor,
  magnitudes: Float32Array,
  alpha: Automatic,
): Codes {
  const { bits } = fixedPoint(settings);
  const unit = 2 ** settings.integer("integer", 0);
  const most = 2 ** (bits - 1) - 1;
  if (most < 1)
    throw new Rejection(
      "its quantizer has one bit and an automatic alpha",
      "use binary(), or give alpha a number",
    );
  const scaled: FloatTensor = { shape: kernel.shape, data: kernel.data.map((x) => x / unit) };
  let scale: Float32Array = magnitudes.map((m) => f((m / unit) * 2) / (2 * most));
  if (alpha === "auto_po2") scale = scale.map(nearestPowerOfTwo);
  let codes: Float32Array = codesOf(scaled.data, scale, most);
  for (let round = 0; alpha === "auto_po2" && round < ROUNDS; round++) {
    codes = codesOf(scaled.data, scale, most);
    scale = leastSquares(scaled, codes, true);
  }
  return { codes, scale: scale.map((s) => s * unit) };
}

/** `sign(x) · min(floor(|x| / scale + ½), most)`; a channel of zeros has the scale 0 and no codes. */
function codesOf(data: Float32Array, scale: Float32Array, most: number): Float32Array {
  return data.map((x, i) => {
    const s = scale[i % scale.length]!;
    if (x === 0 || s === 0) return 0;
    const level = Math.floor(f(f(Math.abs(x) / s) + 0.5));
    return Math.sign(x) * Math.min(level, most);
  });
}

/** `ternary` with an automatic scale: 0 up to half a scale, which least squares then fits to the rest. */
export function automaticTernary({ settings }: Identifier, kernel: FloatTensor, alpha: Automatic): Codes {
  checkNoNoise(settings);
  const rounds = settings.integer("number_of_unrolls", ROUNDS);
  for (const name of ["use_stochastic_rounding", "temperature", "use_real_sigmoid"]) settings.raw(name);
  if (settings.raw("threshold") !== undefined)
    throw new Rejection(
      "its ternary quantizer has an automatic alpha and a threshold",
      "give alpha a number",
    );
  if (rounds < 1 || rounds > 100)
    throw new Rejection(`its quantizer has ${rounds} unrolls`, "use 5, the default");
  const isPowerOfTwo = alpha === "auto_po2";
  let scale: Float32Array = greatestMagnitudes(kernel).map((m) => f(2 * m) / 3);
  if (isPowerOfTwo) scale = scale.map(nearestPowerOfTwo);
  let codes: Float32Array = new Float32Array(kernel.data.length);
  for (let round = 0; round < rounds; round++) {
    const { length } = scale;
    codes = kernel.data.map((x, i) => {
      const s = scale[i % length]!;
      return s === 0 || halfEven(f(x / s)) === 0 ? 0 : Math.sign(x);
    });
    scale = leastSquares(kernel, codes, isPowerOfTwo);
  }
  return { codes, scale };
}
