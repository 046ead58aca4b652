/** Operators that move elements or rename axes: the device pays for few of them. */
import { shapeText } from "../../../diagnostics/text.js";
import type { Shape } from "../../../graph/types.js";
import { graphAxis, graphShape, presentLayout } from "../../common/channels-last.js";
import {
  type Constant,
  countOf,
  floatConstant,
  intConstant,
  reshape as reshapeConstant,
} from "../../common/constant.js";
import { checkComputed, checkList, checkRank } from "../../common/limits.js";
import { damaged, listText, Rejection } from "../../common/rejection.js";
import { channelsFirst, channelsLast, computed, inLayout } from "../layout.js";
import {
  type ConstantValue,
  elementText,
  intsInput,
  normalAxis,
  type OpHandler,
  type RuntimeValue,
  requiredInput,
  runtimeInput,
  type Stage,
  sameAffine,
  type TfNode,
  type Value,
} from "../node.js";

/** The target is a constant, an old attribute, or what the file declares for the output. */
export const reshape: OpHandler = (node) => {
  const input = requiredInput(node, 0);
  const from = shapeOf(input);
  const given = node.inputs[1];
  const target =
    given?.kind === "constant" && given.constant.kind === "int"
      ? given.constant.data
      : (node.options.ints(0) ?? node.output.shape);
  if (target.filter((n) => n === -1).length > 1)
    throw new Rejection("more than one size of its target is -1", damaged);
  const rest = target.reduce((a, b) => (b === -1 ? a : a * b), 1);
  const sizes = target.map((n) => (n === -1 ? countOf(from) / rest : n));
  if (!sizes.every((n) => Number.isInteger(n) && n > 0) || countOf(sizes) !== countOf(from))
    throw new Rejection(`shape ${shapeText(from)} cannot become ${listText(target, "×")}`, damaged);
  return reshaped(node, input, sizes);
};

export const squeeze: OpHandler = (node) => {
  const input = requiredInput(node, 0);
  const from = shapeOf(input);
  const given = (node.options.ints(0) ?? []).map((axis) => normalAxis(axis, from.length));
  const removed = given.length > 0 ? given : from.flatMap((n, axis) => (n === 1 ? [axis] : []));
  if (removed.some((axis) => from[axis] !== 1))
    throw new Rejection("it removes an axis whose size is not 1", damaged);
  return reshaped(
    node,
    input,
    from.filter((_, axis) => !removed.includes(axis)),
  );
};

export const expandDims: OpHandler = (node) => {
  const input = requiredInput(node, 0);
  const from = shapeOf(input);
  const { data } = intsInput(node, 1, "axis");
  if (data.length !== 1) throw new Rejection("it does not name one axis", damaged);
  return reshaped(node, input, from.toSpliced(normalAxis(data[0]!, from.length + 1), 0, 1));
};

function reshaped(node: TfNode, input: RuntimeValue | ConstantValue, sizes: Shape): Value {
  checkRank(sizes);
  if (input.kind === "constant")
    return { kind: "constant", constant: reshapedConstant(input.constant, sizes) };
  if (shapeText(sizes) === shapeText(input.shape)) return input;
  const stage: Stage = { op: { kind: "reshape" }, shape: sizes, part: "shape" };
  const options = input.element === "index" ? ({ dtype: "int64" } as const) : {};
  return computed("last", node.emit(sequence(node, input), [stage], options), sizes, input);
}

/** The elements in the file's order; of a map of one pixel or one channel both orders are that. */
function sequence(node: TfNode, input: RuntimeValue): string {
  const { shape, names } = input;
  const isSame = shape.length === 4 && (shape[1]! * shape[2]! === 1 || shape[3] === 1);
  return isSame ? (names.last ?? names.first!) : channelsLast(node, input);
}

function reshapedConstant(constant: Constant, sizes: Shape): Constant {
  if (constant.kind === "float") return reshapeConstant(constant, sizes);
  return {
    ...intConstant(sizes, constant.data),
    ...(constant.type === undefined ? {} : { type: constant.type }),
  };
}

export const transpose: OpHandler = (node) => {
  const input = movable(node, 0);
  const { shape } = input;
  const permutation = intsInput(node, 1, "permutation").data.map((axis) => normalAxis(axis, shape.length));
  if (permutation.length !== shape.length || new Set(permutation).size !== shape.length)
    throw new Rejection(`its permutation is no order of ${shape.length} axes`, damaged);
  const sizes = permutation.map((axis) => shape[axis]!);
  const text = permutation.join("");
  const isMap = shape.length === 4 && shape[0] === 1;
  // Between the two orders of a map nothing has to be done: the same elements under other names.
  if (isMap && text === "0312") return computed("last", channelsFirst(node, input), sizes, input);
  if (isMap && text === "0231") return computed("first", channelsLast(node, input), sizes, input);
  const moved = permutation.filter((axis) => shape[axis] !== 1);
  const isKept = moved.every((axis, i) => i === 0 || moved[i - 1]! < axis);
  const op = isKept ? ({ kind: "reshape" } as const) : ({ kind: "transpose", permutation } as const);
  return computed(
    "last",
    node.emit(channelsLast(node, input), [{ op, shape: sizes, part: "moved" }]),
    sizes,
    input,
  );
};

