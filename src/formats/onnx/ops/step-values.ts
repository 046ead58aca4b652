/** Functions with few values as quantizers: ±s, two levels, three, or as many as 8 bits hold. */
import type { FloatTensor, GraphOp, Quantizer } from "../../../graph/types.js";
import { floatConstant } from "../../common/constant.js";
import { Rejection } from "../../common/rejection.js";
import type { OnnxNode, RuntimeValue } from "../node.js";
import { type PendingValue, pending } from "../pending.js";
import { type Break, type Steps, valueAtZero, within, withSignOfZero } from "../steps.js";

/** A function of `source` that waits until something reads it as numbers. */
export function stepValue(node: OnnxNode, source: RuntimeValue, steps: Steps): PendingValue {
  const known = within(steps, source.interval);
  return pending(node, source, { kind: "steps", steps: known }, () => quantizers(node, source, known));
}

function quantizers(node: OnnxNode, source: RuntimeValue, steps: Steps): RuntimeValue {
  if (steps.type !== "float") {
    throw new Rejection(
      `it computes ${steps.type === "bool" ? "booleans" : "integers"}, which the next operator cannot take`,
      "choose numbers with Where, or cast to float32",
    );
  }
  const { breaks, values } = withKnownZero(node, steps);
  const [first, second] = breaks;
  if (first === undefined)
    throw new Rejection(`it is ${values[0]} whatever the input is`, "check the model's constants");
  if (second === undefined) return twoLevels(node, shifted(node, source, first.at), first.inclusive, values);
  if (breaks.length === 2 && isSymmetric(values)) {
    if (first.at === second.at)
      return threeLevels(node, shifted(node, source, first.at), values[2]!, "away-from-zero");
    const least = leastBeyond(first, second);
    if (least !== undefined)
      return threeLevels(
        node,
        arithmetic(node, source, "divide", least, "scaled"),
        values[2]!,
        "toward-zero",
      );
  }
  return manyLevels(node, source, { ...steps, breaks, values });
}

/** What a Sign gives at 0 is asked for where it matters. */
function withKnownZero(node: OnnxNode, steps: Steps): Steps {
  if (valueAtZero(steps) === undefined || node.signOfZero === 0) return steps;
  if (node.signOfZero !== undefined) return withSignOfZero(steps, node.signOfZero);
  throw new Rejection(
    "its Sign gives 0 for 0, a third value that binary nets seldom mean",
    "say what it gives at 0: --sign-of-zero +1 or -1 as in training, or 0 for three values; or export torch.where(x >= 0, 1, -1)",
  );
}

function isSymmetric([low, middle, high]: readonly number[]): boolean {
  return middle === 0 && low === -high!;
}

/**
 * `x − at`, which is 0 only where x is `at` and else has the sign of the comparison: float32 has gradual
 * underflow.
 */
function shifted(node: OnnxNode, source: RuntimeValue, at: number): RuntimeValue {
  return at === 0 ? source : arithmetic(node, source, "subtract", at, "shifted");
}

/** The lower value below 0, the other from 0 on, or above 0 only. */
function twoLevels(
  node: OnnxNode,
  input: RuntimeValue,
  inclusive: boolean,
  values: readonly number[],
  part?: string,
): RuntimeValue {
  const [below, above] = values as [number, number];
  const isBipolar = below === -above;
  const size = Math.max(Math.abs(below), Math.abs(above));
  const quantizer: Quantizer = {
    kind: "bipolar",
    scale: single(above > below ? size : -size),
    signOfZero: inclusive ? 1 : -1,
  };
  const result = emit(node, input, { kind: "quantize", quantizer }, isBipolar ? part : "sign");
  if (isBipolar) return result;
  // One of the two is ±size already: cutting gives the other without an operation that could round.
  return emit(node, result, { kind: "clip", low: Math.min(below, above), high: Math.max(below, above) });
}

/**
 * The magnitude from which on x is decided as ±1, where that is the same on both sides of 0. The quotient of a smaller
 * float32 by it is below 1 after rounding too, since floats next to each other differ by 2^−24 of their size or more.
 */
