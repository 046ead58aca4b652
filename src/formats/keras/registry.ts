import type { LayerCall, LayerHandler } from "./call.js";
import * as activations from "./layers/activations.js";
import { conv, depthwiseConv, separableConv } from "./layers/conv.js";
import { dense } from "./layers/dense.js";
import { foldedWeights } from "./layers/folded.js";
import * as functions from "./layers/functions.js";
import { batchNormalization, quantizedBatchNormalization } from "./layers/normalization.js";
import { globalPool, pool, quantizedGlobalPool, quantizedPool } from "./layers/pools.js";
import * as shapes from "./layers/shapes.js";
import { standardization } from "./layers/standardization.js";
import * as sums from "./layers/sums.js";
import { activations as valueActivations } from "./quantizers/activations.js";
import { kernelQuantizers } from "./quantizers/kernels.js";
import { qkerasFunctions } from "./quantizers/sigmoids.js";

/** One supported class of layers. */
export interface LayerEntry {
  readonly layer: string;
  /** The package that it comes from. */
  readonly from: LayerCall["from"];
  /** What is supported of it, for `bitloom ops` and docs/FORMATS.md. */
  readonly notes: string;
  readonly handler: LayerHandler;
}

const larqNotes = "input and kernel quantizers, pad_values; all padding, strides, dilation, groups";
const qkerasNotes = "kernel and bias quantizers, activation; all padding, strides, dilation";
const folded = "normalization folded into kernel and bias, then their quantizers";
const functionNotes =
  "+ − · /, maximum, minimum with one number; sum, difference; relu, clip, sign, concat, reshape";
const operators = {
  Subtract: "subtract",
  Multiply: "multiply",
  Divide: "divide",
  TrueDivide: "divide",
  Maximum: "maximum",
  Minimum: "minimum",
} as const;
/** Layers that change images at random during training only. */
const randomLayers = [
  "RandomFlip",
  "RandomRotation",
  "RandomTranslation",
  "RandomZoom",
  "RandomContrast",
  "RandomBrightness",
];
const randomSettings = [
  "mode",
  "factor",
  "height_factor",
  "width_factor",
  "fill_mode",
  "fill_value",
  "interpolation",
  "data_format",
  "value_range",
];
const nothing = "does nothing at inference";

