/** Convolutions: Keras', Larq's and QKeras', 1-D and 2-D, ordinary, depthwise and separable. */
import { shapeText } from "../../../diagnostics/text.js";
import type { FloatTensor } from "../../../graph/types.js";
import { type ChannelsLastValue, channelShape } from "../../common/channels-last.js";
import { type FloatConstant, insertAxis, reshape, transpose } from "../../common/constant.js";
import { damaged, Rejection } from "../../common/rejection.js";
import { recogniseCodes } from "../../common/weights.js";
import { checkChannelsLast, type LayerCall, type LayerHandler, mapInput } from "../call.js";
import { activate } from "../quantizers/activations.js";
import { type Identifier, identifierOf } from "../quantizers/identifier.js";
import { quantizeKernel } from "../quantizers/kernels.js";
import { quantizeConstants } from "../quantizers/qkeras.js";
import { asPair, slidingWindow, windowedShape } from "./window.js";

/** Reads a layer's kernel of this name, and its bias, if it has one. */
export type ReadWeights = (
  call: LayerCall,
  kernel: string,
) => { readonly kernel: FloatTensor; readonly bias: FloatTensor | undefined };

const ownWeights: ReadWeights = (call, name) => {
  const hasBias = call.settings.flag("use_bias", true);
  const [kernel, bias] = call.weights(hasBias ? [name, "bias"] : [name]) as [FloatTensor, FloatTensor?];
  return { kernel, bias };
};

/** A convolution over `axes` axes. */
export function conv(axes: 1 | 2, read: ReadWeights = ownWeights): LayerHandler {
  return (call) => {
    const input = quantizedInput(call, mapInput(call, axes + 2));
    const filters = call.settings.integer("filters");
    const groups = call.settings.integer("groups", 1);
    const geometry = geometryOf(call, axes);
    const { kernel, bias } = read(call, "kernel");
    const channels = input.shape.at(-1)!;
    const divides = groups >= 1 && filters >= 1 && channels % groups === 0 && filters % groups === 0;
    if (!divides)
      throw new Rejection(
        `${groups} groups do not divide ${channels} channels and ${filters} filters`,
        damaged,
      );
    checkShape(kernel, [...geometry.sizes, channels / groups, filters]);
    const weights = quantizeKernel(identifierOf(call.settings.raw("kernel_quantizer")), kernel);
    const ordered = transpose(weights, axes === 1 ? [2, 1, 0] : [3, 2, 0, 1]);
    const product = convolve(call, input, axes === 1 ? insertAxis(ordered, 2) : ordered, groups, geometry);
    return finish(call, product, bias);
  };
}

/** Every channel has kernels of its own, `depth_multiplier` of them; their outputs stand side by side. */
export function depthwiseConv(read: ReadWeights = ownWeights): LayerHandler {
  return (call) => {
    const input = quantizedInput(call, mapInput(call, 4));
    const geometry = geometryOf(call, 2);
    const multiplier = call.settings.integer("depth_multiplier", 1);
    // Depthwise layers inherit settings of ordinary ones, which do nothing here.
    for (const name of ["filters", "groups"]) call.settings.raw(name);
    const { kernel, bias } = read(call, "depthwise_kernel");
    const channels = input.shape.at(-1)!;
    checkShape(kernel, [...geometry.sizes, channels, multiplier]);
    const weights = quantizeKernel(identifierOf(call.settings.raw("depthwise_quantizer")), kernel);
    return finish(call, convolve(call, input, depthwiseWeights(weights), channels, geometry), bias);
  };
}

/** A depthwise convolution, then one of 1 × 1, with nothing between them. */
export function separableConv(axes: 1 | 2): LayerHandler {
  return (call) => {
    const input = quantizedInput(call, mapInput(call, axes + 2));
    const filters = call.settings.integer("filters");
    const multiplier = call.settings.integer("depth_multiplier", 1);
    call.settings.raw("groups");
    const geometry = geometryOf(call, axes);
    const hasBias = call.settings.flag("use_bias", true);
    const names = ["depthwise_kernel", "pointwise_kernel", ...(hasBias ? ["bias"] : [])];
    const [depthwise, pointwise, bias] = call.weights(names) as [FloatTensor, FloatTensor, FloatTensor?];
    const channels = input.shape.at(-1)!;
    checkShape(depthwise, [...geometry.sizes, channels, multiplier]);
    checkShape(pointwise, [...geometry.sizes.map(() => 1), channels * multiplier, filters]);
    const [first, second] = (
      [
        ["depthwise_quantizer", depthwise],
        ["pointwise_quantizer", pointwise],
      ] as const
    ).map(([name, kernel]) => {
      const quantized = quantizeKernel(identifierOf(call.settings.raw(name)), kernel);
      return axes === 1 ? insertAxis(quantized, 0) : quantized;
    }) as [FloatConstant, FloatConstant];
    const between = convolve(call, input, depthwiseWeights(first), channels, geometry, "depthwise");
    const plain = { ...geometry, strides: [1, 1], dilations: [1, 1], isPointwise: true } as const;
    return finish(call, convolve(call, between, transpose(second, [3, 2, 0, 1]), 1, plain), bias);
  };
}

