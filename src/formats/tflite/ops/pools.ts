/** Pools and means over windows of maps. */
import type { GraphOp, IntTensor, Shape, WeightTensor, Window } from "../../../graph/types.js";
import { everyWindowTouches } from "../../../graph/window.js";
import { graphShape } from "../../common/channels-last.js";
import { damaged, listText, Rejection } from "../../common/rejection.js";
import { activationOps, integerActivation } from "../activation.js";
import { channelsFirst, channelsLast, computed, mapOf } from "../layout.js";
import {
  elementText,
  integersUnsupported,
  intsInput,
  normalAxis,
  type OpHandler,
  type RuntimeValue,
  runtimeInput,
  type Stage,
  type TfNode,
} from "../node.js";
import {
  affineOf,
  divided,
  fixedPoint,
  integerRange,
  isIntegerType,
  roundingTo,
  single,
} from "../quantized.js";
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

/** MEAN over height, width or both; of int8 over both. */
export const mean: OpHandler = (node) => {
  const input = numbers(node);
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
  const kept = shape.map((n, axis) => (isReduced(axis) ? 1 : n));
  const keepsAxes = node.options.u8(0) !== 0;
  if (input.element !== "float32") {
    if (keepsAxes || kept[1] !== 1 || kept[2] !== 1)
      throw integersUnsupported(
        `it takes the mean of ${elementText(input)} over one axis, or keeps the axes`,
      );
    return integerMean(node, input);
  }
  const kernel = [isReduced(1) ? height : 1, isReduced(2) ? width : 1] as const;
  const window: Window = { kernel, stride: [1, 1], dilation: [1, 1], pads: [0, 0, 0, 0] };
  const op = { kind: "average-pool", window, countPads: false } as const;
  if (keepsAxes) return pool(node, input, op, []);
  const stages: Stage[] = [{ op, shape: graphShape(kept, "first"), part: "kept" }];
  const rest = shape.filter((_, axis) => !isReduced(axis));
  if (kept[1] === 1 && kept[2] === 1) return withoutAxes(node, input, stages, rest);
  const name = node.emit(channelsFirst(node, input), stages, { isAuxiliary: true });
  const source = channelsLast(node, computed("first", name, kept));
  return computed("last", node.emit(source, [{ op: { kind: "reshape" }, shape: rest, part: "shape" }]), rest);
};

/** With one pixel left channels first and last are one order. */
function withoutAxes(
  node: TfNode,
  input: RuntimeValue,
  stages: readonly Stage[],
  shape: Shape,
  like?: RuntimeValue,
): RuntimeValue {
  const last: Stage = { op: { kind: "reshape" }, shape, part: "shape" };
  return computed("last", node.emit(channelsFirst(node, input), [...stages, last]), shape, like);
}

/**
 * The sum of the integers less their zero point, times input scale / output scale / count in fixed point (TFLite's
 * tflite/kernels/reduce.cc), halves away from zero.
 */
function integerMean(node: TfNode, input: RuntimeValue): RuntimeValue {
  const { height, width, channels } = mapOf(input);
  const { element, affine: from } = input;
  if (element !== "int8" || from === undefined || node.output.type !== "int8")
    throw integersUnsupported(`it takes the mean of ${elementText(input)}`);
  const affine = affineOf(node.output);
  const { multiplier, shift } = divided(fixedPoint(from.scale / affine.scale), height * width);
  const kernel = [height, width] as const;
  const window: Window = { kernel, stride: [1, 1], dilation: [1, 1], pads: [0, 0, 0, 0] };
  const whole = (x: number): IntTensor => ({ shape: [], data: Int32Array.of(x) });
  const operations: readonly (readonly [GraphOp, string])[] = [
    [{ kind: "conv", weights: ones(channels, kernel), window, groups: channels, padValue: 0 }, "sum"],
    [{ kind: "rescale", multiplier: whole(multiplier), shift: whole(shift), halves: "away" }, "rescaled"],
    [roundingTo(...integerRange("int8", affine)), "integer"],
  ];
  const inGraph = graphShape([1, 1, 1, channels], "first");
  const stages = operations.map(([op, part]): Stage => ({ op, shape: inGraph, part }));
  return withoutAxes(node, input, stages, [1, channels], { ...input, affine });
}

/** One kernel of ones for each channel. */
function ones(channels: number, [rows, columns]: readonly [number, number]): WeightTensor {
  const data = new Float32Array(channels * rows * columns).fill(1);
  const scale = { shape: [1, 1, 1, 1], data: Float32Array.of(1) };
  return {
    shape: [channels, 1, rows, columns],
    data,
    quantized: { codes: Int32Array.from(data), scale },
  };
}

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
  const inGraph = graphShape(shape, "first");
  const stages = [[op, "pool"] as const, ...after].map(
    ([stage, part]): Stage => ({ op: stage, shape: inGraph, part }),
  );
  return computed("first", node.emit(channelsFirst(node, input), stages), shape, input);
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
