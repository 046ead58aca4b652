import type { CountingQuantizer, Quantizer, Rounding, ScaledQuantizer, UniformQuantizer } from "./types.js";

/**
 * A quantizer as QONNX executes it on numpy float32 arrays (operators BipolarQuant and Quant, files
 * bipolar_quant.py and intquant.py of qonnx 1.0): divide, add the zero point, clamp, round, subtract,
 * multiply, each rounded to float32. Written from the operator's definition, apart from the passes that turn
 * quantizers into thresholds.
 */
export function quantize(quantizer: ScaledQuantizer, x: number, scale: number, zeroPoint: number): number {
  if (quantizer.kind === "bipolar") {
    const positive = x === 0 ? quantizer.signOfZero > 0 : x > 0;
    return positive ? scale : -scale;
  }
  const shifted = Math.fround(Math.fround(x / scale) + zeroPoint);
  const level = roundings[quantizer.rounding](clamp(quantizer, shifted));
  return Math.fround(Math.fround(level - zeroPoint) * scale);
}

function clamp({ qmin, qmax }: UniformQuantizer, x: number): number {
  if (x > qmax) return qmax;
  return x < qmin ? qmin : x;
}

export function isCounting(quantizer: Quantizer): quantizer is CountingQuantizer {
  return quantizer.kind === "thresholds" || quantizer.kind === "levels";
}

/** Rounds a float32 to an integer. The modes by half add or subtract 0.5 in float32, as numpy does. */
const roundings: Readonly<Record<Rounding, (x: number) => number>> = {
  "half-even": halfEven,
  "half-up": (x) => signOf(x) * Math.floor(Math.fround(Math.abs(x) + 0.5)),
  "half-down": (x) => signOf(x) * Math.ceil(Math.fround(Math.abs(x) - 0.5)),
  "half-away": (x) => signOf(x) * Math.floor(Math.abs(x) + 0.5),
  "toward-zero": Math.trunc,
  "away-from-zero": (x) => signOf(x) * Math.ceil(Math.abs(x)),
  floor: Math.floor,
  ceil: Math.ceil,
};

/** Computed on the magnitude, so that the sign of a zero stays as in IEEE 754's rint. */
function halfEven(x: number): number {
  const magnitude = Math.abs(x);
  const below = Math.floor(magnitude);
  const distance = magnitude - below;
  const isUp = distance > 0.5 || (distance === 0.5 && below % 2 === 1);
  const rounded = isUp ? below + 1 : below;
  return x < 0 || Object.is(x, -0) ? -rounded : rounded;
}

/** numpy's sign: ±1, or 0 for either zero. */
function signOf(x: number): number {
  if (x > 0) return 1;
  return x < 0 ? -1 : 0;
}
