/** Convolutions over one or two axes. */
import { z } from "zod";
import { shapeText } from "../../../diagnostics/text.js";
import type { FloatTensor, Shape, Window } from "../../../graph/types.js";
import { insertAxis } from "../../common/constant.js";
import { Rejection } from "../../common/rejection.js";
import { recogniseCodes } from "../../common/weights.js";
import { type BundleValue, type LayerCall, mapInput } from "../call.js";
import { float, name, padding, sizes, wholeNumber } from "../fields.js";
import { layer } from "../layer.js";
import { latentWeights, quantizeWeights, weightFields } from "../weights.js";
import { pads, pair, windowedShape } from "../window.js";

const shapeExpected =
  "for weights that are stored flat, as Bi-Real Net's: their sizes, [outputs, channels / groups, kernel…]";

export const conv1d = conv("conv1d", 1);
export const conv2d = conv("conv2d", 2);

function conv(type: string, axes: 1 | 2) {
  const fields = {
    weight: name("the weights' tensor: outputs × (channels / groups) × kernel"),
    weight_shape: z
      .array(wholeNumber(1, 1 << 16, shapeExpected))
      .length(axes + 2, { error: shapeExpected })
      .describe(shapeExpected)
      .optional(),
    bias: name("the bias' tensor: one number per output").optional(),
    ...weightFields,
    stride: sizes(axes, "steps of the kernel").default(1),
    padding: padding(axes).default(0),
    padding_value: float(
      "what taps outside the map have; needed where padding is not 0 (PyTorch and ONNX: 0)",
    ).optional(),
    dilation: sizes(axes, "distance of the kernel's taps").default(1),
    groups: wholeNumber(1, 1 << 16, "groups of channels: a whole number from 1 on").default(1),
  };
  return layer(type, "", fields, (call, settings) => {
    const input = mapInput(call, axes);
    const { groups } = settings;
    const tensor = inShape(call.tensors.floats(settings.weight), settings.weight_shape);
    const stored = latentWeights(settings, tensor, call.tensors);
    checkWeights(stored.shape, input.shape, groups);
    const window: Window = {
      kernel: pair(stored.shape.slice(2), axes, 1),
      stride: pair(settings.stride, axes, 1),
      dilation: pair(settings.dilation, axes, 1),
      pads: pads(settings.padding, axes),
    };
    const padValue = padValueOf(window, settings.padding_value);
    const outputs = stored.shape[0]!;
    const shape = windowedShape(input, window, outputs);
    const quantized = quantizeWeights(settings.weight_quantizer, stored, call.tensors);
    const weights = recogniseCodes(axes === 1 ? insertAxis(quantized, 2) : quantized, 0);
    const op = { kind: "conv", weights, window, groups, padValue } as const;
    if (settings.bias === undefined) return call.emit(op, [input], shape);
    const product = call.emit(op, [input], shape, { part: "product" });
    return addBias(call, product, settings.bias, [outputs, ...shape.slice(2).map(() => 1)]);
  });
}

/** The weights as they are, or their numbers in another shape. */
function inShape(stored: FloatTensor, shape: Shape | undefined): FloatTensor {
  if (shape === undefined) return stored;
  if (shape.reduce((a, b) => a * b, 1) === stored.data.length) return { shape, data: stored.data };
  throw new Rejection(
    `its ${stored.data.length} weights do not fit the weight_shape ${shapeText(shape)}`,
    "the product of its sizes is the number of weights",
  );
}

function checkWeights(weights: Shape, input: Shape, groups: number): void {
  const [outputs = 0, perGroup = 0] = weights;
  const fits = outputs % groups === 0 && perGroup * groups === input[1];
  if (weights.length === input.length && fits) return;
  throw new Rejection(
    `weights of shape ${shapeText(weights)} in ${groups} groups do not fit an input of shape ${shapeText(input)}`,
    "weights are outputs × (channels / groups) × kernel; the groups divide channels and outputs",
  );
}

/** Frameworks pad with 0, binary nets also with ±1: the manifest has to say which. */
function padValueOf({ pads: sides }: Window, value: number | undefined): number {
  if (value !== undefined) return Math.fround(value);
  if (sides.every((n) => n === 0)) return 0;
  throw new Rejection(
    "it pads, but does not say with what",
    'add "padding_value": 0, as PyTorch pads, or the value that training used',
  );
}

/** One number per output; `shape` is how it lies in the product. */
export function addBias(call: LayerCall, product: BundleValue, bias: string, shape: Shape): BundleValue {
  const stored = call.tensors.floats(bias);
  const [outputs] = shape;
  if (stored.shape.length !== 1 || stored.data.length !== outputs) {
    throw new Rejection(
      `a bias of shape ${shapeText(stored.shape)} does not fit`,
      `one number per output is expected: ${outputs}`,
    );
  }
  const operand = { shape, data: stored.data };
  const op = { kind: "arithmetic", operator: "add", operand, reversed: false } as const;
  return call.emit(op, [product], product.shape);
}
