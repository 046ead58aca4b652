/** ONNX bytes → ModelGraph. Every problem of the file is collected and reported at once. */
import { fromBinary } from "@bufbuild/protobuf";
import { Diagnostics, fail } from "../../diagnostics/diagnostic.js";
import { didYouMean, printable } from "../../diagnostics/text.js";
import type { GraphNode, GraphValue, ModelGraph } from "../../graph/types.js";
import { floatConstant, intConstant } from "./constant.js";
import { constantValue, type OnnxNode, Rejection, unknown, type Value, valueShape } from "./node.js";
import {
  type GraphProto,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  type ValueInfoProto,
} from "./onnx_pb.js";
import { orderNodes } from "./order.js";
import { findOp, onnxOps } from "./registry.js";
import { readTensor } from "./tensor.js";

export function importOnnx(bytes: Uint8Array, fileName: string): ModelGraph {
  const model = decode(bytes, fileName);
  if (model.graph === undefined || model.graph.node.length === 0) {
    throw fail(
      "onnx/no-graph",
      "there is no graph in this file, so it is not an ONNX model or it is damaged",
      {
        where: fileName,
        remedy: "export the model again",
      },
    );
  }
  return new Import(model, model.graph, fileName).run();
}

function decode(bytes: Uint8Array, fileName: string): ModelProto {
  try {
    return fromBinary(ModelProtoSchema, bytes);
  } catch (error) {
    const reason = error instanceof Error ? printable(error.message) : "unknown reason";
    throw fail("onnx/damaged", `the file is not ONNX, or it is truncated or damaged (${reason})`, {
      where: fileName,
      remedy: "copy or export the model again; bitloom reads ONNX and QONNX files",
    });
  }
}

class Import {
  readonly #model: ModelProto;
  readonly #proto: GraphProto;
  readonly #fileName: string;
  readonly #diagnostics = new Diagnostics();
  /** Everything named so far: constants, the input, node outputs. */
  readonly #known = new Map<string, Value>();
  readonly #nodes: GraphNode[] = [];
  readonly #values = new Map<string, GraphValue>();
  readonly #nodeNames = new Set<string>();
  readonly #opsets: ReadonlyMap<string, number>;

  constructor(model: ModelProto, proto: GraphProto, fileName: string) {
    this.#model = model;
    this.#proto = proto;
    this.#fileName = fileName;
    this.#opsets = new Map(model.opsetImport.map((o) => [o.domain, Number(o.version)]));
  }

