/** ONNX bytes → ModelGraph. Every problem of the file is collected and reported at once. */
import { fromBinary } from "@bufbuild/protobuf";
import { Diagnostics, fail } from "../../diagnostics/diagnostic.js";
import { printable } from "../../diagnostics/text.js";
import type { GraphNode, GraphOp, GraphValue, ModelGraph, Origin, Shape } from "../../graph/types.js";
import type { CompanionReader } from "../common/companions.js";
import { checkComputed, WorkBudget } from "../common/limits.js";
import { UniqueNames } from "../common/names.js";
import { damaged, Rejection } from "../common/rejection.js";
import { type Attributes, checkAttributes } from "./attributes.js";
import { ExternalData } from "./external.js";
import { declaredShape, inputShape } from "./inputs.js";
import { intervalAfter } from "./intervals.js";
import {
  constantValue,
  type EmitOptions,
  type OnnxNode,
  type RuntimeValue,
  type SignOfZero,
  unknown,
  type Value,
  valueShape,
} from "./node.js";
import { type GraphProto, type ModelProto, ModelProtoSchema, type NodeProto } from "./onnx_pb.js";
import { orderNodes } from "./order.js";
import type { PendingValue } from "./pending.js";
import { findOp, normalDomain } from "./registry.js";
import { withoutGradients } from "./straight-through.js";
import { checkCycle, checkNames, checkOpset } from "./structure.js";
import { readTensor } from "./tensor.js";
import { opText, unsupportedRemedy } from "./unsupported.js";

export interface OnnxOptions {
  readonly companions?: CompanionReader;
  /** Without it, graphs in which the sign of 0 matters and is not sure are refused. */
  readonly signOfZero?: SignOfZero;
}

/**
 * Reads an ONNX or QONNX file; files that it names for its tensors' data come from the companions. Throws one
 * BitloomError (exit 2) that lists every node, tensor, input and output that cannot be taken.
 */
export function importOnnx(bytes: Uint8Array, fileName: string, options: OnnxOptions = {}): ModelGraph {
  const model = decode(bytes, fileName);
  if (model.graph === undefined || model.graph.node.length === 0) {
    throw fail(
      "onnx/no-graph",
      "there is no graph in this file, so it is not an ONNX model or it is damaged",
      { where: fileName, remedy: "export the model again" },
    );
  }
  return new Import(model, model.graph, fileName, { ...options, fileBytes: bytes.length }).run();
}

function decode(bytes: Uint8Array, fileName: string): ModelProto {
  try {
    return fromBinary(ModelProtoSchema, bytes, { readUnknownFields: false });
  } catch (error) {
    const reason = error instanceof Error ? printable(error.message) : "unknown reason";
    throw fail("onnx/damaged", `the file is not ONNX, or it is truncated or damaged (${reason})`, {
      where: fileName,
      remedy: "copy or export the model again; bitloom reads ONNX and QONNX files",
    });
  }
}

/** What the import may take beside the decoded file, and the size of that file. */
interface Sources extends OnnxOptions {
  readonly fileBytes: number;
}

class Import {
  readonly #model: ModelProto;
  readonly #proto: GraphProto;
  readonly #fileName: string;
  readonly #diagnostics = new Diagnostics();
  /** Everything named so far: constants, the input, node outputs. */
  readonly #known = new Map<string, Value>();
  /** Second and further outputs of nodes, which no supported operator computes. */
  readonly #sideOutputs = new Map<string, NodeProto>();
  readonly #nodes: GraphNode[] = [];
  readonly #values = new Map<string, GraphValue>();
  readonly #nodeNames = new UniqueNames();
  readonly #valueNames = new UniqueNames();
  readonly #opsets: ReadonlyMap<string, number>;
  /** Shapes that the file declares, for messages about values that are not computed. */
  readonly #declared: ReadonlyMap<string, string | undefined>;
  readonly #budget: WorkBudget;
  readonly #external: ExternalData;
  readonly #signOfZero: SignOfZero | undefined;
  readonly #reported = new Set<Rejection>();
  /** Values that some needed node reads, or that the graph gives. */
  #used: ReadonlySet<string> = new Set();

  constructor(model: ModelProto, proto: GraphProto, fileName: string, sources: Sources) {
    this.#budget = new WorkBudget(sources.fileBytes);
    this.#external = new ExternalData(sources.companions, (bytes) => this.#budget.earn(bytes));
    this.#signOfZero = sources.signOfZero;
    this.#model = model;
    this.#proto = proto;
    this.#fileName = fileName;
    this.#opsets = new Map(model.opsetImport.map((o) => [normalDomain(o.domain), Number(o.version)]));
    this.#declared = new Map([...proto.valueInfo, ...proto.output].map((i) => [i.name, declaredShape(i)]));
  }

