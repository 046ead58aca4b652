/**
 * Reads HDF5 files as h5py writes them by default: superblocks 0 to 3, groups, numeric datasets in one piece or in
 * chunks, packed or not, and attributes. Written from the HDF5 File Format Specification 3.0. Everything is bounded: each access
 * is checked against the file, the number of structures is limited, circles of links are never followed.
 */
import { printable } from "../../diagnostics/text.js";
import { damaged, Rejection } from "../common/rejection.js";
import { type Cursor, FileBytes, UNDEFINED } from "./bytes.js";
import { readChunks, type Wanted } from "./chunks.js";
import { type Filter, readFilters } from "./filters.js";
import { readLinks } from "./groups.js";
import { MESSAGE, type Message, openMessage, openShared, readMessages } from "./header.js";
import { type ElementType, readDataspace, readDatatype } from "./types.js";

const SIGNATURE = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a] as const;

/** Classes of layouts. */
const COMPACT = 0;
const CONTIGUOUS = 1;
const CHUNKED = 2;

export function isHdf5(bytes: Uint8Array): boolean {
  return SIGNATURE.every((byte, i) => bytes[i] === byte);
}

/** Numbers of a dataset, row-major, and their shape. */
export interface Dataset {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Opens a file at its root group. Throws a Rejection where it is damaged. */
export function openHdf5(bytes: Uint8Array): Hdf5Object {
  if (bytes.length < 48 || !isHdf5(bytes))
    throw new Rejection("the file is no HDF5 file, or it is cut off", damaged);
  const version = bytes[8]!;
  if (version > 3)
    throw new Rejection(`the HDF5 file has version ${version}`, "write it with a current h5py");
  const [addressSize, lengthSize] = version < 2 ? [bytes[13]!, bytes[14]!] : [bytes[9]!, bytes[10]!];
  if (![4, 8].includes(addressSize) || ![4, 8].includes(lengthSize))
    throw new Rejection(`the HDF5 file has addresses of ${addressSize} bytes`, damaged);
  const file = new FileBytes(bytes, addressSize, lengthSize);
  const cursor = file.at(0);
  cursor.skip(version === 0 ? 24 : version === 1 ? 28 : 12);
  if (cursor.address() !== 0)
    throw new Rejection("the HDF5 file has something in front of it", "write it as a file of its own");
  cursor.address();
  cursor.address();
  if (version < 2) {
    cursor.address();
    cursor.address();
  }
  return new Hdf5Object(file, cursor.address());
}

/** A group or a dataset. Links and attributes are read when they are asked for. */
export class Hdf5Object {
  readonly #file: FileBytes;
  readonly #messages: readonly Message[];
  #links: ReadonlyMap<string, number> | undefined;

  constructor(file: FileBytes, address: number) {
    this.#file = file;
    this.#messages = readMessages(file, address);
  }

