import { shapeText } from "../../diagnostics/text.js";
import { type Constant, floatConstant, intConstant } from "../common/constant.js";
import { checkRank, wholeNumber } from "../common/limits.js";
import { damaged, Rejection } from "../common/rejection.js";
import type { ExternalData } from "./external.js";
import type { TensorProto } from "./onnx_pb.js";

interface ElementType {
  readonly name: string;
  /** Bytes of one element in raw data. */
  readonly bytes: number;
  readonly isFloat: boolean;
  read(view: DataView, offset: number): number;
  /** The list that holds the elements where there are no raw data. */
  list(proto: TensorProto): ArrayLike<number>;
}

/** ONNX's number for data in another file. */
const EXTERNAL = 1;

const int32List = (proto: TensorProto): ArrayLike<number> => proto.int32Data;

/** Element types of ONNX that are read, by their number in the file. */
const types: Readonly<Record<number, ElementType>> = {
  1: {
    name: "float32",
    bytes: 4,
    isFloat: true,
    read: (v, o) => v.getFloat32(o, true),
    list: (p) => p.floatData,
  },
  2: { name: "uint8", bytes: 1, isFloat: false, read: (v, o) => v.getUint8(o), list: int32List },
  3: { name: "int8", bytes: 1, isFloat: false, read: (v, o) => v.getInt8(o), list: int32List },
  6: { name: "int32", bytes: 4, isFloat: false, read: (v, o) => v.getInt32(o, true), list: int32List },
  7: {
    name: "int64",
    bytes: 8,
    isFloat: false,
    read: (v, o) => wholeNumber(v.getBigInt64(o, true)),
    list: (p) => p.int64Data.map(wholeNumber),
  },
  9: { name: "bool", bytes: 1, isFloat: false, read: (v, o) => v.getUint8(o), list: int32List },
  11: {
    name: "float64",
    bytes: 8,
    isFloat: true,
    read: (v, o) => v.getFloat64(o, true),
    list: (p) => p.doubleData,
  },
};

/** Names of the element types that are not read, for messages. */
const otherTypes: Readonly<Record<number, string>> = {
  4: "uint16",
  5: "int16",
  8: "string",
  10: "float16",
  12: "uint32",
  13: "uint64",
  16: "bfloat16",
};

/** An element type's name for messages. */
export function elementName(number: number): string {
  const names = Object.hasOwn(types, number) ? types[number]?.name : otherTypes[number];
  return names ?? `type number ${number}`;
}

/**
 * Decodes a tensor of the file, row-major. float64 becomes float32 only where nothing is lost. The number of
 * elements is compared with the shape before anything is allocated; data in other files come from `external`. Throws
 * a Rejection.
 */
export function readTensor(proto: TensorProto, external: ExternalData): Constant {
  const type = Object.hasOwn(types, proto.dataType) ? types[proto.dataType] : undefined;
  if (type === undefined) {
    throw new Rejection(
      `the tensor has elements of type ${elementName(proto.dataType)}`,
      "export with float32 weights: model.float()",
    );
  }
  const shape = checkedShape(proto);
  const values = elements(proto, type, shape, external);
  return type.isFloat ? floats(values, shape) : integers(values, shape, type.name);
}

function checkedShape(proto: TensorProto): readonly number[] {
  const shape = proto.dims.map(Number);
  checkRank(shape);
  const count = shape.reduce((a, b) => a * b, 1);
  if (shape.every((n) => Number.isSafeInteger(n) && n >= 0) && Number.isSafeInteger(count)) return shape;
  throw new Rejection(`the tensor has the impossible shape ${shapeText(shape)}`, damaged);
}

function elements(
  proto: TensorProto,
  type: ElementType,
  shape: readonly number[],
  external: ExternalData,
): ArrayLike<number> {
  const count = shape.reduce((a, b) => a * b, 1);
  const isExternal = proto.dataLocation === EXTERNAL;
  const raw = isExternal ? external.read(proto) : proto.rawData;
  if (raw.length === 0 && !isExternal) {
    const list = type.list(proto);
    if (list.length === count) return list;
    throw new Rejection(
      `shape ${shapeText(shape)} needs ${count} elements, the file has ${list.length}`,
      damaged,
    );
  }
  if (raw.length !== count * type.bytes) {
    throw new Rejection(
      `shape ${shapeText(shape)} of ${type.name} needs ${count * type.bytes} bytes, the file has ${raw.length}`,
      damaged,
    );
  }
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const values = new Float64Array(count);
  for (let i = 0; i < count; i++) values[i] = type.read(view, i * type.bytes);
  return values;
}

function floats(values: ArrayLike<number>, shape: readonly number[]): Constant {
  const data = new Float32Array(values);
  for (let i = 0; i < data.length; i++) {
    if (!Number.isFinite(values[i])) {
      throw new Rejection(
        `element ${i} is ${values[i]}`,
        "weights must be finite numbers: the training may have diverged",
      );
    }
    if (data[i] !== values[i]) {
      throw new Rejection(
        `element ${i} is ${values[i]}, which float32 cannot hold`,
        "export the model in single precision: model.float()",
      );
    }
  }
  return floatConstant(shape, data);
}

function integers(values: ArrayLike<number>, shape: readonly number[], type: string): Constant {
  const data = Array.from(values);
  const odd = data.findIndex((x) => !Number.isSafeInteger(x));
  if (odd >= 0) {
    throw new Rejection(`element ${odd} is ${data[odd]}, which is out of range`, damaged);
  }
  return { ...intConstant(shape, data), type };
}
