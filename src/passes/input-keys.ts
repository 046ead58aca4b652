/** Keys are the integers that threshold tables are searched and compared in. */

const view = new DataView(new ArrayBuffer(4));

/** Finite float32 as keys: from −FLT_MAX to FLT_MAX. Infinities and NaN are refused at run time. */
export const floatRange: readonly [number, number] = [-0x7f800000, 0x7f7fffff];

/** The float32 of a key: the inverse of the order-preserving map in docs/NUMERICS.md. */
export function keyToFloat(key: number): number {
  view.setInt32(0, key >= 0 ? key : key ^ 0x7fffffff);
  return view.getFloat32(0);
}

export function integerRange(type: "u8" | "i8" | "i16" | "f32"): readonly [number, number] {
  if (type === "u8") return [0, 255];
  return type === "i8" ? [-128, 127] : [-32768, 32767];
}