  /** Names of what the group holds. */
  get names(): readonly string[] {
    return [...this.#linkMap().keys()];
  }

  /** The object at a path below this one, e.g. `conv/kernel:0`; undefined where there is none. */
  find(path: string): Hdf5Object | undefined {
    let object: Hdf5Object = this;
    for (const name of path.split("/")) {
      const address = object.#linkMap().get(name);
      if (address === undefined) return undefined;
      object = new Hdf5Object(this.#file, address);
    }
    return object;
  }

  #linkMap(): ReadonlyMap<string, number> {
    this.#links ??= readLinks(this.#file, this.#messages);
    return this.#links;
  }

  /** A text attribute; undefined where there is none. */
  text(name: string): string | undefined {
    return this.texts(name)?.[0];
  }

  /** An attribute that is a list of texts (or one); undefined where there is none. */
  texts(name: string): readonly string[] | undefined {
    for (const message of this.#messages) {
      if (message.type !== MESSAGE.attribute) continue;
      const texts = this.#attributeTexts(message, name);
      if (texts !== undefined) return texts;
    }
    for (const message of this.#messages)
      if (message.type === MESSAGE.attributeInfo) refuseDenseAttributes(message);
    return undefined;
  }

  /** The texts of an attribute message, if it is that attribute. */
  #attributeTexts(message: Message, wanted: string): readonly string[] | undefined {
    const cursor = message.open();
    const version = cursor.u8();
    const flags = cursor.u8();
    const sizes = [cursor.u16(), cursor.u16(), cursor.u16()] as const;
    if (version < 1 || version > 3) throw new Rejection(`an attribute has version ${version}`, damaged);
    if (version === 3) cursor.skip(1);
    const padded = (size: number): number => (version === 1 ? Math.ceil(size / 8) * 8 : size);
    const name = this.#file.text(cursor.take(padded(sizes[0])));
    if (name !== wanted) return undefined;
    const part = (length: number, message: number, isShared: boolean): Cursor => {
      const data = cursor.part(padded(length));
      return version > 1 && isShared ? openShared(this.#file, message, data) : data;
    };
    const type = readDatatype(part(sizes[1], MESSAGE.datatype, (flags & 1) !== 0));
    const shape = readDataspace(part(sizes[2], MESSAGE.dataspace, (flags & 2) !== 0));
    const count = shape === undefined ? 0 : countOf(shape);
    if (type.kind !== "string" && type.kind !== "text") {
      // h5py writes an empty list as an empty array of numbers.
      if (count === 0) return [];
      throw new Rejection(`the attribute ${printable(wanted)} is no text`, damaged);
    }
    if (count * type.size > cursor.left || type.size === 0)
      throw new Rejection(`the attribute ${printable(wanted)} is longer than its header`, damaged);
    return Array.from({ length: count }, () => {
      if (type.kind === "string") return this.#file.text(cursor.take(type.size));
      const length = cursor.u32();
      return this.#heapText(cursor.address(), cursor.u32(), length);
    });
  }

  /** Text number `index` of the global heap collection at an address. */
  #heapText(address: number, index: number, length: number): string {
    if (length === 0) return "";
    const start = this.#file.at(address);
    start.expect("GCOL");
    start.skip(4);
    const size = start.length();
    const heap = this.#file.at(address, size);
    heap.skip(start.position - address);
    while (heap.left >= 16) {
      const found = heap.u16();
      heap.skip(6);
      const bytes = heap.length();
      if (found === 0) break;
      if (found === index && length <= bytes) return this.#file.text(heap.take(length));
      heap.skip(Math.ceil(bytes / 8) * 8);
      // Counts the element.
      this.#file.at(address, 0);
    }
    throw new Rejection("a text of the HDF5 file is missing from its heap", damaged);
  }

  /** Whether this is a dataset rather than a group. */
  get isDataset(): boolean {
    return this.#messages.some((m) => m.type === MESSAGE.layout);
  }

  /** The elements as float32. Throws a Rejection for other element types and for data that are not understood. */
  read(): Dataset {
    const type = readDatatype(this.#required(MESSAGE.datatype));
    const shape = readDataspace(this.#required(MESSAGE.dataspace)) ?? [0];
    const count = countOf(shape);
    if (type.kind !== "float" && type.kind !== "integer") throw wrongType(type);
    if (!type.little || ![1, 2, 4, 8].includes(type.size)) throw wrongType(type);
    if (shape.some((n) => !Number.isSafeInteger(n)))
      throw new Rejection("a dataset of the HDF5 file has impossible sizes", damaged);
    const bytes = this.#data({ shape, elementSize: type.size, filters: this.#filters() });
    if (bytes.length !== count * type.size) {
      throw new Rejection(
        `a dataset of shape ${shape.slice(0, 8).join("×")} needs ${count * type.size} bytes, the file has ${bytes.length}`,
        damaged,
      );
    }
    return { shape, data: decode(bytes, type, count) };
  }

  #filters(): readonly Filter[] {
    const message = this.#messages.find((m) => m.type === MESSAGE.filters);
    return message === undefined ? [] : readFilters(openMessage(this.#file, message));
  }

  #data(wanted: Wanted): Uint8Array {
    const cursor = this.#required(MESSAGE.layout);
    const version = cursor.u8();
    const kind = cursor.u8();
    if (version < 3 || version > 5) throw new Rejection(`a dataset's layout has version ${version}`, damaged);
    if (kind === CHUNKED) return readChunks(this.#file, cursor, version, wanted);
    if (wanted.filters.length > 0)
      throw new Rejection("a dataset of the HDF5 file has filters and no chunks", damaged);
    if (kind === COMPACT) return cursor.take(cursor.u16());
    if (kind !== CONTIGUOUS)
      throw new Rejection(
        "a dataset of the HDF5 file is put together from others",
        "save the model again with Keras, which stores weights in one piece",
      );
    const address = cursor.address();
    const size = cursor.length();
    return address === UNDEFINED ? new Uint8Array(0) : this.#file.at(address, size).take(size);
  }

  #required(type: number): Cursor {
    const message = this.#messages.find((m) => m.type === type);
    if (message === undefined) throw new Rejection("a dataset of the HDF5 file is incomplete", damaged);
    return openMessage(this.#file, message);
  }
}

/** New files keep large attributes, and those of objects that have many, in a heap of their own. */
function refuseDenseAttributes(message: Message): void {
  const cursor = message.open();
  cursor.skip(1);
  if (cursor.u8() & 1) cursor.skip(2);
  if (cursor.address() === UNDEFINED) return;
  throw new Rejection(
    "an object of the HDF5 file has its attributes in a fractal heap",
    "write the file with h5py's defaults (libver='earliest')",
  );
}

function decode(
  bytes: Uint8Array,
  type: Extract<ElementType, { kind: "float" | "integer" }>,
  count: number,
): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const read = reader(view, type);
  return Float32Array.from({ length: count }, (_, i) => read(i * type.size));
}

function reader(
  view: DataView,
  type: Extract<ElementType, { kind: "float" | "integer" }>,
): (at: number) => number {
  const { size } = type;
  if (type.kind === "float") {
    if (size === 4) return (at) => view.getFloat32(at, true);
    if (size === 8) return (at) => view.getFloat64(at, true);
    return (at) => halfFloat(view.getUint16(at, true));
  }
  if (size === 8)
    return (at) => Number(type.signed ? view.getBigInt64(at, true) : view.getBigUint64(at, true));
  if (size === 4) return (at) => (type.signed ? view.getInt32(at, true) : view.getUint32(at, true));
  if (size === 2) return (at) => (type.signed ? view.getInt16(at, true) : view.getUint16(at, true));
  return (at) => (type.signed ? view.getInt8(at) : view.getUint8(at));
}

/** IEEE 754 binary16, which float32 holds exactly. */
function halfFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const mantissa = bits & 0x3ff;
  if (exponent === 0x1f) return mantissa === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? sign * mantissa * 2 ** -24 : sign * (1024 + mantissa) * 2 ** (exponent - 25);
}

function countOf(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

function wrongType(type: ElementType): Rejection {
  const name = type.kind === "other" ? type.name : `big-endian or unusual ${type.kind}`;
  return new Rejection(
    `a dataset of the HDF5 file has elements of type ${name}`,
    "save the model with float32 weights",
  );
}
