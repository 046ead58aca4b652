/**
 * TFLite's fixed-point multiplication of an integer by `multiplier · 2^(shift − 31)`, as its optimized kernels (ruy)
 * round it: the doubled high half of the product, then a right shift, halves up in both. Computed in float64, in which
 * a product of 31 by 31 bits does not fit: the multiplier goes in two halves.
 *
 * A number that is not whole is taken as the next whole number below it, which keeps the order where thresholds are
 * searched between whole numbers. `x · 2^max(shift, 0)` must fit 32 bits; `multiplier` is in 0 … 2^31 − 1, `shift` in −31 … 30.
 */
export function rescale(x: number, multiplier: number, shift: number): number {
  const shifted = Math.floor(x) * 2 ** Math.max(shift, 0);
  const [high, low] = [Math.floor(multiplier / 2 ** 16), multiplier % 2 ** 16];
  const carried = Math.floor((shifted * low + 2 ** 30) / 2 ** 16);
  const half = Math.floor((shifted * high + carried) / 2 ** 15);
  const right = 2 ** Math.max(-shift, 0);
  // Adding 0 makes a zero positive, as integers are.
  return Math.floor(half / right + (right > 1 ? 0.5 : 0)) + 0;
}