  run(): ModelGraph {
    const outputs = this.#proto.output.map((o) => o.name);
    const { nodes: written, cycle } = orderNodes(this.#proto.node, outputs);
    checkNames(this.#proto, this.#fileName, this.#diagnostics);
    checkCycle(cycle, this.#fileName, this.#diagnostics);
    checkOpset(written, this.#opsets.get(""), this.#fileName, this.#diagnostics);
    this.#diagnostics.throwIfErrors();

    const { nodes } = orderNodes(withoutGradients(written, this.#inputNames()), outputs);
    this.#valueNames.reserve(this.#proto.node.flatMap((n) => n.output));
    const read = nodes.flatMap((n) => n.input);
    this.#used = new Set([...read, ...outputs]);
    this.#readInitializers(new Set(read));
    const inputs = this.#readInputs(new Set(read));
    for (const node of nodes) this.#importNode(node);
    for (const name of outputs) this.#checkOutput(name);
    this.#diagnostics.throwIfErrors();
    return {
      name: this.#proto.name || this.#fileName,
      origin: this.#origin(),
      nodes: this.#nodes,
      values: this.#values,
      inputs,
      // The name in the file may be an alias (Identity, Dropout) of the value that is computed.
      outputs: outputs.map((name) => (this.#known.get(name) as RuntimeValue).name),
    };
  }

  /** Old files list initializers among the inputs too; those are constants. */
  #inputNames(): readonly string[] {
    const constants = new Set(this.#proto.initializer.map((t) => t.name));
    return this.#proto.input.map((i) => i.name).filter((name) => !constants.has(name));
  }

  #origin(): Origin {
    const quantized = this.#proto.node.some(
      (n) => normalDomain(n.domain) !== "" && findOp(n.opType, n.domain) !== undefined,
    );
    const { producerName, producerVersion } = this.#model;
    return {
      format: quantized ? "QONNX" : "ONNX",
      version: `opset ${this.#opsets.get("") ?? "?"}`,
      producer: producerName === "" ? "" : printable(`${producerName} ${producerVersion}`.trim(), 60),
    };
  }

  /** Only constants that some needed node reads: files may carry parameters of parts that were cut off. */
  #readInitializers(used: ReadonlySet<string>): void {
    for (const tensor of this.#proto.initializer) {
      if (!used.has(tensor.name)) continue;
      const value = this.#collect("onnx/tensor", `tensor ${tensor.name}`, () =>
        constantValue(readTensor(tensor, this.#external)),
      );
      this.#known.set(tensor.name, value ?? unknown);
    }
  }

  #readInputs(used: ReadonlySet<string>): string[] {
    const real = this.#proto.input.filter((i) => used.has(i.name) && !this.#known.has(i.name));
    for (const info of real) {
      const { name } = info;
      const value = this.#collect("onnx/input", `input ${name}`, (): Value => {
        const shape = inputShape(info);
        this.#values.set(name, { name, shape, dtype: "float32" });
        return { kind: "runtime", name, shape, dtype: "float32" };
      });
      this.#known.set(name, value ?? unknown);
      this.#valueNames.reserve([name]);
    }
    return real.map((i) => i.name);
  }

  #importNode(proto: NodeProto): void {
    const inputs = proto.input.map((name) => this.#inputValue(name, proto));
    const values = this.#handle(proto, inputs);
    for (const [i, name] of proto.output.entries()) {
      const value = values[i];
      if (name === "") continue;
      if (value !== undefined) this.#known.set(name, value);
      else this.#sideOutputs.set(name, proto);
    }
  }

  #inputValue(name: string, proto: NodeProto): Value | undefined {
    if (name === "") return undefined;
    const value = this.#known.get(name);
    if (value !== undefined) return value;
    const side = this.#sideOutputs.get(name);
    const message =
      side === undefined
        ? `reads "${printable(name)}", which nothing in the file provides`
        : `reads "${printable(name)}", a further output of ${printable(this.#where(side))} that is not supported`;
    this.#error("onnx/missing", message, this.#where(proto));
    this.#known.set(name, unknown);
    return unknown;
  }

  /** The values of a node's outputs; further ones that are not supported are missing. */
  #handle(proto: NodeProto, inputs: readonly (Value | undefined)[]): readonly (Value | undefined)[] {
    const where = this.#where(proto);
    const entry = findOp(proto.opType, normalDomain(proto.domain));
    if (entry === undefined) {
      this.#diagnostics.error(
        "onnx/unsupported-op",
        `operator ${opText(proto.opType, proto.domain)} is not supported (${this.#shapes(proto, inputs)})`,
        { where, remedy: unsupportedRemedy(proto.opType, proto.domain) },
      );
      return proto.output.map(() => unknown);
    }
    const values = this.#collect(
      "onnx/node",
      where,
      () => {
        const attributes = checkAttributes(proto.attribute, entry.attributes);
        // A node behind one that was refused is not imported; its cause has been reported.
        if (inputs.some((v) => v?.kind === "unknown")) return undefined;
        this.#budget.spend(inputs.reduce((sum, v) => sum + constantSize(v), 0));
        const result = entry.handler(this.#view(proto, inputs, attributes));
        const list = "kind" in result ? [result] : result;
        this.#budget.spend(list.reduce((sum, v) => sum + constantSize(v), 0));
        return list;
      },
      () => ` (${opText(proto.opType, proto.domain)}, ${this.#shapes(proto, inputs)})`,
    );
    return values ?? proto.output.map(() => unknown);
  }

