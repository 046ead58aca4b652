/** Values in fixed point: tensors of integers and what they stand for, and the program that computes them. */

import { broken } from "../../program/expect.js";
import {
  domainRange,
  type Instruction,
  inputsOf,
  MAX_ADD_SHIFT,
  type ProgramTensor,
  type Range,
  rangeAfter,
  SCALAR_RANGES,
  type TensorId,
} from "../../program/index.js";
import { type Bounds, reach } from "./bounds.js";
import { factorsOf, STEEPEST } from "./factors.js";
import { afterSum } from "./operations.js";
import { identityLine, type Line, type Segment } from "./segments.js";

/** Integers that stand for `unit[c] · (stored + offset)`, for codes of what they stand for. */
export interface Fixed {
  readonly tensor: TensorId;
  /** Positive float32 numbers, or other numbers where nothing but a line or a convolution reads them; one or one per channel. */
  readonly unit: Float64Array;
  readonly offset: number;
  /** Of the float32 value. */
  readonly bounds: Bounds;
}

/** A tensor of 16 bits that the pass made. */
export interface Stream {
  readonly tensor: string;
  /** An element x stands for x · 2^−fraction. */
  readonly fraction: number;
  /** How far that is from the float32 value at most, where every code before it is the same. */
  readonly error: number;
}

/** Finest and coarsest units: 2^−24, 2^100. */
const FINEST = 24;
const COARSEST = -100;
const { low: LEAST, high: MOST } = SCALAR_RANGES.i16;
const I16 = { kind: "scalar", type: "i16" } as const;

/** The program under construction. */
export class FixedProgram {
  readonly tensors: ProgramTensor[] = [];
  readonly instructions: Instruction[] = [];
  readonly #ranges: (Range | undefined)[] = [];
  readonly #names = new Set<string>();
  /** Tensors of 16 bits with their fractions. */
  readonly #streams = new Map<TensorId, Stream>();
  readonly #once = new Map<string, Fixed>();

