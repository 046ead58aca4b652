/** Elementwise operators on float32: with a constant, or a sum of two computed values. */
import { shapeText } from "../../../diagnostics/text.js";
import type { ArithmeticOperator, GraphOp } from "../../../graph/types.js";
import { graphShape, presentLayout } from "../../common/channels-last.js";
import type { FloatConstant } from "../../common/constant.js";
import { damaged, Rejection } from "../../common/rejection.js";
import { activationOps } from "../activation.js";
import { computed, elementwise, inLayout, operandFor } from "../layout.js";
import {
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
import { single } from "../quantized.js";

export const add = binary("add");
export const sub = binary("subtract");
export const mul = binary("multiply");
export const div = binary("divide");

function binary(operator: ArithmeticOperator): OpHandler {
  return (node) => {
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

/** The sum of two values of one shape, or their difference: the sum with the negative, which is the same number. */
function join(node: TfNode, operator: ArithmeticOperator): RuntimeValue {
  if (operator !== "add" && operator !== "subtract")
    throw new Rejection("it joins two computed values", "of these, ADD, SUB and CONCATENATION are supported");
  const [a, b] = [float(node, 0), float(node, 1)];
  if (shapeText(a.shape) !== shapeText(b.shape)) {
    throw new Rejection(
      `it joins the shapes ${shapeText(a.shape)} and ${shapeText(b.shape)}`,
      "both must have the same shape",
    );
  }
  const layout = [a, b].some((v) => presentLayout(v) === "first") ? "first" : "last";
  const shape = graphShape(a.shape, layout);
  const left = inLayout(node, a, layout);
  let right = inLayout(node, b, layout);
  if (operator === "subtract") {
    const negate: GraphOp = {
      kind: "arithmetic",
      operator: "multiply",
      operand: single(-1),
      reversed: false,
    };
    right = node.emit(right, [{ op: negate, shape, part: "negated" }], { isAuxiliary: true });
  }
  const stages = [[{ kind: "sum" }, "sum"] as const, ...activationOps(node.options.i8(0))].map(
    ([op, part]): Stage => ({ op, shape, part }),
  );
  return computed(layout, node.emit([left, right], stages), a.shape);
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
  return (node) => elementwise(node, float(node, 0), () => activationOps(number));
}

/** `x ≥ 0 ? x : slope · x`, one slope or one per channel. */
export const prelu: OpHandler = (node) => {
  const input = float(node, 0);
  const slope = floatConstantInput(node, 1, "slope");
  return elementwise(node, input, (layout) => [
    [{ kind: "prelu", slope: operandFor(layout, slope, input.shape) }, "result"],
  ]);
};

export const leakyRelu: OpHandler = (node) => {
  const slope = node.options.f32(0);
  if (!Number.isFinite(slope)) throw new Rejection("its slope is not finite", damaged);
  return elementwise(node, float(node, 0), () => [[{ kind: "prelu", slope: single(slope) }, "result"]]);
};
