import type { Quantizer, Rounding, UniformQuantizer } from "./types.js";

/**
 * A quantizer as QONNX executes it (operators BipolarQuant and Quant), float32 after every step. Written
 * from the operator's definition, apart from the passes that turn quantizers into thresholds.
 */
export function quantize(quantizer: Quantizer, x: number, scale: number, zeroPoint: number): number {
  if (quantizer.kind === "bipolar") {
    const positive = x === 0 ? quantizer.signOfZero > 0 : x > 0;
    return positive ? scale : Math.fround(-scale);
  }
  const clamped = clamp(quantizer, Math.fround(Math.fround(x / scale) + zeroPoint));
  const rounded = roundBy(quantizer.rounding, clamped);
  // Negative numbers that round to zero become −0, as in numpy.
  const level = rounded === 0 && clamped < 0 ? -0 : rounded;
  return Math.fround(Math.fround(level - zeroPoint) * scale);
}

function clamp({ qmin, qmax }: UniformQuantizer, x: number): number {
  if (x > qmax) return qmax;
  return x < qmin ? qmin : x;
}

/** Rounds to an integer; the mode's name says what happens to ties or to every fraction. */
function roundBy(mode: Rounding, x: number): number {
  const below = Math.floor(x);
  const distance = x - below;
  const nearest = distance < 0.5 ? below : below + 1;
  const isTie = distance === 0.5;
  if (mode === "floor") return below;
  if (mode === "ceil") return Math.ceil(x);
  if (mode === "toward-zero") return x < 0 ? Math.ceil(x) : below;
  if (mode === "away-from-zero") return x < 0 ? below : Math.ceil(x);
  if (!isTie) return nearest;
  if (mode === "half-even") return below % 2 === 0 ? below : below + 1;
  const outward = x < 0 ? below : below + 1;
  const inward = x < 0 ? below + 1 : below;
  return mode === "half-up" ? outward : inward;
}
