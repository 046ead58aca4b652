/** Operators that move or describe data: free on the device, or known before it runs. */
import { shapeText } from "../../../diagnostics/text.js";
import { stridedPositions, stridesOf } from "../../../graph/broadcast.js";
import {
  type Constant,
  countOf,
  floatConstant,
  intConstant,
  reshape as reshapeConstant,
  transpose as transposeConstant,
} from "../../common/constant.js";
import { checkList, checkRank } from "../../common/limits.js";
import { damaged, listText, Rejection } from "../../common/rejection.js";
import { intAttribute, intsAttribute } from "../attributes.js";
import {
  axesOf,
  constantValue,
  intInput,
  normalAxis,
  type OnnxNode,
  type OpHandler,
  requiredInput,
  runtimeInput,
  type Value,
} from "../node.js";
import { type PendingValue, pendingInput } from "../pending.js";
import { mapSteps, type StepType } from "../steps.js";
import { boolConstant, isBool } from "./elementwise.js";
import { stepValue } from "./step-values.js";

export const identity: OpHandler = (node) => pendingInput(node, 0) ?? requiredInput(node, 0);

/** Dropout's second output and training are not supported; the ratio does not matter at inference. */
export const dropout: OpHandler = (node) => {
  const training = node.inputs[2];
  const isTraining = training?.kind === "constant" && training.constant.data[0] !== 0;
  if (!isTraining && training?.kind !== "runtime") return identity(node);
  throw new Rejection("it is in training mode", "export the model for inference: model.eval()");
};

/** ONNX's numbers of the types that values can be cast to. */
const castTypes: Readonly<Record<number, "float32" | "float64" | "int" | "bool">> = {
  1: "float32",
  6: "int",
  7: "int",
  9: "bool",
  11: "float64",
};

/**
 * Computed values may only be cast to the type they have; comparisons and constants between booleans, floats and whole
 * numbers.
 */
export const cast: OpHandler = (node) => {
  const to = castTypes[intAttribute(node.attributes, "to", 0)];
  if (to === undefined)
    throw new Rejection("it casts to a type that is not supported", "cast to float32 or int64");
  const cast = castSteps(node, to === "float32" || to === "float64" ? "float" : to);
  if (cast !== undefined) return cast;
  const input = requiredInput(node, 0);
  if (input.kind === "runtime") {
    if (to === "float32" ? input.dtype === "float32" : to === "int" && input.dtype === "int64") return input;
    throw new Rejection(`it casts computed ${input.dtype} to ${to}`, "compute in float32 throughout");
  }
  const { constant } = input;
  if (to === "bool")
    return constantValue(boolConstant(constant.shape, Array.from(constant.data, Boolean).map(Number)));
  if (to === "int" && isBool(constant)) return constantValue(intConstant(constant.shape, [...constant.data]));
  if ((to === "int") === (constant.kind === "int")) return input;
  return constantValue(
    constant.kind === "int"
      ? floatConstant(constant.shape, Float32Array.from(constant.data))
      : intConstant(constant.shape, Array.from(constant.data, Math.trunc)),
  );
};

/** The values of a comparison, and of what was computed of it, in another type. */
function castSteps(node: OnnxNode, type: StepType): PendingValue | undefined {
  const input = pendingInput(node, 0);
  if (input?.form.kind !== "steps") return undefined;
  const convert =
    type === "bool" ? (x: number) => Number(x !== 0) : type === "int" ? Math.trunc : (x: number) => x;
  return stepValue(node, input.source, mapSteps(input.form.steps, type, convert));
}

/** The sizes of a value, or those from `start` to before `end` (opset 15). */
export const shape: OpHandler = (node) => {
  const all = pendingInput(node, 0)?.shape ?? shapeOf(requiredInput(node, 0));
  const sizes = all.slice(
    intAttribute(node.attributes, "start", 0),
    intAttribute(node.attributes, "end", all.length),
  );
  return constantValue(intConstant([sizes.length], sizes));
};

export const reshape: OpHandler = (node) => {
  const input = requiredInput(node, 0);
  const target = intInput(node, 1, "target shape").data;
  if (intAttribute(node.attributes, "allowzero", 0) !== 0 && target.includes(0))
    throw new Rejection("it makes an empty tensor", damaged);
  if (target.filter((n) => n === -1).length > 1)
    throw new Rejection("more than one size of its target is -1", damaged);
  const from = shapeOf(input);
  const known = target.map((n, i) => (n === 0 ? (from[i] ?? 0) : n));
  const rest = known.reduce((a, b) => (b === -1 ? a : a * b), 1);
  const sizes = known.map((n) => (n === -1 ? countOf(from) / rest : n));
  const valid = sizes.every((n) => Number.isInteger(n) && n > 0) && countOf(sizes) === countOf(from);
  if (!valid) throw new Rejection(`shape ${shapeText(from)} cannot become ${listText(target, "×")}`, damaged);
  return reshaped(node, input, sizes);
};

