/**
 * How 8-bit pixels and 16-bit samples become elements of an integer input, in integer arithmetic that is proven on every
 * sample: `base + ⌊(index · multiplier + offset) / 2^shift⌋`. docs/NUMERICS.md has the definition.
 */
import type { InputAffine } from "../program/index.js";

/** What a sample stands for in the model: `(slope · sample + intercept) / divisor`, whole numbers. */
export interface Normalization {
  readonly slope: number;
  readonly intercept: number;
  readonly divisor: number;
}

/** Element x stands for `(x − zero) · numerator / denominator · step`, positive finite numbers as they are in binary64. */
export interface ElementScale extends InputAffine {
  /** 1 if absent. */
  readonly step?: number;
}

/** Consecutive whole numbers from `first` on, `count` of them. */
export interface SampleRange {
  readonly first: number;
  readonly count: number;
}

export interface SampleMap {
  /** Of the sample's index in its range. */
  readonly multiplier: number;
  readonly offset: number;
  readonly shift: number;
  readonly base: number;
  /** Whether the product needs 64 bits. */
  readonly isWide: boolean;
  /** Present where an element can be one step outside its type, and is then the nearest in it. */
  readonly clampLow?: number;
  readonly clampHigh?: number;
}

/**
 * The map from samples to elements of an input: the element nearest to what the sample stands for, halves up.
 *
 * @param range of the elements' type, inclusive
 * @returns undefined where the scale is not positive and finite, a sample is more than a step outside the type, or no multiplier gives every element
 */
export function sampleMap(
  samples: SampleRange,
  meaning: Normalization,
  affine: ElementScale,
  [low, high]: readonly [number, number],
): SampleMap | undefined {
  if (![affine.numerator, affine.denominator].every((n) => n > 0 && Number.isFinite(n))) return undefined;
  const ratio = ratioOf(meaning, affine);
  const least = nearest(ratio, meaning, samples.first) + affine.zero;
  const greatest = nearest(ratio, meaning, samples.first + samples.count - 1) + affine.zero;
  if (least < low - 1 || greatest > high + 1) return undefined;
  const wanted = Array.from(
    { length: samples.count },
    (_, i) => nearest(ratio, meaning, samples.first + i) + affine.zero - least,
  );
  const found = findMultiplier(wanted, ratio, meaning.slope);
  return (
    found && {
      ...found,
      base: least,
      ...(least < low ? { clampLow: low } : {}),
      ...(greatest > high ? { clampHigh: high } : {}),
    }
  );
}

/** Elements per unit of `slope · sample + intercept`, as a fraction. */
interface Ratio {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

function ratioOf({ divisor }: Normalization, affine: ElementScale): Ratio {
  const per = fraction(affine.denominator);
  const [a, b] = [fraction(affine.numerator), fraction(affine.step ?? 1)];
  return {
    numerator: per.numerator * a.denominator * b.denominator,
    denominator: per.denominator * a.numerator * b.numerator * BigInt(divisor),
  };
}

/** A finite number as the fraction that it is. */
function fraction(value: number): Ratio {
  let denominator = 1n;
  let scaled = value;
  while (!Number.isInteger(scaled)) {
    scaled *= 2;
    denominator *= 2n;
  }
  return { numerator: BigInt(scaled), denominator };
}

/** The whole number nearest to what a sample stands for, in steps, halves up. */
function nearest(
  { numerator, denominator }: Ratio,
  { slope, intercept }: Normalization,
  sample: number,
): number {
  const twice = 2n * BigInt(slope * sample + intercept) * numerator + denominator;
  return Number(floorDivide(twice, 2n * denominator));
}

function floorDivide(a: bigint, b: bigint): bigint {
  return a / b - (a % b < 0n ? 1n : 0n);
}

/** Products of 32 bits first, then of 64; the least shift. Numbers stay below 2^52, where doubles are exact. */
function findMultiplier(
  wanted: readonly number[],
  { numerator, denominator }: Ratio,
  slope: number,
): Pick<SampleMap, "multiplier" | "offset" | "shift" | "isWide"> | undefined {
  const last = wanted.length - 1;
  for (const [isWide, limit] of [
    [false, 2 ** 32],
    [true, 2 ** 52],
  ] as const) {
    for (let shift = 0; (wanted[last]! + 1) * 2 ** shift < limit; shift++) {
      const scaled = (BigInt(slope) * numerator) << BigInt(shift);
      const floor = Number(scaled / denominator);
      for (const multiplier of [floor, floor + 1]) {
        const offset = offsetFor(wanted, multiplier, 2 ** shift);
        if (offset !== undefined && multiplier * last + offset < limit)
          return { multiplier, offset, shift, isWide };
      }
    }
  }
  return undefined;
}

/** The least offset with which all elements come out right. */
function offsetFor(wanted: readonly number[], multiplier: number, unit: number): number | undefined {
  let least = 0;
  let greatest = Number.POSITIVE_INFINITY;
  for (const [i, element] of wanted.entries()) {
    least = Math.max(least, element * unit - i * multiplier);
    greatest = Math.min(greatest, (element + 1) * unit - 1 - i * multiplier);
    if (least > greatest) return undefined;
  }
  return least;
}
