/** Elementwise operators: folded where everything is constant, one graph node where one side is. */
import { shapeText } from "../../../diagnostics/text.js";
import type { ArithmeticOperator } from "../../../graph/types.js";
import {
  broadcastShapes,
  broadcastStrides,
  type Constant,
  countOf,
  type FloatConstant,
  floatConstant,
  type IntConstant,
  intConstant,
  positions,
} from "../../common/constant.js";
import { checkList } from "../../common/limits.js";
import { damaged, Rejection } from "../../common/rejection.js";
import {
  constantValue,
  type OnnxNode,
  type OpHandler,
  requiredInput,
  runtimeInput,
  type Value,
} from "../node.js";

type Binary = (a: number, b: number) => number;

export const add = binary("add", (a, b) => a + b);
export const sub = binary("subtract", (a, b) => a - b);
export const mul = binary("multiply", (a, b) => a * b);
export const div = binary("divide", (a, b) => a / b);

/** Constants only: a power of a computed value is not monotone in general. The exponent may have its own type. */
export const pow: OpHandler = (node) => {
  const [base, exponent] = [requiredInput(node, 0), requiredInput(node, 1)];
  if (base.kind !== "constant" || exponent.kind !== "constant")
    throw new Rejection("it works on a computed value", "only constants can be raised to a power");
  const power: Constant =
    base.constant.kind === "float" ? asFloat(exponent.constant) : asInt(exponent.constant);
  return constantValue(foldBinary(base.constant, power, (a, b) => a ** b));
};

export const sqrt = unary("float", Math.sqrt);
export const exp = unary("float", Math.exp);
export const reciprocal = unary("float", (x) => 1 / x);
export const neg = unary("any", (x) => -x);
export const abs = unary("any", Math.abs);

export const relu: OpHandler = (node) => {
  const input = requiredInput(node, 0);
  if (input.kind === "constant") return constantValue(mapConstant(input.constant, (x) => (x > 0 ? x : 0)));
  return node.emit({ kind: "relu" }, runtimeInput(node, 0), input.shape);
};

function binary(operator: ArithmeticOperator, apply: Binary): OpHandler {
  return (node) => {
    const [a, b] = [requiredInput(node, 0), requiredInput(node, 1)];
    if (a.kind === "runtime" && b.kind === "runtime") {
      if (operator === "add") return sum(node);
      throw new Rejection("it joins two computed values", "of these, only Add and Concat are supported");
    }
    if (a.kind === "constant" && b.kind === "constant")
      return constantValue(foldBinary(a.constant, b.constant, apply));
    return a.kind === "constant"
      ? withConstant(node, operator, 1, a.constant)
      : withConstant(node, operator, 0, (b as Extract<Value, { kind: "constant" }>).constant);
  };
}

function sum(node: OnnxNode): Value {
  const [a, b] = [runtimeInput(node, 0), runtimeInput(node, 1)];
  const shapes = [shapeText(a.shape), shapeText(b.shape)];
  if (shapes[0] === shapes[1]) return node.emit({ kind: "sum" }, [a, b], a.shape);
  throw new Rejection(`it adds the shapes ${shapes.join(" and ")}`, "both must have the same shape");
}

/** One side is computed, the other constant. Broadcasting may not enlarge the computed side. */
function withConstant(
  node: OnnxNode,
  operator: ArithmeticOperator,
  runtimeIndex: 0 | 1,
  operand: Constant,
): Value {
  const input = runtimeInput(node, runtimeIndex);
  const reversed = runtimeIndex === 1;
  if (operand.kind === "int") throw new Rejection("it mixes float32 and integers", damaged);
  const result = broadcastShapes(input.shape, operand.shape);
  if (result?.length !== input.shape.length || result.some((n, i) => n !== input.shape[i])) {
    throw new Rejection(
      "the shapes of its operands do not fit",
      "the constant may have one number, or as many as the computed value along each axis",
    );
  }
  if (operator === "divide" && !reversed && operand.data.includes(0))
    throw new Rejection("it divides by 0", "check the model's parameters");
  const plain = { shape: operand.shape, data: operand.data };
  return node.emit({ kind: "arithmetic", operator, operand: plain, reversed }, input, input.shape);
}

/** Floats are rounded to float32 once, as the framework does; integers stay whole (division truncates). */
function foldBinary(a: Constant, b: Constant, apply: Binary): Constant {
  if (a.kind !== b.kind) throw new Rejection("it mixes float32 and integers", damaged);
  const shape = broadcastShapes(a.shape, b.shape);
  if (shape === undefined) throw new Rejection("the shapes of its constants do not fit", damaged);
  if (a.kind === "int") checkList(countOf(shape));
  const left = positions(shape, broadcastStrides(a.shape, shape));
  const right = positions(shape, broadcastStrides(b.shape, shape));
  const data = new Float64Array(left.length);
  for (let i = 0; i < data.length; i++) data[i] = apply(a.data[left[i]!]!, b.data[right[i]!]!);
  return a.kind === "float" ? finite(floatConstant(shape, new Float32Array(data))) : whole(shape, data);
}

function unary(types: "float" | "any", apply: (x: number) => number): OpHandler {
  return (node) => {
    const input = requiredInput(node, 0);
    if (input.kind === "runtime")
      throw new Rejection("it works on a computed value", `${node.op} is supported on constants only`);
    if (types === "float" && input.constant.kind === "int")
      throw new Rejection("it works on integers", damaged);
    return constantValue(mapConstant(input.constant, apply));
  };
}

function mapConstant(constant: Constant, apply: (x: number) => number): Constant {
  const data = new Float64Array(constant.data.length);
  for (let i = 0; i < data.length; i++) data[i] = apply(constant.data[i]!);
  return constant.kind === "int"
    ? whole(constant.shape, data)
    : finite(floatConstant(constant.shape, new Float32Array(data)));
}

function asFloat({ shape, data }: Constant): FloatConstant {
  return floatConstant(shape, Float32Array.from(data));
}

function asInt(constant: Constant): IntConstant {
  if (constant.kind === "int") return constant;
  throw new Rejection("it raises integers to a float power", damaged);
}

function finite(constant: FloatConstant): FloatConstant {
  if (constant.data.every(Number.isFinite)) return constant;
  throw new Rejection("folding its constants gives a NaN or an infinity", "check the model's parameters");
}

function whole(shape: readonly number[], data: Float64Array): IntConstant {
  const numbers = Array.from(data, (x) => Math.trunc(x) + 0);
  if (numbers.every(Number.isSafeInteger)) return intConstant(shape, numbers);
  throw new Rejection("folding its integers gives a number out of range", damaged);
}
