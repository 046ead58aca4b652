/** TFLite bytes → ModelGraph. Every problem of the file is collected and reported at once. */
import { Diagnostics, fail } from "../../diagnostics/diagnostic.js";
import { printable, shapeText } from "../../diagnostics/text.js";
import type { GraphNode, GraphValue, ModelGraph, Origin } from "../../graph/types.js";
import { checkComputed, INPUT_LIMIT, WorkBudget } from "../common/limits.js";
import { UniqueNames } from "../common/names.js";
import { damaged, Rejection } from "../common/rejection.js";
import { DamagedFile } from "./flatbuffer.js";
import { readFlexMap } from "./flexbuffer.js";
import { channelsLast, computed } from "./layout.js";
import {
  type EmitOptions,
  type Options,
  type Stage,
  type TfNode,
  unknown,
  type Value,
  valueShape,
} from "./node.js";
import { affineOf, isIntegerType, single } from "./quantized.js";
import { findTfliteOp, type TfliteOp } from "./registry.js";
import { type FileModel, type FileOperator, type FileTensor, readSchema } from "./schema.js";
import { constantSize, readConstant } from "./tensor.js";
import { unsupportedRemedy } from "./unsupported.js";

/** Whether the bytes are a TFLite file: its identifier stands behind the offset of the root table. */
export function isTflite(bytes: Uint8Array): boolean {
  return [..."TFL3"].every((letter, i) => bytes[4 + i] === letter.charCodeAt(0));
}

/**
 * Reads a TFLite file, with the operators of Larq Compute Engine. Throws one BitloomError (exit 2) that lists every
 * operator, tensor, input and output that cannot be taken.
 */
export function importTflite(bytes: Uint8Array, fileName: string): ModelGraph {
  let model: FileModel;
  try {
    model = readSchema(bytes);
  } catch (error) {
    if (!(error instanceof DamagedFile)) throw error;
    throw fail("tflite/damaged", `the TFLite file is truncated or damaged: ${error.message}`, {
      where: fileName,
      remedy: "copy or convert the model again",
    });
  }
  return new Import(model, fileName, bytes.length).run();
}

/** Options of operators that have none in the file: the schema's defaults. */
const noOptions: Options = {
  u8: (_, byDefault = 0) => byDefault,
  i8: (_, byDefault = 0) => byDefault,
  i32: (_, byDefault = 0) => byDefault,
  f32: (_, byDefault = 0) => byDefault,
  ints: () => undefined,
};

class Import {
  readonly #model: FileModel;
  readonly #fileName: string;
  readonly #diagnostics = new Diagnostics();
  readonly #budget: WorkBudget;
  /** Values by their tensor's index; constants are read when they are first used. */
  readonly #known = new Map<number, Value>();
  readonly #nodes: GraphNode[] = [];
  readonly #values = new Map<string, GraphValue>();
  readonly #nodeNames = new UniqueNames();
  readonly #valueNames = new UniqueNames();

  constructor(model: FileModel, fileName: string, fileBytes: number) {
    this.#model = model;
    this.#fileName = fileName;
    this.#budget = new WorkBudget(fileBytes);
  }

  run(): ModelGraph {
    const { operators, inputs, outputs, name } = this.#model;
    if (operators.length === 0 || outputs.length === 0) {
      throw fail("tflite/no-graph", "there is no operator or no output in this file", {
        where: this.#fileName,
        remedy: damaged,
      });
    }
    const graphInputs = inputs.flatMap((index) => {
      const name = this.#readInput(index);
      // Its readers need not be told what has been reported once.
      if (name === undefined) this.#known.set(index, unknown);
      return name ?? [];
    });
    for (const operator of operators) this.#importOperator(operator);
    const graphOutputs = outputs.flatMap((index) => this.#readOutput(index) ?? []);
    this.#diagnostics.throwIfErrors();
    return {
      name: name === "" || name === "main" ? this.#fileName : name,
      origin: this.#origin(),
      nodes: this.#nodes,
      values: this.#values,
      inputs: graphInputs,
      outputs: graphOutputs,
    };
  }

  #origin(): Origin {
    const isLce = this.#model.operators.some((o) => findTfliteOp(o.op, true) !== undefined && o.isCustom);
    const { description } = this.#model;
    return {
      format: `TFLite${isLce ? " with Larq Compute Engine" : ""}`,
      version: "schema 3",
      producer: printable(description.replace(/\.$/, ""), 60),
    };
  }