/** Every supported layer. */
export const kerasLayers: readonly LayerEntry[] = Object.freeze([
  entry("QuantConv1D", "Larq", larqNotes, conv(1)),
  entry("QuantConv2D", "Larq", larqNotes, conv(2)),
  entry(
    "QuantDepthwiseConv2D",
    "Larq",
    "input and depthwise quantizers, pad_values, depth_multiplier",
    depthwiseConv(),
  ),
  entry("QuantSeparableConv1D", "Larq", "nothing between its two convolutions", separableConv(1)),
  entry("QuantSeparableConv2D", "Larq", "nothing between its two convolutions", separableConv(2)),
  entry("QuantDense", "Larq", "input and kernel quantizers", dense),
  ...["SteSign", "ApproxSign", "SwishSign", "SteTern", "SteHeaviside", "DoReFa", "NoOp"].map((name) =>
    entry(name, "Larq", "as a layer", activations.quantizer),
  ),
  entry("QConv1D", "QKeras", qkerasNotes, conv(1)),
  entry("QConv2D", "QKeras", qkerasNotes, conv(2)),
  entry("QDepthwiseConv2D", "QKeras", "depthwise and bias quantizers, activation", depthwiseConv()),
  entry("QSeparableConv1D", "QKeras", "quantizers of both kernels, nothing between them", separableConv(1)),
  entry("QSeparableConv2D", "QKeras", "quantizers of both kernels, nothing between them", separableConv(2)),
  entry("QDense", "QKeras", "kernel and bias quantizers, activation", dense),
  entry("QActivation", "QKeras", "by name, call or object", activations.activation),
  entry(
    "QBatchNormalization",
    "QKeras",
    "inference, last axis; quantizers of its constants",
    quantizedBatchNormalization,
  ),
  entry("QConv2DBatchnorm", "QKeras", folded, conv(2, foldedWeights)),
  entry("QDepthwiseConv2DBatchnorm", "QKeras", folded, depthwiseConv(foldedWeights)),
  entry("QAveragePooling2D", "QKeras", "average quantizer, activation", quantizedPool),
  entry("QGlobalAveragePooling2D", "QKeras", "average quantizer, activation", quantizedGlobalPool),
  entry("InputLayer", "Keras", "float32, batch 1 or open", () => {
    throw new Error("inputs are read before layers");
  }),
  entry("Conv1D", "Keras", "weights that are few levels, or float", conv(1)),
  entry("Conv2D", "Keras", "weights that are few levels, or float", conv(2)),
  entry("DepthwiseConv2D", "Keras", "weights that are few levels, or float", depthwiseConv()),
  entry("SeparableConv1D", "Keras", "nothing between its two convolutions", separableConv(1)),
  entry("SeparableConv2D", "Keras", "nothing between its two convolutions", separableConv(2)),
  entry("Dense", "Keras", "weights that are few levels, or float", dense),
  entry("BatchNormalization", "Keras", "inference, last axis", batchNormalization),
  entry("Activation", "Keras", "linear, relu, relu6, softmax, quantizers", activations.activation),
  entry("ReLU", "Keras", "max_value and negative_slope; threshold = 0", activations.relu),
  entry("LeakyReLU", "Keras", "", activations.leakyRelu),
  entry("PReLU", "Keras", "slopes per channel or element", activations.prelu),
  entry("Softmax", "Keras", "at the end of the model, last axis", activations.softmax),
  entry("MaxPooling1D", "Keras", "", pool("max-pool", 1)),
  entry("MaxPooling2D", "Keras", "", pool("max-pool", 2)),
  entry("AveragePooling1D", "Keras", "", pool("average-pool", 1)),
  entry("AveragePooling2D", "Keras", "", pool("average-pool", 2)),
  entry("GlobalMaxPooling1D", "Keras", "", globalPool("max-pool", 1)),
  entry("GlobalMaxPooling2D", "Keras", "", globalPool("max-pool", 2)),
  entry("GlobalAveragePooling1D", "Keras", "", globalPool("average-pool", 1)),
  entry("GlobalAveragePooling2D", "Keras", "", globalPool("average-pool", 2)),
  entry("ZeroPadding1D", "Keras", "", shapes.zeroPadding(1)),
  entry("ZeroPadding2D", "Keras", "", shapes.zeroPadding(2)),
  entry("Cropping1D", "Keras", "", shapes.cropping(1)),
  entry("Cropping2D", "Keras", "", shapes.cropping(2)),
  entry("Flatten", "Keras", "", shapes.flatten),
  entry("Reshape", "Keras", "", shapes.reshape),
  entry("Permute", "Keras", "", shapes.permute),
  entry("Add", "Keras", "values of one shape; with one number (Keras 3)", sums.add),
  entry("Average", "Keras", "values of one shape", sums.average),
  entry("Concatenate", "Keras", "", shapes.concatenate),
  entry("Rescaling", "Keras", "one scale, one offset", activations.rescaling),
  entry("Dropout", "Keras", nothing, activations.identity("rate", "noise_shape")),
  entry("SpatialDropout1D", "Keras", nothing, activations.identity("rate", "data_format", "noise_shape")),
  entry("SpatialDropout2D", "Keras", nothing, activations.identity("rate", "data_format", "noise_shape")),
  entry("GaussianNoise", "Keras", nothing, activations.identity("stddev")),
  entry("GaussianDropout", "Keras", nothing, activations.identity("rate")),
  entry("ActivityRegularization", "Keras", nothing, activations.identity("l1", "l2")),
  ...["AlphaDropout", "Identity"].map((name) =>
    entry(name, "Keras", nothing, activations.identity("rate", "noise_shape")),
  ),
  ...randomLayers.map((name) => entry(name, "Keras", nothing, activations.identity(...randomSettings))),
  entry("Normalization", "Keras", "adapted or given mean and variance, last axis or none", standardization),
  entry("TFOpLambda", "Keras", functionNotes, functions.tensorFunction),
  ...(["Subtract", "Multiply", "Divide", "TrueDivide", "Maximum", "Minimum"] as const).map((name) =>
    entry(
      name,
      "Keras",
      name === "Subtract" || name === "Multiply"
        ? `of two values${name === "Multiply" ? " that broadcast" : ""}, or with one number`
        : "with one number (Keras 3)",
      functions.binary(operators[name]),
    ),
  ),
  entry("Negative", "Keras", "operation of Keras 3", functions.negative),
  entry("Sign", "Keras", "operation of Keras 3; sign(0) = 0", functions.threeSigns),
  entry("Clip", "Keras", "operation of Keras 3", functions.clip),
  entry("Relu", "Keras", "operation of Keras 3", functions.each({ kind: "relu" })),
  entry("Relu6", "Keras", "operation of Keras 3", functions.each({ kind: "clip", low: 0, high: 6 })),
  entry("LeakyRelu", "Keras", "operation of Keras 3", functions.leaky),
]);

