import type { CodeMatrix } from "../program/types.js";

/** The code of the negated weight; undefined if there is none. */
export function mirrorOf({ step, offset, bits }: CodeMatrix, code: number): number | undefined {
  const mirrored = (-2 * offset) / step - code;
  return Number.isInteger(mirrored) && mirrored >= 0 && mirrored < 2 ** bits ? mirrored : undefined;
}
