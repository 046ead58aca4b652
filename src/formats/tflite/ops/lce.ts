/**
 * The operators of Larq Compute Engine (larq_compute_engine/core and tflite/kernels of its repository): tensors of
 * signs, 32 channels to an int32, the first channel in bit 0; bit 0 is +1 and bit 1 is −1.
 */
import { shapeText } from "../../../diagnostics/text.js";
import type { FloatTensor, GraphOp, Window } from "../../../graph/types.js";
import { everyWindowTouches } from "../../../graph/window.js";
import { graphShape } from "../../common/channels-last.js";
import { damaged, Rejection } from "../../common/rejection.js";
import { activationOps } from "../activation.js";
import { channelsFirst, computed, elementwise, isMap, mapOf } from "../layout.js";
import {
  type Affine,
  type ConstantValue,
  elementText,
  floatConstantInput,
  type OpHandler,
  type RuntimeValue,
  requiredInput,
  runtimeInput,
  type Stage,
  type TfNode,
} from "../node.js";
import { affineOf, integerRange, toInteger } from "../quantized.js";
import { windowedShape, windowOf } from "../window.js";

const WORD = 32;
const ONE = { shape: [], data: Float32Array.of(1) } as const;
const { fround } = Math;

/** `x < 0` is bit 1, so 0 of either sign is +1; int8 is compared with its zero point. */
export const lceQuantize: OpHandler = (node) => {
  const input = runtimeInput(node, 0);
  if (input.element !== "float32" && input.element !== "int8")
    throw new Rejection(`it binarizes ${elementText(input)}`, "binarize float32 or int8 values");
  const op = { kind: "quantize", quantizer: { kind: "bipolar", scale: ONE, signOfZero: 1 } } as const;
  // Bits of maps are for convolutions.
  if (isMap(input)) channelsFirst(node, input);
  return elementwise(node, input, () => [[op, "sign"]], { element: "bits" });
};

/**
 * Bits as numbers: ±1 in float32; in int8 the zero point ± the integer nearest to 1 / scale, within int8's range.
 */
export const lceDequantize: OpHandler = (node) => {
  const input = bitsInput(node);
  const { type, shape } = node.output;
  if (shape.at(-1) !== input.shape.at(-1) || shape.length !== input.shape.length) {
    throw new Rejection(
      `it unpacks ${shapeText(input.shape)} bits to the shape ${shapeText(shape)}`,
      damaged,
    );
  }
  if (type === "float32") return { ...input, element: "float32" };
  if (type !== "int8") throw new Rejection(`it unpacks bits to ${type}`, "unpack to float32 or int8");
  const affine = affineOf(node.output);
  const [least, greatest] = integerRange("int8", affine);
  const one = Math.round(fround(1 / affine.scale));
  const [high, low] = [Math.min(one, greatest), Math.max(-one, least)];
  const [step, middle] = [(high - low) / 2, (high + low) / 2];
  const operations: [GraphOp, string][] = [
    [arithmetic("multiply", single(step)), "steps"],
    ...(middle === 0 ? [] : [[arithmetic("add", single(middle)), "shift"] as [GraphOp, string]]),
  ];
  return elementwise(node, input, () => operations, { element: "int8", affine });
};

/** AND of bits: the greatest of the signs inside the map. */
export const lceMaxPool: OpHandler = (node) => {
  const input = bitsInput(node);
  const { channels, height, width } = mapOf(input);
  const window = windowOf(
    input,
    option(node, "padding"),
    [option(node, "filter_height"), option(node, "filter_width")],
    [option(node, "stride_height"), option(node, "stride_width")],
  );
  const shape = windowedShape(input, window, channels);
  if (!everyWindowTouches(window, height, 0) || !everyWindowTouches(window, width, 1))
    throw new Rejection("one of its windows lies outside the map", damaged);
  const stage: Stage = { op: { kind: "max-pool", window }, shape: graphShape(shape, "first"), part: "pool" };
  return computed("first", node.emit(channelsFirst(node, input), [stage]), shape, { element: "bits" });
};

/**
 * A convolution of signs. Inputs: bits, filters of bits, and per output a multiplier and a bias, or a threshold
 * where the output is bits. The engine counts the products that are −1, `n`; the sum is K − 2n.
 */
