/** Convolutions and dense layers: where their input lies, and the order of weights that goes with it. */
import { shapeText } from "../diagnostics/text.js";
import type { GraphNode, GraphOp, Shape } from "../graph/types.js";
import { gathered } from "./gather.js";
import { lowerLayer } from "./lower-layer.js";
import { foldedPads, isPadded, type Lowered, resolve } from "./lower-pad.js";
import type { Lowering } from "./lowering.js";
import { reportLayout } from "./problems.js";
import { boxOf, isWhole, mapPartOf, type Part, partOf } from "./select.js";
import { settle } from "./settle.js";
import type { MapShape, Value } from "./values.js";
import { isPermutation, mapView, separate } from "./views.js";
import type { TapOrder } from "./weights.js";

type Conv = Extract<GraphOp, { kind: "conv" }>;
type Dense = Extract<GraphOp, { kind: "dense" }>;

const NO_PADS = [0, 0, 0, 0] as const;

export function lowerConv(context: Lowering, node: GraphNode, op: Conv, lowered: Lowered): Value | undefined {
  const folded = isPadded(lowered) ? foldedPads(lowered, op) : undefined;
  const given = folded === undefined ? resolve(context, lowered) : folded.input;
  const input = given && readable(context, node, given);
  if (input === undefined) return undefined;
  const part = mapPartOf(input.view, 1, input.shape)!;
  const { groups, window } = op;
  const whole = groups === 1 && isWhole(part, input.shape);
  const shape = context.graph.values.get(node.output)!.shape;
  return lowerLayer(context, {
    node,
    weights: op.weights,
    order: convOrder(op, whole ? inverse(part.channels) : identity(part.channels.length / groups)),
    outputAxis: 0,
    window: { ...window, pads: folded?.pads ?? window.pads },
    groups,
    padValue: folded?.padValue ?? op.padValue,
    input,
    ...(whole ? {} : { part }),
    shape: mapShape(shape),
    view: mapView(shape, 1),
  });
}

/** The input if a window can slide over its tensor, else a map of its own; undefined after a reported error. */
function readable(context: Lowering, node: GraphNode, input: Value): Value | undefined {
  if (mapPartOf(input.view, 1, input.shape) !== undefined) return input;
  const settled = settle(context, input);
  return (
    settled &&
    (gathered(context, settled, 1, `${node.name} selection`) ?? reportLayout(context, node, input.view.shape))
  );
}

/** Taps [kernel row][kernel column][channel of the tensor] of weights [N, channels, rows, columns]. */
function convOrder({ weights, window }: Conv, channelOf: Int32Array): TapOrder {
  const [rows, columns] = window.kernel;
  const channels = channelOf.length;
  const taps = new Int32Array(rows * columns * channels);
  for (let position = 0; position < rows * columns; position++) {
    for (let c = 0; c < channels; c++) {
      taps[position * channels + c] = channelOf[c]! * rows * columns + position;
    }
  }
  return { outputs: weights.shape[0]!, outputStride: taps.length, taps };
}

/**
 * A dense layer is a convolution: one row of values with a kernel as large as the map that holds them, whatever
 * their order there; several rows with a 1 × 1 kernel over the pixels.
 */
export function lowerDense(context: Lowering, node: GraphNode, op: Dense, input: Value): Value | undefined {
  const [inputs, outputs] = op.weights.shape as [number, number];
  const shape = context.graph.values.get(node.output)!.shape;
  const isVector = input.view.map.length === inputs;
  const placed = isVector ? placeVector(input) : placeRows(input);
  if (placed === undefined) return reportLayout(context, node, input.view.shape);
  const { part, kernel, order, pixels } = placed;
  const taps = order.map((k) => k * outputs);
  const [height, width] = isVector
    ? [1, 1]
    : part?.height === undefined
      ? input.shape
      : [part.height, part.width];
  const map = new Int32Array(outputs * pixels.length);
  pixels.forEach((pixel, p) => {
    for (let n = 0; n < outputs; n++) map[p * outputs + n] = pixel * outputs + n;
  });
  return lowerLayer(context, {
    node,
    weights: op.weights,
    order: { outputs, outputStride: 1, taps },
    outputAxis: 1,
    window: { kernel, stride: [1, 1], dilation: [1, 1], pads: NO_PADS },
    groups: 1,
    padValue: 0,
    input,
    ...(part === undefined ? {} : { part }),
    shape: [height!, width!, outputs],
    view: { shape, map },
  });
}

interface Placed {
  readonly part?: Part;
  readonly kernel: readonly [number, number];
  /** Which of the layer's inputs each tap reads. */
  readonly order: Int32Array;
  /** Output pixel of each row. */
  readonly pixels: Int32Array;
}

function placeVector({ view, shape }: Value): Placed | undefined {
  const [height, width, channels] = shape;
  const pixels = Int32Array.of(0);
  if (isPermutation(view.map, height * width * channels)) {
    return { kernel: [height, width], order: inverse(view.map), pixels };
  }
  const box = boxOf(view, shape);
  if (box === undefined) return undefined;
  return { part: box.part, kernel: [box.part.height, box.part.width], order: inverse(box.map), pixels };
}

function placeRows({ view, shape }: Value): Placed | undefined {
  const axis = view.shape.length - 1;
  const [height, width, depth] = shape;
  const separated = separate(view, axis, depth);
  if (separated === undefined) return undefined;
  const { pixels, channels } = separated;
  if (isPermutation(pixels, height * width) && isPermutation(channels, depth)) {
    return { kernel: [1, 1], order: inverse(channels), pixels };
  }
  const part = partOf(view, axis, shape);
  return part && { part, kernel: [1, 1], order: identity(channels.length), pixels: identity(pixels.length) };
}

/** Height, width and channels of [1, C, H, W] or [1, C, length]. */
export function mapShape(shape: Shape): MapShape {
  if (shape.length !== 4 && shape.length !== 3) throw new Error(`no map: ${shapeText(shape)}`);
  return shape.length === 4 ? [shape[2]!, shape[3]!, shape[1]!] : [1, shape[2]!, shape[1]!];
}

function identity(length: number): Int32Array {
  return Int32Array.from({ length }, (_, i) => i);
}

function inverse(permutation: Int32Array): Int32Array {
  const result = new Int32Array(permutation.length);
  permutation.forEach((to, from) => {
    result[to] = from;
  });
  return result;
}
