/** Layers that work on each element by itself and stay float. */
import { Rejection } from "../../common/rejection.js";
import { constantFor, elementwise, onlyInput, scalar } from "../call.js";
import { float, name } from "../fields.js";
import { layer } from "../layer.js";

const f = Math.fround;

export const relu = layer("relu", "", {}, (call) => elementwise(call, onlyInput(call), { kind: "relu" }));

export const leakyRelu = layer(
  "leaky_relu",
  "",
  { negative_slope: float("the factor below 0 (PyTorch's default is 0.01, Keras' 0.3)") },
  (call, settings) =>
    elementwise(call, onlyInput(call), { kind: "prelu", slope: scalar(settings.negative_slope) }),
);

export const prelu = layer(
  "prelu",
  "one slope, or one per channel",
  { weight: name("the slopes' tensor: one number, or one per channel (axis 1)") },
  (call, settings) => {
    const input = onlyInput(call);
    return elementwise(call, input, { kind: "prelu", slope: constantFor(call, input, settings.weight, 1) });
  },
);

export const hardtanh = layer(
  "hardtanh",
  "to −1…1 by default",
  { min_val: float("the lower bound").default(-1), max_val: float("the upper bound").default(1) },
  (call, settings) => elementwise(call, onlyInput(call), clipTo(settings.min_val, settings.max_val)),
);

export const clip = layer(
  "clip",
  "one bound or both",
  { min: float("the lower bound").optional(), max: float("the upper bound").optional() },
  (call, { min, max }) => {
    if (min === undefined && max === undefined)
      throw new Rejection("it has no bound", 'give "min", "max" or both');
    return elementwise(
      call,
      onlyInput(call),
      clipTo(min ?? Number.NEGATIVE_INFINITY, max ?? Number.POSITIVE_INFINITY),
    );
  },
);

function clipTo(min: number, max: number) {
  if (min > max) throw new Rejection(`it clips to ${min}…${max}, which is empty`, "exchange the bounds");
  return { kind: "clip", low: f(min), high: f(max) } as const;
}
