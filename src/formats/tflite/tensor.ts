/** Constants of the file. */
import { shapeText } from "../../diagnostics/text.js";
import { countOf, floatConstant, intConstant } from "../common/constant.js";
import { checkRank } from "../common/limits.js";
import { damaged, Rejection } from "../common/rejection.js";
import type { ConstantValue } from "./node.js";
import type { ElementType, FileTensor } from "./schema.js";

interface Reader {
  readonly bytes: number;
  readonly isFloat: boolean;
  read(view: DataView, at: number): number;
}

const readers: Partial<Readonly<Record<ElementType, Reader>>> = {
  float32: { bytes: 4, isFloat: true, read: (v, at) => v.getFloat32(at, true) },
  float16: { bytes: 2, isFloat: true, read: (v, at) => halfFloat(v.getUint16(at, true)) },
  int32: { bytes: 4, isFloat: false, read: (v, at) => v.getInt32(at, true) },
  int64: { bytes: 8, isFloat: false, read: (v, at) => Number(v.getBigInt64(at, true)) },
  int16: { bytes: 2, isFloat: false, read: (v, at) => v.getInt16(at, true) },
  int8: { bytes: 1, isFloat: false, read: (v, at) => v.getInt8(at) },
  uint8: { bytes: 1, isFloat: false, read: (v, at) => v.getUint8(at) },
  bool: { bytes: 1, isFloat: false, read: (v, at) => v.getUint8(at) },
};

/** Elements of a constant, checked against its shape before anything is allocated. */
export function constantSize({ shape, type, data }: FileTensor): number {
  checkRank(shape);
  const reader = readers[type];
  if (reader === undefined)
    throw new Rejection(
      `a constant has elements of type ${type}`,
      "convert the model with float32 or int8 weights",
    );
  const count = countOf(shape);
  if (!shape.every((n) => n >= 0) || data?.length !== count * reader.bytes) {
    throw new Rejection(
      `a constant of shape ${shapeText(shape)} and type ${type} has ${data?.length ?? 0} bytes`,
      damaged,
    );
  }
  return count;
}

/** Decodes a constant, row-major; float16 is widened. Throws a Rejection. */
export function readConstant(tensor: FileTensor): ConstantValue {
  const { shape, type } = tensor;
  const count = constantSize(tensor);
  const { bytes, isFloat, read } = readers[type]!;
  const data = tensor.data!;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  if (!isFloat) {
    const numbers = Array.from({ length: count }, (_, i) => read(view, i * bytes));
    if (!numbers.every(Number.isSafeInteger))
      throw new Rejection("a constant's integer is out of range", damaged);
    return { kind: "constant", constant: { ...intConstant(shape, numbers), type }, tensor };
  }
  const floats = new Float32Array(count);
  for (let i = 0; i < count; i++) floats[i] = read(view, i * bytes);
  if (!floats.every(Number.isFinite))
    throw new Rejection(
      "a constant is not finite",
      "weights must be finite numbers: the training may have diverged",
    );
  return { kind: "constant", constant: floatConstant(shape, floats), tensor };
}

/** IEEE 754 binary16. */
function halfFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}
