/** Pools: windows that slide, and whole maps. */
import type { GraphOp } from "../../../graph/types.js";
import { everyWindowTouches } from "../../../graph/window.js";
import type { ChannelsLastValue } from "../../common/channels-last.js";
import { Rejection } from "../../common/rejection.js";
import { checkChannelsLast, type LayerCall, type LayerHandler, mapInput } from "../call.js";
import { activate, elementwise } from "../quantizers/activations.js";
import { identifierOf } from "../quantizers/identifier.js";
import { arithmetic } from "../quantizers/operations.js";
import { quantizeConstants } from "../quantizers/qkeras.js";
import { asPair, pixelsOf, slidingWindow, windowedShape } from "./window.js";

type Kind = "max-pool" | "average-pool";
type Window = Extract<GraphOp, { kind: "max-pool" }>["window"];

/** Strides are the window's size unless the layer has others. TensorFlow's means never count pads. */
export function pool(kind: Kind, axes: 1 | 2): LayerHandler {
  return (call) => {
    const { settings } = call;
    checkChannelsLast(settings);
    const input = mapInput(call, axes + 2);
    const kernel = settings.sizes("pool_size", axes, 1, 2);
    const stride = settings.raw("strides") === undefined ? kernel : settings.sizes("strides", axes, 1);
    return pooled(call, kind, input, slidingWindow(settings, input, asPair(kernel), asPair(stride)));
  };
}

/** One number per channel; the axes of the map go unless `keepdims`. */
export function globalPool(kind: Kind, axes: 1 | 2): LayerHandler {
  return (call) => globallyPooled(call, kind, mapInput(call, axes + 2));
}

function globallyPooled(
  call: LayerCall,
  kind: Kind,
  input: ChannelsLastValue,
  part?: string,
): ChannelsLastValue {
  checkChannelsLast(call.settings);
  const keepDims = call.settings.flag("keepdims", false);
  const window: Window = { kernel: pixelsOf(input), stride: [1, 1], dilation: [1, 1], pads: [0, 0, 0, 0] };
  if (keepDims) return pooled(call, kind, input, window, part);
  const kept = pooled(call, kind, input, window, "map");
  return call.emit({ kind: "reshape" }, [kept], [1, kept.shape.at(-1)!], "first", part);
}

/**
 * QKeras' means: the mean times the number of elements, which gives back the sum, times the quantized reciprocal of this
 * number (qkeras 0.9, qpooling.py). Pads count in the number, as in QKeras.
 */
export const quantizedPool: LayerHandler = (call) => {
  const { settings } = call;
  checkChannelsLast(settings);
  const input = mapInput(call, 4);
  const kernel = settings.sizes("pool_size", 2, 1, 2);
  const stride = settings.raw("strides") === undefined ? kernel : settings.sizes("strides", 2, 1);
  const window = slidingWindow(settings, input, asPair(kernel), asPair(stride));
  const mean = pooled(call, "average-pool", input, window, "mean");
  return requantized(call, mean, kernel[0]! * kernel[1]!);
};

export const quantizedGlobalPool: LayerHandler = (call) => {
  const input = mapInput(call, 4);
  const [height, width] = pixelsOf(input);
  return requantized(call, globallyPooled(call, "average-pool", input, "mean"), height * width);
};

function requantized(call: LayerCall, mean: ChannelsLastValue, area: number): ChannelsLastValue {
  const quantizer = identifierOf(call.settings.raw("average_quantizer"));
  const activation = identifierOf(call.settings.raw("activation"));
  if (quantizer === undefined) return activate(call, mean, activation, undefined);
  const [reciprocal] = quantizeConstants(quantizer, Float32Array.of(1 / area)) as Float32Array & [number];
  const sum = elementwise(call, mean, arithmetic("multiply", area), "sum");
  const scaled = elementwise(call, sum, arithmetic("multiply", reciprocal), "scale");
  return activate(call, scaled, activation, undefined);
}

function pooled(
  call: LayerCall,
  kind: Kind,
  input: ChannelsLastValue,
  window: Window,
  part?: string,
): ChannelsLastValue {
  const shape = windowedShape(input, window, input.shape.at(-1)!);
  const [height, width] = pixelsOf(input);
  if (!everyWindowTouches(window, height, 0) || !everyWindowTouches(window, width, 1))
    throw new Rejection("one of its windows lies outside the map", "use smaller windows or strides");
  const op: GraphOp = kind === "max-pool" ? { kind, window } : { kind, window, countPads: false };
  return call.emit(op, [input], shape, "first", part);
}