function leastBeyond(low: Break, high: Break): number | undefined {
  const above = high.inclusive ? high.at : nextAbove(high.at);
  const below = low.inclusive ? nextAbove(-low.at) : -low.at;
  return above === below && above >= SMALLEST ? above : undefined;
}

/** Far above the numbers whose quotients lose digits. */
const SMALLEST = 2 ** -64;

/** The next float32 above a number that is 0 or more. */
function nextAbove(x: number): number {
  const bits = new Int32Array(Float32Array.of(Math.max(x, 0)).buffer);
  bits[0]!++;
  return new Float32Array(bits.buffer)[0]!;
}

/** −s, 0 and s: away from zero every number but 0 becomes ±1, toward zero every one that is not ±1 becomes 0. */
function threeLevels(
  node: OnnxNode,
  input: RuntimeValue,
  scale: number,
  rounding: "away-from-zero" | "toward-zero",
): RuntimeValue {
  const quantizer: Quantizer = {
    kind: "uniform",
    scale: single(1),
    zeroPoint: single(0),
    qmin: -1,
    qmax: 1,
    rounding,
  };
  const isLast = scale === 1;
  const result = emit(node, input, { kind: "quantize", quantizer }, isLast ? undefined : "sign");
  return isLast ? result : arithmetic(node, result, "multiply", scale);
}

/**
 * Equally spaced levels: one ±1 per break, added up, counts the levels from the middle in steps of 2, and a quantizer
 * keeps these integers in few bits.
 */
function manyLevels(node: OnnxNode, source: RuntimeValue, { breaks, values }: Steps): RuntimeValue {
  const count = breaks.length;
  const half = Math.fround((values[count]! - values[0]!) / count / 2);
  const middle = Math.fround((values[0]! + values[count]!) / 2);
  const isGrid = values.every((v, i) => Math.fround(Math.fround((2 * i - count) * half) + middle) === v);
  if (!isGrid) {
    throw new Rejection(
      `it chooses among ${values.length} values that do not rise or fall in equal steps`,
      "use equally spaced levels, such as -1, 0 and 1",
    );
  }
  const signs = breaks.map(({ at, inclusive }, i) => {
    const input = at === 0 ? source : arithmetic(node, source, "subtract", at, `shifted ${i}`);
    return twoLevels(node, input, inclusive, [-1, 1], `level ${i}`);
  });
  const sum = signs.reduce((a, b, i) =>
    node.emit({ kind: "sum" }, [a, b], source.shape, { part: `sum ${i}` }),
  );
  const odd = count % 2;
  const even = odd === 0 ? sum : arithmetic(node, sum, "add", odd, "even");
  const quantizer: Quantizer = {
    kind: "uniform",
    scale: single(2),
    zeroPoint: single(0),
    qmin: (odd - count) / 2,
    qmax: (odd + count) / 2,
    rounding: "half-even",
  };
  const codes = emit(node, even, { kind: "quantize", quantizer }, "codes");
  const counted = odd === 0 ? codes : arithmetic(node, codes, "subtract", odd, "counted");
  if (middle === 0) return arithmetic(node, counted, "multiply", half);
  return arithmetic(node, arithmetic(node, counted, "multiply", half, "scaled"), "add", middle);
}

function arithmetic(
  node: OnnxNode,
  input: RuntimeValue,
  operator: "add" | "subtract" | "multiply" | "divide",
  number: number,
  part?: string,
): RuntimeValue {
  return emit(node, input, { kind: "arithmetic", operator, operand: single(number), reversed: false }, part);
}

function emit(node: OnnxNode, input: RuntimeValue, op: GraphOp, part?: string): RuntimeValue {
  return node.emit(op, input, input.shape, part === undefined ? {} : { part });
}

function single(x: number): FloatTensor {
  const { shape, data } = floatConstant([], Float32Array.of(x));
  return { shape, data };
}
