/** Pools and means over windows of maps. */
import type { GraphOp, Window } from "../../../graph/types.js";
import { everyWindowTouches } from "../../../graph/window.js";
import { damaged, listText, Rejection } from "../../onnx/rejection.js";
import { activationOps, integerActivation } from "../activation.js";
import { computed, formShape, mapOf, plain, planar } from "../layout.js";
import {
  elementText,
  floatInput,
  intsInput,
  normalAxis,
  type OpHandler,
  type RuntimeValue,
  runtimeInput,
  type Stage,
  type TfNode,
} from "../node.js";
import { integerRange, isIntegerType, roundingTo, single } from "../quantized.js";
import { windowedShape, windowOf } from "../window.js";

/** The greatest element inside the map. */
export const maxPool: OpHandler = (node) => {
  const input = numbers(node);
  const window = poolWindow(node, input);
  return pool(node, input, { kind: "max-pool", window }, activation(node, input));
};

/**
 * The mean of the elements inside the map. Of integers it is rounded, halves away from zero; the zero point counts
 * as part of the integer.
 */
export const averagePool: OpHandler = (node) => {
  const input = numbers(node);
  const window = poolWindow(node, input);
  const rounded = isIntegerType(input.element) ? roundedMean(input) : [];
  return pool(node, input, { kind: "average-pool", window, countPads: false }, [
    ...rounded,
    ...activation(node, input),
  ]);
};

function roundedMean({ element, affine }: RuntimeValue): readonly (readonly [GraphOp, string])[] {
  if (!isIntegerType(element) || affine === undefined) return [];
  const [least, greatest] = integerRange(element, { ...affine, zero: 0 });
  const rounding = roundingTo(least, greatest);
  const { zero } = affine;
  if (zero === 0) return [[rounding, "integer"]];
  const shift = (operator: "add" | "subtract"): GraphOp => ({
    kind: "arithmetic",
    operator,
    operand: single(zero),
    reversed: false,
  });
  return [
    [shift("add"), "with zero point"],
    [rounding, "integer"],
    [shift("subtract"), "less zero point"],
  ];
}

/** MEAN over height, width or both. */
export const mean: OpHandler = (node) => {
  const input = floatInput(node, 0);
  const { shape } = input;
  const axes = intsInput(node, 1, "axes").data.map((axis) => normalAxis(axis, shape.length));
  const { height, width } = mapOf(input);
  if (axes.length === 0 || axes.some((axis) => axis !== 1 && axis !== 2)) {
    throw new Rejection(
      `it takes the mean over axes ${listText(axes)} of ${shape.length}`,
      "means over height and width of maps are supported (axes 1 and 2)",
    );
  }
  const isReduced = (axis: number): boolean => axes.includes(axis);
  const kernel = [isReduced(1) ? height : 1, isReduced(2) ? width : 1] as const;
  const window: Window = { kernel, stride: [1, 1], dilation: [1, 1], pads: [0, 0, 0, 0] };
  const op: GraphOp = { kind: "average-pool", window, countPads: false };
  const kept = shape.map((n, axis) => (isReduced(axis) ? 1 : n));
  if (node.options.u8(0) !== 0) return pool(node, input, op, []);
  const from = planar(node, input);
  const inGraph = formShape("planar", kept);
  const pooled = computed(
    "planar",
    node.emit(from, [{ op, shape: inGraph, part: "kept" }], { isAuxiliary: true }),
    kept,
  );
  const rest = shape.filter((_, axis) => !isReduced(axis));
  const stage: Stage = { op: { kind: "reshape" }, shape: rest, part: "shape" };
  // With one pixel left channels first and last are one order.
  const source = kept[1] === 1 && kept[2] === 1 ? pooled.forms.planar! : plain(node, pooled);
  return computed("plain", node.emit(source, [stage]), rest);
};

function pool(
  node: TfNode,
  input: RuntimeValue,
  op: Extract<GraphOp, { window: Window; kind: "max-pool" | "average-pool" }>,
  after: readonly (readonly [GraphOp, string])[],
): RuntimeValue {
  const { height, width, channels } = mapOf(input);
  const shape = windowedShape(input, op.window, channels);
  if (!everyWindowTouches(op.window, height, 0) || !everyWindowTouches(op.window, width, 1))
    throw new Rejection("one of its windows lies outside the map", damaged);
  const inGraph = formShape("planar", shape);
  const stages = [[op, "pool"] as const, ...after].map(
    ([stage, part]): Stage => ({ op: stage, shape: inGraph, part }),
  );
  return computed("planar", node.emit(planar(node, input), stages), shape, input);
}

function poolWindow({ options }: TfNode, input: RuntimeValue): Window {
  return windowOf(input, options.i8(0), [options.i32(4), options.i32(3)], [options.i32(2), options.i32(1)]);
}

function activation({ options }: TfNode, { element, affine }: RuntimeValue) {
  return isIntegerType(element) && affine !== undefined
    ? integerActivation(options.i8(5), affine.scale, integerRange(element, affine))
    : activationOps(options.i8(5));
}

/** float32, or integers that the output has in the same steps. */
function numbers(node: TfNode): RuntimeValue {
  const input = runtimeInput(node, 0);
  if (input.element === "float32" || isIntegerType(input.element)) return input;
  throw new Rejection(`it pools ${elementText(input)}`, "pool bits with LceBMaxPool2d");
}