export const lceConv: OpHandler = (node) => {
  const input = bitsInput(node);
  const { channels } = mapOf(input);
  const stated = option(node, "channels_in");
  if (stated !== channels)
    throw new Rejection(`it takes ${stated} channels where its input has ${channels}`, damaged);
  const filter = filterOf(node, channels);
  const [outputs, perGroup, ...kernel] = filter.shape as [number, number, number, number];
  const window = windowOf(
    input,
    option(node, "padding"),
    kernel as [number, number],
    [option(node, "stride_height"), option(node, "stride_width")],
    [option(node, "dilation_height_factor"), option(node, "dilation_width_factor")],
  );
  const layer: Layer = {
    window,
    outputs,
    taps: perGroup * kernel[0]! * kernel[1]!,
    groups: channels / perGroup,
    padValue: padValue(node, window),
    activation: option(node, "fused_activation_function"),
  };
  checkPadding(node, layer, perGroup);
  const shape = windowedShape(input, window, outputs);
  const { groups } = layer;
  const conv = { kind: "conv", weights: filter, window, groups, padValue: layer.padValue } as const;
  const transform = outputTransform(node, layer);
  const operations: readonly (readonly [GraphOp, string])[] = [[conv, "signs"], ...transform.operations];
  const inGraph = graphShape(shape, "first");
  const stages = operations.map(([op, part]): Stage => ({ op, shape: inGraph, part }));
  return computed("first", node.emit(channelsFirst(node, input), stages), shape, transform);
};

interface Layer {
  readonly window: Window;
  readonly outputs: number;
  /** Products in one sum: the engine's `backtransform_add`. */
  readonly taps: number;
  readonly groups: number;
  readonly padValue: number;
  readonly activation: number;
}

interface Transform {
  readonly operations: readonly (readonly [GraphOp, string])[];
  readonly element: "float32" | "int8" | "bits";
  readonly affine?: Affine;
}

function outputTransform(node: TfNode, layer: Layer): Transform {
  const { type } = node.output;
  if (type === "int32") return { operations: thresholds(node, layer), element: "bits" };
  if (type === "float32") return { operations: scaledSum(node, layer), element: "float32" };
  if (type !== "int8")
    throw new Rejection(`its output is ${type}`, "the engine writes float32, int8 or bits");
  const affine = affineOf(node.output);
  const sum = scaledSum(node, layer, affine);
  return { operations: [...sum, ...toInteger(affine)], element: "int8", affine };
}

/**
 * The engine's order (core/bconv2d/output_transform.h, tflite/kernels/bconv2d.cc): with x = K − sum, that is 2n,
 * `rounded(rounded(x · m) + b)` where m = −multiplier / scale and b = (bias + K · multiplier) / scale + zero point,
 * computed in float64 and rounded once. The fused activation is a clamp of the integer sum before.
 */
function scaledSum(
  node: TfNode,
  { outputs, taps, activation }: Layer,
  { scale, zero }: Affine = { scale: 1, zero: 0 },
): (readonly [GraphOp, string])[] {
  const multiplier = perOutput(node, 2, "multiplier", outputs);
  const bias = perOutput(node, 3, "bias", outputs);
  const factor = multiplier.map((m) => fround((-1 * m) / scale));
  const shift = bias.map((b, n) => fround((b + taps * multiplier[n]!) / scale + zero));
  if (![...factor, ...shift].every(Number.isFinite))
    throw new Rejection("its multiplier or bias is not finite", "the training may have diverged");
  return [
    ...activationOps(activation),
    [{ kind: "arithmetic", operator: "subtract", operand: single(taps), reversed: true }, "from all"],
    [arithmetic("multiply", perChannel(factor)), "scaled"],
    [arithmetic("add", perChannel(shift)), "shifted"],
  ];
}

/** Bit 1, −1, where n > threshold, that is sum < K − 2 · threshold. Thresholds beyond all n decide alike. */
function thresholds(node: TfNode, { outputs, taps }: Layer): (readonly [GraphOp, string])[] {
  const value = requiredInput(node, 4);
  const { constant } = constantOf(value, "thresholds");
  if (constant.kind !== "int" || constant.shape.length !== 1 || constant.data.length !== outputs)
    throw new Rejection(`its thresholds are not ${outputs} integers`, damaged);
  const least = constant.data.map((t) => taps - 2 * Math.min(Math.max(t, -1), taps));
  const sign = { kind: "quantize", quantizer: { kind: "bipolar", scale: ONE, signOfZero: 1 } } as const;
  return [
    [arithmetic("subtract", perChannel(Float32Array.from(least))), "less threshold"],
    [sign, "sign"],
  ];
}

