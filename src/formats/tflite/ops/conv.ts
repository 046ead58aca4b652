/** Layers with constant weights: CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED. */
import { shapeText } from "../../../diagnostics/text.js";
import type { GraphOp, Shape } from "../../../graph/types.js";
import { graphShape } from "../../common/channels-last.js";
import { countOf, type FloatConstant, transpose } from "../../common/constant.js";
import { damaged, Rejection } from "../../common/rejection.js";
import { recogniseCodes } from "../../common/weights.js";
import { type Layer, readLayer } from "../layer.js";
import { channelsFirst, channelsLast, computed, mapOf } from "../layout.js";
import type { OpHandler, RuntimeValue, Stage, TfNode } from "../node.js";
import { type Pair, windowedShape, windowOf } from "../window.js";

/** Filters are [N, rows, columns, C / groups]: fewer channels than the input's make groups. */
export const conv: OpHandler = (node) => {
  const layer = readLayer(node, { outputAxis: 0, isDense: false });
  const { filter, input } = layer;
  const { channels } = mapOf(input);
  const [outputs = 0, rows = 0, columns = 0, perGroup = 0] = filter.shape;
  const groups = channels / perGroup;
  const isFilter = filter.shape.length === 4 && filter.data.length > 0;
  if (!isFilter || !Number.isInteger(groups) || outputs % groups !== 0) throw misfit(filter, input);
  const { options } = node;
  const dilation: Pair = [options.i32(5, 1), options.i32(4, 1)];
  const window = windowOf(input, options.i8(0), [rows, columns], [options.i32(2), options.i32(1)], dilation);
  return convolved(node, layer, transpose(filter, [0, 3, 1, 2]), window, groups, options.i8(3));
};

/** Filters are [1, rows, columns, C · multiplier]; output c · multiplier + m is made of channel c alone. */
export const depthwise: OpHandler = (node) => {
  const layer = readLayer(node, { outputAxis: 3, isDense: false });
  const { filter, input } = layer;
  const { channels } = mapOf(input);
  const [first, rows = 0, columns = 0, outputs = 0] = filter.shape;
  const isFilter = first === 1 && filter.shape.length === 4 && filter.data.length > 0;
  if (!isFilter || outputs % channels !== 0) throw misfit(filter, input);
  const { options } = node;
  const dilation: Pair = [options.i32(6, 1), options.i32(5, 1)];
  const window = windowOf(input, options.i8(0), [rows, columns], [options.i32(2), options.i32(1)], dilation);
  return convolved(node, layer, transpose(filter, [3, 0, 1, 2]), window, channels, options.i8(4));
};

function convolved(
  node: TfNode,
  { input, after, result }: Layer,
  filter: FloatConstant,
  window: ReturnType<typeof windowOf>,
  groups: number,
  activation: number,
): RuntimeValue {
  const outputs = filter.shape[0]!;
  const shape = windowedShape(input, window, outputs);
  const weights = recogniseCodes(filter, 0);
  const inGraph = graphShape(shape, "first");
  const operations: readonly (readonly [GraphOp, string])[] = [
    [{ kind: "conv", weights, window, groups, padValue: 0 }, "product"],
    ...after([outputs, 1, 1], activation),
  ];
  const stages = operations.map(([op, part]): Stage => ({ op, shape: inGraph, part }));
  return computed("first", node.emit(channelsFirst(node, input), stages), shape, result);
}

/** `x · Wᵀ + b` on the rows of the input, whose last axes are flattened to the weights' size: weights are [N, K]. */
export const fullyConnected: OpHandler = (node) => {
  const { input, filter, after, result } = readLayer(node, { outputAxis: 0, isDense: true });
  const [outputs = 0, inputs = 0] = filter.shape;
  const rows = countOf(input.shape) / inputs;
  if (filter.shape.length !== 2 || filter.data.length === 0 || !Number.isInteger(rows))
    throw misfit(filter, input);
  if (node.options.i8(1) !== 0) {
    throw new Rejection(
      "its weights are shuffled for one processor",
      "convert the model with the default weights format",
    );
  }
  const keepsAxes = node.options.u8(2) !== 0;
  if (keepsAxes && input.shape.at(-1) !== inputs) throw misfit(filter, input);
  const shape = keepsAxes ? [...input.shape.slice(0, -1), outputs] : [rows, outputs];
  const flat: Shape = [rows, inputs];
  const weights = recogniseCodes(transpose(filter, [1, 0]), 1);
  const operations: readonly (readonly [GraphOp, Shape, string])[] = [
    ...(shapeText(input.shape) === shapeText(flat) ? [] : [[{ kind: "reshape" }, flat, "rows"] as const]),
    ...[[{ kind: "dense", weights }, "product"] as const, ...after([outputs], node.options.i8(0))].map(
      ([op, part]) => [op, [rows, outputs], part] as const,
    ),
    ...(shape.length === 2 ? [] : [[{ kind: "reshape" }, shape, "shape"] as const]),
  ];
  const stages = operations.map(([op, inGraph, part]): Stage => ({ op, shape: inGraph, part }));
  return computed("last", node.emit(channelsLast(node, input), stages), shape, result);
};

function misfit(filter: FloatConstant, input: RuntimeValue): Rejection {
  return new Rejection(
    `weights of shape ${shapeText(filter.shape)} do not fit an input of shape ${shapeText(input.shape)}`,
    damaged,
  );
}