export const concatenation: OpHandler = (node) => {
  const inputs = node.inputs.map((_, i) => movable(node, i));
  const [first] = inputs;
  if (first === undefined) throw new Rejection("it joins nothing", damaged);
  if (node.options.i8(1) !== 0)
    throw new Rejection("it has a fused activation", "apply the activation before the concatenation");
  const axis = normalAxis(node.options.i32(0), first.shape.length);
  if (inputs.some((v) => !sameAffine(v, first))) {
    throw new Rejection(
      "it joins values of different types or scales",
      "quantize all inputs of a concatenation with one scale, or keep them float32",
    );
  }
  const fits = (v: RuntimeValue): boolean =>
    v.shape.length === first.shape.length && v.shape.every((n, i) => i === axis || n === first.shape[i]);
  if (!inputs.every(fits))
    throw new Rejection(
      `it joins the shapes ${inputs
        .slice(0, 8)
        .map((v) => shapeText(v.shape))
        .join(", ")}`,
      damaged,
    );
  const size = inputs.reduce((sum, v) => sum + v.shape[axis]!, 0);
  const shape = first.shape.with(axis, size);
  checkComputed(shape);
  const layout = inputs.some((v) => presentLayout(v) === "first") ? "first" : "last";
  const from = inputs.map((v) => inLayout(node, v, layout));
  const op = { kind: "concat", axis: graphAxis(axis, shape.length, layout) } as const;
  return computed(
    layout,
    node.emit(from, [{ op, shape: graphShape(shape, layout), part: "joined" }]),
    shape,
    first,
  );
};

/** Zeros (or, in PADV2, one number) around the axes; of integers the zero point, which stands for 0. */
export const pad: OpHandler = (node) => {
  const input = movable(node, 0);
  const { data, shape: given } = intsInput(node, 1, "paddings");
  const rank = input.shape.length;
  if (given.length !== 2 || given[0] !== rank || given[1] !== 2 || !data.every((n) => n >= 0 && n < 2 ** 24))
    throw new Rejection("its paddings are not two numbers for each axis", damaged);
  const [before, after] = [0, 1].map((side) => input.shape.map((_, axis) => data[2 * axis + side]!)) as [
    number[],
    number[],
  ];
  const shape = input.shape.map((n, axis) => before[axis]! + n + after[axis]!);
  checkComputed(shape);
  const layout = rank === 4 && input.shape[0] === 1 && shape[0] === 1 ? "first" : "last";
  const op = {
    kind: "pad",
    before: graphShape(before, layout),
    after: graphShape(after, layout),
    value: padValue(node, input),
  } as const;
  const stage: Stage = { op, shape: graphShape(shape, layout), part: "padded" };
  return computed(layout, node.emit(inLayout(node, input, layout), [stage]), shape, input);
};

function padValue(node: TfNode, input: RuntimeValue): number {
  if (node.inputs[2] === undefined) return 0;
  const value = requiredInput(node, 2);
  const x =
    value.kind === "constant" && value.constant.data.length === 1 ? value.constant.data[0]! : Number.NaN;
  if (Number.isFinite(x)) return x - (input.affine?.zero ?? 0);
  throw new Rejection("its padding value is not one constant number", "pad with a constant");
}

export const slice: OpHandler = (node) => {
  const input = movable(node, 0);
  const starts = intsInput(node, 1, "starts").data;
  const counts = intsInput(node, 2, "sizes").data;
  if (starts.length !== input.shape.length || counts.length !== input.shape.length)
    throw new Rejection("it does not name a start and a size for each axis", damaged);
  const sizes = counts.map((n, axis) => (n === -1 ? input.shape[axis]! - starts[axis]! : n));
  return sliced(
    node,
    input,
    starts,
    sizes.map(() => 1),
    sizes,
  );
};

