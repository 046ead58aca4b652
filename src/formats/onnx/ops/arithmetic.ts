/** Elementwise operators: folded where everything is constant, one graph node where one side is. */
import { shapeText } from "../../../diagnostics/text.js";
import type { ArithmeticOperator } from "../../../graph/types.js";
import { computedDivisor, pairShape } from "../../common/computed-pairs.js";
import { type Constant, type FloatConstant, floatConstant, type IntConstant } from "../../common/constant.js";
import { damaged, Rejection } from "../../common/rejection.js";
import {
  constantValue,
  type OnnxNode,
  type OpHandler,
  type RuntimeValue,
  requiredInput,
  runtimeInput,
  type Value,
} from "../node.js";
import { type PendingValue, pendingInput } from "../pending.js";
import {
  fitsInto,
  foldBinary,
  mapConstant,
  mappedInput,
  steppedBinary,
  uniformNumber,
} from "./elementwise.js";
import { shiftedRounding } from "./rounding.js";

type Binary = (a: number, b: number) => number;

export const add = binary("add", (a, b) => a + b);
export const sub = binary("subtract", (a, b) => a - b);
export const mul = binary("multiply", (a, b) => a * b);
export const div = binary("divide", (a, b) => a / b);

/** Two inputs or more, added one after another. */
export const sumOfAll: OpHandler = (node) => {
  if (node.inputs.length === 0) throw new Rejection("it has no inputs", damaged);
  return node.inputs.slice(1).reduce<Value>(
    (total, next, i) => {
      const isLast = i === node.inputs.length - 2;
      const emit: OnnxNode["emit"] = (op, input, shape, options) =>
        node.emit(op, input, shape, isLast ? options : { ...options, part: `sum ${i}` });
      return add({ ...node, inputs: [total, next], emit }) as Value;
    },
    requiredInput(node, 0),
  );
};

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

export const abs: OpHandler = (node) =>
  node.inputs[0]?.kind === "runtime"
    ? node.emit({ kind: "abs" }, runtimeInput(node, 0), node.inputs[0].shape)
    : unary("any", Math.abs)(node);

export const neg: OpHandler = (node) => {
  const mapped = mappedInput(node, 0, (x) => -x);
  if (mapped !== undefined) return mapped;
  const input = requiredInput(node, 0);
  if (input.kind === "constant") return constantValue(mapConstant(input.constant, (x) => -x));
  const operand = { shape: [], data: Float32Array.of(-1) };
  return node.emit(
    { kind: "arithmetic", operator: "multiply", operand, reversed: false },
    runtimeInput(node, 0),
    input.shape,
  );
};

export const relu: OpHandler = (node) => {
  const mapped = mappedInput(node, 0, (x) => (x > 0 ? x : 0));
  if (mapped !== undefined) return mapped;
  const input = requiredInput(node, 0);
  if (input.kind === "constant") return constantValue(mapConstant(input.constant, (x) => (x > 0 ? x : 0)));
  return node.emit({ kind: "relu" }, runtimeInput(node, 0), input.shape);
};

function binary(operator: ArithmeticOperator, apply: Binary): OpHandler {
  return (node) => {
    const waiting = steppedBinary(node, apply) ?? shifted(node, operator);
    if (waiting !== undefined) return waiting;
    const [a, b] = [requiredInput(node, 0), requiredInput(node, 1)];
    if (a.kind === "runtime" && b.kind === "runtime") return joined(node, operator);
    if (a.kind === "constant" && b.kind === "constant")
      return constantValue(foldBinary(a.constant, b.constant, apply));
    return a.kind === "constant"
      ? withConstant(node, operator, 1, a.constant)
      : withConstant(node, operator, 0, (b as Extract<Value, { kind: "constant" }>).constant);
  };
}

/** Rounded whole numbers and a zero point. */
function shifted(node: OnnxNode, operator: ArithmeticOperator): PendingValue | undefined {
  const index = pendingInput(node, 0) === undefined ? 1 : 0;
  const [waiting, other] = [pendingInput(node, index), node.inputs[1 - index]];
  if (waiting === undefined || other?.kind !== "constant" || other.constant.kind !== "float")
    return undefined;
  const number = uniformNumber(other.constant, waiting.shape);
  if (number === undefined) return undefined;
  if (operator === "add") return shiftedRounding(node, index, number);
  return operator === "subtract" && index === 0 ? shiftedRounding(node, 0, -number) : undefined;
}

/** Two computed values, of which one may repeat along axes of the other. */
function joined(node: OnnxNode, operator: ArithmeticOperator): Value {
  if (operator === "divide") throw computedDivisor();
  const pair = [runtimeInput(node, 0), runtimeInput(node, 1)];
  const shape = pairShape(pair[0]!.shape, pair[1]!.shape);
  const isSum = operator === "add" && pair.every((v) => shapeText(v.shape) === shapeText(shape));
  const op = isSum ? ({ kind: "sum" } as const) : ({ kind: "pairwise", operator } as const);
  const ranked = pair.map((value, i) => {
    const missing = shape.length - value.shape.length;
    if (missing === 0) return value;
    const longer = [...new Array<number>(missing).fill(1), ...value.shape];
    return node.emit({ kind: "reshape" }, value, longer, { part: `operand ${i}` });
  });
  return node.emit(op, ranked, shape);
}

/** One side is computed, the other constant. Broadcasting may not enlarge the computed side. */
function withConstant(
  node: OnnxNode,
  operator: ArithmeticOperator,
  runtimeIndex: 0 | 1,
  operand: Constant,
): RuntimeValue {
  const input = runtimeInput(node, runtimeIndex);
  const reversed = runtimeIndex === 1;
  if (operand.kind === "int") throw new Rejection("it mixes float32 and integers", damaged);
  if (!fitsInto(operand.shape, input.shape)) {
    throw new Rejection(
      "the shapes of its operands do not fit",
      "the constant may have one number, or as many as the computed value along each axis",
    );
  }
  if (operator === "divide" && !reversed && operand.data.includes(0))
    throw new Rejection("it divides by 0", "check the model's parameters");
  const plain = { shape: operand.shape, data: operand.data };
  const value = node.emit({ kind: "arithmetic", operator, operand: plain, reversed }, input, input.shape);
  return operator === "multiply" ? { ...value, product: { of: input.name, factor: plain } } : value;
}

function unary(types: "float" | "any", apply: (x: number) => number): OpHandler {
  return (node) => {
    const mapped = mappedInput(node, 0, apply);
    if (mapped !== undefined) return mapped;
    const input = requiredInput(node, 0);
    if (input.kind === "runtime")
      throw new Rejection("it works on a computed value", `${node.op} is supported on constants only`);
    if (types === "float" && input.constant.kind === "int")
      throw new Rejection("it works on integers", damaged);
    return constantValue(mapConstant(input.constant, apply));
  };
}

function asFloat({ shape, data }: Constant): FloatConstant {
  return floatConstant(shape, Float32Array.from(data));
}

function asInt(constant: Constant): IntConstant {
  if (constant.kind === "int") return constant;
  throw new Rejection("it raises integers to a float power", damaged);
}