/** Filters [N, rows, columns, words] as ±1 weights [N, C / groups, rows, columns]. */
function filterOf(node: TfNode, channels: number): Extract<GraphOp, { kind: "conv" }>["weights"] {
  const { constant, tensor } = constantOf(requiredInput(node, 1), "filter");
  const [outputs = 0, rows = 0, columns = 0, words = 0] = constant.shape;
  if (constant.kind !== "int" || tensor?.type !== "int32" || constant.shape.length !== 4)
    throw new Rejection("its filter is no int32 tensor of rank 4", damaged);
  const packed = Math.ceil(channels / WORD);
  const groups = packed / words;
  const perGroup = channels / groups;
  const isWhole = words === packed || (Number.isInteger(groups) && perGroup % WORD === 0);
  if (constant.data.length === 0 || !isWhole || outputs % groups !== 0) {
    throw new Rejection(
      `a filter of shape ${shapeText(constant.shape)} does not fit ${channels} channels`,
      "groups of a binary convolution must have a multiple of 32 channels and divide its outputs",
    );
  }
  const codes = new Int32Array(outputs * perGroup * rows * columns);
  let at = 0;
  for (let n = 0; n < outputs; n++) {
    for (let c = 0; c < perGroup; c++) {
      for (let tap = 0; tap < rows * columns; tap++) {
        const word = constant.data[(n * rows * columns + tap) * words + (c >> 5)]!;
        codes[at++] = (word >> (c & 31)) & 1 ? -1 : 1;
      }
    }
  }
  const scale = { shape: [1, 1, 1, 1], data: Float32Array.of(1) };
  return {
    shape: [outputs, perGroup, rows, columns],
    data: Float32Array.from(codes),
    quantized: { codes, scale },
  };
}

/** SAME pads with +1 (`pad_values` 1), or with 0, which is no sign: those products are left out. */
function padValue(node: TfNode, { pads }: Window): 0 | 1 {
  const value = option(node, "pad_values");
  if (value !== 0 && value !== 1)
    throw new Rejection(`its pad_values is ${value}`, "Larq Compute Engine has pad_values 0 and 1");
  return pads.some((n) => n > 0) ? value : 0;
}

/** Zero padding as far as the engine itself runs it: elsewhere its kernels refuse the model. */
function checkPadding(node: TfNode, { window, padValue, activation }: Layer, perGroup: number): void {
  if (padValue === 1 || window.pads.every((n) => n === 0) || perGroup % 2 === 0) return;
  if (node.output.type === "float32" && activation === 0) return;
  throw new Rejection(
    "it pads an odd number of channels with 0 and does more than scale the sum, which the engine itself refuses",
    "use pad_values=1, or an even number of channels",
  );
}

function bitsInput(node: TfNode): RuntimeValue {
  const input = runtimeInput(node, 0);
  if (input.element === "bits") return input;
  throw new Rejection(`it takes bits, not ${elementText(input)}`, "an LceQuantize makes bits of numbers");
}

function option(node: TfNode, name: string): number {
  const value = node.custom.get(name);
  if (value !== undefined) return value;
  throw new Rejection(`its option ${name} is missing`, damaged);
}

function constantOf(value: RuntimeValue | ConstantValue, what: string): ConstantValue {
  if (value.kind === "constant") return value;
  throw new Rejection(`its ${what} is computed, not constant`, `convert the model with a fixed ${what}`);
}

function perOutput(node: TfNode, index: number, what: string, outputs: number): Float32Array {
  const { shape, data } = floatConstantInput(node, index, what);
  if (shape.length === 1 && data.length === outputs) return data;
  throw new Rejection(`its ${what} has the shape ${shapeText(shape)} for ${outputs} outputs`, damaged);
}

function perChannel(data: Float32Array): FloatTensor {
  return { shape: [data.length, 1, 1], data };
}

function single(x: number): FloatTensor {
  return { shape: [], data: Float32Array.of(x) };
}

function arithmetic(operator: "add" | "subtract" | "multiply", operand: FloatTensor): GraphOp {
  return { kind: "arithmetic", operator, operand, reversed: false };
}
