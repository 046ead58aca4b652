/**
 * The operations of a `scale` in pieces that one `requantize` computes each: a line, another line below 0, and ends.
 */
import type { ScaleStep } from "../../program/types.js";

/** `slope · x + offset`, per channel. */
export interface Line {
  readonly slope: Float64Array;
  readonly offset: Float64Array;
}

export interface Segment {
  readonly line: Line;
  /** Where the first line is negative. */
  readonly below?: Line;
  readonly least: number;
  readonly most: number;
  /** The operations that this piece is made of. */
  readonly steps: readonly ScaleStep[];
}

/** Whether all operations have a form in fixed point: none differs between positions, and none divides by the value. */
export function isSegmentable(steps: readonly ScaleStep[]): boolean {
  return steps.every(({ operator, operand, extent }) => {
    if (extent !== undefined || operator === "divide-into" || !operand.every(Number.isFinite)) return false;
    if (operator === "divide") return operand.every((c) => c !== 0);
    // A `requantize` has the same ends on all channels.
    if (operator === "minimum" || operator === "maximum") return operand.every((c) => c === operand[0]);
    return true;
  });
}

export function identityLine(channels: number): Line {
  return { slope: new Float64Array(channels).fill(1), offset: new Float64Array(channels) };
}

/** Pieces in order; one that does nothing where there are no operations. */
export function segmentsOf(steps: readonly ScaleStep[], channels: number): Segment[] {
  const empty: Segment = { line: identityLine(channels), least: -Infinity, most: Infinity, steps: [] };
  const done: Segment[] = [];
  let current = empty;
  for (const step of steps) {
    const next = extended(current, step);
    if (next === undefined) done.push(current);
    current = next ?? extended(empty, step)!;
  }
  return [...done, current];
}

/** The piece with one more operation, if it has room for that. */
function extended(segment: Segment, step: ScaleStep): Segment | undefined {
  const { line, below, least, most } = segment;
  const steps = [...segment.steps, step];
  const end = endOf(step);
  if (end !== undefined) return { ...segment, least: end(least), most: end(most), steps };
  if (below !== undefined || least > -Infinity || most < Infinity) return undefined;
  if (step.operator === "prelu") return { ...segment, below: mapped(line, step), steps };
  if (step.operator === "abs") return { ...segment, below: scaledBy(line, () => -1), steps };
  return { ...segment, line: mapped(line, step), steps };
}

/** What an operation that cuts numbers off does to one. */
function endOf({ operator, operand: [c = 0] }: ScaleStep): ((x: number) => number) | undefined {
  if (operator === "minimum") return (x) => Math.min(x, c);
  if (operator === "maximum") return (x) => Math.max(x, c);
  return operator === "relu" ? (x) => Math.max(x, 0) : undefined;
}

function mapped(line: Line, { operator, operand }: ScaleStep): Line {
  const at = (c: number): number => operand[operand.length === 1 ? 0 : c]!;
  const moved = (sign: number, by: (c: number) => number): Line => ({
    slope: line.slope.map((m) => sign * m),
    offset: line.offset.map((b, c) => sign * b + by(c)),
  });
  if (operator === "add") return moved(1, at);
  if (operator === "subtract") return moved(1, (c) => -at(c));
  if (operator === "subtract-from") return moved(-1, at);
  return scaledBy(line, operator === "divide" ? (c) => 1 / at(c) : at);
}

function scaledBy({ slope, offset }: Line, factor: (c: number) => number): Line {
  return { slope: slope.map((m, c) => m * factor(c)), offset: offset.map((b, c) => b * factor(c)) };
}