  #tensor(index: number): FileTensor {
    const tensor = this.#model.tensors[index];
    if (tensor !== undefined) return tensor;
    throw new Rejection(`it has tensor ${index}, which the file does not list`, damaged);
  }

  #readInput(index: number): string | undefined {
    const where = `input ${this.#model.tensors[index]?.name ?? index}`;
    return this.#collect("tflite/input", where, () => {
      const tensor = this.#tensor(index);
      const shape = inputShape(tensor);
      if (this.#known.has(index)) throw new Rejection("the tensor is an input twice", damaged);
      const name = this.#valueNames.fresh(tensor.name || "input");
      if (tensor.type === "float32") {
        this.#values.set(name, { name, shape, dtype: "float32" });
        this.#known.set(index, computed("last", name, shape));
        return name;
      }
      if (!isIntegerType(tensor.type)) {
        throw new Rejection(
          `the input has elements of type ${tensor.type}`,
          "convert the model with a float32, int8 or uint8 input",
        );
      }
      const affine = affineOf(tensor);
      const type = tensor.type === "int8" ? "i8" : "u8";
      const stored = { type, zero: affine.zero, step: affine.scale } as const;
      this.#values.set(name, { name, shape, dtype: "float32", stored });
      this.#known.set(index, computed("last", name, shape, { element: tensor.type, affine }));
      return name;
    });
  }

  /** The output in the file's order; integers with their zero point, as the file stores them. */
  #readOutput(index: number): string | undefined {
    const where = `output ${this.#model.tensors[index]?.name ?? index}`;
    return this.#collect("tflite/output", where, () => {
      const value = this.#value(index);
      if (value.kind === "unknown") return undefined;
      if (value.kind === "constant") throw new Rejection("the output does not depend on the input", damaged);
      if (value.element === "bits")
        throw new Rejection(
          "the output are words of bits",
          "end the model in numbers: LceDequantize makes them of bits",
        );
      const emit: TfNode["emit"] = (from, stages, options) =>
        this.#emit(printable(`${this.#tensor(index).name} output`), from, stages, options);
      const node = { emit } as TfNode;
      const name = channelsLast(node, value);
      const zero = value.affine?.zero ?? 0;
      if (zero === 0) return name;
      const op = { kind: "arithmetic", operator: "add", operand: single(zero), reversed: false } as const;
      return emit(name, [{ op, shape: value.shape, part: "with zero point" }]);
    });
  }

  /** What is known of a tensor, reading it where it is a constant: one that is refused is reported once. */
  #value(index: number): Value {
    const known = this.#known.get(index);
    if (known !== undefined) return known;
    const tensor = this.#tensor(index);
    if (tensor.data === undefined) {
      throw new Rejection(
        `it reads "${printable(tensor.name, 60)}" (tensor ${index}), which nothing before it writes`,
        damaged,
      );
    }
    this.#known.set(index, unknown);
    if (tensor.isUnusual)
      throw new Rejection(
        "it reads a sparse or variable tensor",
        "convert the model with dense, constant weights",
      );
    this.#budget.spend(constantSize(tensor));
    const value = readConstant(tensor);
    this.#known.set(index, value);
    return value;
  }

  #importOperator(operator: FileOperator): void {
    const { op, isCustom, outputs } = operator;
    const [first = -1] = outputs;
    const where = this.#where(operator);
    const value = this.#collect(
      "tflite/node",
      where,
      (): Value => {
        const entry = findTfliteOp(op, isCustom);
        if (entry === undefined) {
          throw new Rejection(
            `operator ${printable(op, 60) || "without a name"} is not supported`,
            unsupportedRemedy(op, isCustom),
          );
        }
        const output = this.#tensor(first);
        if (outputs.length !== 1) throw new Rejection(`it has ${outputs.length} outputs`, damaged);
        if (this.#known.has(first) || output.data !== undefined)
          throw new Rejection(`it writes tensor ${first}, which has a value already`, damaged);
        const inputs = operator.inputs.map((index) => (index === -1 ? undefined : this.#value(index)));
        // An operator behind one that was refused is not imported; its cause has been reported.
        if (inputs.some((v) => v?.kind === "unknown")) return unknown;
        this.#budget.spend(inputs.reduce((sum, v) => sum + sizeOf(v), 0));
        const result = entry.handler(this.#view(operator, entry, inputs, output, where));
        if (result.kind === "runtime") checkComputed(result.shape);
        this.#budget.spend(sizeOf(result));
        return result;
      },
      () => ` (${this.#shapes(operator)})`,
    );
    for (const index of outputs) if (!this.#known.has(index)) this.#known.set(index, unknown);
    if (value !== undefined && first >= 0) this.#known.set(first, value);
  }

  #view(
    operator: FileOperator,
    { optionsType, isCustom }: TfliteOp,
    inputs: readonly (Value | undefined)[],
    output: FileTensor,
    where: string,
  ): TfNode {
    const { options } = operator;
    const isOther = options !== undefined && optionsType !== 0 && operator.optionsType !== optionsType;
    if (isOther) throw new Rejection("it has the options of another operator", damaged);
    return {
      op: operator.op,
      inputs,
      output,
      options: optionsType === 0 || options === undefined ? noOptions : options,
      custom: isCustom ? readFlexMap(operator.customOptions) : new Map<string, number>(),
      emit: (from, stages, emitOptions) => this.#emit(where, from, stages, emitOptions, output.name),
    };
  }

  /** Adds a chain of graph operations: all but the last are named by their part, the last as the file names it. */
  #emit(
    where: string,
    from: string | readonly string[],
    stages: readonly Stage[],
    { dtype, isAuxiliary }: EmitOptions = {},
    wanted = where,
  ): string {
    let inputs = typeof from === "string" ? [from] : from;
    let name = inputs[0]!;
    stages.forEach(({ op, shape, part }, i) => {
      checkComputed(shape);
      const isLast = i === stages.length - 1 && isAuxiliary === undefined;
      const suffix = isLast ? "" : ` ${part}`;
      name = this.#valueNames.fresh(`${wanted}${suffix}`);
      this.#nodes.push({ name: this.#nodeNames.fresh(`${where}${suffix}`), op, inputs, output: name });
      this.#values.set(name, { name, shape, dtype: (isLast ? dtype : undefined) ?? "float32" });
      inputs = [name];
    });
    return name;
  }

  /** TFLite's operators have no names: they are called by what they write. */
  #where({ op, outputs }: FileOperator): string {
    const name = this.#model.tensors[outputs[0] ?? -1]?.name ?? "";
    return printable(name === "" ? `${op} (tensor ${outputs[0] ?? "none"})` : name);
  }

  #shapes({ op, inputs, outputs }: FileOperator): string {
    const text = (index: number): string => {
      const tensor = this.#model.tensors[index];
      if (tensor === undefined) return "none";
      return `${valueShape(this.#known.get(index)) ?? shapeText(tensor.shape.slice(0, 8))} ${tensor.type}`;
    };
    const given = inputs.slice(0, 8).map(text).join(", ");
    const made = outputs.slice(0, 8).map(text).join(", ");
    return `${printable(op, 60)}, inputs ${given || "none"}; output ${made || "none"}`;
  }

  /** Runs `read`; what it refuses becomes a diagnostic and the result undefined. */
  #collect<T>(code: string, where: string, read: () => T, detail: () => string = () => ""): T | undefined {
    try {
      return read();
    } catch (error) {
      const { message, remedy } = refusal(error);
      this.#diagnostics.error(code, `${message}${detail()}`, { where, remedy });
      return undefined;
    }
  }
}

/** What is behind an error that files can cause; others are thrown on. */
function refusal(error: unknown): { readonly message: string; readonly remedy: string } {
  if (error instanceof Rejection) return error;
  if (error instanceof DamagedFile) return { message: error.message, remedy: damaged };
  throw error;
}

/** Elements of a constant; 0 for other values. */
function sizeOf(value: Value | undefined): number {
  return value?.kind === "constant" ? value.constant.data.length : 0;
}

/** An open batch size is 1. */
function inputShape({ shape, signature }: FileTensor): readonly number[] {
  const count = shape.reduce((a, b) => a * b, 1);
  const isOpen = signature.some((n, axis) => n < 0 && axis > 0);
  if (
    isOpen ||
    !shape.every((n) => n >= 1) ||
    !(count <= INPUT_LIMIT) ||
    shape.length > 8 ||
    shape.length === 0
  ) {
    throw new Rejection(
      `the input has open or impossible sizes (${shapeText((isOpen ? signature : shape).slice(0, 8))})`,
      "convert the model with a fixed input shape",
    );
  }
  if (shape.length > 1 && shape[0] !== 1)
    throw new Rejection(
      `the batch size is ${shape[0]}`,
      "convert the model with batch size 1 or an open batch size",
    );
  return shape;
}
