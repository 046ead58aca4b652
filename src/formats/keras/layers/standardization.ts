/** Keras' Normalization: mean and variance of the training data, found before the training. */
import type { FloatTensor } from "../../../graph/types.js";
import type { ChannelsLastValue } from "../../common/channels-last.js";
import { Rejection } from "../../common/rejection.js";
import { type LayerCall, type LayerHandler, onlyInput } from "../call.js";
import { EPSILON } from "../quantizers/scale.js";
import { checkShape } from "./conv.js";
import { channelwise } from "./normalization.js";

/** `(x − mean) / max(sqrt(variance), epsilon)`, per channel or one for all, each operation rounded. */
export const standardization: LayerHandler = (call) => {
  const { settings } = call;
  const input = onlyInput(call);
  if (settings.flag("invert", false))
    throw new Rejection("it is inverted", "use it without invert=True, at the beginning of the model");
  const channels = input.shape.at(-1)!;
  const isForAll = isScalar(call, input);
  const [mean, variance] = statistics(call, isForAll ? [] : [channels]);
  if (!variance.every((v) => v >= 0))
    throw new Rejection("its variance is negative", "adapt the layer again");
  const deviation = variance.map((v) => Math.max(Math.sqrt(v), EPSILON));
  return channelwise(call, channelwise(call, input, "subtract", mean, "mean"), "divide", deviation);
};

/** Whether one mean and variance are for all elements: the layer keeps no axis. */
function isScalar({ settings }: LayerCall, { shape }: ChannelsLastValue): boolean {
  const axes = settings.raw("axis") === undefined ? [] : settings.integers("axis");
  if (axes.length === 0) return true;
  if (axes.length === 1 && (axes[0] === -1 || axes[0] === shape.length - 1)) return false;
  throw new Rejection(
    `it keeps the axes ${axes.slice(0, 4).join(", ")}`,
    "keep the channels, the last axis: axis=-1, or none: axis=None",
  );
}

/** Found by `adapt` and kept as weights, with a count beside them, or given as settings. */
function statistics(call: LayerCall, shape: readonly number[]): readonly [Float32Array, Float32Array] {
  const given = ["mean", "variance"].map((name) => call.settings.raw(name));
  if (given.some((value) => value !== undefined)) {
    const count = shape[0] ?? 1;
    const [mean, variance] = given.map((value) => {
      const list = (Array.isArray(value) ? value.flat(8) : [value]).map((n) =>
        typeof n === "number" ? Math.fround(n) : Number.NaN,
      );
      if ((list.length === 1 || list.length === count) && list.every(Number.isFinite))
        return Float32Array.from({ length: count }, (_, c) => list[c % list.length]!);
      throw new Rejection("its mean or variance is not understood", `give one number, or ${count}`);
    }) as [Float32Array, Float32Array];
    return [mean, variance];
  }
  const [mean, variance] = call.weights(["mean", "variance", "count"]) as [
    FloatTensor,
    FloatTensor,
    FloatTensor,
  ];
  for (const weight of [mean, variance])
    if (shape.length > 0 || weight.shape.length > 0) checkShape(weight, shape);
  return [mean.data, variance.data];
}
