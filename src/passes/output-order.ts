/**
 * How the greatest output can be found without float arithmetic. The model compares float outputs, one float
 * function of the integer score per channel; bitloom looks for integer functions with the same order and
 * proves it on every score that can occur.
 */
import type { OutputOrder, ScaleStep } from "../program/types.js";
import { applyScale } from "./chain.js";

/** Scores that can occur on a channel: low, low + stride, …, high. */
export interface ScoreRange {
  readonly low: number;
  readonly high: number;
  readonly stride: number;
}

/** More possible scores than this are not walked; the order is then decided by the float outputs. */
const WALK_LIMIT = 1 << 20;
/** Integer scores and ranks stay below this in magnitude, with room to spare in 32 bits. */
const RANK_LIMIT = 2 ** 30;

interface Point {
  readonly channel: number;
  readonly score: number;
  readonly real: number;
}

export function outputOrder(steps: readonly ScaleStep[], ranges: readonly ScoreRange[]): OutputOrder {
  const count = ranges.reduce((sum, r) => sum + (r.high - r.low) / r.stride + 1, 0);
  if (count > WALK_LIMIT) return { kind: "float" };
  const points = ranges.flatMap((range, channel) => pointsOf(steps, range, channel));
  points.sort((a, b) => a.real - b.real);
  if (keepsOrder(points, (p) => p.score)) return { kind: "scores" };
  const ranks = affineRanks(steps, points, ranges);
  if (ranks === undefined) return { kind: "float" };
  repair(points, ranks);
  return keepsOrder(points, (p) => rankOf(ranks, p)) ? { kind: "ranks", ...ranks } : { kind: "float" };
}

interface Ranks {
  readonly slope: Int32Array;
  readonly offset: Int32Array;
}

function rankOf({ slope, offset }: Ranks, { channel, score }: Point): number {
  return slope[channel]! * score + offset[channel]!;
}

function pointsOf(steps: readonly ScaleStep[], { low, high, stride }: ScoreRange, channel: number): Point[] {
  const points: Point[] = [];
  for (let score = low; score <= high; score += stride) {
    let real = Math.fround(score);
    for (const step of steps) real = applyScale(step, real, channel, Math.fround);
    points.push({ channel, score, real });
  }
  return points;
}

/** Whether the integers rise with the sorted real numbers, and are equal exactly where those are. */
function keepsOrder(points: readonly Point[], integer: (p: Point) => number): boolean {
  for (let i = 1; i < points.length; i++) {
    const before = points[i - 1]!;
    const after = points[i]!;
    const difference = integer(after) - integer(before);
    if (!(after.real === before.real ? difference === 0 : after.real > before.real && difference > 0))
      return false;
  }
  return true;
}

/**
 * Straight lines through the ends of each channel's function in exact arithmetic, scaled to use the
 * integers' range.
 */
function affineRanks(
  steps: readonly ScaleStep[],
  points: readonly Point[],
  ranges: readonly ScoreRange[],
): Ranks | undefined {
  const exact = (score: number, channel: number): number =>
    steps.reduce((x, step) => applyScale(step, x, channel, (r) => r), score);
  const lines = ranges.map(({ low, high }, channel) => {
    const slope = high === low ? 0 : (exact(high, channel) - exact(low, channel)) / (high - low);
    return { slope, offset: exact(low, channel) - slope * low };
  });
  const magnitude = points.reduce((most, { channel, score }) => {
    const { slope, offset } = lines[channel]!;
    return Math.max(most, Math.abs(slope * score) + Math.abs(offset));
  }, 0);
  if (!(magnitude > 0) || !Number.isFinite(magnitude)) return undefined;
  const scale = 2 ** Math.floor(Math.log2(RANK_LIMIT / magnitude));
  return {
    slope: Int32Array.from(lines, (l) => Math.round(l.slope * scale)),
    offset: Int32Array.from(lines, (l) => Math.round(l.offset * scale)),
  };
}

/** Sweeps over the points in which offsets are nudged apart; a handful of near ties needs one or two. */
const SWEEPS = 50;

/**
 * Float rounding can turn the order of two values that are nearly equal; moving the two channels' offsets by
 * the little that is missing follows it. Whether that was enough is for `keepsOrder` to say.
 */
function repair(points: readonly Point[], ranks: Ranks): void {
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    let moved = false;
    for (let i = 1; i < points.length; i++) {
      const before = points[i - 1]!;
      const after = points[i]!;
      const difference = rankOf(ranks, after) - rankOf(ranks, before);
      if (difference > 0 || after.channel === before.channel || after.real === before.real) continue;
      const step = Math.ceil((1 - difference) / 2);
      ranks.offset[after.channel]! += step;
      ranks.offset[before.channel]! -= step;
      moved = true;
    }
    if (!moved) return;
  }
}
