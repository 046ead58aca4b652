/** Quantizers of computed values. */
import { z } from "zod";
import type { FloatTensor, IntTensor } from "../../../graph/types.js";
import { Rejection } from "../../common/rejection.js";
import {
  type BundleValue,
  checkBroadcasts,
  constantFor,
  elementwise,
  type LayerCall,
  onlyInput,
  scalar,
} from "../call.js";
import { numberOrTensor, oneOf } from "../fields.js";
import { layer } from "../layer.js";
import { levelFields, levelsOf, roundingField } from "../quantizers.js";

/** ±1 but 0 for 0, as torch.sign: away from zero every number but 0 becomes ±1. */
const threeSigns = {
  kind: "uniform",
  scale: scalar(1),
  zeroPoint: scalar(0),
  qmin: -1,
  qmax: 1,
  rounding: "away-from-zero",
} as const;

export const sign = layer(
  "sign",
  "±scale; and 0 for 0 with sign_of_zero 0, a ternary value",
  {
    sign_of_zero: z
      .literal([1, -1, 0], { error: "1, -1 or 0: the sign of exactly 0" })
      .describe(
        "1, -1 or 0: the sign of exactly 0 (Larq, Brevitas and QONNX: 1; torch.sign: 0, which makes three values)",
      ),
    scale: numberOrTensor("the magnitude of the result: a number, or a tensor that broadcasts").default(1),
  },
  (call, settings) => {
    const input = onlyInput(call);
    const scale = scaleFor(call, input, settings.scale);
    const { sign_of_zero: signOfZero } = settings;
    if (signOfZero === 0) {
      const isOne = scale.data.every((s) => s === 1);
      const signs = { kind: "quantize", quantizer: threeSigns } as const;
      if (isOne) return elementwise(call, input, signs);
      const scaled = { kind: "arithmetic", operator: "multiply", operand: scale, reversed: false } as const;
      return elementwise(call, elementwise(call, input, signs, "signs"), scaled);
    }
    return elementwise(call, input, { kind: "quantize", quantizer: { kind: "bipolar", scale, signOfZero } });
  },
);

export const quantize = layer(
  "quantize",
  "uniform, with bits and signed, or range",
  {
    ...levelFields,
    scale: numberOrTensor(
      "the value of one step, not of the batch at hand but as training left it: a number, or a tensor that broadcasts",
    ),
    zero_point: numberOrTensor(
      "the integer that stands for 0: a number, or a tensor that broadcasts",
    ).default(0),
    rounding: roundingField,
  },
  (call, settings) => {
    const input = onlyInput(call);
    const { rounding } = settings;
    const scale = scaleFor(call, input, settings.scale);
    const zeroPoint = constantFor(call, input, settings.zero_point);
    const quantizer = { kind: "uniform", scale, zeroPoint, rounding, ...levelsOf(settings) } as const;
    return elementwise(call, input, { kind: "quantize", quantizer });
  },
);

function scaleFor(call: LayerCall, input: BundleValue, value: number | string): FloatTensor {
  const scale = constantFor(call, input, value);
  if (scale.data.every((s) => s !== 0)) return scale;
  throw new Rejection("its scale is 0", "use a scale that is not 0 in float32");
}

/** More levels than codes of 8 bits have are no integers of the device. */
const MOST_LEVELS = 256;

/** TFLite's fixed-point multiplication (src/graph/rescale.ts), and the clamping that follows it in integer layers. */
export const rescale = layer(
  "rescale",
  "whole numbers in fixed point as TFLite's integer layers, with bits and signed, or range",
  {
    multiplier: numberOrTensor("whole numbers from 0 to 2^31 − 1: a number, or a tensor that broadcasts"),
    shift: numberOrTensor("whole numbers from −31 to 30, in the multiplier's shape"),
    halves: oneOf(
      ["up", "away"],
      '"up" or "away": where the last right shift takes halves (ruy: up, TFLite\'s reference: away from 0)',
    ),
    ...levelFields,
  },
  (call, settings) => {
    const input = onlyInput(call);
    const multiplier = integersFor(call, input, settings.multiplier, [0, 2 ** 31 - 1]);
    const shift = integersFor(call, input, settings.shift, [-31, 30]);
    if (multiplier.shape.length !== shift.shape.length || multiplier.data.length !== shift.data.length)
      throw new Rejection("its multiplier and shift have different shapes", "give both the same shape");
    const { qmin, qmax } = levelsOf(settings);
    if (qmax - qmin >= MOST_LEVELS)
      throw new Rejection(`it has ${qmax - qmin + 1} integers`, `use at most ${MOST_LEVELS}`);
    const op = { kind: "rescale", multiplier, shift, halves: settings.halves } as const;
    const scaled = elementwise(call, input, op, "scaled");
    const [scale, zeroPoint] = [scalar(1), scalar(0)];
    // The numbers are whole, so that no rounding happens.
    const quantizer = { kind: "uniform", scale, zeroPoint, qmin, qmax, rounding: "half-even" } as const;
    return elementwise(call, scaled, { kind: "quantize", quantizer });
  },
);

function integersFor(
  call: LayerCall,
  input: BundleValue,
  value: number | string,
  [least, most]: readonly [number, number],
): IntTensor {
  const { shape, data } =
    typeof value === "number" ? { shape: [], data: [value] } : call.tensors.integers(value);
  const odd = data.find((x) => !(Number.isInteger(x) && x >= least && x <= most));
  if (odd !== undefined)
    throw new Rejection(`it multiplies or shifts by ${odd}`, `use whole numbers from ${least} to ${most}`);
  checkBroadcasts(shape, input.shape);
  return { shape, data: Int32Array.from(data) };
}
