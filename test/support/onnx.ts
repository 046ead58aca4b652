/** Builds small ONNX files for tests with the generated protobuf encoder, and reads them back. */
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import type { Diagnostic } from "../../src/diagnostics/diagnostic.js";
import { type ReadOptions, readModel } from "../../src/formats/index.js";
import { ModelProtoSchema } from "../../src/formats/onnx/onnx_pb.js";
import type { ModelGraph } from "../../src/graph/types.js";
import { runModel } from "../../src/reference/model.js";
import { errorsOf } from "./errors.js";

export type ModelInit = MessageInitShape<typeof ModelProtoSchema>;
export type GraphInit = NonNullable<ModelInit["graph"]>;
export type TensorInit = NonNullable<GraphInit["initializer"]>[number];
type AttributeInit = NonNullable<NonNullable<GraphInit["node"]>[number]["attribute"]>[number];

/** The QONNX domain of most tests. */
export const QONNX = "qonnx.custom_op.general";

export type AttributeValue =
  | number
  | string
  | readonly number[]
  | { float: number }
  | { floats: readonly number[] }
  | { tensor: TensorInit };

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

/** A node without `out` writes `y`. Inputs stand in one text, with spaces between, `-` for an absent one. */
export function node(
  op: string,
  inputs: string | readonly string[],
  attributes: NodeSpec["with"] = {},
  out = "y",
): NodeSpec {
  const isQonnx = ["Quant", "BipolarQuant", "IntQuant"].includes(op);
  return {
    op,
    in:
      typeof inputs !== "string"
        ? inputs
        : inputs === ""
          ? []
          : inputs.split(" ").map((name) => (name === "-" ? "" : name)),
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
  if ("floats" in value) return { name, type: 6, floats: [...value.floats] };
  if ("tensor" in value) return { name, type: 4, t: value.tensor };
  return { name, type: 7, ints: value.map(BigInt) };
}

export function encode(model: ModelInit): Uint8Array {
  return toBinary(ModelProtoSchema, create(ModelProtoSchema, model));
}

export function onnxFile(spec: FileSpec): Uint8Array {
  return encode(modelInit(spec));
}

export function graphOf(spec: FileSpec, options: ReadOptions = {}): ModelGraph {
  return readModel(onnxFile(spec), "test.onnx", options);
}

/** The output for one input. */
export function run(spec: FileSpec, x: ArrayLike<number>, options: ReadOptions = {}): number[] {
  return Array.from(runModel(graphOf(spec, options), Float32Array.from(x)));
}

/** The errors that reading ends in. */
export function problemsOf(input: FileSpec | Uint8Array): readonly Diagnostic[] {
  return errorsOf(() => readModel(input instanceof Uint8Array ? input : onnxFile(input), "test.onnx"));
}

/** The one problem's text: where, message and remedy. */
export function problemOf(input: FileSpec | Uint8Array): string {
  const problems = problemsOf(input);
  if (problems.length !== 1) throw new Error(`expected one problem: ${JSON.stringify(problems)}`);
  const [{ where, code, message, remedy }] = problems as [Diagnostic];
  return `${where} [${code}] ${message} — ${remedy}`;
}

/** A net that compiles: BipolarQuant → dense ±1 → batch norm → Quant 2 bits → dense 2 bits → Add → Softmax. */
export function smallNet(options: { readonly softmax?: boolean; readonly names?: string } = {}): Uint8Array {
  const n = options.names ?? "";
  const weights = Array.from({ length: 8 * 6 }, (_, i) => (((i * 7) % 5) - 2 || 1) / 4);
  const latent = Array.from({ length: 6 * 3 }, (_, i) => ((i * 5) % 7) / 8 - 0.3);
  return onnxFile({
    inputs: { x: [1, 8] },
    opset: 11,
    constants: {
      one: scalar(1),
      zero: scalar(0),
      bits: scalar(2),
      w1: floats([8, 6], weights),
      g: floats([6], [1, -1, 0.5, 0.25, -0.5, 2]),
      b: floats([6], [0, 0.5, -0.25, 1, 0.5, 0]),
      m: floats([6], [0.1, -0.2, 0.3, 0, 1, -1]),
      v: floats([6], [1, 2, 0.5, 1, 4, 0.25]),
      s1: scalar(0.5),
      w2: floats([6, 3], latent),
      s2: scalar(0.25),
      bias: floats([3], [0.5, -0.25, 0]),
    },
    nodes: [
      { ...node("BipolarQuant", "x one", {}, `${n}xq`), name: `${n}in` },
      node("BipolarQuant", "w1 one", {}, `${n}w1q`),
      { ...node("MatMul", [`${n}xq`, `${n}w1q`], {}, `${n}m1`), name: `${n}dense` },
      node("BatchNormalization", [`${n}m1`, "g", "b", "m", "v"], { epsilon: { float: 1e-5 } }, `${n}bn`),
      node("Quant", [`${n}bn`, "s1", "zero", "bits"], { signed: 0, rounding_mode: "ROUND" }, `${n}h`),
      node("Quant", "w2 s2 zero bits", { narrow: 1, rounding_mode: "ROUND" }, `${n}w2q`),
      node("MatMul", [`${n}h`, `${n}w2q`], {}, `${n}m2`),
      node("Add", [`${n}m2`, "bias"], {}, options.softmax ? "a" : "y"),
      ...(options.softmax ? [node("Softmax", "a", { axis: 1 })] : []),
    ],
  });
}
