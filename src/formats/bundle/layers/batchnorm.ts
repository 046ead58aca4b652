/** Batch normalization at inference, over axis 1. */

import type { FloatTensor } from "../../../graph/types.js";
import { Rejection } from "../../common/rejection.js";
import { elementwise, type LayerCall, onlyInput } from "../call.js";
import { float, name } from "../fields.js";
import { layer } from "../layer.js";

const f = Math.fround;

const fields = {
  weight: name("the factors' tensor (gamma), one per channel; without it 1, as with affine=False").optional(),
  bias: name("the shifts' tensor (beta), one per channel; without it 0").optional(),
  running_mean: name("the tensor of means, one per channel"),
  running_var: name("the tensor of variances, one per channel"),
  eps: float("what is added to variances; no state_dict has it (PyTorch's default is 1e-5)"),
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
  checkFinite(scale.data, bias.data, mean.data, variance.data, epsilon);
  return elementwise(call, input, { kind: "batch-normalization", scale, bias, mean, variance, epsilon });
});

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