  #view(proto: NodeProto, inputs: readonly (Value | undefined)[], attributes: Attributes): OnnxNode {
    return {
      op: proto.opType,
      where: this.#where(proto),
      opset: this.#opsets.get(normalDomain(proto.domain)) ?? 1,
      inputs,
      attributes,
      external: this.#external,
      outputs: proto.output.map((name) => name !== "" && this.#used.has(name)),
      signOfZero: this.#signOfZero,
      emit: (op, input, shape, options = {}) => this.#emit(proto, op, input, shape, options),
    };
  }

  #emit(
    proto: NodeProto,
    op: GraphOp,
    input: RuntimeValue | readonly RuntimeValue[],
    shape: Shape,
    { dtype = "float32", part, output = 0 }: EmitOptions,
  ): RuntimeValue {
    checkComputed(shape);
    const wanted = proto.output[output] ?? "";
    const suffix = part === undefined ? "" : ` ${part}`;
    const isFileName = part === undefined && wanted !== "";
    const name = isFileName ? wanted : this.#valueNames.fresh(`${wanted || proto.opType}${suffix}`);
    const nodeName = printable(proto.name || `${proto.opType}_${this.#nodes.length}`);
    this.#nodes.push({
      name: this.#nodeNames.fresh(`${nodeName}${suffix}`),
      op,
      inputs: ("kind" in input ? [input] : input).map((v) => v.name),
      output: name,
    });
    this.#values.set(name, { name, shape, dtype });
    const inputs = "kind" in input ? [input] : input;
    const interval = intervalAfter(
      op,
      inputs.map((v) => v.interval),
    );
    return { kind: "runtime", name, shape, dtype, ...(interval === undefined ? {} : { interval }) };
  }

  #checkOutput(name: string): void {
    const known = this.#known.get(name);
    const value = known?.kind === "pending" ? this.#settled(name, known) : known;
    if (value?.kind === "unknown") return;
    if (value === undefined)
      this.#error("onnx/missing", `the output "${printable(name)}" is never computed`, this.#fileName);
    else if (value.kind === "codes")
      this.#diagnostics.error("onnx/output", "the outputs are the integers of a QuantizeLinear", {
        where: name,
        remedy: "end the model in a DequantizeLinear, or before the QuantizeLinear",
      });
    else if (value.kind === "constant")
      this.#error("onnx/constant-output", "the output does not depend on the input", name);
  }

  #settled(name: string, pending: PendingValue): Value {
    const value = this.#collect("onnx/output", name, () => pending.settle()) ?? unknown;
    this.#known.set(name, value);
    return value;
  }

  /** Shapes of a node's inputs and outputs for messages: computed, or as the file declares them. */
  #shapes(proto: NodeProto, inputs: readonly (Value | undefined)[]): string {
    const given = proto.input.slice(0, 8).map((name, i) => {
      if (name === "") return "none";
      return valueShape(inputs[i]) ?? this.#declared.get(name) ?? "unknown";
    });
    const made = proto.output.slice(0, 8).map((name) => this.#declared.get(name) ?? "unknown");
    return `inputs ${given.join(", ") || "none"}; output ${made.join(", ") || "none"}`;
  }

  /** Runs `read`; what it refuses becomes a diagnostic and the result undefined. */
  #collect<T>(code: string, where: string, read: () => T, detail: () => string = () => ""): T | undefined {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof Rejection)) throw error;
      // Many tensors may stand in one file that is not there, and many nodes may read a value that cannot be had.
      if (this.#reported.has(error)) return undefined;
      this.#reported.add(error);
      this.#diagnostics.error(code, `${error.message}${detail()}`, {
        where: error.where ?? where,
        remedy: error.remedy,
      });
      return undefined;
    }
  }

  #where(proto: NodeProto): string {
    return proto.name === "" ? `${proto.opType} (writes ${proto.output[0] ?? "nothing"})` : proto.name;
  }

  #error(code: string, message: string, where: string): void {
    this.#diagnostics.error(code, message, { where, remedy: damaged });
  }
}

/** Elements of a constant; 0 for other values. */
function constantSize(value: Value | undefined): number {
  return value?.kind === "constant" ? value.constant.data.length : 0;
}
