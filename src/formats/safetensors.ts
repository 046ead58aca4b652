/**
 * Reads safetensors files: eight bytes with the length of a JSON header, the header, then the tensors' bytes
 * (github.com/huggingface/safetensors, README "Format"). Nothing in them is code.
 */
import { printable, shapeText } from "../diagnostics/text.js";
import { checkRank } from "./common/limits.js";
import { damaged, Rejection } from "./common/rejection.js";
import type { StoredTensor, TensorSource } from "./common/tensor-source.js";

/** Headers name tensors, 100 bytes each; thousands of them fit. */
const HEADER_LIMIT = 1 << 23;
const LENGTH_BYTES = 8;
const METADATA = "__metadata__";

interface Type {
  readonly bytes: number;
  make(length: number): StoredTensor["data"];
  read(view: DataView, at: number): number;
}

const float32 = (length: number): Float32Array => new Float32Array(length);
/** Integers of 32 bits and more, which float64 holds exactly up to 2^53. */
const float64 = (length: number): Float64Array => new Float64Array(length);

/** Element types by the format's names; half floats are widened, which is exact. */
const types: ReadonlyMap<string, Type> = new Map<string, Type>([
  ["F64", { bytes: 8, make: float64, read: (v, at) => v.getFloat64(at, true) }],
  ["F32", { bytes: 4, make: float32, read: (v, at) => v.getFloat32(at, true) }],
  ["F16", { bytes: 2, make: float32, read: (v, at) => fromHalf(v.getUint16(at, true)) }],
  ["BF16", { bytes: 2, make: float32, read: (v, at) => fromBfloat(v.getUint16(at, true)) }],
  ["I64", { bytes: 8, make: float64, read: (v, at) => Number(v.getBigInt64(at, true)) }],
  ["U64", { bytes: 8, make: float64, read: (v, at) => Number(v.getBigUint64(at, true)) }],
  ["I32", { bytes: 4, make: (n) => new Int32Array(n), read: (v, at) => v.getInt32(at, true) }],
  ["U32", { bytes: 4, make: float64, read: (v, at) => v.getUint32(at, true) }],
  ["I16", { bytes: 2, make: (n) => new Int16Array(n), read: (v, at) => v.getInt16(at, true) }],
  ["U16", { bytes: 2, make: (n) => new Int32Array(n), read: (v, at) => v.getUint16(at, true) }],
  ["I8", { bytes: 1, make: (n) => new Int8Array(n), read: (v, at) => v.getInt8(at) }],
  ["U8", { bytes: 1, make: (n) => new Uint8Array(n), read: (v, at) => v.getUint8(at) }],
  ["BOOL", { bytes: 1, make: (n) => new Uint8Array(n), read: (v, at) => v.getUint8(at) }],
]);

/** IEEE 754 binary16. */
export function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** The upper half of a float32. */
function fromBfloat(bits: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint16(0, bits);
  return view.getFloat32(0);
}

/** Whether a file has the outline of safetensors: a length that fits, and braces where the header must have them. */
export function isSafetensors(bytes: Uint8Array): boolean {
  const length = headerLength(bytes);
  if (length === undefined) return false;
  const last = bytes[LENGTH_BYTES + length - 1];
  return bytes[LENGTH_BYTES] === 0x7b && (last === 0x7d || last === 0x20);
}

/** Undefined where the file cannot hold its header. */
function headerLength(bytes: Uint8Array): number | undefined {
  if (bytes.length < LENGTH_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getBigUint64(0, true);
  return length >= 2n && length <= BigInt(bytes.length - LENGTH_BYTES) ? Number(length) : undefined;
}

interface Place {
  readonly dtype: string;
  readonly type: Type;
  readonly shape: readonly number[];
  /** Offset in the file. */
  readonly start: number;
}

/**
 * The tensors of a safetensors file. The header is checked at once, numbers are read when asked for. Throws a
 * Rejection for damaged files and for element types that are not known.
 */
export function openSafetensors(bytes: Uint8Array): TensorSource {
  const length = headerLength(bytes);
  if (length === undefined || bytes[LENGTH_BYTES] !== 0x7b)
    throw new Rejection("it is no safetensors file, or it is cut off", saveAgain);
  if (length > HEADER_LIMIT)
    throw new Rejection(`its header has ${length} bytes, more than ${HEADER_LIMIT}`, saveAgain);
  const dataStart = LENGTH_BYTES + length;
  const places = new Map<string, Place>();
  for (const [name, entry] of headerEntries(bytes.subarray(LENGTH_BYTES, dataStart)))
    if (name !== METADATA) places.set(name, placeOf(name, entry, dataStart, bytes.length));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return {
    names: [...places.keys()],
    read: (name) => {
      const place = places.get(name);
      return place === undefined ? undefined : readTensor(name, place, view);
    },
  };
}

const saveAgain = "write it with safetensors.torch.save_file or safetensors.numpy.save_file";

function headerEntries(header: Uint8Array): [string, unknown][] {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(header));
  } catch {
    throw new Rejection("its header is no JSON", damaged);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new Rejection("its header is no JSON object", damaged);
  return Object.entries(value);
}

/** Where a tensor lies, checked against the file. */
function placeOf(name: string, entry: unknown, dataStart: number, end: number): Place {
  const fields = new Map(typeof entry === "object" && entry !== null ? Object.entries(entry) : []);
  const [dtype, shape, offsets] = ["dtype", "shape", "data_offsets"].map((key) => fields.get(key));
  const bad = (what: string): Rejection => new Rejection(`tensor "${printable(name, 60)}" ${what}`, damaged);
  if (typeof dtype !== "string" || !isSizes(shape) || !isSizes(offsets) || offsets.length !== 2)
    throw bad("has no type, shape or place in the header");
  const type = types.get(dtype);
  if (type === undefined) {
    throw new Rejection(
      `tensor "${printable(name, 60)}" holds ${printable(dtype, 20)}`,
      "store it as float32: tensor.float()",
    );
  }
  checkRank(shape);
  const [from, to] = offsets as [number, number];
  const size = shape.reduce((a, b) => a * b, 1) * type.bytes;
  if (!(from <= to && dataStart + to <= end)) throw bad("lies outside the file");
  if (size !== to - from)
    throw bad(`of shape ${shapeText(shape)} has ${to - from} bytes in place of ${size}`);
  return { dtype, type, shape, start: dataStart + from };
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.length <= 64 && value.every((n) => Number.isSafeInteger(n) && n >= 0);
}

function readTensor(name: string, { dtype, type, shape, start }: Place, view: DataView): StoredTensor {
  const data = type.make(shape.reduce((a, b) => a * b, 1));
  for (let i = 0; i < data.length; i++) data[i] = type.read(view, start + i * type.bytes);
  if (dtype === "BOOL" && data.some((x) => x > 1))
    throw new Rejection(`tensor "${printable(name, 60)}" has a truth value that is neither 0 nor 1`, damaged);
  const isWide = dtype === "I64" || dtype === "U64";
  if (!isWide || data.every((x) => Number.isSafeInteger(x))) return { shape, data };
  throw new Rejection(
    `tensor "${printable(name, 60)}" has integers beyond 2^53`,
    "store it as int32 or float32",
  );
}
