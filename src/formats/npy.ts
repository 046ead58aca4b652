/** NumPy's .npy files (format versions 1 to 3): the arrays that users bring as inputs, labels and outputs. */
import { fail } from "../diagnostics/diagnostic.js";
import { printable, shapeText } from "../diagnostics/text.js";

export type NpyData = Float32Array | Float64Array | Uint8Array | Int8Array | Int16Array | Int32Array;

export interface NpyArray {
  readonly shape: readonly number[];
  readonly dtype: NpyDtype;
  /** Row-major. int64 arrays come as float64, which holds labels and indices exactly. */
  readonly data: NpyData;
}

export type NpyDtype = "float32" | "float64" | "uint8" | "int8" | "int16" | "int32" | "int64";

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
const HEADER_LIMIT = 65536;

interface Type {
  readonly dtype: NpyDtype;
  readonly bytes: number;
  read(view: DataView, offset: number): number;
  write(view: DataView, offset: number, value: number): void;
  make(length: number): NpyData;
}

/** Element types by numpy's `descr`. */
const types: Readonly<Record<string, Type>> = {
  "<f4": {
    dtype: "float32",
    bytes: 4,
    read: (v, o) => v.getFloat32(o, true),
    write: (v, o, x) => v.setFloat32(o, x, true),
    make: (n) => new Float32Array(n),
  },
  "<f8": {
    dtype: "float64",
    bytes: 8,
    read: (v, o) => v.getFloat64(o, true),
    write: (v, o, x) => v.setFloat64(o, x, true),
    make: (n) => new Float64Array(n),
  },
  "|u1": {
    dtype: "uint8",
    bytes: 1,
    read: (v, o) => v.getUint8(o),
    write: (v, o, x) => v.setUint8(o, x),
    make: (n) => new Uint8Array(n),
  },
  "|i1": {
    dtype: "int8",
    bytes: 1,
    read: (v, o) => v.getInt8(o),
    write: (v, o, x) => v.setInt8(o, x),
    make: (n) => new Int8Array(n),
  },
  "<i2": {
    dtype: "int16",
    bytes: 2,
    read: (v, o) => v.getInt16(o, true),
    write: (v, o, x) => v.setInt16(o, x, true),
    make: (n) => new Int16Array(n),
  },
  "<i4": {
    dtype: "int32",
    bytes: 4,
    read: (v, o) => v.getInt32(o, true),
    write: (v, o, x) => v.setInt32(o, x, true),
    make: (n) => new Int32Array(n),
  },
  "<i8": {
    dtype: "int64",
    bytes: 8,
    read: (v, o) => Number(v.getBigInt64(o, true)),
    write: (v, o, x) => v.setBigInt64(o, BigInt(x), true),
    make: (n) => new Float64Array(n),
  },
};

/**
 * Reads an array in C order. Every length is checked against the file before anything is allocated. Throws a
 * BitloomError for damaged files, other element types, Fortran order and int64 beyond 2^53.
 */
export function readNpy(bytes: Uint8Array, where = "the .npy file"): NpyArray {
  const bad = (message: string, remedy = "write it with numpy.save"): Error =>
    fail("npy/bad", message, { where, remedy });
  const { header, start } = readHeader(bytes, bad);
  const type = elementType(header, bad);
  checkOrder(header, bad);
  const shape = readShape(header, bad);
  const count = shape.reduce((a, b) => a * b, 1);
  if (!Number.isSafeInteger(count) || count * type.bytes !== bytes.length - start) {
    throw bad(
      `shape ${shapeText(shape)} needs ${count * type.bytes} bytes of data, the file has ${bytes.length - start}`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const data = type.make(count);
  for (let i = 0; i < count; i++) data[i] = type.read(view, start + i * type.bytes);
  if (type.dtype === "int64" && !data.every((x) => Number.isSafeInteger(x)))
    throw bad("it holds integers beyond 2^53", "store them as int32 or float64");
  return { shape, dtype: type.dtype, data };
}

type Bad = (message: string, remedy?: string) => Error;

/** Version 1 has a 16-bit header length, versions 2 and 3 a 32-bit one. */
function readHeader(bytes: Uint8Array, bad: Bad): { header: string; start: number } {
  if (MAGIC.some((b, i) => bytes[i] !== b)) throw bad("this is not a .npy file");
  const version = bytes[6] ?? 0;
  if (version < 1 || version > 3) throw bad(`version ${version} of the .npy format is not known`);
  const begin = version === 1 ? 10 : 12;
  if (bytes.length < begin) throw bad("the file is cut off in its header");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > HEADER_LIMIT || begin + length > bytes.length) throw bad("the header is longer than the file");
  const header = new TextDecoder("latin1").decode(bytes.subarray(begin, begin + length));
  return { header, start: begin + length };
}

function elementType(header: string, bad: Bad): Type {
  const descr = /'descr'\s*:\s*'([^']*)'/.exec(header)?.[1];
  if (descr === undefined) throw bad("its elements are records, not numbers", `use one of ${dtypeNames()}`);
  const type = Object.hasOwn(types, descr) ? types[descr] : undefined;
  if (type !== undefined) return type;
  throw bad(`elements of type "${printable(descr, 20)}" are not supported`, `use one of ${dtypeNames()}`);
}

function checkOrder(header: string, bad: Bad): void {
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(header)?.[1];
  if (order === "False") return;
  throw order === "True"
    ? bad("the array is in Fortran order", "save numpy.ascontiguousarray(x)")
    : bad("the header does not say in which order the elements are");
}

function readShape(header: string, bad: Bad): number[] {
  const text = /'shape'\s*:\s*\(([0-9,\s]*)\)/.exec(header)?.[1];
  if (text === undefined) throw bad("the header has no shape");
  const shape = text.split(",").flatMap((size) => (size.trim() === "" ? [] : [Number(size)]));
  if (!shape.every(Number.isSafeInteger)) throw bad("the header has no valid shape");
  return shape;
}

/**
 * The bytes of a .npy file (version 1.0, C order) that numpy.load reads. Numbers must fit the type; int64
 * takes whole numbers.
 */
export function writeNpy(array: {
  readonly shape: readonly number[];
  readonly dtype: NpyDtype;
  readonly data: NpyData;
}): Uint8Array {
  const { shape, dtype, data } = array;
  const [descr, type] = Object.entries(types).find(([, t]) => t.dtype === dtype)!;
  const tuple = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${tuple}), }`;
  const padding = 63 - ((10 + text.length) % 64);
  const header = `${text}${" ".repeat(padding)}\n`;
  const start = 10 + header.length;
  const bytes = new Uint8Array(start + data.length * type.bytes);
  const view = new DataView(bytes.buffer);
  bytes.set(MAGIC);
  bytes[6] = 1;
  view.setUint16(8, header.length, true);
  bytes.set(new TextEncoder().encode(header), 10);
  for (let i = 0; i < data.length; i++) type.write(view, start + i * type.bytes, data[i]!);
  return bytes;
}

function dtypeNames(): string {
  return Object.values(types)
    .map((t) => t.dtype)
    .join(", ");
}