export const flatten: OpHandler = (node) => {
  const input = requiredInput(node, 0);
  const from = shapeOf(input);
  const given = intAttribute(node.attributes, "axis", 1);
  const axis = given === from.length ? given : normalAxis(given, Math.max(from.length, 1));
  return reshaped(node, input, [countOf(from.slice(0, axis)), countOf(from.slice(axis))]);
};

export const unsqueeze: OpHandler = (node) => {
  const input = requiredInput(node, 0);
  const axes = axesOf(node);
  if (axes === undefined) throw new Rejection("it does not say which axes it adds", damaged);
  const rank = shapeOf(input).length + axes.length;
  const inserted = new Set(axes.map((a) => normalAxis(a, rank)));
  if (inserted.size !== axes.length) throw new Rejection("it names an axis twice", damaged);
  const rest = [...shapeOf(input)];
  return reshaped(
    node,
    input,
    Array.from({ length: rank }, (_, i) => (inserted.has(i) ? 1 : rest.shift()!)),
  );
};

export const squeeze: OpHandler = (node) => {
  const input = requiredInput(node, 0);
  const from = shapeOf(input);
  const given = axesOf(node)?.map((a) => normalAxis(a, from.length));
  const removed = given ?? from.flatMap((n, i) => (n === 1 ? [i] : []));
  if (removed.some((i) => from[i] !== 1))
    throw new Rejection("it removes a dimension that is not 1", damaged);
  return reshaped(
    node,
    input,
    from.filter((_, i) => !removed.includes(i)),
  );
};

export const transpose: OpHandler = (node) => {
  const input = requiredInput(node, 0);
  const from = shapeOf(input);
  const permutation = intsAttribute(node.attributes, "perm") ?? from.map((_, i) => from.length - 1 - i);
  const isPermutation =
    [...permutation].sort((a, b) => a - b).every((p, i) => p === i) && permutation.length === from.length;
  if (!isPermutation)
    throw new Rejection(`its perm ${listText(permutation)} is no order of ${from.length} axes`, damaged);
  const sizes = permutation.map((p) => from[p]!);
  if (input.kind === "runtime") {
    // Moving dimensions of size 1 past others moves no data.
    const moved = permutation.filter((p) => from[p] !== 1);
    if (moved.every((p, i) => i === 0 || moved[i - 1]! < p)) return reshaped(node, input, sizes);
    return node.emit({ kind: "transpose", permutation }, runtimeInput(node, 0), sizes);
  }
  const { constant } = input;
  if (constant.kind === "float") return constantValue(transposeConstant(constant, permutation));
  checkList(constant.data.length);
  const strides = stridesOf(from);
  const moved = stridedPositions(
    sizes,
    permutation.map((p) => strides[p]!),
  );
  return constantValue(
    intConstant(
      sizes,
      Array.from(moved, (position) => constant.data[position]!),
    ),
  );
};

export const gather: OpHandler = (node) => {
  const from = intInput(node, 0, "data");
  const at = intInput(node, 1, "indices");
  if (from.shape.length !== 1)
    throw new Rejection("it gathers from a tensor that is not a list of sizes", "simplify the model");
  normalAxis(intAttribute(node.attributes, "axis", 0), 1);
  checkList(at.data.length);
  const picked = at.data.map((i) => from.data[normalAxis(i, from.data.length)]!);
  return constantValue(intConstant(at.shape, picked));
};

/** A class index may be reshaped too: the type stays. */
function reshaped(node: OnnxNode, input: Known, sizes: readonly number[]): Value {
  if (input.kind === "runtime") return node.emit({ kind: "reshape" }, input, sizes, { dtype: input.dtype });
  checkRank(sizes);
  return constantValue(reshapedConstant(input.constant, sizes));
}

function reshapedConstant(constant: Constant, sizes: readonly number[]): Constant {
  return constant.kind === "int" ? intConstant(sizes, constant.data) : reshapeConstant(constant, sizes);
}

type Known = ReturnType<typeof requiredInput>;

function shapeOf(value: Known): readonly number[] {
  return value.kind === "constant" ? value.constant.shape : value.shape;
}