/** Masks: begin 1, end 2 (open ends) and shrink 5 (the axis goes); ellipses and new axes are not supported. */
export const stridedSlice: OpHandler = (node) => {
  const { options } = node;
  const input = requiredInput(node, 0);
  const from = shapeOf(input);
  const [begins, ends, steps] = ["starts", "ends", "strides"].map(
    (what, i) => intsInput(node, i + 1, what).data,
  ) as [readonly number[], readonly number[], readonly number[]];
  const count = begins.length;
  if (ends.length !== count || steps.length !== count || count > from.length)
    throw new Rejection("its starts, ends and strides do not fit its input", damaged);
  if (options.i32(2) !== 0 || options.i32(3) !== 0)
    throw new Rejection("it has an ellipsis or a new axis", "write the slice with one range per axis");
  if (!steps.every((n) => n >= 1))
    throw new Rejection(`its strides are ${listText(steps)}`, "slices that run backwards are not supported");
  const has = (mask: number, axis: number): boolean => (options.i32(mask) & (1 << axis)) !== 0;
  const position = (x: number, size: number): number => Math.min(Math.max(x < 0 ? x + size : x, 0), size);
  const starts = from.map((size, axis) =>
    axis >= count || has(0, axis) ? 0 : position(begins[axis]!, size),
  );
  const all = from.map((_, axis) => (axis < count ? steps[axis]! : 1));
  const isShrunk = (axis: number): boolean => axis < count && has(4, axis);
  const sizes = from.map((size, axis) => {
    if (isShrunk(axis)) return 1;
    const end = axis >= count || has(1, axis) ? size : position(ends[axis]!, size);
    return Math.ceil((end - starts[axis]!) / all[axis]!);
  });
  const kept = sizes.filter((_, axis) => !isShrunk(axis));
  if (input.kind === "constant") return slicedList(input.constant, starts, all, sizes, kept);
  const result = sliced(node, movable(node, 0), starts, all, sizes, kept.length < sizes.length);
  return kept.length === sizes.length ? result : reshaped(node, result, kept);
};

function sliced(
  node: TfNode,
  input: RuntimeValue,
  starts: readonly number[],
  steps: readonly number[],
  sizes: readonly number[],
  isAuxiliary = false,
): RuntimeValue {
  const isInside = input.shape.every((size, axis) => {
    const [start, count] = [starts[axis]!, sizes[axis]!];
    return start >= 0 && count >= 1 && start + (count - 1) * steps[axis]! < size;
  });
  if (!isInside) {
    throw new Rejection(
      `it takes ${listText(sizes, "×")} elements from ${listText(starts)} of ${shapeText(input.shape)}`,
      damaged,
    );
  }
  const layout = presentLayout(input);
  const op = { kind: "slice", starts: graphShape(starts, layout), steps: graphShape(steps, layout) } as const;
  const stage: Stage = { op, shape: graphShape(sizes, layout), part: "slice" };
  const name = node.emit(input.names[layout]!, [stage], isAuxiliary ? { isAuxiliary } : {});
  return computed(layout, name, sizes, input);
}

/** Parts of shapes, which exporters cut from SHAPE. */
function slicedList(
  constant: Constant,
  starts: readonly number[],
  steps: readonly number[],
  sizes: readonly number[],
  kept: Shape,
): Value {
  const [count = 0] = sizes;
  if (constant.kind !== "int" || constant.shape.length !== 1 || !(count >= 0))
    throw new Rejection("it slices a constant", "convert the model again: the converter folds constants");
  checkList(count);
  const data = Array.from({ length: count }, (_, i) => constant.data[starts[0]! + i * steps[0]!] ?? 0);
  return { kind: "constant", constant: intConstant(kept, data) };
}

/** The sizes of a value. */
export const shape: OpHandler = (node) => {
  const sizes = shapeOf(requiredInput(node, 0));
  return { kind: "constant", constant: intConstant([sizes.length], sizes) };
};

/** A list put together from single numbers: the target of a reshape. */
export const pack: OpHandler = (node) => {
  const parts = node.inputs.map((_, i) => {
    const value = requiredInput(node, i);
    if (value.kind === "constant" && value.constant.kind === "int" && value.constant.data.length === 1)
      return value.constant.data[0]!;
    throw new Rejection("it stacks computed values", "of these, CONCATENATION is supported");
  });
  checkList(parts.length);
  return { kind: "constant", constant: intConstant([parts.length], parts) };
};

/** Constants between types; a computed value may only keep its own. */
export const cast: OpHandler = (node) => {
  const input = requiredInput(node, 0);
  const { type } = node.output;
  const isInt = type === "int32" || type === "int64";
  if (input.kind === "runtime") {
    if (input.element === (isInt ? "index" : type)) return input;
    throw new Rejection(`it casts ${elementText(input)} to ${type}`, "compute in float32 throughout");
  }
  const { constant } = input;
  if (isInt)
    return { kind: "constant", constant: intConstant(constant.shape, Array.from(constant.data, Math.trunc)) };
  if (type === "float32")
    return { kind: "constant", constant: floatConstant(constant.shape, Float32Array.from(constant.data)) };
  throw new Rejection(`it casts to ${type}`, "cast to float32 or int32");
};

function movable(node: TfNode, index: number): RuntimeValue {
  const input = runtimeInput(node, index);
  if (input.element !== "bits" && input.element !== "index") return input;
  throw new Rejection(`it moves ${elementText(input)}`, "move numbers, then binarize");
}

function shapeOf(value: RuntimeValue | ConstantValue): Shape {
  if (value.kind === "constant") return value.constant.shape;
  if (value.element !== "bits") return value.shape;
  throw new Rejection("it works on words of bits", "binarize after it");
}