  run(): ModelGraph {
    const outputs = this.#proto.output.map((o) => o.name);
    this.#checkNames();
    const { nodes, cycle } = orderNodes(this.#proto.node, outputs);
    if (cycle.length > 0) this.#reportCycle(cycle);
    this.#diagnostics.throwIfErrors();

    const used = new Set(nodes.flatMap((n) => n.input));
    this.#readInitializers(used);
    const inputs = this.#readInputs(used);
    for (const node of nodes) this.#importNode(node);
    for (const name of outputs) this.#checkOutput(name);
    this.#diagnostics.throwIfErrors();
    return {
      name: this.#proto.name || this.#fileName,
      source: this.#source(),
      nodes: this.#nodes,
      values: this.#values,
      inputs,
      // The name in the file may be an alias (Identity, Dropout) of the value that is computed.
      outputs: outputs.map((name) => (this.#known.get(name) as Extract<Value, { kind: "runtime" }>).name),
    };
  }

  #source(): string {
    const quantized = this.#proto.node.some(
      (n) => n.domain !== "" && findOp(n.opType, n.domain) !== undefined,
    );
    const { producerName, producerVersion } = this.#model;
    const producer =
      producerName === "" ? "" : `, by ${printable(`${producerName} ${producerVersion}`.trim(), 60)}`;
    return `${quantized ? "QONNX" : "ONNX"}, opset ${this.#opsets.get("") ?? "?"}${producer}`;
  }

  #checkNames(): void {
    const seen = new Set<string>();
    for (const name of this.#proto.node.flatMap((n) => n.output)) {
      if (name !== "" && seen.has(name))
        this.#error("onnx/duplicate", `two nodes write "${printable(name)}"`, name);
      seen.add(name);
    }
    if (this.#proto.output.length === 0)
      this.#error("onnx/no-output", "the graph has no output", this.#fileName);
  }

  #reportCycle(cycle: readonly NodeProto[]): void {
    const names = cycle.slice(0, 8).map((n) => printable(n.name || n.opType, 40));
    this.#diagnostics.error(
      "onnx/cycle",
      `these nodes wait for each other in a circle: ${names.join(" → ")}`,
      {
        where: this.#fileName,
        remedy: "a feed-forward graph has no circles: export the model again",
      },
    );
  }

  /** Only constants that some needed node reads: files may carry parameters of parts that were cut off. */
  #readInitializers(used: ReadonlySet<string>): void {
    for (const tensor of this.#proto.initializer) {
      if (!used.has(tensor.name)) continue;
      const constant = readTensor(tensor, `tensor ${tensor.name}`, this.#diagnostics);
      this.#known.set(tensor.name, constant === undefined ? unknown : constantValue(constant));
    }
  }

  /** Old files list initializers among the inputs too; those are constants. */
  #readInputs(used: ReadonlySet<string>): string[] {
    const real = this.#proto.input.filter((i) => used.has(i.name) && !this.#known.has(i.name));
    for (const info of real) {
      const shape = this.#inputShape(info);
      this.#known.set(info.name, shape === undefined ? unknown : { kind: "runtime", name: info.name, shape });
      if (shape !== undefined) this.#values.set(info.name, { name: info.name, shape, dtype: "float32" });
    }
    return real.map((i) => i.name);
  }

  /** A batch size that is open, or absent, is taken as 1. */
  #inputShape(info: ValueInfoProto): readonly number[] | undefined {
    const reject = (message: string, remedy: string): undefined => {
      this.#diagnostics.error("onnx/input", message, { where: `input ${info.name}`, remedy });
      return undefined;
    };
    const tensor = info.type?.value.case === "tensorType" ? info.type.value.value : undefined;
    if (tensor?.shape === undefined)
      return reject("the input has no shape", "export the model with a fixed input shape");
    if (tensor.elemType !== 1)
      return reject("the input is not float32", "export the model with a float32 input");
    const sizes = tensor.shape.dim.map((d) => (d.value.case === "dimValue" ? Number(d.value.value) : 0));
    const shape = sizes.map((n, i) => (i === 0 && n <= 0 ? 1 : n));
    if (shape.some((n) => !Number.isSafeInteger(n) || n < 1) || shape.reduce((a, b) => a * b, 1) > 2 ** 26) {
      return reject(
        `the input has open or impossible sizes (${sizes.join("×")})`,
        "export the model with a fixed input shape",
      );
    }
    if (shape.length > 1 && shape[0] !== 1)
      return reject(`the batch size is ${shape[0]}`, "export the model with batch size 1");
    return shape;
  }

  #importNode(proto: NodeProto): void {
    const inputs = proto.input.map((name) => this.#inputValue(name, proto));
    const value = this.#handle(proto, inputs);
    if (proto.output[0] !== undefined) this.#known.set(proto.output[0], value);
  }

  #inputValue(name: string, proto: NodeProto): Value | undefined {
    if (name === "") return undefined;
    const value = this.#known.get(name);
    if (value !== undefined) return value;
    this.#error(
      "onnx/missing",
      `reads "${printable(name)}", which nothing in the file provides`,
      this.#where(proto),
    );
    this.#known.set(name, unknown);
    return unknown;
  }

  #handle(proto: NodeProto, inputs: readonly (Value | undefined)[]): Value {
    const where = this.#where(proto);
    if (proto.opType === "Constant") return this.#constantNode(proto, where);
    const entry = findOp(proto.opType, proto.domain);
    if (entry === undefined) {
      this.#reportUnsupported(proto, inputs, where);
      return unknown;
    }
    try {
      return entry.handler(this.#view(proto, inputs));
    } catch (error) {
      if (!(error instanceof Rejection)) throw error;
      this.#diagnostics.error("onnx/node", `${error.message} (inputs ${inputs.map(valueShape).join(", ")})`, {
        where,
        remedy: error.remedy,
      });
      return unknown;
    }
  }

  #view(proto: NodeProto, inputs: readonly (Value | undefined)[]): OnnxNode {
    return {
      name: proto.name,
      op: proto.opType,
      domain: proto.domain,
      opset: this.#opsets.get(proto.domain) ?? this.#opsets.get("") ?? 9,
      inputs,
      attributes: new Map(proto.attribute.map((a) => [a.name, a])),
      emit: (op, input, shape, dtype = "float32") => {
        if (input.kind !== "runtime") return unknown;
        const output = this.#freshValue(proto.output[0] ?? "");
        this.#nodes.push({ name: this.#freshNodeName(proto), op, inputs: [input.name], output });
        this.#values.set(output, { name: output, shape, dtype });
        return { kind: "runtime", name: output, shape };
      },
    };
  }

  #constantNode(proto: NodeProto, where: string): Value {
    const attribute = proto.attribute.find((a) => a.name.startsWith("value"));
    if (attribute?.t !== undefined) {
      const constant = readTensor(attribute.t, where, this.#diagnostics);
      return constant === undefined ? unknown : constantValue(constant);
    }
    const ints = attribute?.ints.map(Number) ?? [];
    if (attribute?.name === "value_float")
      return constantValue(floatConstant([], Float32Array.of(attribute.f)));
    if (attribute?.name === "value_int") return constantValue(intConstant([], [Number(attribute.i)]));
    if (attribute?.name === "value_ints") return constantValue(intConstant([ints.length], ints));
    if (attribute?.name === "value_floats") {
      return constantValue(floatConstant([attribute.floats.length], Float32Array.from(attribute.floats)));
    }
    this.#error("onnx/constant", "holds a kind of value that is not supported", where);
    return unknown;
  }

  #reportUnsupported(proto: NodeProto, inputs: readonly (Value | undefined)[], where: string): void {
    const domain = proto.domain === "" ? "" : ` of domain ${printable(proto.domain, 60)}`;
    const inDomain = onnxOps.filter((e) => e.domains.includes(proto.domain)).map((e) => e.op);
    const elsewhere = onnxOps.find((e) => e.op === proto.opType);
    const guess = didYouMean(proto.opType, inDomain.length > 0 ? inDomain : onnxOps.map((e) => e.op));
    const hint =
      elsewhere !== undefined
        ? `${proto.opType} is known in ${elsewhere.domains.map((d) => d || "the default domain").join(", ")}`
        : (remedies[proto.opType] ??
          (guess === undefined ? "`bitloom ops` lists what is supported" : `did you mean ${guess}?`));
    this.#diagnostics.error(
      "onnx/unsupported-op",
      `operator ${printable(proto.opType, 60)}${domain} is not supported (inputs ${inputs.map(valueShape).join(", ")})`,
      { where, remedy: hint },
    );
  }

  #checkOutput(name: string): void {
    const value = this.#known.get(name);
    if (value?.kind === "unknown") return;
    if (value === undefined)
      this.#error("onnx/missing", `the output "${printable(name)}" is never computed`, this.#fileName);
    else if (value.kind === "constant")
      this.#error("onnx/constant-output", "the output does not depend on the input", name);
  }

  #where(proto: NodeProto): string {
    return proto.name === "" ? `${proto.opType} (writes ${proto.output[0] ?? "nothing"})` : proto.name;
  }

  /** Handlers may emit several nodes for one of the file; only the last keeps the file's name for its output. */
  #freshValue(wanted: string): string {
    let name = wanted;
    for (let i = 1; this.#values.has(name) || name === ""; i++) name = `${wanted}#${i}`;
    return name;
  }

  #freshNodeName(proto: NodeProto): string {
    const wanted = proto.name || `${proto.opType}_${this.#nodes.length}`;
    let name = wanted;
    for (let i = 1; this.#nodeNames.has(name); i++) name = `${wanted}#${i}`;
    this.#nodeNames.add(name);
    return name;
  }

  #error(code: string, message: string, where: string): void {
    this.#diagnostics.error(code, message, { where, remedy: "the file is damaged: export the model again" });
  }
}

/** What helps with operators that users are likely to have. */
const remedies: Readonly<Record<string, string>> = {
  Conv: "convolutions are not supported yet; dense layers are",
  MaxPool: "pooling is not supported yet; dense layers are",
  AveragePool: "pooling is not supported yet; dense layers are",
  Sign: "export with BipolarQuant nodes (QONNX), so that the sign of 0 is defined",
  Sigmoid: "replace it by a quantized activation (BipolarQuant, or Relu and Quant) and train again",
  Tanh: "replace it by a quantized activation (BipolarQuant, or Quant) and train again",
  QuantizeLinear: "export quantizers as QONNX Quant nodes instead of QDQ",
  DequantizeLinear: "export quantizers as QONNX Quant nodes instead of QDQ",
};
