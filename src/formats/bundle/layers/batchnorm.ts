/** Batch normalization at inference, over axis 1. */

import type { FloatTensor } from "../../../graph/types.js";
import { Rejection } from "../../common/rejection.js";
import { type BundleValue, elementwise, type LayerCall, onlyInput } from "../call.js";
import { float, name, oneOf } from "../fields.js";
import { layer } from "../layer.js";

const f = Math.fround;

const fields = {
  weight: name("the factors' tensor (gamma), one per channel; without it 1, as with affine=False").optional(),
  bias: name("the shifts' tensor (beta), one per channel; without it 0").optional(),
  running_mean: name("the tensor of means, one per channel"),
  running_var: name("the tensor of variances, one per channel"),
  formula: oneOf(
    ["torch", "darknet"],
    "torch (x · factor + shift, the variance plus eps under the root) or darknet ((x − mean) / (√variance + eps) · weight + bias)",
  ).default("torch"),
  eps: float(
    "what is added to variances, or to darknet's roots; no file has it (PyTorch's default is 1e-5, darknet's 1e-6)",
  ),
};

export const batchnorm = layer("batchnorm", "axis 1", fields, (call, settings) => {
  const input = onlyInput(call);
  const channels = input.shape[1] ?? 0;
  const constant = (tensor: string | undefined, byDefault: number): FloatTensor =>
    tensor === undefined
      ? { shape: [channels], data: new Float32Array(channels).fill(byDefault) }
      : perChannel(call, tensor, channels);
  const scale = constant(settings.weight, 1);
  const bias = constant(settings.bias, 0);
  const mean = constant(settings.running_mean, 0);
  const variance = constant(settings.running_var, 1);
  const epsilon = f(settings.eps);
  if (settings.formula === "darknet") return ofDarknet(call, input, { scale, bias, mean, variance, epsilon });
  checkFinite(scale.data, bias.data, mean.data, variance.data, epsilon);
  return elementwise(call, input, { kind: "batch-normalization", scale, bias, mean, variance, epsilon });
});

interface Constants {
  readonly scale: FloatTensor;
  readonly bias: FloatTensor;
  readonly mean: FloatTensor;
  readonly variance: FloatTensor;
  readonly epsilon: number;
}

/** Four operations, as darknet computes it on a GPU (normalize_kernel, scale_bias_kernel, add_bias_kernel): difference, quotient, product, sum. */
function ofDarknet(
  call: LayerCall,
  input: BundleValue,
  { scale, bias, mean, variance, epsilon }: Constants,
): BundleValue {
  const deviation = { shape: variance.shape, data: variance.data.map((v) => f(Math.sqrt(v)) + epsilon) };
  if (!deviation.data.every((d) => d > 0 && Number.isFinite(d)))
    throw new Rejection("its root of the variance plus eps is not positive", "variances must be 0 or more");
  const along = (constant: FloatTensor): FloatTensor => ({
    shape: [...constant.shape, ...input.shape.slice(2).map(() => 1)],
    data: constant.data,
  });
  const steps = [
    ["subtract", mean, "centred"],
    ["divide", deviation, "normalized"],
    ["multiply", scale, "scaled"],
    ["add", bias, undefined],
  ] as const;
  return steps.reduce(
    (x, [operator, operand, part]) =>
      elementwise(call, x, { kind: "arithmetic", operator, operand: along(operand), reversed: false }, part),
    input,
  );
}

function perChannel(call: LayerCall, tensor: string, channels: number): FloatTensor {
  const stored = call.tensors.floats(tensor);
  if (stored.shape.length === 1 && stored.data.length === channels) return stored;
  throw new Rejection(
    `"${tensor.slice(0, 60)}" has ${stored.data.length} numbers for ${channels} channels`,
    "one number per channel (axis 1) is expected",
  );
}

/** With extreme parameters the factor or the shift overflows float32, and PyTorch computes NaN. */
function checkFinite(
  scale: Float32Array,
  bias: Float32Array,
  mean: Float32Array,
  variance: Float32Array,
  epsilon: number,
): void {
  if (!variance.every((v) => f(v + epsilon) > 0))
    throw new Rejection("its variance plus eps is not positive", "variances must be 0 or more");
  const odd = variance.findIndex((v, c) => {
    const factor = f(scale[c]! * f(1 / f(Math.sqrt(f(v + epsilon)))));
    return !Number.isFinite(f(bias[c]! - f(mean[c]! * factor)));
  });
  if (odd >= 0)
    throw new Rejection(`its factor or shift overflows on channel ${odd}`, "check the model's parameters");
}
