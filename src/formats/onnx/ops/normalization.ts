import { Rejection } from "../../common/rejection.js";
import { floatAttribute, intAttribute } from "../attributes.js";
import { floatInput, type OpHandler, runtimeInput } from "../node.js";

/** BatchNormalization at inference, over axis 1. */
export const batchNormalization: OpHandler = (node) => {
  const input = runtimeInput(node, 0);
  if (intAttribute(node.attributes, "training_mode", 0) !== 0)
    throw new Rejection("it is in training mode", "export the model for inference: model.eval()");
  if (intAttribute(node.attributes, "spatial", 1) !== 1)
    throw new Rejection("it normalizes every element on its own", "export with opset 9 or later");
  const channels = input.shape[1];
  const constants = ["scale", "bias", "mean", "variance"].map((what, i) => {
    const constant = floatInput(node, i + 1, what);
    if (constant.shape.length === 1 && constant.data.length === channels)
      return { shape: constant.shape, data: constant.data };
    throw new Rejection(
      `its ${what} has ${constant.data.length} elements for ${channels ?? "no"} channels`,
      "one number per channel is expected",
    );
  });
  const [scale, bias, mean, variance] = constants as [Channels, Channels, Channels, Channels];
  const epsilon = floatAttribute(node.attributes, "epsilon", 1e-5);
  if (!variance.data.every((v) => Math.fround(v + epsilon) > 0))
    throw new Rejection("its variance plus epsilon is not positive", "variances must be 0 or more");
  checkFinite(scale.data, bias.data, mean.data, variance.data, epsilon);
  return node.emit({ kind: "batch-normalization", scale, bias, mean, variance, epsilon }, input, input.shape);
};

interface Channels {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** With extreme parameters the factor or the shift overflows float32, and the framework computes NaN. */
function checkFinite(
  scale: Float32Array,
  bias: Float32Array,
  mean: Float32Array,
  variance: Float32Array,
  epsilon: number,
): void {
  const f = Math.fround;
  const odd = variance.findIndex((v, c) => {
    const factor = f(scale[c]! * f(1 / f(Math.sqrt(f(v + epsilon)))));
    return !Number.isFinite(f(bias[c]! - f(mean[c]! * factor)));
  });
  if (odd >= 0)
    throw new Rejection(`its factor or shift overflows on channel ${odd}`, "check the model's parameters");
}
