/** Keras bytes → ModelGraph. Every problem of the file is collected and reported at once. */
import { Diagnostics, fail } from "../../diagnostics/diagnostic.js";
import { printable, shapeText } from "../../diagnostics/text.js";
import type {
  FloatTensor,
  GraphNode,
  GraphOp,
  GraphValue,
  ModelGraph,
  Origin,
  Shape,
} from "../../graph/types.js";
import {
  type ChannelsLastValue,
  graphShape,
  hasLayouts,
  type Layout,
  nameIn,
} from "../common/channels-last.js";
import { checkComputed, INPUT_LIMIT } from "../common/limits.js";
import { UniqueNames } from "../common/names.js";
import { damaged, Rejection } from "../common/rejection.js";
import type { LayerCall } from "./call.js";
import { type KerasFile, openKeras } from "./container.js";
import { findLayer } from "./registry.js";
import { Settings } from "./settings.js";
import { callKey, type KerasCall, type KerasLayer, type KerasModel, readStructure } from "./structure.js";
import { unsupportedRemedy } from "./unsupported.js";

/**
 * Reads a whole-model `.h5` or a `.keras` file of Keras, Larq or QKeras. Throws one BitloomError (exit 2) that lists every
 * layer that cannot be taken.
 */
export function importKeras(bytes: Uint8Array, fileName: string): ModelGraph {
  return importOpened(
    whole(fileName, () => openKeras(bytes)),
    fileName,
  );
}

/** The graph of a file that has been opened. */
export function importOpened(file: KerasFile, fileName: string): ModelGraph {
  const model = whole(fileName, () => readStructure(file.model));
  return new Import(file, model, fileName).run();
}

/** Weights of all layers together: several layers may name the same ones. */
const WEIGHT_LIMIT = 1 << 25;

/** What concerns the file as a whole ends the import. */
function whole<T>(fileName: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof Rejection)) throw error;
    throw fail("keras/file", error.message, { where: fileName, remedy: error.remedy });
  }
}

class Import {
  readonly #file: KerasFile;
  readonly #model: KerasModel;
  readonly #fileName: string;
  readonly #diagnostics = new Diagnostics();
  #weightCount = 0;
  /** Results of calls by key; undefined after a reported error. */
  readonly #results = new Map<string, ChannelsLastValue | undefined>();
  readonly #weights = new Map<number, readonly FloatTensor[]>();
  readonly #nodes: GraphNode[] = [];
  readonly #values = new Map<string, GraphValue>();
  readonly #inputs: string[] = [];
  readonly #names = new UniqueNames();

  constructor(file: KerasFile, model: KerasModel, fileName: string) {
    this.#file = file;
    this.#model = model;
    this.#fileName = fileName;
  }

  run(): ModelGraph {
    for (const call of this.#model.calls) {
      const layer = this.#model.layers[call.layer]!;
      this.#results.set(callKey(layer.name, call.use), this.#importCall(layer, call));
    }
    for (const key of this.#model.outputs) {
      if (!this.#results.has(key))
        this.#error(this.#fileName, new Rejection("an output is of no layer", damaged));
    }
    this.#diagnostics.throwIfErrors();
    // In Keras' own order of axes, as the model returns them.
    const outputs = this.#model.outputs.map((key) => this.#nameIn(this.#results.get(key)!, "last"));
    return {
      name: this.#model.name,
      origin: this.#origin(),
      nodes: this.#nodes,
      values: this.#values,
      inputs: this.#inputs,
      outputs,
    };
  }

  #origin(): Origin {
    const packages = new Set(this.#model.layers.map((l) => findLayer(l.className)?.from));
    const makers = ["Larq", "QKeras"].filter((p) => packages.has(p as "Larq"));
    const names = makers.length === 0 ? "Keras" : makers.join(" and ");
    return {
      format: `${names} (${this.#file.kind})`,
      version: "",
      producer: `Keras ${printable(this.#file.kerasVersion, 20)}`,
    };
  }

  #importCall(layer: KerasLayer, call: KerasCall): ChannelsLastValue | undefined {
    const entry = findLayer(layer.className);
    const inputs = call.inputs.map((key) => this.#results.get(key));
    const what = `${printable(layer.className, 60)}${shapesText(inputs)}`;
    if (entry === undefined) {
      this.#diagnostics.error("keras/unsupported-layer", `layers of class ${what} are not supported`, {
        where: layer.name,
        remedy: unsupportedRemedy(layer.className),
      });
      return undefined;
    }
    // A layer behind one that was refused is not imported; its cause has been reported.
    if (inputs.includes(undefined)) return undefined;
    try {
      checkType(layer);
      if (entry.layer === "InputLayer") return this.#input(layer);
      const settings = new Settings(layer.config);
      const result = entry.handler(this.#view(layer, call, settings, inputs as ChannelsLastValue[]));
      settings.finish();
      return result;
    } catch (error) {
      if (!(error instanceof Rejection)) throw error;
      this.#error(layer.name, new Rejection(`${error.message} (${what})`, error.remedy));
      return undefined;
    }
  }

