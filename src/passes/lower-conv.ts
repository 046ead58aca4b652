/** Convolutions and dense layers: exact integer sums where both operands have codes, float32 sums elsewhere. */
import { shapeText } from "../diagnostics/text.js";
import type { GraphNode, GraphOp, Shape, WeightTensor } from "../graph/types.js";
import type { Window } from "../program/types.js";
import type { ChainStep } from "./chain.js";
import { type Integers, integersOf } from "./codes.js";
import { foldedPads, isPadded, type Lowered, resolve } from "./lower-pad.js";
import { isBipolar, type Lowering } from "./lowering.js";
import { reportLayout } from "./problems.js";
import { boxOf, isWhole, mapPartOf, type Part, partOf, selected } from "./select.js";
import { settleFloat } from "./settle.js";
import { emit, F32, I32, padded } from "./sources.js";
import type { MapShape, Range, Source, Value, View } from "./values.js";
import { isPermutation, mapView, separate } from "./views.js";
import {
  accumulatorRange,
  type LoweredWeights,
  lowerWeights,
  orderedFloats,
  type TapOrder,
} from "./weights.js";

/** A layer whose input and output have been placed: what is left is arithmetic. */
interface Layer {
  readonly node: GraphNode;
  readonly weights: WeightTensor;
  readonly order: TapOrder;
  /** The weights' axis that counts outputs. */
  readonly outputAxis: number;
  readonly window: Window;
  readonly groups: number;
  readonly padValue: number;
  readonly input: Value;
  /** What the layer reads of the input's tensor; absent for all of it. */
  readonly part?: Part;
  readonly shape: MapShape;
  readonly view: View;
}

type Conv = Extract<GraphOp, { kind: "conv" }>;
type Dense = Extract<GraphOp, { kind: "dense" }>;

const NO_PADS = [0, 0, 0, 0] as const;

