/** Manifest and weights → ModelGraph. Every problem of both is collected and reported at once. */
import { BitloomError, Diagnostics } from "../../diagnostics/diagnostic.js";
import { printable, shapeText } from "../../diagnostics/text.js";
import type { GraphNode, GraphOp, GraphValue, ModelGraph, Shape } from "../../graph/types.js";
import { type CompanionReader, readCompanion } from "../common/companions.js";
import { checkComputed, FILE_LIMIT, INPUT_LIMIT, WorkBudget } from "../common/limits.js";
import { UniqueNames } from "../common/names.js";
import { Rejection } from "../common/rejection.js";
import type { TensorSource } from "../common/tensor-source.js";
import type { BundleValue, LayerCall } from "./call.js";
import { Guesser } from "./guesser.js";
import { type Problem, placeText } from "./issues.js";
import type { Envelope } from "./manifest.js";
import { INPUT, type ManifestLayer, type RightLayer, readManifest } from "./read.js";
import { openWeights, Tensors } from "./tensors.js";

/** PyTorch's batch normalization counts its batches, which no inference reads. */
const COUNTER = /(^|\.)num_batches_tracked$/;
/** So many names are told where tensors are left over. */
const MOST_NAMES = 8;

/**
 * Reads a manifest (parsed JSON) and the weights file that it names. Throws one BitloomError (exit 2) that lists every
 * problem, each with its place in the manifest.
 */
export function importBundle(
  manifest: unknown,
  fileName: string,
  companions: CompanionReader | undefined,
): ModelGraph {
  return new Import(fileName, companions).run(manifest);
}

class Import {
  readonly #fileName: string;
  readonly #companions: CompanionReader | undefined;
  readonly #diagnostics = new Diagnostics();
  readonly #guesser = new Guesser();
  /** Results by the names of layers; undefined after a reported error. */
  readonly #results = new Map<string, BundleValue | undefined>();
  readonly #read = new Set<string>();
  readonly #nodes: GraphNode[] = [];
  readonly #values = new Map<string, GraphValue>();
  readonly #names = new UniqueNames();

  constructor(fileName: string, companions: CompanionReader | undefined) {
    this.#fileName = fileName;
    this.#companions = companions;
  }

