/** Thresholds on scaled integers as thresholds on the integers. */
import type { Range } from "../program/ranges.js";
import type { Instruction, ScaleStep } from "../program/types.js";
import { applyChain, applyScale, type ChainStep, chainDirection } from "./chain.js";
import { floatToKey } from "./input-keys.js";
import { firstWhere } from "./search.js";

type Threshold = Extract<Instruction, { kind: "threshold" }>;

/** Rows of more thresholds are not multiplied by the number of channels. */
const MOST_LEVELS = 15;

/**
 * The threshold that gives the same codes on integers of this range as the given one gives on `scaled` float32: for
 * each row the integer at which the key reaches a threshold, found by trying the steps, which only rise or only
 * fall. Undefined where that is not known of them.
 */
export function thresholdsBefore(
  threshold: Threshold,
  steps: readonly ScaleStep[],
  range: Range,
  channels: number,
): Threshold | undefined {
  const { levels } = threshold;
  const differs = steps.some(({ operand }) => operand.length > 1);
  const isShared = threshold.flipped.length === 1;
  if (isShared && differs && levels > MOST_LEVELS) return undefined;
  const rows = isShared && !differs ? 1 : channels;
  const thresholds = new Int32Array(rows * levels);
  const flipped = new Uint8Array(rows);
  for (let row = 0; row < rows; row++) {
    const own = isShared ? 0 : row;
    const found = rowBefore(
      threshold.thresholds.subarray(own * levels, (own + 1) * levels),
      steps,
      range,
      row,
    );
    if (found === undefined) return undefined;
    thresholds.set(found.row, row * levels);
    flipped[row] = threshold.flipped[own]! ^ (found.falls ? 1 : 0);
  }
  return { ...threshold, thresholds, flipped };
}

function rowBefore(
  keys: Int32Array,
  steps: readonly ScaleStep[],
  range: Range,
  channel: number,
): { readonly row: Int32Array; readonly falls: boolean } | undefined {
  const direction = scaleDirection(steps, range, channel);
  if (direction === undefined) return undefined;
  // The key 0 tells +0 from −0, whose order not all steps keep.
  if (keys.includes(0) && steps.some((s) => mixesZeros(s, channel))) return undefined;
  const chain = chainOf(steps);
  const falls = direction < 0;
  const row = keys.map((key) => {
    const reaches = (x: number): boolean =>
      floatToKey(applyChain(chain, Math.fround(x), channel, Math.fround)) >= key;
    return firstWhere(range.low, range.high, (x) => reaches(x) !== falls);
  });
  return { row: falls ? row.reverse() : row, falls };
}

/**
 * Whether a channel's scaled numbers rise (1) or fall (−1) with integers of this range; undefined where they may do both,
 * or leave float32. Steps that differ between positions have no direction.
 */
export function scaleDirection(
  steps: readonly ScaleStep[],
  { low, high }: Range,
  channel: number,
): 1 | -1 | undefined {
  if (high >= 2 ** 31 - 1 || steps.some((s) => s.extent !== undefined)) return undefined;
  const direction = chainDirection(chainOf(steps), channel);
  if (direction === undefined || ![low, high].every((end) => staysFinite(steps, end, channel)))
    return undefined;
  return direction < 0 ? -1 : 1;
}

function staysFinite(steps: readonly ScaleStep[], end: number, channel: number): boolean {
  let y = Math.fround(end);
  for (const step of steps) {
    y = applyScale(step, y, channel, Math.fround);
    if (!Number.isFinite(y)) return false;
  }
  return true;
}

/** Whether a step can make +0 of a number below one that it makes −0. */
export function mixesZeros({ operator, operand }: ScaleStep, channel: number): boolean {
  const c = operand.length > 1 ? operand[channel] : operand[0];
  return c === 0 && !["add", "subtract", "subtract-from", "prelu"].includes(operator);
}

function chainOf(steps: readonly ScaleStep[]): readonly ChainStep[] {
  return steps.map((step) => ({ kind: "scale", step, node: "" }));
}
