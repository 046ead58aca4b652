/**
 * Functions with few values: what comparisons, Sign, Where and casts of booleans make of a number, and what further
 * elementwise operations make of that. They are composed exactly, so that `Where(x >= 0, 1, -1)`,
 * `2 * Cast(x >= 0) - 1` and `Sign(Sign(x) + 0.1)` are one and the same.
 */
import { Rejection } from "../common/rejection.js";
import type { Interval } from "./intervals.js";

/** A number that is reached by x where x > `at`, or where x ≥ `at` if `inclusive`. */
export interface Break {
  readonly at: number;
  readonly inclusive: boolean;
  /** Whether it belongs to a Sign, whose value at 0 authors seldom mean. */
  readonly ofSign: boolean;
}

export type StepType = "bool" | "int" | "float";

/** `values[i]` where i breaks are reached: breaks ascend, and neighbouring values differ. */
export interface Steps {
  readonly type: StepType;
  readonly breaks: readonly Break[];
  readonly values: readonly number[];
}

/** More breaks than this no quantizer of 8 bits has. */
const MOST_BREAKS = 255;

/** `x ≥ at`, or `x > at`: as 0 and 1, or 1 and 0 where it is turned round. */
export function comparison(at: number, inclusive: boolean, turned: boolean): Steps {
  const breaks = [{ at, inclusive, ofSign: false }];
  return { type: "bool", breaks, values: turned ? [1, 0] : [0, 1] };
}

/** 1 where x is `at`, 0 elsewhere. */
export function equality(at: number): Steps {
  const breaks = [true, false].map((inclusive) => ({ at, inclusive, ofSign: false }));
  return { type: "bool", breaks, values: [0, 1, 0] };
}

/** ONNX's Sign: −1, 0, 1. */
export function signSteps(): Steps {
  const breaks = [true, false].map((inclusive) => ({ at: 0, inclusive, ofSign: true }));
  return { type: "float", breaks, values: [-1, 0, 1] };
}

/** The function without the breaks that a number of the interval always reaches, or never. */
export function within(steps: Steps, interval: Interval | undefined): Steps {
  if (interval === undefined) return steps;
  const [low, high] = interval;
  const isReached = ({ at, inclusive }: Break, x: number): boolean => (inclusive ? x >= at : x > at);
  const first = steps.breaks.filter((b) => isReached(b, low)).length;
  const last = steps.breaks.filter((b) => isReached(b, high)).length;
  return { ...steps, breaks: steps.breaks.slice(first, last), values: steps.values.slice(first, last + 1) };
}

/** `apply` to each value. */
export function mapSteps(steps: Steps, type: StepType, apply: (value: number) => number): Steps {
  return simplified({ type, breaks: steps.breaks, values: steps.values.map(apply) });
}

/** `apply` to the values of two functions of the same number. */
export function zipSteps(a: Steps, b: Steps, type: StepType, apply: (a: number, b: number) => number): Steps {
  const breaks: Break[] = [];
  const values = [apply(a.values[0]!, b.values[0]!)];
  let [i, j] = [0, 0];
  while (i < a.breaks.length || j < b.breaks.length) {
    const [left, right] = [a.breaks[i], b.breaks[j]];
    const order = left === undefined ? 1 : right === undefined ? -1 : compareBreaks(left, right);
    if (order <= 0) i++;
    if (order >= 0) j++;
    const at = order <= 0 ? left! : right!;
    breaks.push(order === 0 ? { ...at, ofSign: left!.ofSign && right!.ofSign } : at);
    values.push(apply(a.values[i]!, b.values[j]!));
  }
  if (breaks.length > MOST_BREAKS)
    throw new Rejection(`it compares one value with ${breaks.length} numbers`, "use at most 8 bits");
  return simplified({ type, breaks, values });
}

/** Where x is compared with one number in both ways, x ≥ at comes first. */
function compareBreaks(a: Break, b: Break): number {
  return a.at - b.at || Number(b.inclusive) - Number(a.inclusive);
}

/** Without breaks at which nothing changes. */
function simplified({ type, breaks, values }: Steps): Steps {
  const kept = breaks.flatMap((_, i) => (values[i] === values[i + 1] ? [] : [i]));
  return {
    type,
    breaks: kept.map((i) => breaks[i]!),
    values: [values[0]!, ...kept.map((i) => values[i + 1]!)],
  };
}

/** What a Sign gives at 0, or undefined where that does not matter. */
export function valueAtZero({ breaks, values }: Steps): { readonly index: number } | undefined {
  const index = breaks.findIndex((b, i) => {
    const next = breaks[i + 1];
    return b.ofSign && next?.ofSign === true && b.at === next.at;
  });
  return index < 0 || values.length <= index + 1 ? undefined : { index: index + 1 };
}

/** The function with the value beside the zero of a Sign in its place: that above, or that below. */
export function withSignOfZero(steps: Steps, sign: 1 | -1): Steps {
  const zero = valueAtZero(steps);
  if (zero === undefined) return steps;
  const { index } = zero;
  const values = steps.values.with(index, steps.values[index + sign]!);
  return withSignOfZero(simplified({ ...steps, values }), sign);
}