  run(manifest: unknown): ModelGraph {
    const { outer, layers, problems } = readManifest(manifest, this.#guesser);
    this.#report(problems);
    if (outer === undefined) throw new BitloomError(this.#diagnostics.all);
    const { name, version, producer, weights, input, unused } = outer;
    this.#addInput(input);
    const [source, size] = this.#openWeights(weights);
    const tensors = new Tensors(source, new WorkBudget(size), this.#guesser);
    for (const layer of layers) {
      const result =
        layer.read === undefined ? undefined : this.#imported(layer, layer.read, layers, tensors);
      // The first of two layers of one name keeps it; the second has been reported.
      if (!this.#results.has(layer.name)) this.#results.set(layer.name, result);
    }
    if (!this.#diagnostics.hasErrors) this.#checkAllRead(layers, tensors, unused);
    this.#diagnostics.throwIfErrors();
    const last = this.#results.get(layers.at(-1)!.name)!;
    return {
      name,
      origin: { format: "bundle", version: `version ${version}`, producer: printable(producer ?? "", 60) },
      nodes: this.#nodes,
      values: this.#values,
      inputs: [INPUT],
      outputs: [last.name],
    };
  }

  #report(problems: readonly Problem[]): void {
    for (const { where, message, remedy } of problems)
      this.#diagnostics.error("bundle/manifest", message, { where: where || this.#fileName, remedy });
  }

  #reject(where: string, { message, remedy }: Rejection): void {
    this.#diagnostics.error("bundle/layer", message, { where, remedy });
  }

  #addInput({ shape, stored }: Envelope["input"]): void {
    this.#names.reserve([INPUT]);
    const where = "input.shape";
    if (shape[0] !== 1)
      this.#report([
        { where, message: `the batch size is ${shape[0]}`, remedy: "the first size is the batch: write 1" },
      ]);
    if (shape.length < 2 || shape.reduce((a, b) => a * b, 1) > INPUT_LIMIT)
      this.#report([
        {
          where,
          message: `an input of ${shapeText(shape)} is not possible`,
          remedy: `write a batch of 1 and at least one more size, of at most ${INPUT_LIMIT} elements together`,
        },
      ]);
    if (stored?.type === "u8" ? stored.zero < 0 : (stored?.zero ?? 0) > 127)
      this.#report([
        {
          where: "input.stored.zero",
          message: `no ${stored?.type} is ${stored?.zero}`,
          remedy: "u8 holds 0 to 255, i8 −128 to 127",
        },
      ]);
    const value: BundleValue = { name: INPUT, shape, dtype: "float32" };
    this.#values.set(INPUT, { ...value, ...(stored === undefined ? {} : { stored }) });
    this.#results.set(INPUT, value);
  }

  /** The weights file and its size. One that cannot be read ends the import: every layer would miss its tensors. */
  #openWeights(path: string | undefined): [TensorSource | undefined, number] {
    if (path === undefined) return [undefined, 0];
    try {
      const bytes = readCompanion(this.#companions, path, FILE_LIMIT);
      return [openWeights(bytes, path), bytes.length];
    } catch (error) {
      if (!(error instanceof Rejection)) throw error;
      const text = `${printable(path, 60)}: ${error.message}`;
      this.#diagnostics.error("bundle/weights", text, { where: "weights", remedy: error.remedy });
      throw new BitloomError(this.#diagnostics.all);
    }
  }

  #imported(
    layer: ManifestLayer,
    read: RightLayer,
    layers: readonly ManifestLayer[],
    tensors: Tensors,
  ): BundleValue | undefined {
    const where = `${placeText(["layers", layer.index])} ${layer.name}`;
    try {
      const before = layer.index === 0 ? INPUT : layers[layer.index - 1]!.name;
      const inputs = (read.inputs ?? [before]).map((name) => this.#resultOf(name, layers));
      // A layer behind one that was refused is not imported; its cause has been reported.
      const present = inputs.flatMap((v) => v ?? []);
      if (present.length < inputs.length) return undefined;
      checkTypes(layer, present);
      return read.run(this.#callOf(layer, present, tensors));
    } catch (error) {
      if (!(error instanceof Rejection)) throw error;
      this.#reject(where, error);
      return undefined;
    }
  }

  #resultOf(name: string, layers: readonly ManifestLayer[]): BundleValue | undefined {
    this.#read.add(name);
    if (this.#results.has(name)) return this.#results.get(name);
    const isLater = layers.some((l) => l.name === name);
    throw new Rejection(
      isLater
        ? `it reads "${printable(name, 40)}", which stands behind it`
        : `it reads "${printable(name, 40)}", which no layer is called`,
      isLater
        ? "put layers behind those that they read"
        : this.#guesser.remedy(
            name,
            [...this.#results.keys()],
            'inputs are names of layers before it, or "input"',
          ),
    );
  }

  #callOf(layer: ManifestLayer, inputs: readonly BundleValue[], tensors: Tensors): LayerCall {
    return {
      inputs,
      tensors,
      emit: (op, values, shape, { part, dtype = "float32" } = {}) => {
        const text = printable(layer.name);
        return this.#emit(op, values, shape, dtype, part === undefined ? text : `${text} ${part}`);
      },
    };
  }

  #emit(
    op: GraphOp,
    inputs: readonly BundleValue[],
    shape: Shape,
    dtype: BundleValue["dtype"],
    wanted: string,
  ): BundleValue {
    checkComputed(shape);
    const name = this.#names.fresh(wanted);
    this.#nodes.push({ name, op, inputs: inputs.map((v) => v.name), output: name });
    const value: BundleValue = { name, shape, dtype };
    this.#values.set(name, value);
    return value;
  }

  /** What nothing reads is a typing error more often than not: layers that no one reads, and tensors. */
  #checkAllRead(layers: readonly ManifestLayer[], tensors: Tensors, unused: readonly string[]): void {
    for (const { name, index } of layers.slice(0, -1)) {
      if (this.#read.has(name)) continue;
      const where = `${placeText(["layers", index])} ${name}`;
      this.#reject(
        where,
        new Rejection("no layer reads its result", 'name it in the "inputs" of a later layer, or remove it'),
      );
    }
    const known = new Set(unused);
    const left = tensors.unread().filter((name) => !known.has(name) && !COUNTER.test(name));
    if (left.length === 0) return;
    const names = left.slice(0, MOST_NAMES).map((name) => `"${printable(name, 60)}"`);
    const more = left.length > MOST_NAMES ? ` and ${left.length - MOST_NAMES} more` : "";
    this.#diagnostics.error("bundle/unused", `no layer reads the tensors ${names.join(", ")}${more}`, {
      where: "weights",
      remedy: 'name them in the layers they belong to, or list them in "unused" if the net does without them',
    });
  }
}

/** Class indices are an end; nothing computes with them. */
function checkTypes({ type }: ManifestLayer, inputs: readonly BundleValue[]): void {
  if (type === "reshape" || type === "flatten" || inputs.every((v) => v.dtype === "float32")) return;
  throw new Rejection("it computes with class indices", "let argmax be the last layer");
}
