/**
 * Reads the options of Larq Compute Engine's operators: a FlexBuffer (see the FlatBuffers documentation,
 * "FlexBuffers") that holds one map from names to whole numbers. Other values are left out.
 */
import { DamagedFile } from "./flatbuffer.js";

/** Types as FlexBuffers number them: whole numbers in place, at an offset, and truth values. */
const [INT, UINT, MAP, INDIRECT_INT, INDIRECT_UINT, BOOL] = [1, 2, 9, 6, 7, 26];
/** No operator has so many options. */
const MOST_KEYS = 64;
const LONGEST_KEY = 64;

/** The map's whole numbers by name; empty options give an empty map. Throws DamagedFile. */
export function readFlexMap(bytes: Uint8Array): ReadonlyMap<string, number> {
  if (bytes.length === 0) return new Map();
  const reader = new Reader(bytes);
  // The last three bytes or more are the root, its type and its width.
  const width = reader.width(bytes.length - 1);
  const type = reader.uint(bytes.length - 2, 1);
  if (type >> 2 !== MAP) throw new DamagedFile("an operator's options are no map");
  const at = bytes.length - 2 - width;
  return reader.map(reader.target(at, width), 1 << (type & 3));
}

class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Before a map's values stand the offset of its sorted keys, their width, and the number of both. */
  map(values: number, width: number): Map<string, number> {
    const count = this.uint(values - width, width);
    if (count > MOST_KEYS) throw new DamagedFile(`an operator has ${count} options`);
    const keyWidth = this.uint(values - 2 * width, width);
    if (![1, 2, 4, 8].includes(keyWidth)) throw new DamagedFile("an operator's options have no keys");
    const keys = this.target(values - 3 * width, width);
    const result = new Map<string, number>();
    for (let i = 0; i < count; i++) {
      const key = this.#text(this.target(keys + i * keyWidth, keyWidth));
      const number = this.#number(values + i * width, width, this.uint(values + count * width + i, 1));
      if (number !== undefined) result.set(key, number);
    }
    return result;
  }

  #number(at: number, width: number, type: number): number | undefined {
    const own = 1 << (type & 3);
    switch (type >> 2) {
      case INT:
        return this.#int(at, width);
      case UINT:
      case BOOL:
        return this.uint(at, width);
      case INDIRECT_INT:
        return this.#int(this.target(at, width), own);
      case INDIRECT_UINT:
        return this.uint(this.target(at, width), own);
      default:
        return undefined;
    }
  }

  /** A width in bytes: 1, 2, 4 or 8. */
  width(at: number): number {
    const width = this.uint(at, 1);
    if ([1, 2, 4, 8].includes(width)) return width;
    throw new DamagedFile("an operator's options have no width");
  }

  /** Offsets count backwards from where they stand. */
  target(at: number, width: number): number {
    return at - this.uint(at, width);
  }

  uint(at: number, width: number): number {
    const value = this.#int(at, width);
    return value < 0 ? value + 2 ** (8 * width) : value;
  }

  #int(at: number, width: number): number {
    if (at < 0 || at + width > this.#bytes.length)
      throw new DamagedFile("an operator's options lead outside themselves");
    if (width === 1) return this.#view.getInt8(at);
    if (width === 2) return this.#view.getInt16(at, true);
    return width === 4 ? this.#view.getInt32(at, true) : Number(this.#view.getBigInt64(at, true));
  }

  /** A key ends with a zero byte. */
  #text(at: number): string {
    let end = at;
    while (this.uint(end, 1) !== 0) {
      if (end - at > LONGEST_KEY) throw new DamagedFile("an operator's options have a key without end");
      end++;
    }
    return new TextDecoder().decode(this.#bytes.subarray(at, end));
  }
}