  add(name: string, shape: ProgramTensor["shape"], domain: ProgramTensor["domain"]): TensorId {
    // A value can be needed both in fixed point and as float32: the second is told from the first.
    let unique = name;
    while (this.#names.has(unique)) unique += ", again";
    this.#names.add(unique);
    const tensor = { name: unique, shape, domain };
    this.#ranges.push(domainRange(tensor));
    return this.tensors.push(tensor) - 1;
  }

  emit(
    name: string,
    shape: ProgramTensor["shape"],
    domain: ProgramTensor["domain"],
    make: (output: TensorId) => Instruction,
  ): TensorId {
    const output = this.add(name, shape, domain);
    const instruction = make(output);
    this.instructions.push(instruction);
    const inputs = inputsOf(instruction).map((id) => this.#ranges[id]);
    this.#ranges[output] = rangeAfter(instruction, this.tensors, inputs);
    return output;
  }

  streams(): ReadonlyMap<TensorId, Stream> {
    return this.#streams;
  }

  /** What can be stored in a tensor so far. */
  rangeOf(tensor: TensorId): Range {
    return this.#ranges[tensor]!;
  }

  tensorOf({ tensor }: Fixed): ProgramTensor {
    return this.tensors[tensor]!;
  }

  /** The fraction of a stream of 16 bits; undefined for other integers. */
  fractionOf({ tensor }: Fixed): number | undefined {
    return this.#streams.get(tensor)?.fraction;
  }

  /** Says that a tensor of i16 has units of 2^−fraction. */
  stream(tensor: TensorId, fraction: number, bounds: Bounds): Fixed {
    const error = bounds.error.reduce((a, b) => Math.max(a, b), 0);
    this.#streams.set(tensor, { tensor: this.tensors[tensor]!.name, fraction, error });
    return { tensor, unit: Float64Array.of(2 ** -fraction), offset: 0, bounds };
  }

  /** The value as a stream of 16 bits, with at most this many bits behind the point. */
  narrowed(value: Fixed, mostFraction = FINEST): Fixed {
    const fraction = this.fractionOf(value);
    if (fraction !== undefined && fraction <= mostFraction) return value;
    const key = `${value.tensor} ${mostFraction}`;
    const known = this.#once.get(key);
    if (known !== undefined) return known;
    const name = `${this.tensorOf(value).name} in 16 bits`;
    const channels = this.tensorOf(value).shape[2];
    const segment: Segment = { line: identityLine(channels), least: -Infinity, most: Infinity, steps: [] };
    const result = this.requantized(
      value,
      segment,
      value.bounds,
      mostFraction === FINEST ? name : `${name}, ${mostFraction} of them a fraction`,
      mostFraction,
    );
    this.#once.set(key, result);
    return result;
  }

  /** A piece of a `scale`. `after` bounds its float32 result, with the error that its input and float32 bring. */
  requantized(value: Fixed, segment: Segment, after: Bounds, name: string, mostFraction = FINEST): Fixed {
    const from = this.scalars(value);
    const { low, high } = this.rangeOf(from.tensor);
    const lines = [segment.line, ...(segment.below === undefined ? [] : [segment.below])].map((line) =>
      ofStored(line, from),
    );
    const most = Math.min(mostFraction, fractionFor(after), steepestFraction(lines));
    const { fraction, factors, bounds, ends } = fitted(most, (unit) =>
      piece(segment, lines, after, Math.max(Math.abs(low), Math.abs(high)), unit),
    );
    const { shape } = this.tensorOf(value);
    const tensor = this.emit(name, shape, I16, (output) => ({
      kind: "requantize",
      input: from.tensor,
      output,
      ...factors,
      ...ends,
    }));
    return this.stream(tensor, fraction, bounds);
  }

  /** The sum of two values of one shape; each is a stream of 16 bits first. `after` as for a piece. */
  sum(values: readonly [Fixed, Fixed], name: string): Fixed {
    const [a, b] = values.map((v) => this.narrowed(v)) as [Fixed, Fixed];
    const after = afterSum(a.bounds, b.bounds);
    const fractions = [a, b].map((v) => this.fractionOf(v)!);
    const { fraction, bounds } = fitted(Math.min(fractionFor(after), Math.max(...fractions)), (unit) => {
      const sum = withError(after, fractions.every((f) => 2 ** -f >= unit) ? 0 : unit / 2);
      return { bounds: sum, ends: endsOf(sum, unit) };
    });
    // Numbers with many more bits behind the point than others lose some first.
    const finest = Math.min(
      Math.max(fraction, ...fractions),
      Math.min(fraction, ...fractions) + MAX_ADD_SHIFT,
    );
    const inputs = [a, b].map((v) => this.narrowed(v, finest)) as [Fixed, Fixed];
    const shifts = inputs.map((v) => finest - this.fractionOf(v)!) as [number, number];
    if (inputs[0] !== a || inputs[1] !== b) return this.sum(inputs, name);
    const tensor = this.emit(name, this.tensorOf(a).shape, I16, (output) => ({
      kind: "add-fixed",
      inputs: [a.tensor, b.tensor],
      output,
      shifts,
      right: finest - fraction,
    }));
    return this.stream(tensor, fraction, bounds);
  }

  /** Codes as int32 scalars of what they stand for; scalars as they are. */
  scalars(value: Fixed): Fixed {
    const { name, shape, domain } = this.tensorOf(value);
    if (domain.kind === "scalar") return value;
    const key = `${value.tensor} scalars`;
    const known = this.#once.get(key);
    if (known !== undefined) return known;
    const tensor = this.emit(`${name} as integers`, shape, { kind: "scalar", type: "i32" }, (output) => ({
      kind: "pool",
      operator: "sum",
      input: value.tensor,
      output,
      window: { kernel: [1, 1], stride: [1, 1], dilation: [1, 1], pads: [0, 0, 0, 0] },
    }));
    const result = { ...value, tensor };
    this.#once.set(key, result);
    return result;
  }

  /** The value as float32. */
  float(value: Fixed, name: string): TensorId {
    const { shape } = this.tensorOf(value);
    return this.emit(name, shape, { kind: "scalar", type: "f32" }, (output) => ({
      kind: "scale",
      input: value.tensor,
      output,
      steps: floatSteps(value),
    }));
  }
}

/** Errors are sums of many terms in float64. */
const SLACK = 1 + 2 ** -20;

/** Bounds with a further error. */
function withError({ low, high, error }: Bounds, more: number): Bounds {
  return { low, high, error: error.map((e) => (e + more) * SLACK) };
}

interface Fits {
  readonly bounds: Bounds;
  readonly ends: Range;
}

/** The most bits behind the point, up to some, with which nothing that can occur exceeds 16 bits. */
function fitted<T extends Fits>(most: number, make: (unit: number) => T): T & { readonly fraction: number } {
  for (let fraction = most; fraction > COARSEST; fraction--) {
    const made = make(2 ** -fraction);
    if (made.ends.low >= LEAST && made.ends.high <= MOST) return { ...made, fraction };
  }
  throw broken("a stream has numbers beyond fixed point");
}

/** A piece with results in some unit. */
function piece(segment: Segment, lines: readonly Line[], after: Bounds, largest: number, unit: number) {
  const [first, ...rest] = lines.map((line) => inUnits(line, 1 / unit));
  const { error, ...factors } = factorsOf([first!, ...rest], largest);
  const least = endInUnits(segment.least, unit);
  const most = endInUnits(segment.most, unit);
  const turn = segment.below === undefined ? 0 : turnError(segment, error);
  const bounds = withError(after, (error + turn + 0.5 + Math.max(least.lost, most.lost)) * unit);
  const { low, high } = endsOf(bounds, unit);
  // Only the operation's own ends cut anything off.
  const ends = {
    low: Math.min(Math.max(low, least.stored), most.stored),
    high: Math.max(Math.min(high, most.stored), least.stored),
  };
  return { factors, bounds, ends };
}

/** From stored integers to float32. */
export function floatSteps({ unit, offset }: Fixed) {
  return [
    ...(offset === 0 ? [] : [{ operator: "add" as const, operand: Float32Array.of(offset) }]),
    { operator: "multiply" as const, operand: Float32Array.from(unit) },
  ];
}

/** A line of the value as a line of what is stored. */
function ofStored({ slope, offset }: Line, value: Fixed): Line {
  const unit = (c: number): number => value.unit[value.unit.length === 1 ? 0 : c]!;
  return {
    slope: slope.map((m, c) => m * unit(c)),
    offset: offset.map((b, c) => b + slope[c]! * unit(c) * value.offset),
  };
}

function inUnits({ slope, offset }: Line, perUnit: number): Line {
  return { slope: slope.map((m) => m * perUnit), offset: offset.map((b) => b * perUnit) };
}

/** The most bits behind the point with which every number that can occur fits 16 bits, its error included. */
export function fractionFor(bounds: Bounds): number {
  const most = reach(bounds);
  for (let fraction = FINEST; fraction > COARSEST; fraction--) {
    // The line's own error and rounding take less than two units.
    if (most * 2 ** fraction + 2 <= MOST) return fraction;
  }
  return COARSEST;
}

function steepestFraction(lines: readonly Line[]): number {
  const steepest = Math.max(
    ...lines.flatMap(({ slope }) => slope.reduce((m, x) => Math.max(m, Math.abs(x)), 0)),
  );
  return steepest === 0 ? FINEST : Math.floor(Math.log2(STEEPEST / steepest));
}

/** Near 0 a number can be on the other line than float32's. */
function turnError({ line, below }: Segment, error: number): number {
  const ratio = below!.slope.reduce(
    (most, m, c) => (line.slope[c] === 0 ? most : Math.max(most, Math.abs(m / line.slope[c]!))),
    0,
  );
  return error * (1 + ratio);
}

/** An end in units, and how far rounding moved it. */
function endInUnits(end: number, unit: number): { readonly stored: number; readonly lost: number } {
  if (!Number.isFinite(end)) return { stored: end, lost: 0 };
  const stored = Math.round(end / unit);
  return { stored, lost: Math.abs(stored - end / unit) };
}

/** The least and the greatest that can be stored. */
export function endsOf({ low, high, error }: Bounds, unit: number): Range {
  let [least, most] = [Infinity, -Infinity];
  for (const [c, e] of error.entries()) {
    least = Math.min(least, Math.floor((low[c]! - e) / unit));
    most = Math.max(most, Math.ceil((high[c]! + e) / unit));
  }
  return { low: least, high: most };
}
