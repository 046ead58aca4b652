/** Layers that work on each element by itself. */
import { printable } from "../../../diagnostics/text.js";
import type { FloatTensor } from "../../../graph/types.js";
import { type ChannelsLastValue, graphAxis, type Layout, presentLayout } from "../../common/channels-last.js";
import { floatConstant, transpose } from "../../common/constant.js";
import { Rejection } from "../../common/rejection.js";
import { type LayerCall, type LayerHandler, onlyInput } from "../call.js";
import { activate, arithmetic, elementwise } from "../quantizers/activations.js";
import { identifierOf, quantizerLayer } from "../quantizers/identifier.js";
import { checkShape } from "./conv.js";

/** Activation and QActivation. */
export const activation: LayerHandler = (call) => {
  const wanted = identifierOf(call.settings.raw("activation"));
  if (wanted === undefined) throw new Rejection("it has no activation", "give it one, or remove the layer");
  return activate(call, onlyInput(call), wanted, undefined);
};

/** Larq's quantizers are layers, too. */
export const quantizer: LayerHandler = (call) =>
  activate(call, onlyInput(call), quantizerLayer(call.className, call.settings), undefined);

/** `max(x, 0)`, with a bound and a slope below 0 where the layer has them. */
export const relu: LayerHandler = (call) => {
  const input = onlyInput(call);
  const bound = call.settings.optionalNumber("max_value");
  const slope = Math.fround(call.settings.number("negative_slope", 0));
  if (call.settings.number("threshold", 0) !== 0)
    throw new Rejection("its threshold is not 0", "use a ReLU with threshold=0");
  if (bound !== undefined && bound < 0)
    throw new Rejection(`its bound is ${bound}`, "use a positive max_value");
  if (slope === 0 && bound !== undefined)
    return elementwise(call, input, { kind: "clip", low: 0, high: Math.fround(bound) });
  const part = bound === undefined ? undefined : "unbounded";
  const rising =
    slope === 0
      ? elementwise(call, input, { kind: "relu" }, part)
      : elementwise(call, input, { kind: "prelu", slope: scalar(slope) }, part);
  if (bound === undefined) return rising;
  return elementwise(call, rising, { kind: "clip", low: Number.NEGATIVE_INFINITY, high: Math.fround(bound) });
};

/** Keras 2 calls the slope alpha, Keras 3 negative_slope. */
export const leakyRelu: LayerHandler = (call) => {
  const slope = call.settings.optionalNumber("negative_slope") ?? call.settings.number("alpha", 0.3);
  return elementwise(call, onlyInput(call), { kind: "prelu", slope: scalar(Math.fround(slope)) });
};

/** A trained slope per element, or shared along axes. */
export const prelu: LayerHandler = (call) => {
  const input = onlyInput(call);
  const shared = call.settings.raw("shared_axes") === undefined ? [] : call.settings.integers("shared_axes");
  const [alpha] = call.weights(["alpha"]) as [FloatTensor];
  checkShape(
    alpha,
    input.shape.slice(1).map((n, i) => (shared.includes(i + 1) ? 1 : n)),
  );
  const layout = presentLayout(input);
  return call.emit({ kind: "prelu", slope: inLayout(alpha, layout) }, [input], input.shape, layout);
};

/** A constant for a value without its batch axis, in the order of a layout. */
function inLayout({ shape, data }: FloatTensor, layout: Layout): FloatTensor {
  if (layout === "last" || shape.length < 2) return { shape, data };
  const rank = shape.length;
  const moved = transpose(floatConstant(shape, data), [rank - 1, ...shape.slice(1).map((_, i) => i)]);
  return { shape: moved.shape, data: moved.data };
}

export const softmax: LayerHandler = (call) => {
  const input = onlyInput(call);
  const rank = input.shape.length;
  const axis = call.settings.raw("axis") === undefined ? -1 : call.settings.integer("axis");
  if (axis !== -1 && axis !== rank - 1)
    throw new Rejection(`it works on axis ${axis}`, "use the last axis: axis=-1");
  const layout = presentLayout(input);
  return call.emit(
    { kind: "softmax", axis: graphAxis(rank - 1, rank, layout) },
    [input],
    input.shape,
    layout,
  );
};

/** Layers that do nothing at inference. */
export function identity(...trainingSettings: readonly string[]): LayerHandler {
  return (call) => {
    for (const name of trainingSettings) call.settings.raw(name);
    return onlyInput(call);
  };
}

/** `x · scale + offset`, one number each. */
export const rescaling: LayerHandler = (call) => {
  const [scale, offset] = [call.settings.number("scale"), call.settings.number("offset", 0)].map(
    Math.fround,
  ) as [number, number];
  const scaled = elementwise(
    call,
    onlyInput(call),
    arithmetic("multiply", scale),
    offset === 0 ? undefined : "scale",
  );
  return offset === 0 ? scaled : elementwise(call, scaled, arithmetic("add", offset));
};

function scalar(x: number): FloatTensor {
  return { shape: [], data: Float32Array.of(x) };
}

/** Names of the functions that `tf` and operators of Python leave in a model, and what they do. */
const functions: ReadonlyMap<string, "add" | "subtract" | "multiply" | "divide"> = new Map([
  ["__operators__.add", "add"],
  ["math.add", "add"],
  ["math.subtract", "subtract"],
  ["__operators__.sub", "subtract"],
  ["math.multiply", "multiply"],
  ["__operators__.mul", "multiply"],
  ["math.truediv", "divide"],
  ["math.divide", "divide"],
]);

/** A function of TensorFlow: arithmetic with one number, or the sum of two values. */
export const tensorFunction: LayerHandler = (call) => {
  const name = call.settings.text("function", "");
  call.settings.raw("symbol");
  const operator = functions.get(name);
  const number = call.constants.get("y");
  if (operator === "add" && number === undefined && call.inputs.length === 2) return sum(call);
  if (operator === undefined || typeof number !== "number" || !Number.isFinite(Math.fround(number))) {
    throw new Rejection(
      `it is the function tf.${printable(name, 40)}`,
      "of functions, sums and arithmetic with one number on the right are supported; use layers for the rest",
    );
  }
  if (operator === "divide" && Math.fround(number) === 0)
    throw new Rejection("it divides by 0", "check the model");
  return elementwise(call, onlyInput(call), arithmetic(operator, Math.fround(number)));
};

/** The sum of two values of one shape. */
export function sum(
  call: LayerCall,
  inputs: readonly ChannelsLastValue[] = call.inputs,
  part?: string,
): ChannelsLastValue {
  const [a, b] = inputs as [ChannelsLastValue, ChannelsLastValue];
  if (a.shape.length !== b.shape.length || a.shape.some((n, i) => n !== b.shape[i]))
    throw new Rejection(
      `it adds the shapes ${a.shape.join("×")} and ${b.shape.join("×")}`,
      "both must have the same shape",
    );
  return call.emit({ kind: "sum" }, [a, b], a.shape, presentLayout(a), part);
}
