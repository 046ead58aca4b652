/** Object headers: the list of messages that describe a group or a dataset (HDF5 file format, section IV.A). */
import { damaged, Rejection } from "../common/rejection.js";
import type { Cursor, FileBytes } from "./bytes.js";

/** Numbers of the messages that are read. */
export const MESSAGE = {
  dataspace: 0x01,
  linkInfo: 0x02,
  datatype: 0x03,
  link: 0x06,
  layout: 0x08,
  filters: 0x0b,
  attribute: 0x0c,
  continuation: 0x10,
  symbolTable: 0x11,
  attributeInfo: 0x15,
} as const;

export interface Message {
  readonly type: number;
  /** Bit 1: the message stands elsewhere and is shared. */
  readonly flags: number;
  /** A fresh cursor over the message's data. */
  open(): Cursor;
}

/**
 * A cursor over a message's data, wherever they stand: shared ones say which object has them (IV.A.1.c), as datasets of
 * one committed datatype do.
 */
export function openMessage(file: FileBytes, { type, flags, open }: Message): Cursor {
  return flags & 2 ? openShared(file, type, open()) : open();
}

/** What a reference to another object's message stands for. */
export function openShared(file: FileBytes, type: number, cursor: Cursor): Cursor {
  const version = cursor.u8();
  const place = cursor.u8();
  if (version === 1) cursor.skip(6);
  const isObject = version < 3 || (version === 3 && place === IN_OBJECT);
  const message = isObject
    ? readMessages(file, cursor.address()).find((m) => m.type === type && (m.flags & 2) === 0)
    : undefined;
  if (message !== undefined) return message.open();
  throw new Rejection(
    "the HDF5 file shares the description of a dataset in a way that is not read",
    "save the model again with Keras",
  );
}

const IN_OBJECT = 2;

/** The messages of the object at an address, those of continuation blocks included. Versions 1 and 2. */
export function readMessages(file: FileBytes, address: number): readonly Message[] {
  const start = file.at(address);
  return start.u8() === 1 ? firstVersion(file, address) : secondVersion(file, address);
}

function firstVersion(file: FileBytes, address: number): Message[] {
  const header = file.at(address);
  header.skip(8);
  const size = header.u32();
  header.skip(4);
  const blocks = [header.part(size)];
  return collect(
    file,
    blocks,
    (block) => {
      const type = block.u16();
      const length = block.u16();
      const flags = block.u8();
      block.skip(3);
      return { type, flags, length };
    },
    8,
    (at, length) => file.at(at, length),
  );
}

function secondVersion(file: FileBytes, address: number): Message[] {
  const header = file.at(address);
  header.expect("OHDR");
  const version = header.u8();
  if (version !== 2) throw new Rejection(`an object of the HDF5 file has version ${version}`, damaged);
  const flags = header.u8();
  if (flags & 0x20) header.skip(16);
  if (flags & 0x10) header.skip(4);
  const size = header.unsigned(1 << (flags & 3));
  const hasOrder = (flags & 4) !== 0;
  return collect(
    file,
    [header.part(size)],
    (block) => {
      const type = block.u8();
      const length = block.u16();
      const messageFlags = block.u8();
      if (hasOrder) block.skip(2);
      return { type, flags: messageFlags, length };
    },
    hasOrder ? 6 : 4,
    (at, length) => {
      const block = file.at(at, length);
      block.expect("OCHK");
      // The checksum at the end.
      return block.part(block.left - 4);
    },
  );
}

/** Reads blocks to their ends; continuations add blocks, which the limit on structures bounds. */
function collect(
  file: FileBytes,
  blocks: Cursor[],
  prefix: (block: Cursor) => { type: number; flags: number; length: number },
  prefixSize: number,
  open: (address: number, length: number) => Cursor,
): Message[] {
  const messages: Message[] = [];
  for (let block = blocks.shift(); block !== undefined; block = blocks.shift()) {
    while (block.left >= prefixSize) {
      const { type, flags, length } = prefix(block);
      const data = block.part(length);
      const { position } = data;
      const message = { type, flags, open: () => file.at(position, length) };
      if (type === MESSAGE.continuation) {
        const at = data.address();
        blocks.push(open(at, data.length()));
      } else messages.push(message);
      // Counts the message.
      file.at(position, 0);
    }
  }
  return messages;
}
