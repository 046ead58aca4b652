/** Where the numbers of computed values lie: what Round, Sign and comparisons need to know of what they read. */
import type { GraphOp, Quantizer } from "../../graph/types.js";

/** Least and greatest number that can occur, both included; one of them may be infinite. */
export type Interval = readonly [low: number, high: number];

const f = Math.fround;

/**
 * The interval of what an operation makes of values in these intervals; undefined where nothing is known. Float32
 * operations are monotone, rounding included, so the ends of a chain are the chain's values at the ends.
 */
export function intervalAfter(op: GraphOp, inputs: readonly (Interval | undefined)[]): Interval | undefined {
  const [input] = inputs;
  switch (op.kind) {
    case "quantize":
      return levelsOf(op.quantizer);
    case "relu":
      return [Math.max(input?.[0] ?? 0, 0), Math.max(input?.[1] ?? Infinity, 0)];
    case "clip": {
      const [low, high] = input ?? [-Infinity, Infinity];
      return bounded(clamp(low, op), clamp(high, op));
    }
    case "abs": {
      const [low, high] = input ?? [-Infinity, Infinity];
      return [Math.max(low, -high, 0), Math.max(-low, high)];
    }
    case "softmax":
      return [0, 1];
    case "arithmetic":
      return input && arithmetic(op, input);
    case "prelu":
      return input && op.slope.data.every((s) => s >= 0) ? prelu(op.slope.data, input) : undefined;
    case "sum": {
      const [a, b] = inputs;
      return a && b && bounded(f(a[0] + b[0]), f(a[1] + b[1]));
    }
    case "concat":
      return inputs.every((i) => i !== undefined) ? hull(inputs.flat()) : undefined;
    case "pad":
      return input && hull([...input, op.value]);
    case "max-pool":
    case "reshape":
    case "transpose":
    case "slice":
      return input;
    default:
      return undefined;
  }
}

function clamp(x: number, { low, high }: { readonly low: number; readonly high: number }): number {
  return Math.min(Math.max(x, low), high);
}

/** The corners of what scales and zero points span. */
function levelsOf(quantizer: Quantizer): Interval {
  if (quantizer.kind === "levels") return hull(quantizer.values.data);
  if (quantizer.kind === "thresholds") {
    const { thresholds, step, offset } = quantizer;
    return hull([offset, offset + step * thresholds.shape.at(-1)!]);
  }
  const scales = hull(quantizer.scale.data);
  if (quantizer.kind === "bipolar") return hull([...scales, ...scales.map((s) => -s)]);
  const [least, greatest] = hull(quantizer.zeroPoint.data);
  const ends = [f(quantizer.qmin - greatest), f(quantizer.qmax - least)];
  return hull(ends.flatMap((q) => scales.map((s) => f(q * s))));
}

type Arithmetic = Extract<GraphOp, { readonly kind: "arithmetic" }>;

/** A constant divided by an interval that may hold 0 can be anything. */
function arithmetic({ operator, operand, reversed }: Arithmetic, input: Interval): Interval | undefined {
  const apply = (a: number, b: number): number => {
    if (operator === "add") return f(a + b);
    if (operator === "subtract") return f(a - b);
    return f(operator === "multiply" ? a * b : a / b);
  };
  if (operator === "divide" && reversed && input[0] <= 0 && input[1] >= 0) return undefined;
  let [low, high] = [Infinity, -Infinity];
  for (const c of operand.data) {
    for (const x of input) {
      const y = reversed ? apply(c, x) : apply(x, c);
      if (Number.isNaN(y)) return undefined;
      low = Math.min(low, y);
      high = Math.max(high, y);
    }
  }
  return bounded(low, high);
}

function prelu(slopes: Float32Array, [low, high]: Interval): Interval | undefined {
  const ends = [low, high].flatMap((x) => (x >= 0 ? [x] : Array.from(slopes, (s) => f(s * x))));
  return ends.some(Number.isNaN) ? undefined : hull(ends);
}

/** The least interval that holds all of them. */
function hull(numbers: Iterable<number>): Interval {
  let [low, high] = [Infinity, -Infinity];
  for (const x of numbers) {
    low = Math.min(low, x);
    high = Math.max(high, x);
  }
  return [low, high];
}

function bounded(low: number, high: number): Interval | undefined {
  return low === -Infinity && high === Infinity ? undefined : [low, high];
}
