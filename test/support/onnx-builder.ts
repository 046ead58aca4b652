/** Builds small ONNX files in memory, with the protobuf encoder. */
import { create, toBinary } from "@bufbuild/protobuf";
import {
  type AttributeProto,
  AttributeProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "../../src/formats/onnx/onnx_pb.js";

export const QONNX = "qonnx.custom_op.general";

/** ONNX's numbers of element types. */
export const elementTypes = {
  float: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  double: 11,
};

/** A float32 tensor with its numbers in raw_data, as exporters write them. */
export function floats(name: string, dims: readonly number[], values: readonly number[]): TensorProto {
  const data = Float32Array.from(values);
  return create(TensorProtoSchema, {
    name,
    dims: dims.map(BigInt),
    dataType: elementTypes.float,
    rawData: new Uint8Array(data.buffer),
  });
}

/** An int64 tensor with its numbers in int64_data. */
export function ints(name: string, dims: readonly number[], values: readonly number[]): TensorProto {
  return create(TensorProtoSchema, {
    name,
    dims: dims.map(BigInt),
    dataType: elementTypes.int64,
    int64Data: values.map(BigInt),
  });
}

export function scalar(name: string, value: number): TensorProto {
  return floats(name, [], [value]);
}

export type AttributeValue =
  | { readonly int: number }
  | { readonly float: number }
  | { readonly text: string }
  | { readonly ints: readonly number[] }
  | { readonly floats: readonly number[] }
  | { readonly tensor: TensorProto };

export type Attributes = Readonly<Record<string, AttributeValue>>;

function attribute(name: string, value: AttributeValue): AttributeProto {
  const proto = create(AttributeProtoSchema, { name });
  if ("int" in value) proto.i = BigInt(value.int);
  else if ("float" in value) proto.f = value.float;
  else if ("text" in value) proto.s = new TextEncoder().encode(value.text);
  else if ("ints" in value) proto.ints = value.ints.map(BigInt);
  else if ("floats" in value) proto.floats = [...value.floats];
  else proto.t = value.tensor;
  return proto;
}

export interface NodeOptions {
  readonly domain?: string;
  readonly name?: string;
}

export function node(
  op: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Attributes = {},
  options: NodeOptions = {},
): NodeProto {
  return create(NodeProtoSchema, {
    opType: op,
    input: [...inputs],
    output: [...outputs],
    attribute: Object.entries(attributes).map(([name, value]) => attribute(name, value)),
    ...options,
  });
}

/** A float32 input or output; sizes that are text are open. */
export function valueInfo(
  name: string,
  shape: readonly (number | string)[],
  type = elementTypes.float,
): ValueInfoProto {
  const dim = shape.map((size) =>
    create(TensorShapeProto_DimensionSchema, {
      value:
        typeof size === "string"
          ? { case: "dimParam", value: size }
          : { case: "dimValue", value: BigInt(size) },
    }),
  );
  const tensor = create(TypeProto_TensorSchema, {
    elemType: type,
    shape: create(TensorShapeProtoSchema, { dim }),
  });
  return create(ValueInfoProtoSchema, {
    name,
    type: create(TypeProtoSchema, { value: { case: "tensorType", value: tensor } }),
  });
}

export interface ModelParts {
  readonly nodes: readonly NodeProto[];
  readonly constants?: readonly TensorProto[];
  /** Shape of the float32 input "x"; `inputs` takes its place where given. */
  readonly input?: readonly (number | string)[];
  readonly inputs?: readonly ValueInfoProto[];
  readonly outputs?: readonly string[];
  readonly opset?: number;
  /** Spelling of ONNX's own domain in the list of operator sets. */
  readonly onnxDomain?: string;
  readonly name?: string;
  readonly producer?: string;
}

/** The bytes of a file: input "x" of shape [1, 4] and output "y" unless told. */
export function onnxFile(parts: ModelParts): Uint8Array {
  const { nodes, constants = [], input = [1, 4], outputs = ["y"], opset = 13 } = parts;
  const model = create(ModelProtoSchema, {
    irVersion: 7n,
    producerName: parts.producer ?? "builder",
    opsetImport: [
      create(OperatorSetIdProtoSchema, { domain: parts.onnxDomain ?? "", version: BigInt(opset) }),
      create(OperatorSetIdProtoSchema, { domain: QONNX, version: 1n }),
    ],
    graph: create(GraphProtoSchema, {
      name: parts.name ?? "graph",
      node: [...nodes],
      initializer: [...constants],
      input: [...(parts.inputs ?? [valueInfo("x", input)])],
      output: outputs.map((name) => create(ValueInfoProtoSchema, { name })),
    }),
  });
  return toBinary(ModelProtoSchema, model);
}

/** A Quant node's constants and the node: per-tensor scale unless `scale` is a list (per output channel). */
export function quant(
  from: string,
  to: string,
  options: {
    readonly scale?: number;
    readonly zero?: number;
    readonly bits?: number;
    readonly signed?: number;
    readonly narrow?: number;
    readonly rounding?: string;
    readonly domain?: string;
  } = {},
): { node: NodeProto; constants: TensorProto[] } {
  const { scale = 1, zero = 0, bits = 4, signed = 1, narrow = 0, rounding, domain = QONNX } = options;
  const constants = [scalar(`${to}_s`, scale), scalar(`${to}_z`, zero), scalar(`${to}_b`, bits)];
  const attributes: Attributes = {
    signed: { int: signed },
    narrow: { int: narrow },
    ...(rounding === undefined ? {} : { rounding_mode: { text: rounding } }),
  };
  return {
    node: node("Quant", [from, ...constants.map((c) => c.name)], [to], attributes, { domain }),
    constants,
  };
}

/** A net that compiles: BipolarQuant → dense ±1 → batch norm → Quant 2 bits → dense 2 bits → Add → Softmax. */
export function smallNet(options: { readonly softmax?: boolean; readonly names?: string } = {}): Uint8Array {
  const n = options.names ?? "";
  const weights = Array.from({ length: 8 * 6 }, (_, i) => (((i * 7) % 5) - 2 || 1) / 4);
  const latent = Array.from({ length: 6 * 3 }, (_, i) => ((i * 5) % 7) / 8 - 0.3);
  const hidden = quant(`${n}bn`, `${n}h`, { bits: 2, scale: 0.5, signed: 0, rounding: "ROUND" });
  const codes = quant("w2", `${n}w2q`, { bits: 2, scale: 0.25, narrow: 1, rounding: "ROUND" });
  const end = options.softmax ? "a" : "y";
  return onnxFile({
    input: [1, 8],
    opset: 11,
    constants: [
      scalar("one", 1),
      floats("w1", [8, 6], weights),
      floats("g", [6], [1, -1, 0.5, 0.25, -0.5, 2]),
      floats("b", [6], [0, 0.5, -0.25, 1, 0.5, 0]),
      floats("m", [6], [0.1, -0.2, 0.3, 0, 1, -1]),
      floats("v", [6], [1, 2, 0.5, 1, 4, 0.25]),
      floats("w2", [6, 3], latent),
      floats("bias", [3], [0.5, -0.25, 0]),
      ...hidden.constants,
      ...codes.constants,
    ],
    nodes: [
      node("BipolarQuant", ["x", "one"], [`${n}xq`], {}, { domain: QONNX, name: `${n}in` }),
      node("BipolarQuant", ["w1", "one"], [`${n}w1q`], {}, { domain: QONNX }),
      node("MatMul", [`${n}xq`, `${n}w1q`], [`${n}m1`], {}, { name: `${n}dense` }),
      node("BatchNormalization", [`${n}m1`, "g", "b", "m", "v"], [`${n}bn`], { epsilon: { float: 1e-5 } }),
      hidden.node,
      codes.node,
      node("MatMul", [`${n}h`, `${n}w2q`], [`${n}m2`]),
      node("Add", [`${n}m2`, "bias"], [end]),
      ...(options.softmax ? [node("Softmax", ["a"], ["y"], { axis: { int: 1 } })] : []),
    ],
  });
}
