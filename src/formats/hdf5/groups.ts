/** Links of groups: symbol tables (old groups) and link messages (new ones). */
import { damaged, Rejection } from "../common/rejection.js";
import { type FileBytes, textOf, UNDEFINED } from "./bytes.js";
import { MESSAGE, type Message } from "./header.js";

/** Levels of a B-tree; each multiplies the number of links by 16 or more. */
const DEPTH_LIMIT = 16;
const LONGEST_NAME = 1 << 12;

/** Addresses of the objects in a group, by name. Links into other files and soft links are left out. */
export function readLinks(file: FileBytes, messages: readonly Message[]): ReadonlyMap<string, number> {
  const links = new Map<string, number>();
  for (const message of messages) {
    if (message.type === MESSAGE.symbolTable) readSymbolTable(file, message, links);
    if (message.type === MESSAGE.link) readLink(message, links);
    if (message.type === MESSAGE.linkInfo) refuseDense(message);
  }
  return links;
}

function readSymbolTable(file: FileBytes, message: Message, links: Map<string, number>): void {
  const cursor = message.open();
  const tree = cursor.address();
  const names = heapData(file, cursor.address());
  readNode(file, tree, DEPTH_LIMIT, (nameAt, address) => {
    if (nameAt >= names.length) throw new Rejection("a link's name lies outside its heap", damaged);
    links.set(textOf(names.subarray(nameAt, nameAt + LONGEST_NAME)), address);
  });
}

/** The local heap that holds the names of a group. */
function heapData(file: FileBytes, address: number): Uint8Array {
  const heap = file.at(address);
  heap.expect("HEAP");
  heap.skip(4);
  const size = heap.length();
  heap.length();
  return file.at(heap.address(), size).take(size);
}

type Found = (nameAt: number, address: number) => void;

/** A node of a group's B-tree: child addresses between keys, or at level 0 symbol table nodes. */
function readNode(file: FileBytes, address: number, depth: number, found: Found): void {
  if (depth === 0) throw new Rejection("a group's tree is too deep", damaged);
  const node = file.at(address);
  node.expect("TREE");
  const type = node.u8();
  const level = node.u8();
  const entries = node.u16();
  if (type !== 0) throw new Rejection("a group's tree holds no links", damaged);
  node.address();
  node.address();
  for (let i = 0; i < entries; i++) {
    node.length();
    const child = node.address();
    if (level === 0) readSymbols(file, child, found);
    else readNode(file, child, depth - 1, found);
  }
}

/** Cache type of a symbolic link, which has no object. */
const SOFT_LINK = 2;

function readSymbols(file: FileBytes, address: number, found: Found): void {
  const node = file.at(address);
  node.expect("SNOD");
  node.skip(2);
  const count = node.u16();
  for (let i = 0; i < count; i++) {
    const nameAt = node.address();
    const object = node.address();
    const cache = node.u32();
    node.skip(20);
    // Counts the link.
    file.at(address, 0);
    if (cache !== SOFT_LINK) found(nameAt, object);
  }
}

const HARD_LINK = 0;

function readLink(message: Message, links: Map<string, number>): void {
  const cursor = message.open();
  cursor.skip(1);
  const flags = cursor.u8();
  const type = flags & 8 ? cursor.u8() : HARD_LINK;
  if (flags & 4) cursor.skip(8);
  if (flags & 16) cursor.skip(1);
  const length = cursor.unsigned(1 << (flags & 3));
  const name = textOf(cursor.take(Math.min(length, LONGEST_NAME + 1)));
  if (name.length > LONGEST_NAME) throw new Rejection("a link has a very long name", damaged);
  if (type === HARD_LINK) links.set(name, cursor.address());
}

/** New groups of many links keep them in a heap of their own, which Keras' writer does not make. */
function refuseDense(message: Message): void {
  const cursor = message.open();
  cursor.skip(1);
  const flags = cursor.u8();
  if (flags & 1) cursor.skip(8);
  if (cursor.address() === UNDEFINED) return;
  throw new Rejection(
    "a group of the HDF5 file has its links in a fractal heap",
    "write the file with h5py's defaults (libver='earliest', without track_order)",
  );
}
