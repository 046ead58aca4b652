import type { Halves } from "./types.js";

/**
 * TFLite's fixed-point multiplication of an integer by `multiplier · 2^(shift − 31)`, rounded twice: the doubled
 * high half of the product, halves up, then a right shift, halves as told. Computed in float64, in which
 * a product of 31 by 31 bits does not fit: the multiplier goes in two halves.
 *
 * A number that is not whole is taken as the next whole number below it, which keeps the order where thresholds are
 * searched between whole numbers. `x · 2^max(shift, 0)` must fit 32 bits; `multiplier` is in 0 … 2^31 − 1, `shift` in −31 … 30.
 */
export function rescale(x: number, multiplier: number, shift: number, halves: Halves): number {
  const shifted = Math.floor(x) * 2 ** Math.max(shift, 0);
  const [high, low] = [Math.floor(multiplier / 2 ** 16), multiplier % 2 ** 16];
  const carried = Math.floor((shifted * low + 2 ** 30) / 2 ** 16);
  const half = Math.floor((shifted * high + carried) / 2 ** 15);
  if (shift >= 0) return half;
  const quotient = half / 2 ** -shift;
  // Adding 0 makes a zero positive, as integers are.
  if (halves === "up") return Math.floor(quotient + 0.5) + 0;
  return Math.sign(quotient) * Math.floor(Math.abs(quotient) + 0.5) + 0;
}

/**
 * The same as TFLite's vector code has it in some places: the high half cut, then a right shift, halves up. `shift` is
 * 0 or less.
 */
export function rescaleCut(x: number, multiplier: number, shift: number): number {
  const [high, low] = [Math.floor(multiplier / 2 ** 16), multiplier % 2 ** 16];
  const half = Math.floor((x * high + Math.floor((x * low) / 2 ** 16)) / 2 ** 15);
  return shift === 0 ? half : Math.floor(half / 2 ** -shift + 0.5) + 0;
}
