/** Comparisons and what is done with their results, booleans: folded, or functions with few values that wait. */
import type { Constant } from "../../common/constant.js";
import { Rejection } from "../../common/rejection.js";
import {
  constantValue,
  type OnnxNode,
  type OpHandler,
  type RuntimeValue,
  runtimeInput,
  type Value,
} from "../node.js";
import { pendingInput } from "../pending.js";
import { comparison, equality, mapSteps, type Steps } from "../steps.js";
import { boolConstant, fitsInto, isBool, mixed, pairs, steppedBinary, uniformNumber } from "./elementwise.js";
import { stepValue } from "./step-values.js";

type Relation = (a: number, b: number) => boolean;

/** What is 1 where `x relation at`, as steps. */
type StepsAt = (at: number) => Steps;

const above: StepsAt = (at) => comparison(at, false, false);
const from: StepsAt = (at) => comparison(at, true, false);
const below: StepsAt = (at) => comparison(at, true, true);
const upTo: StepsAt = (at) => comparison(at, false, true);

/** Of a computed value `x ∘ c` and of `c ∘ x`. */
export const greater = compare((a, b) => a > b, above, below);
export const greaterOrEqual = compare((a, b) => a >= b, from, upTo);
export const less = compare((a, b) => a < b, below, above);
export const lessOrEqual = compare((a, b) => a <= b, upTo, from);
export const equal = compare((a, b) => a === b, equality, equality);

export const and = logical((a, b) => a && b);
export const or = logical((a, b) => a || b);
export const xor = logical((a, b) => a !== b);

export const not: OpHandler = (node) => {
  const [input] = node.inputs;
  if (input?.kind === "constant" && isBool(input.constant)) {
    const { shape, data } = input.constant;
    return constantValue(
      boolConstant(
        shape,
        Array.from(data, (x) => Number(x === 0)),
      ),
    );
  }
  const pending = pendingInput(node, 0);
  if (pending?.form.kind === "steps" && pending.form.steps.type === "bool")
    return stepValue(
      node,
      pending.source,
      mapSteps(pending.form.steps, "bool", (x) => 1 - x),
    );
  throw notBoolean();
};

function compare(relation: Relation, right: StepsAt, left: StepsAt): OpHandler {
  const number = (a: number, b: number): number => Number(relation(a, b));
  return (node) => {
    const [a, b] = node.inputs;
    if (a?.kind === "constant" && b?.kind === "constant") return folded(a.constant, b.constant, number);
    const composed = steppedBinary(node, number, () => "bool");
    if (composed !== undefined) return composed;
    if (b?.kind === "constant") return withConstant(node, 0, b.constant, right);
    if (a?.kind === "constant") return withConstant(node, 1, a.constant, left);
    throw new Rejection("it compares two computed values", "compare computed values with constants only");
  };
}

function folded(a: Constant, b: Constant, relation: (a: number, b: number) => number): Value {
  if (a.kind !== b.kind || isBool(a) !== isBool(b)) throw mixed();
  const { shape, data } = pairs(a, b, relation);
  return constantValue(boolConstant(shape, Array.from(data)));
}

/** Several numbers are subtracted first: `x − c` is 0 only where x is c, and else has its sign. */
function withConstant(node: OnnxNode, index: 0 | 1, constant: Constant, steps: StepsAt): Value {
  const input = signSource(node, index, constant) ?? runtimeInput(node, index);
  if (constant.kind !== "float") throw mixed();
  const number = uniformNumber(constant, input.shape);
  const { shape, data } = constant;
  if (!fitsInto(shape, input.shape)) {
    throw new Rejection(
      "the shapes of its operands do not fit",
      "the constant may have one number, or as many as the computed value along each axis",
    );
  }
  if (number !== undefined) return stepValue(node, input, steps(number));
  const operand = { shape, data };
  const difference = node.emit(
    { kind: "arithmetic", operator: "subtract", operand, reversed: false },
    input,
    input.shape,
    { part: "difference" },
  );
  return stepValue(node, difference, steps(0));
}

/** Of a function that keeps the sign, compared with 0, its own input. */
function signSource(node: OnnxNode, index: number, constant: Constant): RuntimeValue | undefined {
  const pending = pendingInput(node, index);
  if (pending?.form.kind !== "same-sign" || uniformNumber(constant, pending.shape) !== 0) return undefined;
  return pending.source;
}

function logical(apply: (a: boolean, b: boolean) => boolean): OpHandler {
  const number = (a: number, b: number): number => Number(apply(a !== 0, b !== 0));
  return (node) => {
    const [a, b] = node.inputs;
    if (a?.kind === "constant" && b?.kind === "constant" && isBool(a.constant) && isBool(b.constant))
      return folded(a.constant, b.constant, number);
    const composed = steppedBinary(node, number, (type) => {
      if (type === "bool") return type;
      throw notBoolean();
    });
    if (composed !== undefined) return composed;
    throw notBoolean();
  };
}

function notBoolean(): Rejection {
  return new Rejection(
    "it works on values that are no comparisons of one value with constants",
    "compare one computed value with constants",
  );
}
