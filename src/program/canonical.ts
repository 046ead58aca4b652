import type { DeviceProgram, ProgramTensor } from "./types.js";

/**
 * The values of one tensor: codes and integers as they are, floats as float32. NHWC order.
 */
export type TensorValues = Int32Array | Float32Array;

const SCALAR_BYTES = { u8: 1, i8: 1, i16: 2, i32: 4, f32: 4 } as const;

/** Words of 32 bits that hold one plane of `channels` bits. */
export function wordsPerPlane(channels: number): number {
  return Math.ceil(channels / 32);
}

/** Bytes of a tensor in canonical form. */
export function canonicalSize(tensor: ProgramTensor): number {
  const [height, width, channels] = tensor.shape;
  const pixels = height * width;
  return tensor.domain.kind === "scalar"
    ? pixels * channels * SCALAR_BYTES[tensor.domain.type]
    : pixels * tensor.domain.bits * wordsPerPlane(channels) * 4;
}

/**
 * Canonical bytes of a tensor, as references, traces and the vector protocol agree on them: little-endian,
 * NHWC; codes per pixel as planes, least significant first, each packed 32 channels to a word, lowest
 * channel in the least significant bit, tail bits zero.
 */
export function canonicalBytes(tensor: ProgramTensor, values: TensorValues): Uint8Array {
  return tensor.domain.kind === "scalar"
    ? scalarBytes(tensor.domain.type, values)
    : planeBytes(tensor, tensor.domain.bits, values);
}

function scalarBytes(type: keyof typeof SCALAR_BYTES, values: TensorValues): Uint8Array {
  const bytes = new Uint8Array(values.length * SCALAR_BYTES[type]);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (type === "f32") view.setFloat32(i * 4, value, true);
    else if (type === "i32") view.setInt32(i * 4, value, true);
    else if (type === "i16") view.setInt16(i * 2, value, true);
    else bytes[i] = value & 0xff;
  }
  return bytes;
}

function planeBytes(tensor: ProgramTensor, bits: number, values: TensorValues): Uint8Array {
  const [height, width, channels] = tensor.shape;
  const planeSize = wordsPerPlane(channels) * 4;
  const bytes = new Uint8Array(canonicalSize(tensor));
  for (let pixel = 0; pixel < height * width; pixel++) {
    for (let channel = 0; channel < channels; channel++) {
      const code = values[pixel * channels + channel]!;
      for (let plane = 0; plane < bits; plane++) {
        const base = (pixel * bits + plane) * planeSize;
        if ((code >> plane) & 1) bytes[base + (channel >> 3)]! |= 1 << (channel & 7);
      }
    }
  }
  return bytes;
}

/** Reads raw input bytes (the device's input buffer) back into values; the inverse of `canonicalBytes`. */
export function inputValues(program: DeviceProgram, bytes: Uint8Array): TensorValues {
  const tensor = program.tensors[program.input.tensor]!;
  if (tensor.domain.kind !== "scalar") throw new Error("a program's input is always scalar");
  const type = tensor.domain.type;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = bytes.length / SCALAR_BYTES[type];
  const values = type === "f32" ? new Float32Array(count) : new Int32Array(count);
  for (let i = 0; i < count; i++) {
    if (type === "f32") values[i] = view.getFloat32(i * 4, true);
    else if (type === "i32") values[i] = view.getInt32(i * 4, true);
    else if (type === "i16") values[i] = view.getInt16(i * 2, true);
    else values[i] = type === "i8" ? view.getInt8(i) : view.getUint8(i);
  }
  return values;
}
