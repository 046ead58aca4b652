/** Writes small TFLite files for tests: a FlatBuffers writer of its own, so that the reader meets what it did not make. */
import type { Diagnostic } from "../../src/diagnostics/diagnostic.js";
import { readModel } from "../../src/formats/index.js";
import { tfliteOps } from "../../src/formats/tflite/registry.js";
import type { ModelGraph } from "../../src/graph/types.js";
import { runModel } from "../../src/reference/model.js";
import { errorsOf } from "./errors.js";

/** A field of a table: its kind and value. */
export type Field =
  | { readonly i8: number }
  | { readonly i32: number }
  | { readonly f32: number }
  | { readonly text: string }
  | { readonly bytes: Uint8Array }
  | { readonly ints: readonly number[] }
  | { readonly longs: readonly number[] }
  | { readonly floats: readonly number[] }
  | { readonly table: Fields }
  | { readonly tables: readonly Fields[] };
/** Fields by their number in the schema. */
export type Fields = Readonly<Record<number, Field>>;

/** The bytes of a FlatBuffer whose root is the table. Tables, then what they point at, each at a multiple of 8. */
export function flatBuffer(root: Fields, identifier = "TFL3"): Uint8Array {
  const writer = new Writer();
  writer.u32(0);
  for (const letter of identifier) writer.u8(letter.charCodeAt(0));
  writer.patch(0, writer.table(root));
  return writer.done();
}

class Writer {
  #bytes = new Uint8Array(1 << 12);
  #view = new DataView(this.#bytes.buffer);
  #end = 0;

  done(): Uint8Array {
    return this.#bytes.slice(0, this.#end);
  }

  /** Sets the offset at `at` to lead to `to`. */
  patch(at: number, to: number): void {
    this.#view.setUint32(at, to - at, true);
  }

  u8(value: number): number {
    return this.#put(1, (at) => this.#view.setUint8(at, value));
  }

  u16(value: number): number {
    return this.#put(2, (at) => this.#view.setUint16(at, value, true));
  }

  u32(value: number): number {
    return this.#put(4, (at) => this.#view.setUint32(at, value, true));
  }

  f32(value: number): number {
    return this.#put(4, (at) => this.#view.setFloat32(at, value, true));
  }

  /** A list of field offsets, the table with four bytes a field, then everything that it points at. */
  table(fields: Fields): number {
    const ids = Object.keys(fields).map(Number);
    const count = Math.max(-1, ...ids) + 1;
    this.#align();
    const vtable = this.#end;
    this.u16(4 + 2 * count);
    this.u16(4 + 4 * ids.length);
    for (let id = 0; id < count; id++) this.u16(ids.includes(id) ? 4 + 4 * ids.indexOf(id) : 0);
    this.#align();
    const start = this.u32(0);
    this.#view.setInt32(start, start - vtable, true);
    const places = ids.map((id) => [this.u32(0), fields[id]!] as const);
    for (const [at, field] of places) this.#field(at, field);
    return start;
  }

  #field(at: number, field: Field): void {
    if ("i8" in field) this.#view.setInt8(at, field.i8);
    else if ("i32" in field) this.#view.setInt32(at, field.i32, true);
    else if ("f32" in field) this.#view.setFloat32(at, field.f32, true);
    else if ("table" in field) this.patch(at, this.table(field.table));
    else if ("text" in field) this.patch(at, this.#bytesOf(new TextEncoder().encode(field.text)));
    else if ("bytes" in field) this.patch(at, this.#bytesOf(field.bytes));
    else if ("ints" in field)
      this.patch(
        at,
        this.#vector(field.ints, (v) => this.u32(v)),
      );
    else if ("floats" in field)
      this.patch(
        at,
        this.#vector(field.floats, (v) => this.f32(v)),
      );
    else if ("longs" in field) this.patch(at, this.#longs(field.longs));
    else this.patch(at, this.#tables(field.tables));
  }

  #vector(values: readonly number[], put: (value: number) => number): number {
    this.#align();
    const start = this.u32(values.length);
    for (const value of values) put(value);
    return start;
  }

  #longs(values: readonly number[]): number {
    this.#align();
    this.u32(0);
    const start = this.u32(values.length);
    for (const value of values) {
      const at = this.u32(0);
      this.u32(0);
      this.#view.setBigInt64(at, BigInt(value), true);
    }
    return start;
  }

  #bytesOf(bytes: Uint8Array): number {
    this.#align();
    const start = this.u32(bytes.length);
    for (const byte of bytes) this.u8(byte);
    this.u8(0);
    return start;
  }

