/** What operators on single numbers share: maps of constants, and of values that wait. */
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
import type { OnnxNode, RuntimeValue, Value } from "../node.js";
import { type PendingValue, pendingInput } from "../pending.js";
import { mapSteps, type Steps, type StepType, zipSteps } from "../steps.js";
import { stepValue } from "./step-values.js";

/** ONNX Runtime's float32 operators round once; whole numbers stay whole, and division cuts off. */
type Binary = (a: number, b: number) => number;

/** Constants of the type of a comparison's result. */
export function boolConstant(shape: readonly number[], data: readonly number[]): IntConstant {
  return { ...intConstant(shape, data), type: "bool" };
}

export function isBool(constant: Constant): boolean {
  return constant.kind === "int" && constant.type === "bool";
}

/** `apply` on all pairs of elements of two constants. */
export function pairs(a: Constant, b: Constant, apply: Binary): { shape: number[]; data: Float64Array } {
  const shape = broadcastShapes(a.shape, b.shape);
  if (shape === undefined) throw new Rejection("the shapes of its constants do not fit", damaged);
  const left = positions(shape, broadcastStrides(a.shape, shape));
  const right = positions(shape, broadcastStrides(b.shape, shape));
  const data = new Float64Array(left.length);
  for (let i = 0; i < data.length; i++) data[i] = apply(a.data[left[i]!]!, b.data[right[i]!]!);
  return { shape, data };
}

/** Floats are rounded to float32 once, as the framework does; integers stay whole (division truncates). */
export function foldBinary(a: Constant, b: Constant, apply: Binary): Constant {
  if (a.kind !== b.kind || isBool(a) || isBool(b)) throw mixed();
  const { shape, data } = pairs(a, b, apply);
  if (a.kind === "int") checkList(countOf(shape));
  return a.kind === "float" ? finite(floatConstant(shape, new Float32Array(data))) : whole(shape, data);
}

export function mapConstant(constant: Constant, apply: (x: number) => number): Constant {
  if (isBool(constant)) throw mixed();
  const data = new Float64Array(constant.data.length);
  for (let i = 0; i < data.length; i++) data[i] = apply(constant.data[i]!);
  return constant.kind === "int"
    ? whole(constant.shape, data)
    : finite(floatConstant(constant.shape, new Float32Array(data)));
}

/** The one number that all elements of a constant are, if it repeats to `shape` without enlarging it. */
export function uniformNumber(constant: Constant, shape: readonly number[]): number | undefined {
  const { data } = constant;
  const [first] = data;
  if (first === undefined || !fitsInto(constant.shape, shape)) return undefined;
  for (let i = 1; i < data.length; i++) if (data[i] !== first) return undefined;
  return first;
}

/** The type of a constant's elements, as values that wait have it. */
export function stepTypeOf(constant: Constant): StepType {
  return constant.kind === "float" ? "float" : isBool(constant) ? "bool" : "int";
}

/** `apply` to each value of a function with few values; undefined where the input is none. */
export function mappedInput(
  node: OnnxNode,
  index: number,
  apply: (value: number) => number,
): PendingValue | undefined {
  const input = pendingInput(node, index);
  if (input?.form.kind !== "steps") return undefined;
  const { steps } = input.form;
  if (steps.type === "bool") throw mixed();
  return stepValue(node, input.source, mapSteps(steps, steps.type, rounded(steps.type, apply)));
}

/**
 * A binary operation on functions with few values: of one and a constant number, or of two of the same number.
 * Undefined where the inputs are others, which then are computed one by one.
 */
export function steppedBinary(
  node: OnnxNode,
  apply: Binary,
  result: (types: StepType) => StepType = numeric,
): PendingValue | undefined {
  const [a, b] = [operandOf(node.inputs[0]), operandOf(node.inputs[1])];
  if (a === undefined || b === undefined) return undefined;
  const source = a.source ?? b.source;
  if (source === undefined || (a.source !== undefined && b.source !== undefined && a.source !== b.source))
    return undefined;
  const [left, right] = [stepsOf(a, source), stepsOf(b, source)];
  if (left === undefined || right === undefined) return undefined;
  if (left.type !== right.type) throw mixed();
  const type = result(left.type);
  return stepValue(node, source, zipSteps(left, right, type, rounded(type, apply)));
}

interface Operand {
  readonly source?: RuntimeValue;
  readonly steps?: Steps;
  readonly constant?: Constant;
}

function operandOf(value: Value | undefined): Operand | undefined {
  if (value?.kind === "constant") return { constant: value.constant };
  if (value?.kind !== "pending" || value.form.kind !== "steps") return undefined;
  return { source: value.source, steps: value.form.steps };
}

/** A constant number is a function without breaks. */
function stepsOf({ steps, constant }: Operand, source: RuntimeValue): Steps | undefined {
  if (steps !== undefined || constant === undefined) return steps;
  const number = uniformNumber(constant, source.shape);
  return number === undefined ? undefined : { type: stepTypeOf(constant), breaks: [], values: [number] };
}

/** Whether a constant repeats to the shape of a computed value without enlarging it. */
export function fitsInto(constant: readonly number[], shape: readonly number[]): boolean {
  const result = broadcastShapes(constant, shape);
  return result?.length === shape.length && result.every((n, i) => n === shape[i]);
}

function numeric(type: StepType): StepType {
  if (type === "bool") throw mixed();
  return type;
}

/** The operation with its rounding and its checks. */
function rounded(type: StepType, apply: (...x: number[]) => number): (...x: number[]) => number {
  return (...x) => {
    const exact = apply(...x);
    const y = type === "float" ? Math.fround(exact) : Math.trunc(exact) + 0;
    if (type === "float" ? Number.isFinite(y) : Number.isSafeInteger(y)) return y;
    throw new Rejection("it computes a NaN or an infinity", "check the model's parameters");
  };
}

export function mixed(): Rejection {
  return new Rejection("it mixes float32, integers and booleans", damaged);
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
