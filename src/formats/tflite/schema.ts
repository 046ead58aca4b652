/**
 * What bitloom reads of TFLite's schema (tensorflow/compiler/mlir/lite/schema/schema.fbs, version 3): field numbers
 * are positions in the schema's tables.
 */
import { DamagedFile, FlatBuffer, type Table } from "./flatbuffer.js";

export interface Quantization {
  readonly scale: readonly number[];
  readonly zero: readonly number[];
  /** The axis along which scales differ, where there are several. */
  readonly axis: number;
}

export interface FileTensor {
  readonly index: number;
  readonly name: string;
  readonly shape: readonly number[];
  /** Open sizes are −1 here and 1 in `shape`. */
  readonly signature: readonly number[];
  readonly type: ElementType;
  /** A constant's bytes. */
  readonly data: Uint8Array | undefined;
  readonly quantization: Quantization | undefined;
  /** Sparse storage, or a variable that keeps its value between runs. */
  readonly isUnusual: boolean;
}

export interface FileOperator {
  /** A builtin operator's name in the schema, or a custom operator's own. */
  readonly op: string;
  readonly isCustom: boolean;
  /** Indices of tensors; −1 where an optional input is absent. */
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  /** The table of builtin options and its number in the schema's union; 0 where there is none. */
  readonly options: Table | undefined;
  readonly optionsType: number;
  readonly customOptions: Uint8Array;
}

export interface FileModel {
  readonly description: string;
  readonly name: string;
  readonly tensors: readonly FileTensor[];
  readonly operators: readonly FileOperator[];
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
}

/** Names of element types by their number. */
const elementTypes = [
  "float32",
  "float16",
  "int32",
  "uint8",
  "int64",
  "string",
  "bool",
  "int16",
  "complex64",
  "int8",
  "float64",
  "complex128",
  "uint64",
  "resource",
  "variant",
  "uint32",
  "uint16",
  "int4",
] as const;
export type ElementType = (typeof elementTypes)[number] | "unknown";

/** Names of builtin operators by their number, as far as messages need them. */
const builtinNames =
  "ADD AVERAGE_POOL_2D CONCATENATION CONV_2D DEPTHWISE_CONV_2D DEPTH_TO_SPACE DEQUANTIZE EMBEDDING_LOOKUP FLOOR " +
  "FULLY_CONNECTED HASHTABLE_LOOKUP L2_NORMALIZATION L2_POOL_2D LOCAL_RESPONSE_NORMALIZATION LOGISTIC " +
  "LSH_PROJECTION LSTM MAX_POOL_2D MUL RELU RELU_N1_TO_1 RELU6 RESHAPE RESIZE_BILINEAR RNN SOFTMAX SPACE_TO_DEPTH " +
  "SVDF TANH CONCAT_EMBEDDINGS SKIP_GRAM CALL CUSTOM EMBEDDING_LOOKUP_SPARSE PAD UNIDIRECTIONAL_SEQUENCE_RNN GATHER " +
  "BATCH_TO_SPACE_ND SPACE_TO_BATCH_ND TRANSPOSE MEAN SUB DIV SQUEEZE UNIDIRECTIONAL_SEQUENCE_LSTM STRIDED_SLICE " +
  "BIDIRECTIONAL_SEQUENCE_RNN EXP TOPK_V2 SPLIT LOG_SOFTMAX DELEGATE BIDIRECTIONAL_SEQUENCE_LSTM CAST PRELU MAXIMUM " +
  "ARG_MAX MINIMUM LESS NEG PADV2 GREATER GREATER_EQUAL LESS_EQUAL SELECT SLICE SIN TRANSPOSE_CONV SPARSE_TO_DENSE " +
  "TILE EXPAND_DIMS EQUAL NOT_EQUAL LOG SUM SQRT RSQRT SHAPE POW ARG_MIN FAKE_QUANT REDUCE_PROD REDUCE_MAX PACK " +
  "LOGICAL_OR ONE_HOT LOGICAL_AND LOGICAL_NOT UNPACK REDUCE_MIN FLOOR_DIV REDUCE_ANY SQUARE ZEROS_LIKE FILL " +
  "FLOOR_MOD RANGE RESIZE_NEAREST_NEIGHBOR LEAKY_RELU SQUARED_DIFFERENCE MIRROR_PAD ABS SPLIT_V UNIQUE CEIL " +
  "REVERSE_V2 ADD_N GATHER_ND COS WHERE RANK ELU REVERSE_SEQUENCE MATRIX_DIAG QUANTIZE MATRIX_SET_DIAG ROUND " +
  "HARD_SWISH IF WHILE";
const builtins: readonly string[] = builtinNames.split(" ");
const CUSTOM = builtins.indexOf("CUSTOM");
/** Operators beyond 127 have their number in a second field. */
const SCHEMA_VERSION = 3;

/** Reads the tables of a file. Throws DamagedFile. */
export function readSchema(bytes: Uint8Array): FileModel {
  const model = new FlatBuffer(bytes).root();
  const version = model.u32(0);
  if (version !== SCHEMA_VERSION) throw new DamagedFile(`it has version ${version} of the schema, not 3`);
  const [graph] = model.tables(2);
  if (graph === undefined) throw new DamagedFile("there is no graph in it");
  const codes = model.tables(1).map(operatorName);
  const buffers = model.tables(4).map((buffer) => buffer.bytes(0));
  return {
    description: model.text(3),
    name: graph.text(4),
    tensors: graph.tables(0).map((table, index) => readTensor(table, index, buffers)),
    operators: graph.tables(3).map((table) => readOperator(table, codes)),
    inputs: graph.ints(1) ?? [],
    outputs: graph.ints(2) ?? [],
  };
}

function operatorName(code: Table): { readonly op: string; readonly isCustom: boolean } {
  const number = Math.max(code.i8(0), code.i32(3));
  if (number === CUSTOM) return { op: code.text(1), isCustom: true };
  return { op: builtins[number] ?? `number ${number}`, isCustom: false };
}

function readOperator(table: Table, codes: readonly ReturnType<typeof operatorName>[]): FileOperator {
  const code = codes[table.u32(0)];
  if (code === undefined) throw new DamagedFile("an operator has a code that the file does not list");
  return {
    ...code,
    inputs: table.ints(1) ?? [],
    outputs: table.ints(2) ?? [],
    optionsType: table.u8(3),
    options: table.table(4),
    customOptions: table.bytes(5) ?? new Uint8Array(0),
  };
}

function readTensor(table: Table, index: number, buffers: readonly (Uint8Array | undefined)[]): FileTensor {
  const shape = table.ints(0) ?? [];
  const buffer = table.u32(2);
  if (buffer >= buffers.length && buffer !== 0)
    throw new DamagedFile(`tensor ${index} has a buffer that the file does not list`);
  const data = buffers[buffer];
  return {
    index,
    name: table.text(3),
    shape,
    signature: table.ints(7) ?? shape,
    type: elementTypes[table.i8(1)] ?? "unknown",
    data: data !== undefined && data.length > 0 ? data : undefined,
    quantization: readQuantization(table.table(4)),
    isUnusual: table.u8(5) !== 0 || table.has(6),
  };
}

function readQuantization(table: Table | undefined): Quantization | undefined {
  const scale = table?.floats(2);
  if (table === undefined || scale === undefined || scale.length === 0) return undefined;
  return { scale, zero: table.longs(3) ?? [], axis: table.i32(6) };
}