  #tables(tables: readonly Fields[]): number {
    this.#align();
    const start = this.u32(tables.length);
    const places = tables.map(() => this.u32(0));
    for (const [i, at] of places.entries()) this.patch(at, this.table(tables[i]!));
    return start;
  }

  #align(): void {
    while (this.#end % 8 !== 0) this.u8(0);
  }

  #put(size: number, write: (at: number) => void): number {
    const at = this.#end;
    if (at + size > this.#bytes.length) {
      const larger = new Uint8Array(this.#bytes.length * 2);
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    this.#end += size;
    write(at);
    return at;
  }
}

/** A FlexBuffer with one map of whole numbers, keys sorted as the format wants, all values four bytes wide. */
export function flexMap(options: Readonly<Record<string, number>>): Uint8Array {
  const keys = Object.keys(options).sort();
  const bytes: number[] = [];
  const places = keys.map((key) => {
    const at = bytes.length;
    bytes.push(...new TextEncoder().encode(key), 0);
    return at;
  });
  while (bytes.length % 4 !== 0) bytes.push(0);
  const word = (value: number): void => {
    for (let i = 0; i < 4; i++) bytes.push((value >> (8 * i)) & 255);
  };
  word(keys.length);
  const vector = bytes.length;
  for (const place of places) word(bytes.length - place);
  word(bytes.length - vector);
  word(4);
  word(keys.length);
  const values = bytes.length;
  for (const key of keys) word(options[key]!);
  for (const _ of keys) bytes.push((1 << 2) | 2);
  while (bytes.length % 4 !== 0) bytes.push(0);
  word(bytes.length - values);
  bytes.push((9 << 2) | 2, 4);
  return Uint8Array.from(bytes);
}

const types = { float32: 0, float16: 1, int32: 2, uint8: 3, int64: 4, bool: 6, int16: 7, int8: 9 } as const;
type TypeName = keyof typeof types;

export interface TensorSpec {
  readonly shape: readonly number[];
  /** float32 unless told. */
  readonly type?: TypeName;
  /** A constant's elements. */
  readonly data?: readonly number[];
  readonly scale?: readonly number[];
  readonly zero?: readonly number[];
  readonly axis?: number;
  readonly signature?: readonly number[];
  /** Further fields of the table, or others in their place. */
  readonly more?: Fields;
}

export interface OperatorSpec {
  readonly op: string;
  /** Names of tensors, `-` for an absent one. */
  readonly in: readonly string[];
  readonly out: string;
  /** Builtin options by field number. */
  readonly options?: Fields;
  /** The number of the options' type, where it is not the operator's own. */
  readonly optionsType?: number;
  readonly custom?: Readonly<Record<string, number>> | Uint8Array;
}

export interface FileSpec {
  readonly tensors: Readonly<Record<string, TensorSpec>>;
  readonly operators: readonly OperatorSpec[];
  /** By default `x` and `y`. */
  readonly inputs?: readonly string[];
  readonly outputs?: readonly string[];
  readonly version?: number;
}

// biome-ignore format: a table
/** Numbers of the builtin operators that tests write. */
const numbers: Readonly<Record<string, number>> = {
  ADD: 0, AVERAGE_POOL_2D: 1, CONCATENATION: 2, CONV_2D: 3, DEPTHWISE_CONV_2D: 4, DEQUANTIZE: 6, FULLY_CONNECTED: 9,
  LOGISTIC: 14, MAX_POOL_2D: 17, MUL: 18, RELU: 19, RELU_N1_TO_1: 20, RELU6: 21, RESHAPE: 22, SOFTMAX: 25, TANH: 28, PAD: 34,
  TRANSPOSE: 39, MEAN: 40, SUB: 41, DIV: 42, SQUEEZE: 43, STRIDED_SLICE: 45, CAST: 53, PRELU: 54, MAXIMUM: 55,
  ARG_MAX: 56, MINIMUM: 57, PADV2: 60, SLICE: 65, TRANSPOSE_CONV: 67, EXPAND_DIMS: 70, SHAPE: 77, PACK: 83,
  LEAKY_RELU: 98, QUANTIZE: 114, HARD_SWISH: 117, BATCH_MATMUL: 126,
};

