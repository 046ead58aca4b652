/**
 * Reductions. Of constants: the scales and thresholds that binarization takes from weights. Runtimes add float32 numbers in
 * orders that they do not specify; here sums are float64, rounded to float32 once, the number that all orders approach.
 */
import { type Reduction as Reduced, reducedShape, reductionOver } from "../../common/computed-pairs.js";
import { broadcastStrides, type FloatConstant, floatConstant, positions } from "../../common/constant.js";
import { damaged, Rejection } from "../../common/rejection.js";
import { intAttribute } from "../attributes.js";
import {
  axesOf,
  constantValue,
  normalAxis,
  type OnnxNode,
  type OpHandler,
  runtimeInput,
  type Value,
} from "../node.js";

interface Reduction {
  readonly start: number;
  readonly add: (total: number, x: number) => number;
  readonly end: (total: number, count: number) => number;
}

const sum: Reduction = { start: 0, add: (t, x) => t + x, end: (t) => t };
const reductions: Readonly<Record<string, Reduction>> = {
  ReduceSum: sum,
  ReduceMean: { ...sum, end: (t, count) => t / count },
  ReduceL1: { ...sum, add: (t, x) => t + Math.abs(x) },
  ReduceL2: { ...sum, add: (t, x) => t + x * x, end: Math.sqrt },
  ReduceMax: { start: -Infinity, add: Math.max, end: (t) => t },
  ReduceMin: { start: Infinity, add: Math.min, end: (t) => t },
};

/** The reduction of a float constant; undefined for computed values. */
export function foldedReduction(node: OnnxNode): Value | undefined {
  const [input] = node.inputs;
  if (input?.kind !== "constant") return undefined;
  if (input.constant.kind !== "float" || input.constant.data.length === 0)
    throw new Rejection("it reduces integers or nothing", "compute in float32");
  const { constant } = input;
  const rank = constant.shape.length;
  const listed = axesOf(node)?.map((a) => normalAxis(a, Math.max(rank, 1))) ?? [];
  if (listed.length === 0 && intAttribute(node.attributes, "noop_with_empty_axes", 0) !== 0) return input;
  const axes = new Set(listed.length === 0 ? constant.shape.map((_, i) => i) : listed);
  return constantValue(reduced(constant, axes, reductions[node.op]!, isKept(node)));
}

function isKept(node: OnnxNode): boolean {
  return intAttribute(node.attributes, "keepdims", 1) !== 0;
}

function reduced(
  { shape, data }: FloatConstant,
  axes: ReadonlySet<number>,
  { start, add, end }: Reduction,
  keepDims: boolean,
): FloatConstant {
  const kept = shape.map((n, i) => (axes.has(i) ? 1 : n));
  const totals = new Float64Array(kept.reduce((a, b) => a * b, 1)).fill(start);
  const groups = positions(shape, broadcastStrides(kept, shape));
  for (let i = 0; i < data.length; i++) totals[groups[i]!] = add(totals[groups[i]!]!, data[i]!);
  const result = Float32Array.from(totals, (t) => end(t, data.length / totals.length));
  if (!result.every(Number.isFinite))
    throw new Rejection("folding its constants gives a NaN or an infinity", "check the model's parameters");
  return floatConstant(keepDims ? kept : shape.filter((_, i) => !axes.has(i)), result);
}

/** A sum or mean of a computed value, over its channels or over all of it. */
export function reduceComputed(node: OnnxNode, operator: Reduced["operator"]): Value {
  const input = runtimeInput(node, 0);
  const listed = axesOf(node)?.map((a) => normalAxis(a, input.shape.length)) ?? [];
  if (listed.length === 0 && intAttribute(node.attributes, "noop_with_empty_axes", 0) !== 0) return input;
  const axes = listed.length === 0 ? input.shape.map((_, axis) => axis) : listed;
  const op = reductionOver(operator, axes, input.shape);
  const kept = reducedShape(input.shape, op);
  if (isKept(node)) return node.emit(op, input, kept);
  return node.emit(
    { kind: "reshape" },
    node.emit(op, input, kept, { part: "kept" }),
    input.shape.filter((_, axis) => !op.axes.includes(axis)),
  );
}

export const reduceSum: OpHandler = (node) => foldedReduction(node) ?? reduceComputed(node, "sum");

/** Reductions that are known of constants only. */
export const reduceConstant: OpHandler = (node) => {
  const folded = foldedReduction(node);
  if (folded !== undefined) return folded;
  throw new Rejection(
    node.inputs[0] === undefined ? "input 0 is missing" : "it works on a computed value",
    node.inputs[0] === undefined ? damaged : `${node.op} is supported on constants only`,
  );
};
