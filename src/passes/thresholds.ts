/**
 * Turns a chain of float operations that ends in a quantizer into integer thresholds per channel.
 *
 * Every step is a correctly rounded monotone function, so their composition is monotone, and the least
 * integer that reaches a code is found by bisection with the framework's own float32 order: ties and
 * rounding come out as the framework decides them. No formula is inverted.
 */
import type { Diagnostics } from "../diagnostics/diagnostic.js";
import type { Quantizer } from "../graph/types.js";
import {
  applyChain,
  applyScale,
  type ChainStep,
  chainDirection,
  codeDirection,
  quantizerCode,
  quantizerLevels,
  type Round,
} from "./chain.js";
import { firstWhere } from "./search.js";

/** The function from a real number to the code that is stored for it. */
export interface Coder {
  /** The greatest code. */
  readonly levels: number;
  /** Whether codes rise or fall with the number. */
  readonly direction: 1 | -1;
  code(x: number, channel: number, round: Round): number;
}

/** A quantizer's own codes, counted from 0, or others in their stead, in the same order or turned round. */
export function coderOf(quantizer: Quantizer, codes?: readonly number[]): Coder {
  const own = quantizerLevels(quantizer);
  const rising = codeDirection(quantizer) > 0;
  const turned = codes !== undefined && codes[0]! > codes[own]!;
  return {
    levels: codes === undefined ? own : Math.max(...codes),
    direction: rising === turned ? -1 : 1,
    code(x, channel, round) {
      const code = quantizerCode(quantizer, x, channel, round);
      return codes === undefined ? code : codes[code]!;
    },
  };
}

/** What stands before the chain: stored keys and the real number that each key stands for. */
export interface KeySource {
  /** Rows of thresholds to make: 1 if all channels share them. */
  readonly rows: number;
  /** Inclusive range of keys that can occur on a channel. */
  range(channel: number): readonly [low: number, high: number];
  /** The float32 that the chain sees for a key. */
  valueOf(key: number): number;
  /**
   * Where keys beyond the range can occur too: the thresholds that every (no) key reaches, so that they are
   * decided as the ends of the range are.
   */
  readonly beyond?: { readonly always: number; readonly never: number };
}

export interface ThresholdTable {
  readonly levels: number;
  /** [rows × levels], ascending in each row. */
  readonly thresholds: Int32Array;
  readonly flipped: Uint8Array;
}

export function findThresholds(
  source: KeySource,
  steps: readonly ChainStep[],
  coder: Coder,
  where: string,
  diagnostics: Diagnostics,
): ThresholdTable {
  const { levels } = coder;
  const thresholds = new Int32Array(source.rows * levels);
  const flipped = new Uint8Array(source.rows);
  for (let channel = 0; channel < source.rows; channel++) {
    const [low, high] = source.range(channel);
    const direction = chainDirection(steps, channel);
    if (direction === undefined || !finiteAtEnds(source, steps, channel)) {
      diagnostics.error("lowering/not-monotone", describeProblem(direction), {
        where,
        remedy: "thresholds need a chain that only rises or only falls; check the constants of these nodes",
      });
      break;
    }
    const falls = direction * coder.direction < 0;
    const code = (key: number): number => channelCode(source, steps, coder, channel, key, Math.fround);
    for (let level = 1; level <= levels; level++) {
      const reaches = falls
        ? (key: number) => levels - code(key) >= level
        : (key: number) => code(key) >= level;
      const found = firstWhere(low, high, reaches);
      const { always, never } = source.beyond ?? { always: low, never: high + 1 };
      thresholds[channel * levels + level - 1] = found === low ? always : found > high ? never : found;
    }
    flipped[channel] = falls ? 1 : 0;
  }
  return { levels, thresholds, flipped };
}

/**
 * Counts decisions that the framework's float32 sum could take otherwise: a boundary (in exact arithmetic)
 * that lies within `uncertainty(channel)`, in accumulator units, of an integer that the sum can reach.
 */
export function countNearTies(
  source: KeySource,
  steps: readonly ChainStep[],
  coder: Coder,
  table: ThresholdTable,
  uncertainty: (channel: number) => number,
): number {
  const exact: Round = (x) => x;
  let count = 0;
  for (let channel = 0; channel < source.rows; channel++) {
    const delta = uncertainty(channel);
    if (delta === 0) continue;
    const [low, high] = source.range(channel);
    const decide = (x: number): number => channelCode(source, steps, coder, channel, x, exact);
    for (let j = 0; j < table.levels; j++) {
      const threshold = table.thresholds[channel * table.levels + j]!;
      if (threshold <= low || threshold > high) continue;
      const sure =
        decide(threshold - delta) === decide(threshold) &&
        decide(threshold - 1 + delta) === decide(threshold - 1);
      if (!sure) count++;
    }
  }
  return count;
}

function channelCode(
  source: KeySource,
  steps: readonly ChainStep[],
  coder: Coder,
  channel: number,
  key: number,
  round: Round,
): number {
  return coder.code(applyChain(steps, source.valueOf(key), channel, round), channel, round);
}

/** Finite at both ends of the range means finite between them, since every step is monotone. */
function finiteAtEnds(source: KeySource, steps: readonly ChainStep[], channel: number): boolean {
  return source.range(channel).every((end) => {
    let x = source.valueOf(end);
    for (const step of steps) {
      x =
        step.kind === "scale"
          ? applyScale(step.step, x, channel, Math.fround)
          : applyChain([step], x, channel, Math.fround);
      // An overflow to infinity still compares correctly; only NaN would lose the order.
      if (Number.isNaN(x)) return false;
    }
    return true;
  });
}

function describeProblem(direction: number | undefined): string {
  return direction === undefined
    ? "the operations before this quantizer divide by zero or by the running value, so they are not monotone"
    : "the operations before this quantizer overflow to NaN within the range of the sums";
}
