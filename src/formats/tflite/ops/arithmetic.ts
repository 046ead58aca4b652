/** Elementwise operators: with a constant, or a sum of two computed values. Those on int8 are in integers.ts. */
import { shapeText } from "../../../diagnostics/text.js";
import type { ArithmeticOperator, GraphOp } from "../../../graph/types.js";
import { graphShape, presentLayout } from "../../common/channels-last.js";
import { computedDivisor, pairShape } from "../../common/computed-pairs.js";
import type { FloatConstant } from "../../common/constant.js";
import { damaged, Rejection } from "../../common/rejection.js";
import { activationOps } from "../activation.js";
import { computed, elementwise, inLayout, operandFor } from "../layout.js";
import {
  type Affine,
  constantInput,
  elementText,
  floatConstantInput,
  integersUnsupported,
  type OpHandler,
  type RuntimeValue,
  requiredInput,
  runtimeInput,
  type Stage,
  type TfNode,
} from "../node.js";
import { affineOf, single } from "../quantized.js";
import {
  hasIntegers,
  integerBinary,
  integerBound,
  integerFunction,
  integerLeaky,
  integerRelu,
} from "./integers.js";

const { fround } = Math;

export const add = binary("add");
export const sub = binary("subtract");
export const mul = binary("multiply");
export const div = binary("divide");

function binary(operator: ArithmeticOperator): OpHandler {
  return (node) => {
    if (operator !== "divide" && hasIntegers(node)) return integerBinary(node, operator);
    const [a, b] = [requiredInput(node, 0), requiredInput(node, 1)];
    if (a.kind === "runtime" && b.kind === "runtime") return join(node, operator);
    const index = a.kind === "runtime" ? 0 : 1;
    const input = float(node, index);
    const constant = floatConstantInput(node, 1 - index, "constant");
    return withConstant(node, operator, input, constant, index === 1);
  };
}

function withConstant(
  node: TfNode,
  operator: ArithmeticOperator,
  input: RuntimeValue,
  constant: FloatConstant,
  reversed: boolean,
): RuntimeValue {
  if (operator === "divide" && !reversed && constant.data.includes(0))
    throw new Rejection("it divides by 0", "check the model's parameters");
  return elementwise(node, input, (layout) => [
    [
      { kind: "arithmetic", operator, operand: operandFor(layout, constant, input.shape), reversed },
      "result",
    ],
    ...activationOps(node.options.i8(0)),
  ]);
}

/**
 * Two values, of which one may repeat along axes of the other. The difference of two values of one shape is the sum with
 * the negative, which is the same number.
 */
function join(node: TfNode, operator: ArithmeticOperator): RuntimeValue {
  if (operator === "divide") throw computedDivisor();
  const [a, b] = [float(node, 0), float(node, 1)];
  const joined = pairShape(a.shape, b.shape);
  if (a.shape.length !== b.shape.length)
    throw new Rejection(
      `it joins values of ${a.shape.length} and ${b.shape.length} axes`,
      "reshape one of them: both must have as many axes",
    );
  const isSum = operator !== "multiply" && shapeText(a.shape) === shapeText(b.shape);
  const layout = [a, b].some((v) => presentLayout(v) === "first") ? "first" : "last";
  const shape = graphShape(joined, layout);
  const left = inLayout(node, a, layout);
  let right = inLayout(node, b, layout);
  if (isSum && operator === "subtract") {
    const negate: GraphOp = {
      kind: "arithmetic",
      operator: "multiply",
      operand: single(-1),
      reversed: false,
    };
    right = node.emit(right, [{ op: negate, shape, part: "negated" }], { isAuxiliary: true });
  }
  const op: GraphOp = isSum ? { kind: "sum" } : { kind: "pairwise", operator };
  const stages = [[op, isSum ? "sum" : "joined"] as const, ...activationOps(node.options.i8(0))].map(
    ([stage, part]): Stage => ({ op: stage, shape, part }),
  );
  return computed(layout, node.emit([left, right], stages), joined);
}

function float(node: TfNode, index: number): RuntimeValue {
  const input = runtimeInput(node, index);
  if (input.element === "float32") return input;
  throw integersUnsupported(
    `it computes with ${elementText(input)}, which TFLite rescales with fixed-point multipliers; that is not supported`,
  );
}

/** MINIMUM and MAXIMUM with one constant. */
export const minimum = bound((x) => ({ kind: "clip", low: Number.NEGATIVE_INFINITY, high: x }));
export const maximum = bound((x) => ({ kind: "clip", low: x, high: Number.POSITIVE_INFINITY }));

function bound(op: (x: number) => GraphOp): OpHandler {
  return (node) => {
    const index = requiredInput(node, 0).kind === "runtime" ? 0 : 1;
    if (hasIntegers(node)) return integerBound(node, index, op);
    const input = float(node, index);
    const { data } = floatConstantInput(node, 1 - index, "bound");
    const [x] = data;
    if (x === undefined || data.some((other) => other !== x))
      throw new Rejection(`its bound has ${data.length} numbers`, "one bound for all elements is expected");
    return elementwise(node, input, () => [[op(x), "bounded"]]);
  };
}

export const relu = activation(1);
export const reluN1To1 = activation(2);
export const relu6 = activation(3);

function activation(number: number): OpHandler {
  return (node) =>
    hasIntegers(node)
      ? integerRelu(node, runtimeInput(node, 0), number)
      : elementwise(node, float(node, 0), () => activationOps(number));
}

/** `x ≥ 0 ? x : slope · x`, one slope or one per channel. */
export const prelu: OpHandler = (node) => {
  if (hasIntegers(node)) return integerPrelu(node);
  const input = float(node, 0);
  const slope = floatConstantInput(node, 1, "slope");
  return elementwise(node, input, (layout) => [
    [{ kind: "prelu", slope: operandFor(layout, slope, input.shape) }, "result"],
  ]);
};

function integerPrelu(node: TfNode): RuntimeValue {
  const input = runtimeInput(node, 0);
  const { constant, tensor } = constantInput(node, 1, "slope");
  if (constant.kind !== "int" || tensor?.type !== "int8")
    throw new Rejection("its slopes are not int8 as its input is", damaged);
  const { scale, zero } = affineOf(tensor);
  const { shape } = constant;
  return integerLeaky(node, input, { shape, data: constant.data.map((q) => q - zero), scale });
}

export const leakyRelu: OpHandler = (node) => {
  const slope = node.options.f32(0);
  if (!Number.isFinite(slope)) throw new Rejection("its slope is not finite", damaged);
  if (hasIntegers(node))
    return integerLeaky(node, runtimeInput(node, 0), { shape: [], data: [1], scale: slope });
  return elementwise(node, float(node, 0), () => [[{ kind: "prelu", slope: single(slope) }, "result"]]);
};

/** `1 / (1 + exp(−x))` and tanh, of int8: a table that TFLite computes in float32. */
export const logistic = ofInt8((x) => fround(1 / fround(1 + fround(Math.exp(-x)))), {
  scale: 1 / 256,
  zero: -128,
});
export const tanh = ofInt8((x) => fround(Math.tanh(x)), { scale: 1 / 128, zero: 0 });

function ofInt8(real: (x: number) => number, output: Affine): OpHandler {
  return (node) => {
    const input = runtimeInput(node, 0);
    if (input.element === "int8") return integerFunction(node, input, real, output);
    if (input.element !== "float32") throw integersUnsupported(`it computes with ${elementText(input)}`);
    throw new Rejection(
      `operator ${node.op} is not supported on float32`,
      "replace it by a sign or a ReLU and train again, or quantize this part to int8",
    );
  };
}
