/** Builds small ONNX files for tests with the generated protobuf encoder, and reads them back. */
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { BitloomError, type Diagnostic } from "../../../../src/diagnostics/diagnostic.js";
import { readModel } from "../../../../src/formats/index.js";
import { ModelProtoSchema } from "../../../../src/formats/onnx/onnx_pb.js";
import type { ModelGraph } from "../../../../src/graph/types.js";

export type ModelInit = MessageInitShape<typeof ModelProtoSchema>;
export type GraphInit = NonNullable<ModelInit["graph"]>;
type TensorInit = NonNullable<GraphInit["initializer"]>[number];
type AttributeInit = NonNullable<NonNullable<GraphInit["node"]>[number]["attribute"]>[number];

/** The QONNX domain of most tests. */
export const QONNX = "qonnx.custom_op.general";

export type AttributeValue = number | string | readonly number[] | { float: number } | { tensor: TensorInit };

export interface NodeSpec {
  readonly op: string;
  readonly in: readonly string[];
  readonly out?: readonly string[];
  readonly name?: string;
  readonly domain?: string;
  /** Numbers are int attributes; floats are written `{ float: x }`. */
  readonly with?: Readonly<Record<string, AttributeValue>>;
}

export interface FileSpec {
  readonly nodes: readonly NodeSpec[];
  /** Run-time inputs; 0 is an open size. By default `x`, one row of four. */
  readonly inputs?: Readonly<Record<string, readonly number[]>>;
  readonly constants?: Readonly<Record<string, TensorInit>>;
  readonly outputs?: readonly string[];
  readonly opset?: number;
}

/** A node without `out` writes `y`. */
export function node(op: string, inputs: string, attributes: NodeSpec["with"] = {}, out = "y"): NodeSpec {
  const isQonnx = ["Quant", "BipolarQuant", "IntQuant"].includes(op);
  return {
    op,
    in: inputs === "" ? [] : inputs.split(" ").map((name) => (name === "-" ? "" : name)),
    out: [out],
    with: attributes,
    ...(isQonnx ? { domain: QONNX } : {}),
  };
}

export function floats(shape: readonly number[], data: readonly number[]): TensorInit {
  const raw = new Uint8Array(Float32Array.from(data).buffer);
  return { dims: shape.map(BigInt), dataType: 1, rawData: raw };
}

export function scalar(value: number): TensorInit {
  return floats([], [value]);
}

export function ints(...data: readonly number[]): TensorInit {
  return { dims: [BigInt(data.length)], dataType: 7, int64Data: data.map(BigInt) };
}

export function modelInit(spec: FileSpec): ModelInit {
  const inputs = spec.inputs ?? { x: [1, 4] };
  return {
    irVersion: 8n,
    opsetImport: [
      { domain: "", version: BigInt(spec.opset ?? 13) },
      { domain: QONNX, version: 1n },
    ],
    graph: {
      name: "test",
      node: spec.nodes.map((n, i) => ({
        name: n.name ?? `${n.op}_${i}`,
        opType: n.op,
        domain: n.domain ?? "",
        input: [...n.in],
        output: [...(n.out ?? ["y"])],
        attribute: Object.entries(n.with ?? {}).map(([name, value]) => attribute(name, value)),
      })),
      initializer: Object.entries(spec.constants ?? {}).map(([name, tensor]) => ({ ...tensor, name })),
      input: Object.entries(inputs).map(([name, shape]) => valueInfo(name, shape)),
      output: (spec.outputs ?? ["y"]).map((name) => ({ name })),
    },
  };
}

export function valueInfo(name: string, shape: readonly number[], elemType = 1) {
  const dim = shape.map((n) =>
    n === 0
      ? { value: { case: "dimParam" as const, value: "batch" } }
      : { value: { case: "dimValue" as const, value: BigInt(n) } },
  );
  return { name, type: { value: { case: "tensorType" as const, value: { elemType, shape: { dim } } } } };
}

function attribute(name: string, value: AttributeValue): AttributeInit {
  if (typeof value === "number") return { name, type: 2, i: BigInt(value) };
  if (typeof value === "string") return { name, type: 3, s: new TextEncoder().encode(value) };
  if ("float" in value) return { name, type: 1, f: value.float };
  if ("tensor" in value) return { name, type: 4, t: value.tensor };
  return { name, type: 7, ints: value.map(BigInt) };
}

export function encode(model: ModelInit): Uint8Array {
  return toBinary(ModelProtoSchema, create(ModelProtoSchema, model));
}

export function onnxFile(spec: FileSpec): Uint8Array {
  return encode(modelInit(spec));
}

export function graphOf(spec: FileSpec): ModelGraph {
  return readModel(onnxFile(spec), "test.onnx");
}

/** The diagnostics that reading ends in; fails if it does not end in a BitloomError with exit code 2. */
export function problemsOf(input: FileSpec | Uint8Array): readonly Diagnostic[] {
  try {
    readModel(input instanceof Uint8Array ? input : onnxFile(input), "test.onnx");
  } catch (error) {
    if (error instanceof BitloomError && error.exitCode === 2) return error.diagnostics;
    throw error;
  }
  throw new Error("the model was read without a problem");
}

/** The one problem's text: where, message and remedy. */
export function problemOf(input: FileSpec | Uint8Array): string {
  const problems = problemsOf(input);
  if (problems.length !== 1) throw new Error(`expected one problem: ${JSON.stringify(problems)}`);
  const [{ where, code, message, remedy }] = problems as [Diagnostic];
  return `${where} [${code}] ${message} — ${remedy}`;
}
