/** Functions with few values as quantizers: ±s, two levels, three, or as many as 8 bits hold. */
import type { FloatTensor, GraphOp, Quantizer } from "../../../graph/types.js";
import { floatConstant } from "../../common/constant.js";
import { Rejection } from "../../common/rejection.js";
import type { OnnxNode, RuntimeValue } from "../node.js";
import { type PendingValue, pending } from "../pending.js";
import { type Steps, valueAtZero, within, withSignOfZero } from "../steps.js";

/** Lowest levels this many steps from 0 are no activation's. */
const FARTHEST = 2 ** 15;

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
  if (breaks.length === 2 && first.at === second.at && isSymmetric(values))
    return threeLevels(node, shifted(node, source, first.at), values[2]!);
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
): RuntimeValue {
  const [below, above] = values as [number, number];
  const isBipolar = below === -above;
  const size = Math.max(Math.abs(below), Math.abs(above));
  const quantizer: Quantizer = {
    kind: "bipolar",
    scale: single(above > below ? size : -size),
    signOfZero: inclusive ? 1 : -1,
  };
  const result = emit(node, input, { kind: "quantize", quantizer }, isBipolar ? undefined : "sign");
  if (isBipolar) return result;
  // One of the two is ±size already: cutting gives the other without an operation that could round.
  return emit(node, result, { kind: "clip", low: Math.min(below, above), high: Math.max(below, above) });
}

/** −s, 0 and s: away from zero every number but 0 becomes ±1. */
function threeLevels(node: OnnxNode, input: RuntimeValue, scale: number): RuntimeValue {
  const quantizer: Quantizer = {
    kind: "uniform",
    scale: single(1),
    zeroPoint: single(0),
    qmin: -1,
    qmax: 1,
    rounding: "away-from-zero",
  };
  const isLast = scale === 1;
  const result = emit(node, input, { kind: "quantize", quantizer }, isLast ? undefined : "sign");
  return isLast ? result : arithmetic(node, result, "multiply", scale);
}

/** Equally spaced levels: how many breaks are reached, counted from the multiple of the spacing that is the lowest. */
function manyLevels(node: OnnxNode, source: RuntimeValue, { breaks, values }: Steps): RuntimeValue {
  const count = breaks.length;
  const spacing = Math.fround((values[count]! - values[0]!) / count);
  const multiple = values[0]! / spacing;
  const offset = Number.isInteger(multiple) ? multiple : 0;
  const rest = offset === multiple ? 0 : values[0]!;
  const isGrid = values.every((v, i) => Math.fround(Math.fround((offset + i) * spacing) + rest) === v);
  const data = Float32Array.from(breaks, ({ at, inclusive }) => (inclusive ? at : nextAbove(at)));
  if (!isGrid || Math.abs(offset) > FARTHEST || !data.every(Number.isFinite) || source.shape.length === 0) {
    throw new Rejection(
      `it chooses among ${values.length} values that do not rise or fall in equal steps`,
      "use equally spaced levels, such as -1, 0 and 1",
    );
  }
  const thresholds = { shape: [1, count], data };
  const axis = Math.min(1, source.shape.length - 1);
  const quantizer: Quantizer = { kind: "thresholds", thresholds, axis, step: 1, offset: offset + 0 };
  const [isScaled, isMoved] = [spacing !== 1, rest !== 0];
  const codes = emit(
    node,
    source,
    { kind: "quantize", quantizer },
    isScaled || isMoved ? "codes" : undefined,
  );
  const scaled = isScaled
    ? arithmetic(node, codes, "multiply", spacing, isMoved ? "scaled" : undefined)
    : codes;
  return isMoved ? arithmetic(node, scaled, "add", rest) : scaled;
}

/** The next float32: what is greater than a number is this or more. */
function nextAbove(x: number): number {
  const bits = new Int32Array(Float32Array.of(x + 0).buffer);
  bits[0]! += x < 0 ? -1 : 1;
  return new Float32Array(bits.buffer)[0]!;
}

function arithmetic(
  node: OnnxNode,
  input: RuntimeValue,
  operator: "add" | "subtract" | "multiply",
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
