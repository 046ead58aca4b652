/** Writes ZIP archives as Python's zipfile does: members stored or deflated, then the directory. */
import { crc32, deflateRawSync } from "node:zlib";

export interface MemberSpec {
  readonly name: string;
  readonly data: Uint8Array;
  readonly deflate?: boolean;
  /** Size that the directory claims, if not the true one. */
  readonly claims?: number;
  readonly flags?: number;
}

export function zipFile(members: readonly MemberSpec[]): Uint8Array {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const { name, data, deflate = false, claims = data.length, flags = 0 } of members) {
    const packed = deflate ? deflateRawSync(data) : Buffer.from(data);
    const title = Buffer.from(name);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(flags, 2);
    common.writeUInt16LE(deflate ? 8 : 0, 4);
    common.writeUInt32LE(crc32(data), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(claims, 18);
    common.writeUInt16LE(title.length, 22);
    const entry = Buffer.alloc(46);
    entry.write("PK\u0001\u0002", "latin1");
    common.copy(entry, 6);
    entry.writeUInt32LE(at, 42);
    directory.push(entry, title);
    const local = Buffer.concat([Buffer.from("PK\u0003\u0004", "latin1"), common, title, packed]);
    parts.push(local);
    at += local.length;
  }
  const list = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write("PK\u0005\u0006", "latin1");
  end.writeUInt16LE(members.length, 8);
  end.writeUInt16LE(members.length, 10);
  end.writeUInt32LE(list.length, 12);
  end.writeUInt32LE(at, 16);
  return Uint8Array.from(Buffer.concat([...parts, list, end]));
}
