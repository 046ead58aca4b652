/**
 * What is known of a float32 value per channel: what it lies between, and how far a fixed-point number may be from it when
 * both come from the same integers. Float32's own roundings count as well.
 */
import type { ScaleStep } from "../../program/types.js";

export interface Bounds {
  readonly low: Float64Array;
  readonly high: Float64Array;
  readonly error: Float64Array;
}

/** Half a unit in the last place, relative; and what subnormal results lose. */
const ROUNDING = 2 ** -24;
const SUBNORMAL = 2 ** -149;

/** How far rounding to float32 moves a number of at most this magnitude. */
export function rounding(magnitude: number): number {
  return magnitude * ROUNDING + SUBNORMAL;
}

export function magnitude({ low, high }: Bounds, c: number): number {
  return Math.max(Math.abs(low[c]!), Math.abs(high[c]!));
}

/** The greatest magnitude of a fixed-point number that is as near to the value as its error says. */
export function reach(bounds: Bounds): number {
  return bounds.low.reduce((most, _, c) => Math.max(most, magnitude(bounds, c) + bounds.error[c]!), 0);
}

/** The same bounds on so many channels; integers that float32 may round. */
export function uniform(channels: number, low: number, high: number): Bounds {
  const lost = Math.max(Math.abs(low), Math.abs(high)) > 2 ** 24 ? rounding(Math.max(-low, high)) : 0;
  return {
    low: new Float64Array(channels).fill(low),
    high: new Float64Array(channels).fill(high),
    error: new Float64Array(channels).fill(lost),
  };
}

/** Bounds of as many channels, each from its number. */
export function boundsOf(
  channels: number,
  channel: (c: number) => readonly [low: number, high: number, error: number],
): Bounds {
  const bounds = uniform(channels, 0, 0);
  for (let c = 0; c < channels; c++)
    [bounds.low[c], bounds.high[c], bounds.error[c]] = channel(c) as [number, number, number];
  return bounds;
}

/** Channels of bounds in another order. */
export function picked(bounds: Bounds, channels: ArrayLike<number>): Bounds {
  return boundsOf(channels.length, (c) => {
    const from = channels[c]!;
    return [bounds.low[from]!, bounds.high[from]!, bounds.error[from]!];
  });
}

/** Whether fixed point can hold such numbers at all. */
export function isHeld(bounds: Bounds): boolean {
  return reach(bounds) < 2 ** 100;
}

/** Bounds after one operation of a `scale`; its operand is one number or one per channel. */
export function afterStep(bounds: Bounds, { operator, operand }: ScaleStep): Bounds {
  return boundsOf(bounds.low.length, (c) => {
    const value = operand.length === 1 ? operand[0]! : (operand[c] ?? 0);
    const [low, high, slope, isExact] = image(operator, bounds.low[c]!, bounds.high[c]!, value);
    const lost = isExact ? 0 : rounding(Math.max(Math.abs(low), Math.abs(high)));
    return [low, high, bounds.error[c]! * slope + lost];
  });
}

type Image = readonly [low: number, high: number, slope: number, isExact: boolean];

/** What an operation makes of an interval, its steepest slope, and whether it never rounds. */
function image(operator: ScaleStep["operator"], low: number, high: number, c: number): Image {
  const ends = (f: (x: number) => number, slope: number, isExact: boolean): Image => {
    const all = [f(low), f(high), ...(low < 0 && high > 0 ? [f(0)] : [])];
    return [Math.min(...all), Math.max(...all), slope, isExact];
  };
  switch (operator) {
    case "add":
      return ends((x) => x + c, 1, c === 0);
    case "subtract":
      return ends((x) => x - c, 1, c === 0);
    case "subtract-from":
      return ends((x) => c - x, 1, c === 0);
    case "multiply":
      return ends((x) => x * c, Math.abs(c), isPower(c));
    case "divide":
      return ends((x) => x / c, Math.abs(1 / c), isPower(c));
    case "divide-into":
      return [-Infinity, Infinity, Infinity, false];
    case "relu":
      return ends((x) => Math.max(x, 0), 1, true);
    case "prelu":
      return ends((x) => (x >= 0 ? x : c * x), Math.max(1, Math.abs(c)), isPower(c));
    case "minimum":
      return ends((x) => Math.min(x, c), 1, true);
    case "maximum":
      return ends((x) => Math.max(x, c), 1, true);
    case "abs":
      return ends(Math.abs, 1, true);
  }
}

/** Multiplication by it does not round, unless the product is subnormal, which `SUBNORMAL` is not needed for: it is tiny. */
function isPower(c: number): boolean {
  return c === 0 || Number.isInteger(Math.log2(Math.abs(c)));
}
