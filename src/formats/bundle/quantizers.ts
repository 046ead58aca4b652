/** What quantizers of values and of weights have in common: levels, rounding, scales. */
import { z } from "zod";
import type { Rounding } from "../../graph/types.js";
import { Rejection } from "../common/rejection.js";
import { flag, oneOf, wholeNumber } from "./fields.js";

const roundings = [
  "half-even",
  "half-up",
  "half-down",
  "half-away",
  "toward-zero",
  "away-from-zero",
  "floor",
  "ceil",
] as const satisfies readonly Rounding[];

const MOST_BITS = 32;
const LARGEST_LEVEL = 2 ** 31;

const rangeText = `the least and the greatest integer, [least, greatest], in place of bits and signed`;
const level = wholeNumber(-LARGEST_LEVEL, LARGEST_LEVEL, rangeText);

/** Integers of a uniform quantizer: by width, or by range. */
export const levelFields = {
  bits: wholeNumber(1, MOST_BITS, `width of the integers: 1 to ${MOST_BITS} bits`).optional(),
  signed: flag("true or false: whether the integers have a sign").optional(),
  narrow: flag(
    "true or false: signed without the least integer (−7…7 of 4 bits), unsigned without the greatest",
  ).optional(),
  range: z.tuple([level, level], { error: rangeText }).describe(rangeText).optional(),
};

export const roundingField = oneOf(
  roundings,
  `how numbers between two integers are rounded: ${roundings.join(", ")} (torch.round is half-even)`,
);

export const signOfZeroField = z
  .literal([1, -1], { error: "1 or -1: the sign of exactly 0" })
  .describe(
    "1 or -1: the sign of exactly 0 (Larq, Brevitas and QONNX: 1; torch.sign gives 0, which is neither)",
  );

type Levels = z.output<z.ZodObject<typeof levelFields>>;

/** The least and the greatest integer. QONNX's `Quant` has the same widths. */
export function levelsOf({ bits, signed, narrow, range }: Levels): { qmin: number; qmax: number } {
  if (range !== undefined) {
    if (bits !== undefined || signed !== undefined || narrow !== undefined)
      throw new Rejection("it has both a range and bits, signed or narrow", "keep one of the two");
    const [qmin, qmax] = range;
    if (qmin < qmax) return { qmin, qmax };
    throw new Rejection(`its range ${qmin}…${qmax} has no two integers`, "write [least, greatest]");
  }
  if (bits === undefined || signed === undefined)
    throw new Rejection(
      "it does not say what its integers are",
      'give "bits" and "signed", or "range": [least, greatest]',
    );
  if (bits === 1 && signed)
    throw new Rejection(
      "one signed bit has the integers −1 and 0",
      'for ±1 use the type "sign"; for −1 and 0 give "range": [-1, 0]',
    );
  const less = narrow === true ? 1 : 0;
  if (signed) return { qmin: -(2 ** (bits - 1)) + less, qmax: 2 ** (bits - 1) - 1 };
  if (bits === 1 && less === 1)
    throw new Rejection("one narrow bit has one integer only", "leave narrow out");
  return { qmin: 0, qmax: 2 ** bits - 1 - less };
}
