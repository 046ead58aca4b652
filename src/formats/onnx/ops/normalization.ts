import {
  floatAttribute,
  floatInput,
  type OpHandler,
  Rejection,
  requiredInput,
  runtimeInput,
  unknown,
} from "../node.js";

/** BatchNormalization at inference, over axis 1. */
export const batchNormalization: OpHandler = (node) => {
  if (requiredInput(node, 0).kind === "unknown") return unknown;
  const input = runtimeInput(node, 0);
  const channels = input.shape[1];
  const [scale, bias, mean, variance] = ["scale", "bias", "mean", "variance"].map((what, i) => {
    const constant = floatInput(node, i + 1, what);
    if (constant.data.length === channels) return constant;
    throw new Rejection(
      `its ${what} has ${constant.data.length} elements for ${channels ?? "no"} channels`,
      "export it again",
    );
  });
  const epsilon = Math.fround(floatAttribute(node, "epsilon", 1e-5));
  if (variance!.data.some((v) => !(v + epsilon > 0))) {
    throw new Rejection("its variance plus epsilon is not positive", "variances must be 0 or more");
  }
  return node.emit(
    { kind: "batch-normalization", scale: scale!, bias: bias!, mean: mean!, variance: variance!, epsilon },
    input,
    input.shape,
  );
};
