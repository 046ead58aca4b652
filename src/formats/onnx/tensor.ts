import type { Diagnostics } from "../../diagnostics/diagnostic.js";
import { shapeText } from "../../diagnostics/text.js";
import { type Constant, floatConstant, intConstant } from "./constant.js";
import type { TensorProto } from "./onnx_pb.js";

/** Largest number of elements of one tensor. */
const ELEMENT_LIMIT = 1 << 28;

/** Element types of ONNX that are read: code in the file, bytes in raw data, how to read one. */
const types: Readonly<
  Record<number, { name: string; bytes: number; float: boolean; read(v: DataView, o: number): number }>
> = {
  1: { name: "float32", bytes: 4, float: true, read: (v, o) => v.getFloat32(o, true) },
  2: { name: "uint8", bytes: 1, float: false, read: (v, o) => v.getUint8(o) },
  3: { name: "int8", bytes: 1, float: false, read: (v, o) => v.getInt8(o) },
  6: { name: "int32", bytes: 4, float: false, read: (v, o) => v.getInt32(o, true) },
  7: { name: "int64", bytes: 8, float: false, read: (v, o) => Number(v.getBigInt64(o, true)) },
  9: { name: "bool", bytes: 1, float: false, read: (v, o) => v.getUint8(o) },
  11: { name: "float64", bytes: 8, float: true, read: (v, o) => v.getFloat64(o, true) },
};

/**
 * Decodes a tensor of the file. Lengths are compared with the shape before anything is allocated. Doubles are
 * rounded to float32. Undefined after a reported error.
 */
export function readTensor(
  proto: TensorProto,
  where: string,
  diagnostics: Diagnostics,
): Constant | undefined {
  const reject = (message: string, remedy: string): undefined => {
    diagnostics.error("onnx/tensor", message, { where, remedy });
    return undefined;
  };
  if (proto.dataLocation === 1) {
    return reject(
      "the tensor's data are in another file",
      "save the model as one file: onnx.save_model(model, path)",
    );
  }
  const type = Object.hasOwn(types, proto.dataType) ? types[proto.dataType] : undefined;
  if (type === undefined) {
    return reject(`the tensor has elements of ONNX type ${proto.dataType}`, "export with float32 weights");
  }
  const shape = proto.dims.map(Number);
  const count = shape.reduce((a, b) => a * b, 1);
  if (shape.some((n) => n < 0) || !(count <= ELEMENT_LIMIT)) {
    return reject(
      `the tensor has the impossible shape ${shapeText(shape)}`,
      "the file is damaged: export the model again",
    );
  }
  const values = proto.rawData.length > 0 ? rawValues(proto, type, count) : typedValues(proto);
  if (values.length !== count) {
    return reject(
      `shape ${shapeText(shape)} needs ${count} elements, the file has ${values.length}`,
      "the file is damaged: export the model again",
    );
  }
  if (!type.float) return intConstant(shape, Array.from(values));
  const data = Float32Array.from(values);
  const odd = data.findIndex((x) => !Number.isFinite(x));
  if (odd >= 0) {
    return reject(
      `element ${odd} is ${data[odd]}`,
      "weights must be finite numbers: the training may have diverged",
    );
  }
  return floatConstant(shape, data);
}

function rawValues(
  proto: TensorProto,
  type: { bytes: number; read(v: DataView, o: number): number },
  count: number,
): ArrayLike<number> {
  const raw = proto.rawData;
  if (raw.length !== count * type.bytes) return { length: Math.floor(raw.length / type.bytes) };
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const values = new Float64Array(count);
  for (let i = 0; i < count; i++) values[i] = type.read(view, i * type.bytes);
  return values;
}

function typedValues(proto: TensorProto): ArrayLike<number> {
  const lists: readonly ArrayLike<number>[] = [
    proto.floatData,
    proto.int32Data,
    proto.doubleData,
    proto.int64Data.map(Number),
  ];
  return lists.find((l) => l.length > 0) ?? [];
}
