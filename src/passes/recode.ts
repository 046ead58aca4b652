/** Codes for what follows a quantizer: sign, then a subtraction or a relu, is still a low-bit number. */
import type { Quantizer } from "../graph/types.js";
import { applyChain, commonDirection, orderOf, quantizerLevels, quantizerScale } from "./chain.js";
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

/** As `affineRecoding`, of any numbers in the quantizer's order: `fround(factor · integer)` of at most so many bits. */
export function levelRecoding(
  values: ArrayLike<number>,
  after: readonly Step[],
  mostBits: number,
): Recoded | undefined {
  if (!isPerTensor(after)) return undefined;
  const steps = after.filter(isChainStep);
  const last = Array.from(values, (v) => applyChain(steps, v, 0, Math.fround));
  const grid = integerGrid(last);
  if (grid === undefined) return undefined;
  const { factor, integers } = grid;
  const offset = Math.min(...integers);
  const step = integers.reduce((divisor, n) => greatestCommonDivisor(divisor, n - offset), 0);
  const codes = integers.map((n) => (n - offset) / step);
  const levels = Math.max(...codes);
  const byValue = Array.from(values, (v, i) => [v, codes[i]!] as const).sort((a, b) => a[0] - b[0]);
  const direction = orderOf(byValue.map(([, code]) => code));
  const isMoved = direction !== undefined || after.every(isChainStep);
  // Bytes are stored without a step.
  const isStored = levels < 2 ** mostBits && (step === 1 || levels < 2 ** MAX_PLANES);
  if (step === 0 || !isStored || !isMoved) return undefined;
  const key = `${factor} ${step} ${offset} ${codes.join(" ")}`;
  return { recoding: { key, step, offset, codes, levels, direction: direction ?? 1 }, factor };
}

/** Of how many parts the least magnitude may be, to divide all others. */
const MOST_PARTS = 4;

function integerGrid(
  values: readonly number[],
): { readonly factor: number; readonly integers: readonly number[] } | undefined {
  const least = Math.min(...values.map(Math.abs).filter((m) => m > 0));
  for (let parts = 1; parts <= MOST_PARTS && least < Infinity; parts++) {
    const factor = Math.fround(least / parts);
    const integers = values.map((v) => Math.round(v / factor));
    if (integers.every((n, i) => Math.abs(n) < 2 ** 15 && Math.fround(n * factor) === values[i]))
      return { factor, integers: integers.map((n) => n + 0) };
  }
  return undefined;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

/** Whether operations are the same on all channels, and pools among them move behind those that follow. */
function isPerTensor(after: readonly Step[]): boolean {
  if (after.some((s) => s.kind === "scale" && s.step.operand.length > 1)) return false;
  return after.every(
    (s, i) => isChainStep(s) || commonDirection(after.slice(0, i).filter(isChainStep), 1) !== undefined,
  );
}

/**
 * Steps per tensor after a quantizer, as codes of other values: the numbers that come out must be exactly
 * `factor · (step · code + offset)` and keep or turn round the order. Undefined where they are not.
 */
export function affineRecoding(quantizer: Quantizer, after: readonly Step[]): Recoded | undefined {
  if (!isPerTensor(after)) return undefined;
  const steps = after.filter(isChainStep);
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
    const direction = codes.at(-1)! < codes[0]! === scale > 0 ? -1 : 1;
    const key = `${m} ${n} ${codes.join(" ")}`;
    return { recoding: { key, step: m, offset: n, codes, levels, direction }, factor };
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