/** The bytes of a TFLite file. */
export function tfliteFile({
  tensors,
  operators,
  inputs = ["x"],
  outputs = ["y"],
  version = 3,
}: FileSpec): Uint8Array {
  const names = Object.keys(tensors);
  const index = (name: string): number => (name === "-" ? -1 : names.indexOf(name));
  const buffers: Fields[] = [{}];
  const tables = names.map((name): Fields => {
    const tensor = tensors[name]!;
    if (tensor.data !== undefined) buffers.push({ 0: { bytes: bytesOf(tensor) } });
    const quantization: Fields = {
      2: { floats: tensor.scale ?? [] },
      3: { longs: tensor.zero ?? [0] },
      6: { i32: tensor.axis ?? 0 },
    };
    return {
      0: { ints: tensor.shape },
      1: { i8: types[tensor.type ?? "float32"] },
      2: { i32: tensor.data === undefined ? 0 : buffers.length - 1 },
      3: { text: name },
      ...(tensor.scale === undefined ? {} : { 4: { table: quantization } }),
      ...(tensor.signature === undefined ? {} : { 7: { ints: tensor.signature } }),
      ...tensor.more,
    };
  });
  return flatBuffer({
    0: { i32: version },
    1: { tables: operators.map(({ op }) => codeOf(op)) },
    2: {
      tables: [
        {
          0: { tables },
          1: { ints: inputs.map(index) },
          2: { ints: outputs.map(index) },
          3: { tables: operators.map((operator, i) => operatorTable(operator, i, index)) },
          4: { text: "main" },
        },
      ],
    },
    4: { tables: buffers },
  });
}

function codeOf(op: string): Fields {
  const number = numbers[op];
  if (number === undefined) return { 0: { i8: 32 }, 1: { text: op }, 3: { i32: 32 } };
  return { 0: { i8: Math.min(number, 127) }, 3: { i32: number } };
}

function operatorTable(operator: OperatorSpec, i: number, index: (name: string) => number): Fields {
  const { op, options, custom } = operator;
  const type = operator.optionsType ?? tfliteOps.find((entry) => entry.op === op)?.optionsType ?? 0;
  const flex = custom === undefined || custom instanceof Uint8Array ? custom : flexMap(custom);
  return {
    0: { i32: i },
    1: { ints: operator.in.map(index) },
    2: { ints: [index(operator.out)] },
    ...(options === undefined ? {} : { 3: { i8: type }, 4: { table: options } }),
    ...(flex === undefined ? {} : { 5: { bytes: flex } }),
  };
}

function bytesOf({ type = "float32", data = [] }: TensorSpec): Uint8Array {
  switch (type) {
    case "float32":
      return new Uint8Array(Float32Array.from(data).buffer);
    case "int32":
      return new Uint8Array(Int32Array.from(data).buffer);
    case "int64":
      return new Uint8Array(BigInt64Array.from(data, BigInt).buffer);
    case "float16":
    case "int16":
      return new Uint8Array(Int16Array.from(data).buffer);
    default:
      return Uint8Array.from(data, (x) => x & 255);
  }
}

/** Imports a file. */
export function imported(file: FileSpec): ModelGraph {
  return readModel(tfliteFile(file), "test.tflite");
}

/** The outputs for one input. */
export function outputOf(file: FileSpec, input: readonly number[]): number[] {
  return Array.from(runModel(imported(file), Float32Array.from(input)));
}

/** The errors of a file that is refused. */
export function refusalOf(file: FileSpec): readonly Diagnostic[] {
  return errorsOf(() => imported(file));
}
