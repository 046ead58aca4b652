/** Sigmoids made of straight lines, and what is made of them: each is a few float32 operations in a stated order. */
import type { GraphOp } from "../../../graph/types.js";
import { Rejection } from "../../common/rejection.js";
import type { Settings } from "../settings.js";
import { arithmetic, uniform } from "./operations.js";

/** `clip(slope · x + ½, 0, 1)`. */
function sigmoid(slope: number): readonly GraphOp[] {
  return [arithmetic("multiply", slope), arithmetic("add", 0.5), { kind: "clip", low: 0, high: 1 }];
}

/** `2 · x − 1`. */
const toTanh: readonly GraphOp[] = [arithmetic("multiply", 2), arithmetic("subtract", 1)];
const rounded: readonly GraphOp[] = [uniform(1, 0, 1)];

/** Keras 2's: `0.2 · x + 0.5`. Keras 3 has another, whose order of operations depends on its backend. */
export const kerasHardSigmoid = sigmoid(Math.fround(0.2));

/** Functions of QKeras, by which names its layers mean these and not those of Keras or Larq (qkeras 0.9, quantizers.py). */
export const qkerasFunctions: ReadonlyMap<string, readonly GraphOp[]> = new Map([
  ["hard_sigmoid", sigmoid(0.5)],
  ["smooth_sigmoid", sigmoid(0.1875)],
  ["binary_sigmoid", [...sigmoid(0.5), ...rounded]],
  ["hard_tanh", [...sigmoid(0.5), ...toTanh]],
  ["smooth_tanh", [...sigmoid(0.1875), ...toTanh]],
  ["binary_tanh", [...sigmoid(0.5), ...rounded, ...toTanh]],
]);

/** `2 · hard_sigmoid(x) − 1`, rounded to multiples of 2^(1 − bits). */
export function quantizedTanh(settings: Settings): readonly GraphOp[] {
  const bits = settings.integer("bits", 8);
  settings.raw("use_stochastic_rounding");
  if (settings.flag("use_real_tanh", false))
    throw new Rejection("its quantized_tanh uses the real tanh", "use quantized_tanh without use_real_tanh");
  if (bits < 2 || bits > 8) throw new Rejection(`its quantizer has ${bits} bits`, "use 2 to 8 bits");
  const m = 2 ** (bits - 1);
  const least = -m + (settings.flag("symmetric", false) ? 1 : 0);
  return [...sigmoid(0.5), ...toTanh, uniform(1 / m, least, m - 1)];
}

/** `hard_sigmoid(x)`, rounded to multiples of 2^−bits below 1. */
export function quantizedSigmoid(settings: Settings): readonly GraphOp[] {
  const bits = settings.integer("bits", 8);
  settings.raw("use_stochastic_rounding");
  if (settings.flag("use_real_sigmoid", false))
    throw new Rejection(
      "its quantized_sigmoid uses the real sigmoid",
      "use quantized_sigmoid without use_real_sigmoid",
    );
  if (bits < 1 || bits > 8) throw new Rejection(`its quantizer has ${bits} bits`, "use 1 to 8 bits");
  const m = 2 ** bits;
  return [...sigmoid(0.5), uniform(1 / m, settings.flag("symmetric", false) ? 1 : 0, m - 1)];
}
