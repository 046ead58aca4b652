/** What chunks were packed with: deflate, shuffle, Fletcher's checksum and LZF (HDF5 file format, section IV.A.2.l). */
import { inflateSync } from "node:zlib";
import { damaged, Rejection } from "../common/rejection.js";
import type { Cursor } from "./bytes.js";

/** One step of packing, in the order of packing. */
export interface Filter {
  readonly id: number;
  /** Numbers that the step needs, e.g. the size of an element. */
  readonly values: readonly number[];
}

const DEFLATE = 1;
const SHUFFLE = 2;
const FLETCHER32 = 3;
/** h5py's own. */
const LZF = 32000;
const names: ReadonlyMap<number, string> = new Map([
  [4, "SZIP"],
  [5, "N-bit"],
  [6, "scale and offset"],
]);
/** Filters have numbers from here on that are not the library's own, and names. */
const FIRST_NAMED = 256;
const MOST_FILTERS = 8;
const MOST_VALUES = 32;

export function readFilters(cursor: Cursor): readonly Filter[] {
  const version = cursor.u8();
  const count = cursor.u8();
  if (version !== 1 && version !== 2)
    throw new Rejection(`the filters of a dataset have version ${version}`, damaged);
  if (count > MOST_FILTERS) throw new Rejection(`a dataset has ${count} filters`, damaged);
  if (version === 1) cursor.skip(6);
  return Array.from({ length: count }, () => {
    const id = cursor.u16();
    const nameLength = version === 1 || id >= FIRST_NAMED ? cursor.u16() : 0;
    cursor.skip(2);
    const valueCount = cursor.u16();
    if (valueCount > MOST_VALUES) throw new Rejection(`a filter has ${valueCount} values`, damaged);
    cursor.skip(nameLength);
    const values = Array.from({ length: valueCount }, () => cursor.u32());
    if (version === 1 && valueCount % 2 === 1) cursor.skip(4);
    return { id, values };
  });
}

/**
 * The bytes of a chunk, of which there must be `size`. Bit i of `mask` says that filter i was left out. Nothing is
 * allocated beyond `size` and what a checksum adds. Throws a Rejection.
 */
export function unpackChunk(
  packed: Uint8Array,
  filters: readonly Filter[],
  mask: number,
  size: number,
): Uint8Array {
  let bytes = packed;
  // Checksums that were added before packing are unpacked with the rest.
  const most = size + 4 * filters.length;
  for (let i = filters.length - 1; i >= 0; i--)
    if ((mask & (1 << i)) === 0) bytes = undo(filters[i]!, bytes, most);
  if (bytes.length === size) return bytes;
  throw broken();
}

function undo({ id, values }: Filter, bytes: Uint8Array, most: number): Uint8Array {
  switch (id) {
    case DEFLATE:
      return inflate(bytes, most);
    case SHUFFLE:
      return unshuffle(bytes, values[0] ?? 0);
    case FLETCHER32:
      return checked(bytes);
    case LZF:
      return inflateLzf(bytes, most);
    default:
      throw new Rejection(
        `a dataset of the HDF5 file is packed with ${names.get(id) ?? `filter ${id}`}`,
        'use compression="gzip", or save the model again with Keras, which does not compress',
      );
  }
}

function inflate(bytes: Uint8Array, most: number): Uint8Array {
  try {
    return inflateSync(bytes, { maxOutputLength: Math.max(most, 1) });
  } catch {
    // What zlib says of damaged data helps nobody.
    throw broken();
  }
}

/** Bytes that were sorted by their place in the element; what is left over stands behind. */
function unshuffle(bytes: Uint8Array, elementSize: number): Uint8Array {
  if (elementSize < 1 || elementSize > 16)
    throw new Rejection(`a dataset was shuffled by ${elementSize} bytes`, damaged);
  const count = Math.floor(bytes.length / elementSize);
  const result = Uint8Array.from(bytes);
  for (let place = 0; place < elementSize; place++)
    for (let i = 0; i < count; i++) result[i * elementSize + place] = bytes[place * count + i]!;
  return result;
}

/** The bytes in front of their checksum, which must be right. */
function checked(bytes: Uint8Array): Uint8Array {
  if (bytes.length < 4) throw broken();
  const data = bytes.subarray(0, -4);
  const stored = new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint32(data.length, true);
  if (stored === fletcher32(data)) return data;
  throw broken();
}

/** Sums of big-endian pairs of bytes, and of these sums, modulo 65535 (HDF5's H5checksum.c); an odd byte is a high one. */
function fletcher32(data: Uint8Array): number {
  const fold = (sum: number): number => (sum & 0xffff) + (sum >>> 16);
  let [low, high] = [0, 0];
  for (let i = 0; i < data.length; i += 2) {
    low = fold(low + ((data[i]! << 8) | (data[i + 1] ?? 0)));
    high = fold(high + low);
  }
  return ((fold(high) << 16) | fold(low)) >>> 0;
}

/** LZF: runs of bytes as they are, and copies of earlier ones. */
function inflateLzf(packed: Uint8Array, most: number): Uint8Array {
  const result = new Uint8Array(most);
  let [from, to] = [0, 0];
  const next = (): number => {
    if (from >= packed.length) throw broken();
    return packed[from++]!;
  };
  while (from < packed.length) {
    const control = next();
    if (control < 32) {
      const length = control + 1;
      if (from + length > packed.length || to + length > most) throw broken();
      result.set(packed.subarray(from, from + length), to);
      from += length;
      to += length;
      continue;
    }
    const short = control >> 5;
    const length = (short === 7 ? 7 + next() : short) + 2;
    const start = to - (((control & 31) << 8) | next()) - 1;
    if (start < 0 || to + length > most) throw broken();
    // A copy may read what it writes.
    for (let i = 0; i < length; i++) result[to + i] = result[start + i]!;
    to += length;
  }
  return result.subarray(0, to);
}

function broken(): Rejection {
  return new Rejection("a packed dataset of the HDF5 file is damaged or cut off", damaged);
}
