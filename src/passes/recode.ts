/** Codes for what follows a quantizer: sign, then a subtraction or a relu, is still a low-bit number. */
import type { Quantizer } from "../graph/types.js";
import { applyChain, commonDirection, quantizerLevels, quantizerScale } from "./chain.js";
import { MAX_PLANES, naturalAffine, type Recoding } from "./lower-codes.js";
import { isChainStep, type Step } from "./values.js";

/** Levels are looked for on grids whose distance is a fraction of the codes' with denominators up to this. */
const MAX_STEP = 64;
/** Codes of more levels than a byte has do not exist. */
const MAX_LEVELS = 255;

export interface Recoded {
  readonly recoding: Recoding;
  readonly factor: number;
}

/**
 * Steps per tensor after a quantizer, as codes of other values: the numbers that come out must be exactly
 * `factor · (step · code + offset)` and keep or turn round the order. Undefined where they are not.
 */
export function affineRecoding(quantizer: Quantizer, after: readonly Step[]): Recoded | undefined {
  const steps = after.filter(isChainStep);
  if (steps.some((s) => s.kind === "scale" && s.step.operand.length > 1)) return undefined;
  const poolsMove = after.every(
    (s, i) => isChainStep(s) || commonDirection(after.slice(0, i).filter(isChainStep), 1) !== undefined,
  );
  if (!poolsMove) return undefined;
  const { step, offset } = naturalAffine(quantizer);
  const scale = quantizerScale(quantizer);
  const values = Array.from({ length: quantizerLevels(quantizer) + 1 }, (_, code) =>
    applyChain(steps, Math.fround((step * code + offset) * scale), 0, Math.fround),
  );
  const grid = gridOf(values);
  if (grid === undefined) return undefined;
  const { least, distance, codes } = grid;
  const levels = Math.max(...codes);
  for (let m = 1; m <= MAX_STEP; m++) {
    const n = (least / distance) * m;
    const factor = distance / m;
    if (!Number.isInteger(n) || Math.fround(factor) !== factor || factor * n !== least) continue;
    // Bytes are stored without a step.
    if (m > 1 && levels >= 2 ** MAX_PLANES) return undefined;
    return { recoding: { key: `${m} ${n} ${codes.join(" ")}`, step: m, offset: n, codes, levels }, factor };
  }
  return undefined;
}

/** Rising or falling numbers as `least + distance · code`, exactly. */
function gridOf(
  values: readonly number[],
): { readonly least: number; readonly distance: number; readonly codes: readonly number[] } | undefined {
  const gaps = values.slice(1).map((v, i) => v - values[i]!);
  const isOrdered = gaps.every((g) => g >= 0) || gaps.every((g) => g <= 0);
  const least = Math.min(...values);
  const distance = Math.min(...gaps.map(Math.abs).filter((g) => g > 0));
  const codes = values.map((v) => (v - least) / distance);
  const fits = codes.every(
    (c, i) => Number.isInteger(c) && c <= MAX_LEVELS && least + c * distance === values[i],
  );
  return isOrdered && fits && distance < Infinity ? { least, distance, codes } : undefined;
}
