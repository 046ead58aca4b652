/** Where: chooses between constants, or cuts and bends the value that it compares. */
import { broadcastShapes, type Constant, expand, floatConstant } from "../../common/constant.js";
import { damaged, Rejection } from "../../common/rejection.js";
import { constantValue, type OnnxNode, type OpHandler, type RuntimeValue, type Value } from "../node.js";
import { type PendingValue, pendingInput } from "../pending.js";
import { type Steps, zipSteps } from "../steps.js";
import { isBool, mixed, stepTypeOf, uniformNumber } from "./elementwise.js";
import { stepValue } from "./step-values.js";

export const where: OpHandler = (node) => {
  const [condition] = node.inputs;
  if (condition?.kind === "constant") return folded(node, condition.constant);
  const pending = pendingInput(node, 0);
  if (pending?.form.kind !== "steps" || pending.form.steps.type !== "bool") throw unknownCondition();
  return chosen(node, pending, pending.form.steps) ?? bent(node, pending, pending.form.steps);
};

function folded(node: OnnxNode, condition: Constant): Value {
  const [, a, b] = node.inputs;
  if (!isBool(condition)) throw mixed();
  if (a?.kind !== "constant" || b?.kind !== "constant") {
    throw new Rejection(
      "its condition is a constant, but what it chooses is computed",
      "multiply by a mask of 0 and 1 in place of it",
    );
  }
  const [left, right] = [a.constant, b.constant];
  if (left.kind !== "float" || right.kind !== "float") {
    throw new Rejection("it chooses among integers", "compute in float32");
  }
  const partial = broadcastShapes(left.shape, right.shape);
  const shape = partial && broadcastShapes(partial, condition.shape);
  if (shape === undefined) throw new Rejection("the shapes of its constants do not fit", damaged);
  const mask = floatConstant(condition.shape, Float32Array.from(condition.data));
  const [chooses, first, second] = [mask, left, right].map((c) => expand(c, shape).data) as [
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  const data = chooses.map((x, i) => (x !== 0 ? first[i]! : second[i]!));
  return constantValue(floatConstant(shape, data));
}

/** Both branches are numbers, or functions with few values of what the condition compares. */
function chosen(node: OnnxNode, condition: PendingValue, mask: Steps): PendingValue | undefined {
  const [a, b] = [branchSteps(node, 1, condition), branchSteps(node, 2, condition)];
  if (a === undefined || b === undefined) return undefined;
  if (a.type !== b.type) throw mixed();
  // NaN marks where the condition does not hold, for the second branch to fill.
  const first = zipSteps(mask, a, a.type, (m, x) => (m === 1 ? x : Number.NaN));
  const both = zipSteps(first, b, a.type, (x, y) => (Number.isNaN(x) ? y : x));
  return stepValue(node, condition.source, both);
}

function branchSteps(node: OnnxNode, index: number, condition: PendingValue): Steps | undefined {
  const value = node.inputs[index];
  if (value?.kind === "pending" && value.form.kind === "steps" && value.source === condition.source)
    return value.form.steps;
  if (value?.kind !== "constant") return undefined;
  const number = uniformNumber(value.constant, condition.shape);
  return number === undefined
    ? undefined
    : { type: stepTypeOf(value.constant), breaks: [], values: [number] };
}

/**
 * One branch is the compared value x itself: `x > c ? x : c` is a maximum, its mirror a minimum, and `x > 0 ? x : s · x`
 * a PRelu. At the break both branches are the same number, so that it does not matter whose it is.
 */
function bent(node: OnnxNode, { source }: PendingValue, { breaks, values }: Steps): RuntimeValue {
  const [only] = breaks;
  const isRising = values[1] === 1;
  const [high, low] = isRising ? [node.inputs[1], node.inputs[2]] : [node.inputs[2], node.inputs[1]];
  if (only === undefined || breaks.length !== 1) throw unknownBranches();
  const { at } = only;
  const isSource = (v: Value | undefined): boolean => v?.kind === "runtime" && v.name === source.name;
  const isAt = (v: Value | undefined): boolean =>
    v?.kind === "constant" && v.constant.kind === "float" && uniformNumber(v.constant, source.shape) === at;
  const emit = (op: Parameters<OnnxNode["emit"]>[0]): RuntimeValue => node.emit(op, source, source.shape);
  if (isSource(high) && isAt(low))
    return emit(at === 0 ? { kind: "relu" } : { kind: "clip", low: at, high: Infinity });
  if (isAt(high) && isSource(low)) return emit({ kind: "clip", low: -Infinity, high: at });
  if (at === 0 && isSource(high) && low?.kind === "runtime" && low.product?.of === source.name)
    return emit({ kind: "prelu", slope: low.product.factor });
  throw unknownBranches();
}

function unknownCondition(): Rejection {
  return new Rejection(
    "its condition is no comparison of one computed value with constants",
    "compare one computed value with constants",
  );
}

function unknownBranches(): Rejection {
  return new Rejection(
    "it chooses between computed values",
    "choose between numbers, or use Relu, LeakyRelu, PRelu or Clip",
  );
}