export function lowerConv(context: Lowering, node: GraphNode, op: Conv, lowered: Lowered): Value | undefined {
  const folded = isPadded(lowered) ? foldedPads(lowered, op) : undefined;
  const input = folded === undefined ? resolve(context, lowered) : folded.input;
  if (input === undefined) return undefined;
  const part = mapPartOf(input.view, 1, input.shape);
  if (part === undefined) return reportLayout(context, node, input.view.shape);
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

function lowerLayer(context: Lowering, layer: Layer): Value | undefined {
  const { node, weights, order } = layer;
  const matrix = lowerWeights(weights, order, layer.outputAxis);
  const integers = typeof matrix === "string" ? matrix : integersOf(context, layer.input);
  if (integers === undefined) return undefined;
  if (typeof integers === "string" || typeof matrix === "string") {
    return lowerFloatLayer(context, layer, String(integers));
  }
  const hasPads = layer.window.pads.some((n) => n > 0);
  const padValue = hasPads ? integerPad(layer.padValue, integers.factor) : 0;
  if (padValue === undefined) {
    context.diagnostics.error(
      "lowering/pad-value",
      `pads with ${layer.padValue}, which is no multiple of the input's step ${integers.factor}`,
      { where: node.name, remedy: "pad with 0 or with a value that the input's quantizer has" },
    );
    return undefined;
  }
  return lowerIntegerLayer(context, layer, matrix, integers, padValue, hasPads);
}

/** The integer whose product with the factor is the value in float32. */
function integerPad(padValue: number, factor: number): number | undefined {
  const units = padValue === 0 ? 0 : Math.round(padValue / factor);
  const isSame = Math.fround(units * factor) === Math.fround(padValue);
  return isSame && Math.abs(units) < 2 ** 15 ? units : undefined;
}

function lowerIntegerLayer(
  context: Lowering,
  layer: Layer,
  { matrix, scale }: LoweredWeights,
  integers: Integers,
  padValue: number,
  hasPads: boolean,
): Value | undefined {
  const { node, window, groups } = layer;
  const least = hasPads ? Math.min(integers.least, padValue) : integers.least;
  const greatest = hasPads ? Math.max(integers.greatest, padValue) : integers.greatest;
  const ranges = Array.from({ length: matrix.outputs }, (_, n) =>
    accumulatorRange(matrix, n, least, greatest),
  );
  if (ranges.some(([low, high]) => low <= -(2 ** 30) || high >= 2 ** 30)) {
    context.diagnostics.error("lowering/overflow", "the integer sums of this layer do not fit 31 bits", {
      where: node.name,
    });
    return undefined;
  }
  const source = partOfSource(context, layer, integers.source);
  const bipolar = source.domain.kind === "codes" && isBipolar(source.domain) && isBipolar(matrix);
  const sums = emit(
    context,
    node.name,
    layer.shape,
    {
      domain: I32,
      ranges,
      stride: bipolar && (!hasPads || Math.abs(padValue) === 1) ? 2 : 1,
      uncertainty: floatError(matrix.inputs, ranges, [...scale, integers.factor]),
    },
    (output) => ({
      kind: "conv",
      input: source.tensor,
      output,
      weights: matrix,
      window,
      groups,
      padValue,
      inputOffset: source.domain.kind === "codes" ? 0 : integers.offset,
    }),
  );
  return {
    source: sums,
    steps: productSteps(scale, integers.factor, node),
    shape: layer.shape,
    view: layer.view,
  };
}

/** The product of the weights' and the codes' scales, on the sums. */
function productSteps(scale: Float32Array, factor: number, node: GraphNode): readonly ChainStep[] {
  const operand = scale.map((s) => Math.fround(s * factor));
  if (operand.every((c) => c === 1)) return [];
  return [{ kind: "scale", step: { operator: "multiply", operand }, node: node.name }];
}

/** A float32 sum of K rounded products is off by at most about (K + 1) · 2^-24 of the sum of magnitudes. */
function floatError(
  inputs: number,
  ranges: readonly Range[],
  scales: readonly number[],
): (channel: number) => number {
  if (scales.every(isPowerOfTwo)) return () => 0;
  return (n) => (inputs + 1) * 2 ** -24 * Math.max(Math.abs(ranges[n]![0]), Math.abs(ranges[n]![1]));
}

function lowerFloatLayer(context: Lowering, layer: Layer, reason: string): Value | undefined {
  const { node, window, order } = layer;
  context.diagnostics.note("lowering/float-layer", `this layer is computed in float32: ${reason}`, {
    where: node.name,
    remedy: "quantize its input and its weights to compute it on integers",
  });
  const settled = settleFloat(context, layer.input, `${node.name} input`);
  if (settled === undefined) return undefined;
  let source = partOfSource(context, layer, settled.source);
  let { pads } = window;
  if (layer.padValue !== 0 && pads.some((n) => n > 0)) {
    source = padded(
      context,
      source,
      { pads, channels: [0, 0], fill: Math.fround(layer.padValue) },
      `${node.name} pads`,
    );
    pads = NO_PADS;
  }
  const weights = orderedFloats(layer.weights, order);
  const result = emit(context, node.name, layer.shape, { domain: F32 }, (output) => ({
    kind: "conv-float",
    input: source.tensor,
    output,
    weights,
    window: { ...window, pads },
    groups: layer.groups,
  }));
  return { source: result, steps: [], shape: layer.shape, view: layer.view };
}

function partOfSource(context: Lowering, layer: Layer, source: Source): Source {
  if (layer.part === undefined) return source;
  return selected(context, source, layer.part, `${layer.node.name} selection`);
}

/** Height, width and channels of [1, C, H, W] or [1, C, length]. */
export function mapShape(shape: Shape): MapShape {
  if (shape.length !== 4 && shape.length !== 3) throw new Error(`no map: ${shapeText(shape)}`);
  return shape.length === 4 ? [shape[2]!, shape[3]!, shape[1]!] : [1, shape[2]!, shape[1]!];
}

function isPowerOfTwo(x: number): boolean {
  return Number.isInteger(Math.log2(Math.abs(x)));
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
