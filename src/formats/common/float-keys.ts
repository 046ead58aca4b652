/** Float32 numbers in their order, as integers: where a monotone condition begins to hold is found by bisection. */

const view = new DataView(new ArrayBuffer(4));

/** Keys of the least and the greatest finite float32. */
export const LEAST_KEY = -0x7f800000;
export const GREATEST_KEY = 0x7f7fffff;

/** The float32 of a key; those of −0 and 0 are −1 and 0. */
export function floatOfKey(key: number): number {
  view.setInt32(0, key >= 0 ? key : key ^ 0x7fffffff);
  return view.getFloat32(0);
}

/** The least key from `low` to `high` whose number makes the condition hold, `high + 1` where none does. */
export function firstKeyWhere(low: number, high: number, holds: (x: number) => boolean): number {
  let [from, to] = [low, high + 1];
  while (from < to) {
    const middle = Math.floor((from + to) / 2);
    if (holds(floatOfKey(middle))) to = middle;
    else from = middle + 1;
  }
  return from;
}

/** The least float32 above a number: `x > t` is `x ≥ nextUp(t)`. */
export function nextUp(x: number): number {
  view.setFloat32(0, x);
  const bits = view.getInt32(0);
  const key = bits >= 0 ? bits : bits ^ 0x7fffffff;
  return floatOfKey(x === 0 ? 1 : key + 1);
}
