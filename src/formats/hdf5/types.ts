/** Dataspaces (shapes) and datatypes of datasets and attributes. */
import { damaged, Rejection } from "../common/rejection.js";
import type { Cursor } from "./bytes.js";

/** What an element is; sizes in bytes. */
export type ElementType =
  | { readonly kind: "integer"; readonly size: number; readonly signed: boolean; readonly little: boolean }
  | { readonly kind: "float"; readonly size: number; readonly little: boolean }
  | { readonly kind: "string"; readonly size: number }
  /** Text of any length, kept in a heap: a length, an address and an index. */
  | { readonly kind: "text"; readonly size: number }
  | { readonly kind: "other"; readonly size: number; readonly name: string };

const RANK_LIMIT = 32;

/** The sizes of a dataspace, outermost first; a scalar has none. Undefined where it holds nothing. */
export function readDataspace(cursor: Cursor): readonly number[] | undefined {
  const version = cursor.u8();
  const rank = cursor.u8();
  const flags = cursor.u8();
  if (version !== 1 && version !== 2)
    throw new Rejection(`a dataspace of the HDF5 file has version ${version}`, damaged);
  // Version 2 says whether it is a scalar, has sizes, or holds nothing at all.
  const kind = cursor.u8();
  if (version === 1) cursor.skip(4);
  else if (kind === 2) return undefined;
  if (rank > RANK_LIMIT || flags > 3)
    throw new Rejection(`a dataset of the HDF5 file has ${rank} dimensions`, damaged);
  return Array.from({ length: rank }, () => cursor.length());
}

const classNames = [
  "integer",
  "float",
  "time",
  "string",
  "bit field",
  "opaque",
  "compound",
  "reference",
  "enum",
  "variable length",
  "array",
] as const;

export function readDatatype(cursor: Cursor): ElementType {
  const first = cursor.u8();
  const bits = cursor.u8();
  cursor.skip(2);
  const size = cursor.u32();
  const little = (bits & 1) === 0;
  switch (first & 0x0f) {
    case 0:
      return { kind: "integer", size, signed: (bits & 8) !== 0, little };
    case 1:
      return isPlainFloat(cursor, size) ? { kind: "float", size, little } : other("float", size);
    case 3:
      return { kind: "string", size };
    case 9:
      return (bits & 0x0f) === 1 ? { kind: "text", size } : other("list", size);
    default:
      return other(classNames[first & 0x0f] ?? "unknown", size);
  }
}

/** Whether the bits are those of IEEE 754 of this size: where exponent and mantissa stand, and the bias. */
function isPlainFloat(cursor: Cursor, size: number): boolean {
  const offset = cursor.u16();
  const precision = cursor.u16();
  const exponentAt = cursor.u8();
  const exponentBits = cursor.u8();
  const mantissaAt = cursor.u8();
  const mantissaBits = cursor.u8();
  const bias = cursor.u32();
  const expected = size === 2 ? [10, 5, 15] : size === 4 ? [23, 8, 127] : [52, 11, 1023];
  return (
    (size === 2 || size === 4 || size === 8) &&
    offset === 0 &&
    precision === 8 * size &&
    mantissaAt === 0 &&
    exponentAt === expected[0] &&
    mantissaBits === expected[0] &&
    exponentBits === expected[1] &&
    bias === expected[2]
  );
}

function other(name: string, size: number): ElementType {
  return { kind: "other", size, name };
}
