/** Keys are the integers that threshold tables are searched and compared in. */

const view = new DataView(new ArrayBuffer(4));

/** Key of 2^64. */
const LARGE = (64 + 127) << 23;

/**
 * Keys in which float inputs are searched: −2^64 to 2^64. Beyond it a chain may overflow in float32, though
 * no trained model means it: larger inputs are decided as these ends are.
 */
export const floatRange: readonly [number, number] = [-LARGE - 1, LARGE];

/** Thresholds that every finite float reaches, and that none does. */
export const floatBeyond = { always: -0x7f800001, never: 0x7f800000 } as const;

/** The float32 of a key: the inverse of the order-preserving map in docs/NUMERICS.md. */
export function keyToFloat(key: number): number {
  view.setInt32(0, key >= 0 ? key : key ^ 0x7fffffff);
  return view.getFloat32(0);
}

/** The key of a float32. */
export function floatToKey(x: number): number {
  view.setFloat32(0, x);
  const bits = view.getInt32(0);
  return bits >= 0 ? bits : bits ^ 0x7fffffff;
}

export function integerRange(type: "u8" | "i8" | "i16" | "f32"): readonly [number, number] {
  if (type === "u8") return [0, 255];
  return type === "i8" ? [-128, 127] : [-32768, 32767];
}
