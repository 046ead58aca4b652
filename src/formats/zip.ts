/**
 * Reads ZIP archives: members are found by the central directory, unpacked in memory one by one, and never written
 * anywhere. Every length is checked, and the total that may be unpacked is limited.
 */
import { inflateRawSync } from "node:zlib";
import { printable } from "../diagnostics/text.js";
import { damaged, Rejection } from "./common/rejection.js";

const END = 0x0605_4b50;
const CENTRAL = 0x0201_4b50;
const LOCAL = 0x0403_4b50;
const END_SIZE = 22;
/** The end record may be followed by a comment of up to 64 KB. */
const LONGEST_COMMENT = 0xffff;
const MOST_MEMBERS = 10_000;

interface Member {
  readonly method: number;
  readonly isEncrypted: boolean;
  readonly packed: number;
  readonly unpacked: number;
  readonly local: number;
  readonly crc: number;
}

export function isZip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x50 && bytes[1] === 0x4b && bytes[2] === 3 && bytes[3] === 4;
}

/** An archive's members by name. Throws a Rejection where the archive is damaged. */
export class ZipArchive {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #members: ReadonlyMap<string, Member>;
  #budget: number;

  /** `limit` bounds the bytes that all calls of `read` together unpack. */
  constructor(bytes: Uint8Array, limit: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#budget = limit;
    this.#members = this.#readDirectory();
  }

  get names(): readonly string[] {
    return [...this.#members.keys()];
  }

  has(name: string): boolean {
    return this.#members.has(name);
  }

  /** The unpacked bytes of a member; undefined where there is none of this name. */
  read(name: string): Uint8Array | undefined {
    const member = this.#members.get(name);
    if (member === undefined) return undefined;
    if (member.isEncrypted)
      throw new Rejection(
        `"${printable(name, 60)}" in the archive is encrypted`,
        "write it without a password",
      );
    this.#budget -= member.unpacked;
    if (this.#budget < 0)
      throw new Rejection(
        `"${printable(name, 60)}" in the archive unpacks to ${member.unpacked} bytes`,
        "this is more than a microcontroller can hold: check that this is the right file",
      );
    const bytes = unpack(name, this.#packedBytes(name, member), member);
    if (crc32(bytes) !== member.crc) throw broken(name);
    return bytes;
  }

  #packedBytes(name: string, { local, packed }: Member): Uint8Array {
    if (local + 30 > this.#bytes.length || this.#u32(local) !== LOCAL) throw broken(name);
    const start = local + 30 + this.#u16(local + 26) + this.#u16(local + 28);
    if (start + packed > this.#bytes.length) throw broken(name);
    return this.#bytes.subarray(start, start + packed);
  }

  #readDirectory(): ReadonlyMap<string, Member> {
    const end = this.#findEnd();
    const count = this.#u16(end + 10);
    if (count > MOST_MEMBERS) throw new Rejection(`the archive has ${count} members`, "pass the model file");
    let at = this.#u32(end + 16);
    const members = new Map<string, Member>();
    for (let i = 0; i < count; i++) {
      if (at + 46 > this.#bytes.length || this.#u32(at) !== CENTRAL) throw brokenDirectory();
      const [nameLength, extraLength, commentLength] = [28, 30, 32].map((o) => this.#u16(at + o)) as [
        number,
        number,
        number,
      ];
      if (at + 46 + nameLength > this.#bytes.length) throw brokenDirectory();
      const name = new TextDecoder().decode(this.#bytes.subarray(at + 46, at + 46 + nameLength));
      if (members.has(name)) throw new Rejection(`the archive has "${printable(name, 60)}" twice`, damaged);
      members.set(name, {
        method: this.#u16(at + 10),
        isEncrypted: (this.#u16(at + 8) & 1) !== 0,
        packed: this.#u32(at + 20),
        unpacked: this.#u32(at + 24),
        local: this.#u32(at + 42),
        crc: this.#u32(at + 16),
      });
      at += 46 + nameLength + extraLength + commentLength;
    }
    return members;
  }

  #findEnd(): number {
    const last = this.#bytes.length - END_SIZE;
    for (let at = last; at >= Math.max(0, last - LONGEST_COMMENT); at--) if (this.#u32(at) === END) return at;
    throw brokenDirectory();
  }

  #u16(at: number): number {
    return this.#view.getUint16(at, true);
  }

  #u32(at: number): number {
    return this.#view.getUint32(at, true);
  }
}

function unpack(name: string, packed: Uint8Array, { method, unpacked }: Member): Uint8Array {
  if (method === 0 && packed.length === unpacked) return packed;
  if (method !== 8)
    throw new Rejection(`"${printable(name, 60)}" in the archive cannot be unpacked`, damaged);
  if (unpacked === 0) return new Uint8Array(0);
  try {
    const bytes = inflateRawSync(packed, { maxOutputLength: unpacked });
    if (bytes.length === unpacked) return bytes;
  } catch {
    // Said below: what zlib says of damaged data helps nobody.
  }
  throw broken(name);
}

const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb8_8320 : crc >>> 1;
  return crc;
});

function crc32(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (let i = 0; i < bytes.length; i++) crc = crcTable[(crc ^ bytes[i]!) & 0xff]! ^ (crc >>> 8);
  return (crc ^ 0xffff_ffff) >>> 0;
}

function broken(name: string): Rejection {
  return new Rejection(`"${printable(name, 60)}" in the archive is damaged or cut off`, damaged);
}

function brokenDirectory(): Rejection {
  return new Rejection("the archive has no directory of its members, or it is cut off", damaged);
}
