/** Real lines as the integers of a `requantize`, and how far those are from them. */
import type { FixedLine } from "../../program/types.js";
import type { Line } from "./segments.js";

export interface Factors {
  readonly line: FixedLine;
  readonly below?: FixedLine;
  readonly biasShift: number;
  readonly right: number;
  /** In units of the result, before it is rounded. */
  readonly error: number;
}

/** Products of 31 bits are taken where they cost no more precision than this, in units of the result. */
const NARROW_ERROR = 1 / 32;
const LARGEST_BIAS_SHIFT = 30;
/** Beyond it more bits say nothing. */
const LONGEST_SHIFT = 46;
/** A slope above it leaves no bits behind the point: the result must have a coarser unit. */
export const STEEPEST = 2 ** 28;

/**
 * Factors of lines whose results are in units of the output, for stored numbers of at most this magnitude. Slopes are below
 * `STEEPEST`.
 */
export function factorsOf(lines: readonly [Line, ...Line[]], largest: number): Factors {
  return narrowFactors(lines, largest) ?? wideFactors(lines, largest);
}

function narrowFactors(lines: readonly [Line, ...Line[]], largest: number): Factors | undefined {
  for (let right = 30; right >= 1; right--) {
    const error = (largest + 1) * 2 ** -(right + 1);
    if (error > NARROW_ERROR) return undefined;
    const fits = lines.every(({ slope, offset }) =>
      slope.every(
        (m, c) =>
          largest * roundedSize(m, right) + roundedSize(offset[c]!, right) + 2 ** (right - 1) < 2 ** 31,
      ),
    );
    if (fits) return { ...integers(lines, right, 0), biasShift: 0, right, error };
  }
  return undefined;
}

function wideFactors(lines: readonly [Line, ...Line[]], largest: number): Factors {
  const steepest = Math.max(...lines.map(({ slope }) => greatest(slope)));
  const furthest = Math.max(...lines.map(({ offset }) => greatest(offset)));
  let right = LONGEST_SHIFT;
  let biasShift = 0;
  while (right > 1 && roundedSize(steepest, right) >= 2 ** 31) right--;
  while (roundedSize(furthest, right - biasShift) >= 2 ** 31) {
    if (biasShift < LARGEST_BIAS_SHIFT) biasShift++;
    else right--;
  }
  const error = largest * 2 ** -(right + 1) + 2 ** (biasShift - right - 1);
  return { ...integers(lines, right, biasShift), biasShift, right, error };
}

function roundedSize(x: number, shift: number): number {
  return Math.round(Math.abs(x) * 2 ** shift);
}

function greatest(numbers: Float64Array): number {
  return numbers.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
}

function integers(
  [line, below]: readonly Line[],
  right: number,
  biasShift: number,
): Pick<Factors, "line" | "below"> {
  const of = ({ slope, offset }: Line): FixedLine => {
    const multiplier = Int32Array.from(slope, (m) => Math.round(m * 2 ** right));
    const bias = Int32Array.from(offset, (b) => Math.round(b * 2 ** (right - biasShift)));
    const isShared = [multiplier, bias].every((list) => list.every((x) => x === list[0]));
    return isShared ? { multiplier: multiplier.slice(0, 1), bias: bias.slice(0, 1) } : { multiplier, bias };
  };
  const upper = of(line!);
  if (below === undefined) return { line: upper };
  const lower = of(below);
  const rows = Math.max(upper.multiplier.length, lower.multiplier.length);
  return { line: spread(upper, rows), below: spread(lower, rows) };
}

/** One of each for all channels, as one per channel. */
function spread(line: FixedLine, rows: number): FixedLine {
  if (line.multiplier.length === rows) return line;
  return {
    multiplier: new Int32Array(rows).fill(line.multiplier[0]!),
    bias: new Int32Array(rows).fill(line.bias[0]!),
  };
}
