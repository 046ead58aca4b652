/** NumPy's .npy files (format versions 1 to 3): the arrays that users bring as inputs, labels and outputs. */
import { fail } from "../diagnostics/diagnostic.js";
import { printable } from "../diagnostics/text.js";

export type NpyData = Float32Array | Float64Array | Uint8Array | Int8Array | Int16Array | Int32Array;

export interface NpyArray {
  readonly shape: readonly number[];
  readonly dtype: string;
  /** Row-major. int64 arrays come as float64, which holds labels and indices exactly. */
  readonly data: NpyData;
}

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
const HEADER_LIMIT = 65536;

interface Type {
  readonly dtype: string;
  readonly bytes: number;
  read(view: DataView, offset: number): number;
  make(length: number): NpyData;
}

const types: Readonly<Record<string, Type>> = {
  "<f4": {
    dtype: "float32",
    bytes: 4,
    read: (v, o) => v.getFloat32(o, true),
    make: (n) => new Float32Array(n),
  },
  "<f8": {
    dtype: "float64",
    bytes: 8,
    read: (v, o) => v.getFloat64(o, true),
    make: (n) => new Float64Array(n),
  },
  "|u1": { dtype: "uint8", bytes: 1, read: (v, o) => v.getUint8(o), make: (n) => new Uint8Array(n) },
  "|i1": { dtype: "int8", bytes: 1, read: (v, o) => v.getInt8(o), make: (n) => new Int8Array(n) },
  "<i2": { dtype: "int16", bytes: 2, read: (v, o) => v.getInt16(o, true), make: (n) => new Int16Array(n) },
  "<i4": { dtype: "int32", bytes: 4, read: (v, o) => v.getInt32(o, true), make: (n) => new Int32Array(n) },
  "<i8": {
    dtype: "int64",
    bytes: 8,
    read: (v, o) => Number(v.getBigInt64(o, true)),
    make: (n) => new Float64Array(n),
  },
};

/** Reads an array. Every length is checked against the file before anything is allocated. */
export function readNpy(bytes: Uint8Array, where = "the .npy file"): NpyArray {
  const bad = (message: string, remedy = "write it with numpy.save"): Error =>
    fail("npy/bad", message, { where, remedy });
  if (bytes.length < 10 || MAGIC.some((b, i) => bytes[i] !== b)) throw bad("this is not a .npy file");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isLong = bytes[6]! >= 2;
  const headerLength = isLong && bytes.length >= 12 ? view.getUint32(8, true) : view.getUint16(8, true);
  const start = (isLong ? 12 : 10) + headerLength;
  if (headerLength > HEADER_LIMIT || start > bytes.length) throw bad("the header is longer than the file");
  const header = new TextDecoder("latin1").decode(bytes.subarray(isLong ? 12 : 10, start));
  const descr = /'descr'\s*:\s*'([^']*)'/.exec(header)?.[1] ?? "";
  const type = Object.hasOwn(types, descr) ? types[descr] : undefined;
  if (type === undefined)
    throw bad(`elements of type "${printable(descr, 20)}" are not supported`, `use one of ${dtypeNames()}`);
  if (!/'fortran_order'\s*:\s*False/.test(header))
    throw bad("the array is in Fortran order", "save numpy.ascontiguousarray(x)");
  const shapeText = /'shape'\s*:\s*\(([0-9,\s]*)\)/.exec(header)?.[1];
  if (shapeText === undefined) throw bad("the header has no shape");
  const shape = shapeText.split(",").flatMap((s) => (s.trim() === "" ? [] : [Number(s)]));
  const count = shape.reduce((a, b) => a * b, 1);
  if (!Number.isSafeInteger(count) || count * type.bytes !== bytes.length - start) {
    throw bad(
      `shape ${shape.join("×")} needs ${count * type.bytes} bytes of data, the file has ${bytes.length - start}`,
    );
  }
  const data = type.make(count);
  for (let i = 0; i < count; i++) data[i] = type.read(view, start + i * type.bytes);
  return { shape, dtype: type.dtype, data };
}

/** The bytes of a .npy file (version 1.0, C order) that numpy.load reads. */
export function writeNpy(array: {
  readonly shape: readonly number[];
  readonly dtype: "float32" | "int32" | "uint8";
  readonly data: Float32Array | Int32Array | Uint8Array;
}): Uint8Array {
  const { shape, dtype, data } = array;
  const descr = { float32: "<f4", int32: "<i4", uint8: "|u1" }[dtype];
  const tuple = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${tuple}), }`;
  const padding = 63 - ((10 + text.length) % 64);
  const header = `${text}${" ".repeat(padding)}\n`;
  const size = types[descr]!.bytes;
  const bytes = new Uint8Array(10 + header.length + data.length * size);
  const view = new DataView(bytes.buffer);
  bytes.set(MAGIC);
  bytes[6] = 1;
  view.setUint16(8, header.length, true);
  bytes.set(new TextEncoder().encode(header), 10);
  const start = 10 + header.length;
  for (let i = 0; i < data.length; i++) {
    if (dtype === "float32") view.setFloat32(start + 4 * i, data[i]!, true);
    else if (dtype === "int32") view.setInt32(start + 4 * i, data[i]!, true);
    else bytes[start + i] = data[i]!;
  }
  return bytes;
}

function dtypeNames(): string {
  return Object.values(types)
    .map((t) => t.dtype)
    .join(", ");
}