  #error(where: string, { message, remedy }: Rejection): void {
    this.#diagnostics.error("keras/layer", message, { where, remedy });
  }

  #input(layer: KerasLayer): ChannelsLastValue {
    const shape = inputShape(layer);
    const name = this.#names.fresh(layer.name);
    this.#values.set(name, { name, shape, dtype: "float32" });
    this.#inputs.push(name);
    return { shape, names: { last: name } };
  }

  #view(
    layer: KerasLayer,
    call: KerasCall,
    settings: Settings,
    inputs: readonly ChannelsLastValue[],
  ): LayerCall {
    return {
      className: layer.className,
      kerasMajor: Number.parseInt(this.#file.kerasVersion, 10) || 2,
      settings,
      inputs,
      constants: call.constants,
      weights: (names) => this.#readWeights(call.layer, names),
      emit: (op, values, shape, layout, part) => this.#emit(layer, op, values, shape, layout, part),
    };
  }

  #readWeights(index: number, names: readonly string[]): readonly FloatTensor[] {
    const known = this.#weights.get(index);
    if (known !== undefined) return known;
    const stored = this.#file.weightsOf(this.#model.layers, index);
    const wrong = stored.find((w, i) => w.name !== undefined && w.name !== names[i]);
    if (stored.length !== names.length || wrong !== undefined) {
      throw new Rejection(
        `the file has ${stored.length} weights for it${wrong === undefined ? "" : `, "${printable(wrong.name!, 40)}" among them`}; expected are ${names.join(", ")}`,
        "the file's config and weights are of different models: save it again",
      );
    }
    const weights = stored.map((w) => this.#readWeight(w.read()));
    this.#weights.set(index, weights);
    return weights;
  }

  #readWeight({ shape, data }: FloatTensor): FloatTensor {
    this.#weightCount += data.length;
    if (this.#weightCount > WEIGHT_LIMIT) {
      throw new Rejection(
        `the model has more than ${WEIGHT_LIMIT} weights`,
        "this is more than a microcontroller can hold: check that this is the right file",
      );
    }
    const odd = data.findIndex((x) => !Number.isFinite(x));
    if (odd < 0) return { shape, data };
    throw new Rejection(
      `element ${odd} of a weight is ${data[odd]}`,
      "weights must be finite numbers: the training may have diverged",
    );
  }

  #emit(
    layer: KerasLayer,
    op: GraphOp,
    inputs: readonly ChannelsLastValue[],
    shape: Shape,
    wanted: Layout,
    part: string | undefined,
  ): ChannelsLastValue {
    checkComputed(shape);
    const from = inputs.map((value) => this.#nameIn(value, wanted));
    const layout = hasLayouts(shape) ? wanted : "last";
    const text = printable(layer.name);
    const name = this.#add(
      op,
      from,
      graphShape(shape, layout),
      part === undefined ? text : `${text} ${part}`,
    );
    return { shape, names: { [layout]: name } };
  }

  #nameIn(value: ChannelsLastValue, layout: Layout): string {
    return nameIn(value, layout, (input, permutation, shape) =>
      this.#add({ kind: "transpose", permutation }, [input], shape, `${input} channels ${layout}`),
    );
  }

  /** A node and its value, of one name. */
  #add(op: GraphOp, inputs: readonly string[], shape: Shape, wanted: string): string {
    const name = this.#names.fresh(wanted);
    this.#nodes.push({ name, op, inputs, output: name });
    this.#values.set(name, { name, shape, dtype: "float32" });
    return name;
  }
}

/** Layers compute in float32; mixed precision would round otherwise. */
function checkType({ config }: KerasLayer): void {
  const type = config.get("dtype") ?? "float32";
  const name = typeof type === "object" ? policyName(type) : type;
  if (name === "float32") return;
  throw new Rejection(`it computes in ${printable(String(name), 30)}`, "build the model with dtype float32");
}

/** Keras 3: `{"class_name": "DTypePolicy", "config": {"name": "float32"}}`. */
function policyName(policy: object): unknown {
  const { config } = policy as { config?: { name?: unknown } };
  return config?.name;
}

function inputShape({ config }: KerasLayer): Shape {
  const value = config.get("batch_input_shape") ?? config.get("batch_shape");
  const sizes = Array.isArray(value) ? value : [];
  const shape = sizes.map((n, i) => (i === 0 && n === null ? 1 : n));
  const isWhole = shape.every((n): n is number => Number.isSafeInteger(n) && n >= 1);
  if (!isWhole || shape.length < 2 || shape.length > 8 || shape.reduce((a, b) => a * b, 1) > INPUT_LIMIT) {
    throw new Rejection(
      `the input has open or impossible sizes (${
        sizes
          .slice(0, 8)
          .map((n) => printable(String(n ?? "?"), 12))
          .join("×") || "none"
      })`,
      "build the model with a fixed input shape: Input((height, width, channels))",
    );
  }
  if (shape[0] !== 1)
    throw new Rejection(
      `the batch size is ${shape[0]}`,
      "build the model with batch size 1 or an open batch size",
    );
  return shape;
}

function shapesText(inputs: readonly (ChannelsLastValue | undefined)[]): string {
  const shapes = inputs.slice(0, 4).flatMap((v) => (v === undefined ? [] : [shapeText(v.shape)]));
  return shapes.length === 0 ? "" : ` of ${shapes.join(", ")}`;
}
