import type { ScaleStep } from "../program/types.js";
import { applyScale } from "./chain.js";

/** Ranges wider than this are not walked; the argmax is then taken over the float scores. */
const WALK_LIMIT = 1 << 20;

/**
 * Whether the greatest integer score is always the greatest float score, ties included: the float function
 * must be the same on all channels and strictly increasing over every integer that can occur.
 */
export function integerArgmaxIsExact(
  steps: readonly ScaleStep[],
  ranges: readonly (readonly [low: number, high: number])[],
): boolean {
  const shared = steps.every(({ operand }) => operand.every((c) => c === operand[0]));
  const low = Math.min(...ranges.map(([l]) => l));
  const high = Math.max(...ranges.map(([, h]) => h));
  if (!shared || high - low > WALK_LIMIT) return false;
  let previous = Number.NEGATIVE_INFINITY;
  for (let score = low; score <= high; score++) {
    let x = Math.fround(score);
    for (const step of steps) x = applyScale(step, x, 0, Math.fround);
    if (!(x > previous)) return false;
    previous = x;
  }
  return true;
}
