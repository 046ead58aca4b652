/** Codes for what follows a quantizer: sign, then a subtraction or a relu, is still a low-bit number. */
import type { Quantizer } from "../graph/types.js";
import { applyChain, quantizerLevels } from "./chain.js";
import { MAX_PLANES, naturalAffine, type Recoding } from "./lower-codes.js";
import { isChainStep, type Step } from "./values.js";

/** Offsets between levels are looked for among fractions of the distance with denominators up to this. */
const MAX_STEP = 64;

export interface Recoded {
  readonly recoding: Recoding;
  readonly factor: number;
}

/**
 * Steps per tensor after a quantizer, as codes of other values: the numbers that come out must be exactly
 * `factor · (step · code + offset)`. Undefined where they are not.
 */
export function affineRecoding(quantizer: Quantizer, after: readonly Step[]): Recoded | undefined {
  const steps = after.filter(isChainStep);
  if (steps.length < after.length) return undefined;
  if (steps.some((s) => s.kind === "scale" && s.step.operand.length > 1)) return undefined;
  const levels = quantizerLevels(quantizer);
  const { step, offset } = naturalAffine(quantizer);
  const scale = quantizer.scale.data[0]!;
  const values = Array.from({ length: levels + 1 }, (_, code) =>
    applyChain(steps, Math.fround((step * code + offset) * scale), 0, Math.fround),
  );
  const turned = values[levels]! < values[0]!;
  if (turned) values.reverse();
  const distance = values[1]! - values[0]!;
  if (!(distance > 0) || !values.every((v, code) => v === values[0]! + code * distance)) return undefined;
  for (let m = 1; m <= MAX_STEP; m++) {
    const n = (values[0]! / distance) * m;
    const factor = distance / m;
    if (!Number.isInteger(n) || Math.fround(factor) !== factor || factor * n !== values[0]) continue;
    // Bytes are stored without a step.
    if (m > 1 && levels >= 2 ** MAX_PLANES) return undefined;
    return { recoding: { key: `${m} ${n} ${turned}`, step: m, offset: n, turned }, factor };
  }
  return undefined;
}
