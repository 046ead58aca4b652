/** Reads HDF5's integers with every access checked against the file. */
import { damaged, Rejection } from "../common/rejection.js";

/** An address or length that the file leaves open has all bits set. */
export const UNDEFINED = Number.POSITIVE_INFINITY;

/** Structures (headers, messages, nodes, links) that one file may have: far more than a model needs. */
const STRUCTURE_LIMIT = 1_000_000;
/** Bytes of text that are decoded: attributes may share one long text. */
const TEXT_LIMIT = 1 << 25;

/** Bytes that all chunks of a file and the datasets that they make may have together. */
const UNPACKED_LIMIT = 1 << 26;

/** The file with the sizes of its addresses and lengths, and a count of the structures read from it. */
export class FileBytes {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Bytes of an address ("offset") and of a length: 4 or 8, from the superblock. */
  readonly addressSize: number;
  readonly lengthSize: number;
  #structures = 0;
  #textBytes = 0;
  #unpacked = 0;

  constructor(bytes: Uint8Array, addressSize: number, lengthSize: number) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.addressSize = addressSize;
    this.lengthSize = lengthSize;
  }

  /** A cursor over `length` bytes from `address` on. Counts as one structure, so that circles of them end. */
  at(address: number, length = this.bytes.length - address): Cursor {
    if (++this.#structures > STRUCTURE_LIMIT)
      throw new Rejection(`the HDF5 file has more than ${STRUCTURE_LIMIT} structures`, damaged);
    return new Cursor(this, address, address + length);
  }

  /** Counts bytes of chunks and of the datasets that they make, before these are there. */
  unpack(bytes: number): void {
    this.#unpacked += bytes;
    if (this.#unpacked <= UNPACKED_LIMIT) return;
    throw new Rejection(
      `the chunks of the HDF5 file unpack to more than ${UNPACKED_LIMIT} bytes`,
      "save the model again without compression and without chunks, as Keras does",
    );
  }

  /** Text up to the first zero byte. */
  text(bytes: Uint8Array): string {
    this.#textBytes += bytes.length;
    if (this.#textBytes > TEXT_LIMIT)
      throw new Rejection(`the HDF5 file has more than ${TEXT_LIMIT} bytes of text`, damaged);
    return textOf(bytes);
  }
}

/** A position within a part of the file that moves on with every read. Throws a Rejection at the part's end. */
export class Cursor {
  readonly file: FileBytes;
  readonly end: number;
  #at: number;

  constructor(file: FileBytes, start: number, end: number) {
    if (!(start >= 0 && end >= start && end <= file.bytes.length)) throw outside();
    this.file = file;
    this.#at = start;
    this.end = end;
  }

  get position(): number {
    return this.#at;
  }

  get left(): number {
    return this.end - this.#at;
  }

  skip(count: number): void {
    this.#take(count);
  }

  u8(): number {
    return this.file.view.getUint8(this.#take(1));
  }

  u16(): number {
    return this.file.view.getUint16(this.#take(2), true);
  }

  u32(): number {
    return this.file.view.getUint32(this.#take(4), true);
  }

  /** Little-endian of 1, 2, 4 or 8 bytes; UNDEFINED where all bits are set, or beyond 53 bits. */
  unsigned(size: number): number {
    if (size === 1) return this.u8();
    if (size === 2) return this.u16();
    if (size === 4) {
      const value = this.u32();
      return value === 0xffff_ffff ? UNDEFINED : value;
    }
    const low = this.u32();
    const high = this.u32();
    return high >= 1 << 21 ? UNDEFINED : high * 2 ** 32 + low;
  }

  address(): number {
    return this.unsigned(this.file.addressSize);
  }

  length(): number {
    return this.unsigned(this.file.lengthSize);
  }

  /** A view of the next bytes, not a copy. */
  take(count: number): Uint8Array {
    const start = this.#take(count);
    return this.file.bytes.subarray(start, start + count);
  }

  /** A cursor over the next bytes. */
  part(count: number): Cursor {
    const start = this.#take(count);
    return new Cursor(this.file, start, start + count);
  }

  /** Refuses another signature than this one. */
  expect(signature: string): void {
    const found = this.take(signature.length);
    for (let i = 0; i < signature.length; i++) {
      if (found[i] !== signature.charCodeAt(i))
        throw new Rejection(`a structure of the HDF5 file does not start with ${signature}`, damaged);
    }
  }

  #take(count: number): number {
    const start = this.#at;
    if (!(count >= 0) || start + count > this.end) throw outside();
    this.#at = start + count;
    return start;
  }
}

/** Text up to the first zero byte. */
export function textOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}

function outside(): Rejection {
  return new Rejection("a structure of the HDF5 file lies outside the file", damaged);
}
