/** Batch normalization at inference, in the two orders in which TensorFlow computes it. */
import type { ArithmeticOperator, FloatTensor, GraphOp } from "../../../graph/types.js";
import { type ChannelsLastValue, channelShape, presentLayout } from "../../common/channels-last.js";
import { damaged, Rejection } from "../../common/rejection.js";
import { type LayerCall, type LayerHandler, onlyInput } from "../call.js";
import { identifierOf } from "../quantizers/identifier.js";
import { quantizeConstants } from "../quantizers/qkeras.js";
import { checkShape } from "./conv.js";

const f = Math.fround;

/**
 * Keras 2 runs maps through TensorFlow's fused kernel, `(x − mean) · factor + beta`, and everything else, as Keras 3
 * does always, through `tf.nn.batch_normalization`: `x · factor + (beta − mean · factor)`. In both
 * `factor = rsqrt(variance + epsilon) · gamma`. The reciprocal root is 1 / sqrt, rounded twice; TensorFlow's vector
 * code can differ from it in the last bit.
 */
export const batchNormalization: LayerHandler = (call) =>
  normalized(call, call.kerasMajor < 3 && onlyInput(call).shape.length === 4);

/** QKeras' never uses the fused kernel. */
export const quantizedBatchNormalization: LayerHandler = (call) => normalized(call, false);

function normalized(call: LayerCall, isCentered: boolean): ChannelsLastValue {
  const { settings } = call;
  const input = onlyInput(call);
  const channels = input.shape.at(-1)!;
  checkAxis(call, input);
  const epsilon = settings.number("epsilon", 1e-3);
  const [hasScale, hasCenter] = [settings.flag("scale", true), settings.flag("center", true)];
  settings.raw("fused");
  const names = [
    ...(hasScale ? ["gamma"] : []),
    ...(hasCenter ? ["beta"] : []),
    "moving_mean",
    "moving_variance",
  ];
  const stored = call.weights(names);
  const constant = (name: string, byDefault: number): Float32Array => {
    const weight: FloatTensor | undefined = stored[names.indexOf(name)];
    const quantizer = identifierOf(settings.raw(`${name.replace("moving_", "")}_quantizer`));
    if (weight === undefined) return new Float32Array(channels).fill(byDefault);
    checkShape(weight, [channels]);
    return quantizeConstants(quantizer, weight.data);
  };
  const [scale, bias, mean, variance] = [
    constant("gamma", 1),
    constant("beta", 0),
    constant("moving_mean", 0),
    constant("moving_variance", 1),
  ] as const;
  const factor = normalizingFactor(scale, variance, epsilon);
  if (!factor.every((a, c) => Number.isFinite(f(bias[c]! - f(mean[c]! * a)))))
    throw new Rejection("its factor or shift overflows float32", "check the model's parameters");
  if (isCentered) return centered(call, input, mean, factor, bias);
  const perChannel = (data: Float32Array): FloatTensor => ({ shape: [channels], data });
  const op: GraphOp = {
    kind: "batch-normalization",
    scale: perChannel(scale),
    bias: perChannel(bias),
    mean: perChannel(mean),
    variance: perChannel(variance),
    epsilon,
  };
  // The graph normalizes axis 1.
  const layout = input.shape.length === 2 ? "last" : "first";
  return call.emit(op, [input], input.shape, layout);
}

/** `rsqrt(variance + epsilon) · gamma` per channel. Throws a Rejection where the root is of nothing positive. */
export function normalizingFactor(
  gamma: Float32Array,
  variance: Float32Array,
  epsilon: number,
): Float32Array {
  if (!variance.every((v) => f(v + f(epsilon)) > 0))
    throw new Rejection("its variance plus epsilon is not positive", "variances must be 0 or more");
  return gamma.map((g, c) => f(1 / f(Math.sqrt(f(variance[c]! + f(epsilon))))) * g);
}

function centered(
  call: LayerCall,
  input: ChannelsLastValue,
  mean: Float32Array,
  factor: Float32Array,
  bias: Float32Array,
): ChannelsLastValue {
  const shifted = channelwise(call, input, "subtract", mean, "mean");
  return channelwise(call, channelwise(call, shifted, "multiply", factor, "factor"), "add", bias);
}

/** Arithmetic with one number per channel, or one for all. */
export function channelwise(
  call: LayerCall,
  value: ChannelsLastValue,
  operator: ArithmeticOperator,
  data: Float32Array,
  part?: string,
): ChannelsLastValue {
  const layout = presentLayout(value);
  const shape = data.length === 1 ? [] : channelShape(data.length, value.shape.length, layout);
  const operand = { shape, data };
  const op = { kind: "arithmetic", operator, operand, reversed: false } as const;
  return call.emit(op, [value], value.shape, layout, part);
}

function checkAxis({ settings }: LayerCall, { shape }: ChannelsLastValue): void {
  const axes = settings.raw("axis") === undefined ? [-1] : settings.integers("axis");
  const [axis] = axes;
  if (axes.length === 1 && (axis === -1 || axis === shape.length - 1)) return;
  throw new Rejection(
    `it normalizes axis ${axes.slice(0, 4).join(", ")} of a value of rank ${shape.length}`,
    axes.length === 1 ? "normalize the channels, the last axis: axis=-1" : damaged,
  );
}
