/**
 * Writes ZIP archives (PKWARE's APPNOTE): members stored, not deflated, with a fixed date, so that the same files give the
 * same bytes whatever the version of zlib.
 */
import { crc32 } from "../../program/index.js";
import type { PackageFile } from "./types.js";

const LOCAL = 0x0403_4b50;
const CENTRAL = 0x0201_4b50;
const END = 0x0605_4b50;
/** Version 2.0, the first with folders. */
const VERSION = 20;
/** Names are UTF-8. */
const FLAGS = 0x0800;
/** 1 January 1980, the first day that the format knows. */
const DATE = 0x0021;
/** A file that its owner may write and all may read, as Unix keeps it in the upper half of the attributes. */
const ATTRIBUTES = 0o100644 * 2 ** 16;

export function storedZip(files: readonly PackageFile[]): Uint8Array {
  const encoder = new TextEncoder();
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let at = 0;
  for (const { path, content } of files) {
    const name = encoder.encode(path);
    const data = typeof content === "string" ? encoder.encode(content) : content;
    const member = { crc: crc32(data), size: data.length, nameLength: name.length };
    const local = record([[4, LOCAL], ...common(member)]);
    parts.push(local, name, data);
    directory.push(centralRecord(member, at), name);
    at += local.length + name.length + data.length;
  }
  const list = concatenated(directory);
  const end = record([
    [4, END],
    [4, 0], // one disk
    [2, files.length],
    [2, files.length],
    [4, list.length],
    [4, at],
    [2, 0], // no comment
  ]);
  return concatenated([...parts, list, end]);
}

interface Member {
  readonly crc: number;
  readonly size: number;
  readonly nameLength: number;
}

/** A field: its bytes and its value. */
type Field = readonly [size: 2 | 4, value: number];

/** What the local and the central record of a member share. */
function common({ crc, size, nameLength }: Member): readonly Field[] {
  return [
    [2, VERSION],
    [2, FLAGS],
    [2, 0], // stored
    [2, 0], // midnight
    [2, DATE],
    [4, crc],
    [4, size],
    [4, size],
    [2, nameLength],
    [2, 0], // no extra field
  ];
}

function centralRecord(member: Member, offset: number): Uint8Array {
  return record([
    [4, CENTRAL],
    [2, VERSION + 0x0300], // made on Unix
    ...common(member),
    [2, 0], // no comment
    [2, 0], // on the first disk
    [2, 0], // internal attributes
    [4, ATTRIBUTES],
    [4, offset],
  ]);
}

function record(fields: readonly Field[]): Uint8Array {
  const bytes = new Uint8Array(fields.reduce((sum, [size]) => sum + size, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const [size, value] of fields) {
    if (size === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
    at += size;
  }
  return bytes;
}

function concatenated(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
