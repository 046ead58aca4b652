/** Elementwise operators: folded where everything is constant, one graph node where one side is. */
import type { ArithmeticOperator } from "../../../graph/types.js";
import {
  broadcastShapes,
  broadcastStrides,
  type Constant,
  floatConstant,
  intConstant,
  positions,
} from "../constant.js";
import {
  constantValue,
  type OnnxNode,
  type OpHandler,
  Rejection,
  requiredInput,
  unknown,
  type Value,
} from "../node.js";

type Binary = (a: number, b: number) => number;

export const add = binary("add", (a, b) => a + b);
export const sub = binary("subtract", (a, b) => a - b);
export const mul = binary("multiply", (a, b) => a * b);
export const div = binary("divide", (a, b) => a / b);
/** Constants only: a power of a computed value is not monotone in general. */
export const pow = binary(undefined, (a, b) => a ** b);

export const sqrt = unary(Math.sqrt);
export const neg = unary((x) => -x);
export const reciprocal = unary((x) => 1 / x);
export const abs = unary(Math.abs);
export const exp = unary(Math.exp);

export const relu: OpHandler = (node) => {
  const input = requiredInput(node, 0);
  if (input.kind === "unknown") return unknown;
  if (input.kind === "constant") return constantValue(mapConstant(input.constant, (x) => (x > 0 ? x : 0)));
  return node.emit({ kind: "relu" }, input, input.shape);
};

function binary(operator: ArithmeticOperator | undefined, apply: Binary): OpHandler {
  return (node) => {
    const a = requiredInput(node, 0);
    const b = requiredInput(node, 1);
    if (a.kind === "unknown" || b.kind === "unknown") return unknown;
    if (a.kind === "constant" && b.kind === "constant")
      return constantValue(foldBinary(a.constant, b.constant, apply));
    if (operator === undefined)
      throw new Rejection("it works on a computed value", "only constants can be raised to a power");
    return withConstant(node, operator, a, b);
  };
}

function withConstant(node: OnnxNode, operator: ArithmeticOperator, a: Value, b: Value): Value {
  const reversed = a.kind === "constant";
  const [input, other] = reversed ? [b, a] : [a, b];
  if (input.kind !== "runtime" || other.kind !== "constant") {
    throw new Rejection(
      "it joins two computed values",
      "only chains of layers are supported: no skips or merges",
    );
  }
  const { constant } = other;
  const result = broadcastShapes(input.shape, constant.shape);
  if (
    result === undefined ||
    result.some((n, i) => n !== input.shape[i]) ||
    result.length !== input.shape.length
  ) {
    throw new Rejection("the shapes of its operands do not fit", "check the size of the constant");
  }
  const operand = floatConstant(constant.shape, Float32Array.from(constant.data));
  return node.emit({ kind: "arithmetic", operator, operand, reversed }, input, input.shape);
}

/** Float results are rounded to float32 once, as the framework does; integers stay whole (division truncates). */
function foldBinary(a: Constant, b: Constant, apply: Binary): Constant {
  const shape = broadcastShapes(a.shape, b.shape);
  if (shape === undefined)
    throw new Rejection("the shapes of its constants do not fit", "the file is damaged: export it again");
  const from = positions(shape, broadcastStrides(a.shape, shape));
  const other = positions(shape, broadcastStrides(b.shape, shape));
  const values = Array.from(from, (p, i) => apply(a.data[p]!, b.data[other[i]!]!));
  if (a.kind === "int" && b.kind === "int") return intConstant(shape, values.map(Math.trunc));
  return checked(floatConstant(shape, Float32Array.from(values)));
}

function unary(apply: (x: number) => number): OpHandler {
  return (node) => {
    const input = requiredInput(node, 0);
    if (input.kind === "unknown") return unknown;
    if (input.kind === "constant") return constantValue(mapConstant(input.constant, apply));
    throw new Rejection("it works on a computed value", `${node.op} is supported on constants only`);
  };
}

function mapConstant(constant: Constant, apply: (x: number) => number): Constant {
  return constant.kind === "int"
    ? intConstant(constant.shape, constant.data.map(apply))
    : checked(floatConstant(constant.shape, constant.data.map(apply)));
}

function checked(constant: Constant): Constant {
  if (Array.from(constant.data).every(Number.isFinite)) return constant;
  throw new Rejection("folding its constants gives a NaN or an infinity", "check the model's parameters");
}