/** One supported quantizer or activation. */
export interface QuantizerEntry {
  readonly name: string;
  /** Of which numbers. */
  readonly of:
    | "kernels and values"
    | "kernels"
    | "values"
    | "kernels, biases, constants of a normalization"
    | "biases, constants of a normalization";
}

/** Every supported quantizer and activation by the name that configs have. */
export const kerasQuantizers: readonly QuantizerEntry[] = Object.freeze([
  ...[...new Set([...kernelQuantizers.keys(), ...valueActivations.keys()])].map((name): QuantizerEntry => {
    if (name === "quantized_po2") return { name, of: "kernels, biases, constants of a normalization" };
    const [ofKernels, ofValues] = [kernelQuantizers.has(name), valueActivations.has(name)];
    return { name, of: ofKernels && ofValues ? "kernels and values" : ofKernels ? "kernels" : "values" };
  }),
  ...[...qkerasFunctions.keys()]
    .filter((name) => !valueActivations.has(name))
    .map((name): QuantizerEntry => ({ name, of: "values" })),
  { name: "quantized_relu_po2", of: "biases, constants of a normalization" },
]);

const byName = new Map(kerasLayers.map((e) => [e.layer, e]));
const oldNames: ReadonlyMap<string, string> = new Map([
  ["MaxPool1D", "MaxPooling1D"],
  ["MaxPool2D", "MaxPooling2D"],
  ["AvgPool1D", "AveragePooling1D"],
  ["AvgPool2D", "AveragePooling2D"],
  ["GlobalMaxPool1D", "GlobalMaxPooling1D"],
  ["GlobalMaxPool2D", "GlobalMaxPooling2D"],
  ["GlobalAvgPool1D", "GlobalAveragePooling1D"],
  ["GlobalAvgPool2D", "GlobalAveragePooling2D"],
  ["BatchNormalizationV1", "BatchNormalization"],
  ["BatchNormalizationV2", "BatchNormalization"],
]);

/** The entry of a layer's class; a package in front of it (`Larq>QuantDense`) is left out. */
export function findLayer(className: string): LayerEntry | undefined {
  const plain = className.slice(className.lastIndexOf(">") + 1);
  return byName.get(oldNames.get(plain) ?? plain);
}

function entry(layer: string, from: LayerEntry["from"], notes: string, handler: LayerHandler): LayerEntry {
  return Object.freeze({ layer, from, notes, handler });
}
