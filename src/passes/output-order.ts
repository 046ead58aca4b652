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
  const ranks = affineRanks(points, ranges);
  if (ranks === undefined) return { kind: "float" };
  const { slope, offset } = ranks;
  const rank = (p: Point): number => slope[p.channel]! * p.score + offset[p.channel]!;
  return keepsOrder(points, rank) ? { kind: "ranks", slope, offset } : { kind: "float" };
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

/** Straight lines through the ends of each channel's real function, scaled to use the integers' range. */
function affineRanks(
  points: readonly Point[],
  ranges: readonly ScoreRange[],
): { slope: Int32Array; offset: Int32Array } | undefined {
  const ends = ranges.map((range, channel) => {
    const own = points.filter((p) => p.channel === channel);
    const at = (score: number): number => own.find((p) => p.score === score)!.real;
    const slope = range.high === range.low ? 0 : (at(range.high) - at(range.low)) / (range.high - range.low);
    return { slope, offset: at(range.low) - slope * range.low };
  });
  const magnitude = points.reduce((most, p) => {
    const { slope, offset } = ends[p.channel]!;
    return Math.max(most, Math.abs(slope * p.score) + Math.abs(offset));
  }, 0);
  if (!(magnitude > 0) || !Number.isFinite(magnitude)) return undefined;
  const scale = 2 ** Math.floor(Math.log2(RANK_LIMIT / magnitude));
  return {
    slope: Int32Array.from(ends, (e) => Math.round(e.slope * scale)),
    offset: Int32Array.from(ends, (e) => Math.round(e.offset * scale)),
  };
}
