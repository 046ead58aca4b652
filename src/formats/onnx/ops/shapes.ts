/** Operators that move or describe data: free on the device, or known before it runs. */
import {
  type Constant,
  countOf,
  intConstant,
  reshape as reshapeConstant,
  transpose as transposeConstant,
} from "../constant.js";
import {
  constantValue,
  intAttribute,
  intInput,
  intsAttribute,
  normalAxis,
  type OnnxNode,
  type OpHandler,
  Rejection,
  requiredInput,
  unknown,
  type Value,
} from "../node.js";

const damaged = "the file is damaged: export the model again";

export const identity: OpHandler = (node) => requiredInput(node, 0);

/** Float types stay float32; int64 of a constant stays whole. Computed values may only be cast to float. */
export const cast: OpHandler = (node) => {
  const input = requiredInput(node, 0);
  const to = intAttribute(node, "to", 1);
  const toFloat = to === 1 || to === 10 || to === 11 || to === 16;
  if (input.kind !== "constant") {
    if (input.kind === "runtime" && !toFloat)
      throw new Rejection("it casts a computed value to integers", "use a quantizer");
    return input;
  }
  const { constant } = input;
  if (toFloat === (constant.kind === "float")) return input;
  const data = constant.data;
  return constantValue(
    toFloat
      ? { kind: "float", shape: constant.shape, data: Float32Array.from(data) }
      : intConstant(constant.shape, Array.from(data, Math.trunc)),
  );
};

export const shape: OpHandler = (node) => {
  const input = requiredInput(node, 0);
  if (input.kind === "unknown") return unknown;
  const sizes = shapeOf(input);
  return constantValue(intConstant([sizes.length], sizes));
};

export const reshape: OpHandler = (node) => {
  const input = requiredInput(node, 0);
  if (input.kind === "unknown" || requiredInput(node, 1).kind === "unknown") return unknown;
  const target = intInput(node, 1, "target shape").data;
  const from = shapeOf(input);
  const known = target.map((n, i) => (n === 0 ? (from[i] ?? 0) : n));
  const rest = known.reduce((a, b) => (b === -1 ? a : a * b), 1);
  const sizes = known.map((n) => (n === -1 ? countOf(from) / rest : n));
  const valid = sizes.every((n) => Number.isInteger(n) && n > 0) && countOf(sizes) === countOf(from);
  if (!valid) throw new Rejection(`shape ${from.join("×")} cannot become ${target.join("×")}`, damaged);
  return reshaped(node, input, sizes);
};

export const flatten: OpHandler = (node) => {
  const input = requiredInput(node, 0);
  if (input.kind === "unknown") return unknown;
  const from = shapeOf(input);
  const given = intAttribute(node, "axis", 1);
  const axis = given === from.length ? given : normalAxis(given, Math.max(from.length, 1));
  return reshaped(node, input, [countOf(from.slice(0, axis)), countOf(from.slice(axis))]);
};

export const unsqueeze: OpHandler = (node) => {
  const input = requiredInput(node, 0);
  if (input.kind === "unknown") return unknown;
  const axes = axesOf(node) ?? [];
  const rank = shapeOf(input).length + axes.length;
  const inserted = new Set(axes.map((a) => normalAxis(a, rank)));
  const rest = [...shapeOf(input)];
  return reshaped(
    node,
    input,
    Array.from({ length: rank }, (_, i) => (inserted.has(i) ? 1 : rest.shift()!)),
  );
};

export const squeeze: OpHandler = (node) => {
  const input = requiredInput(node, 0);
  if (input.kind === "unknown") return unknown;
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
  if (input.kind === "unknown") return unknown;
  const from = shapeOf(input);
  const permutation = intsAttribute(node, "perm") ?? from.map((_, i) => from.length - 1 - i);
  const isPermutation =
    [...permutation].sort((a, b) => a - b).every((p, i) => p === i) && permutation.length === from.length;
  if (!isPermutation)
    throw new Rejection(`${permutation.join(",")} is no order of ${from.length} axes`, damaged);
  const sizes = permutation.map((p) => from[p]!);
  if (input.kind === "runtime") {
    // Moving dimensions of size 1 past others moves no data.
    const moved = permutation.filter((p) => from[p] !== 1);
    if (moved.every((p, i) => i === 0 || moved[i - 1]! < p)) return reshaped(node, input, sizes);
    throw new Rejection("it transposes a computed value", "transposes are supported on weights");
  }
  if (input.constant.kind === "int") throw new Rejection("it transposes integers", damaged);
  return constantValue(transposeConstant(input.constant, permutation));
};

export const gather: OpHandler = (node) => {
  const [data, indices] = [requiredInput(node, 0), requiredInput(node, 1)];
  if (data.kind === "unknown" || indices.kind === "unknown") return unknown;
  const from = intInput(node, 0, "data");
  const at = intInput(node, 1, "indices");
  if (from.shape.length !== 1)
    throw new Rejection("it gathers from a tensor that is not a list of sizes", "simplify the model");
  const picked = at.data.map((i) => from.data[normalAxis(i, from.data.length)]!);
  return constantValue(intConstant(at.shape, picked));
};

export const concat: OpHandler = (node) => {
  if (node.inputs.some((v) => v?.kind === "unknown")) return unknown;
  const parts = node.inputs.map((_, i) => intInput(node, i, "parts"));
  if (parts.some((p) => p.shape.length !== 1))
    throw new Rejection("it joins tensors other than lists of sizes", "simplify the model");
  const data = parts.flatMap((p) => [...p.data]);
  return constantValue(intConstant([data.length], data));
};

function reshaped(node: OnnxNode, input: Value, sizes: readonly number[]): Value {
  if (input.kind === "runtime") return node.emit({ kind: "reshape" }, input, sizes);
  if (input.kind === "unknown") return unknown;
  return constantValue(reshapedConstant(input.constant, sizes));
}

function reshapedConstant(constant: Constant, sizes: readonly number[]): Constant {
  return constant.kind === "int" ? intConstant(sizes, constant.data) : reshapeConstant(constant, sizes);
}

function shapeOf(value: Value): readonly number[] {
  if (value.kind === "unknown") return [];
  return value.kind === "constant" ? value.constant.shape : value.shape;
}

/** Axes as an attribute (before opset 13) or as the second input. */
function axesOf(node: OnnxNode): readonly number[] | undefined {
  return (
    intsAttribute(node, "axes") ?? (node.inputs[1] === undefined ? undefined : intInput(node, 1, "axes").data)
  );
}