interface Geometry {
  /** Sizes of the kernel in the file's number of axes. */
  readonly sizes: readonly number[];
  readonly strides: readonly [number, number];
  readonly dilations: readonly [number, number];
  /** What the taps outside the map have. */
  readonly padValue: number;
  /** A kernel of one pixel, which reads nothing outside the map. */
  readonly isPointwise?: boolean;
}

function geometryOf({ settings }: LayerCall, axes: 1 | 2): Geometry {
  checkChannelsLast(settings);
  const sizes = settings.sizes("kernel_size", axes, 1);
  return {
    sizes,
    strides: asPair(settings.sizes("strides", axes, 1, 1)),
    dilations: asPair(settings.sizes("dilation_rate", axes, 1, 1)),
    padValue: settings.number("pad_values", 0),
  };
}

/** Larq's layers quantize what they read; the others have no such setting. */
export function quantizedInput(call: LayerCall, input: ChannelsLastValue): ChannelsLastValue {
  const quantizer = identifierOf(call.settings.raw("input_quantizer"));
  if (quantizer?.name === "magnitude_aware_sign") {
    throw new Rejection(
      "its input quantizer computes its scale from every input anew",
      "use ste_sign or approx_sign as input_quantizer",
    );
  }
  return activate(call, input, quantizer, "input quantizer");
}

/** [kernel height, kernel width, channels, multiplier] as [channels · multiplier, 1, kernel height, kernel width]. */
function depthwiseWeights(kernel: FloatConstant): FloatConstant {
  const [height, width, channels, multiplier] = kernel.shape as [number, number, number, number];
  return reshape(transpose(kernel, [2, 3, 0, 1]), [channels * multiplier, 1, height, width]);
}

function convolve(
  call: LayerCall,
  input: ChannelsLastValue,
  weights: FloatConstant,
  groups: number,
  { strides, dilations, padValue, isPointwise = false }: Geometry,
  part?: string,
): ChannelsLastValue {
  const [outputs, , height, width] = weights.shape as [number, number, number, number];
  const kernel = [height, width] as const;
  const window = isPointwise
    ? { kernel, stride: strides, dilation: dilations, pads: [0, 0, 0, 0] as const }
    : slidingWindow(call.settings, input, kernel, strides, dilations);
  const shape = windowedShape(input, window, outputs);
  const op = { kind: "conv", weights: recogniseCodes(weights, 0), window, groups, padValue } as const;
  return call.emit(op, [input], shape, "first", part);
}

/** The bias and the activation, where there are any. */
export function finish(
  call: LayerCall,
  product: ChannelsLastValue,
  bias: FloatTensor | undefined,
): ChannelsLastValue {
  const { settings } = call;
  const activation = identifierOf(settings.raw("activation"));
  const biasQuantizer = identifierOf(settings.raw("bias_quantizer"));
  const sum = bias === undefined ? product : addBias(call, product, bias, biasQuantizer);
  return activate(call, sum, activation, "activation");
}

function addBias(
  call: LayerCall,
  product: ChannelsLastValue,
  bias: FloatTensor,
  quantizer: Identifier | undefined,
): ChannelsLastValue {
  const outputs = product.shape.at(-1)!;
  checkShape(bias, [outputs]);
  const layout = product.names.first === undefined ? "last" : "first";
  const operand = {
    shape: channelShape(outputs, product.shape.length, layout),
    data: quantizeConstants(quantizer, bias.data),
  };
  const op = { kind: "arithmetic", operator: "add", operand, reversed: false } as const;
  return call.emit(op, [product], product.shape, layout, "bias");
}

/** Refuses a weight of another shape than the layer's settings make. */
export function checkShape({ shape }: FloatTensor, expected: readonly number[]): void {
  if (shape.length === expected.length && shape.every((n, i) => n === expected[i]) && !expected.includes(0))
    return;
  throw new Rejection(
    `a weight of shape ${shapeText(shape)} does not fit: ${shapeText(expected)} is expected`,
    "the file's config and weights are of different models: save it again",
  );
}
