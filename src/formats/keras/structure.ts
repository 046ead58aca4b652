/** The layers of a Keras model and which reads which, from the model's config. */
import { printable } from "../../diagnostics/text.js";
import { damaged, Rejection } from "../common/rejection.js";
import { type Fields, fieldsOf } from "./settings.js";

/** One layer. */
export interface KerasLayer {
  readonly name: string;
  readonly className: string;
  readonly config: Fields;
}

/** One use of a layer: layers may be used several times with the same weights. */
export interface KerasCall {
  readonly layer: number;
  /** Which use of its layer it is, counted from 0. */
  readonly use: number;
  /** Results of other calls that it reads, as keys (`callKey`), in order. */
  readonly inputs: readonly string[];
  /** Further arguments, numbers among them, by name. */
  readonly constants: Fields;
}

export interface KerasModel {
  readonly name: string;
  readonly layers: readonly KerasLayer[];
  /** In an order in which each reads only what stands before it. */
  readonly calls: readonly KerasCall[];
  /** Keys of the results that the model returns. */
  readonly outputs: readonly string[];
}

const LAYER_LIMIT = 10_000;
/** Uses of layers in a model. */
const CALL_LIMIT = 20_000;

/** The layer's result in its use number `use`. Names of a file may hold anything, so the number comes first. */
export function callKey(layer: string, use: number): string {
  return `${use} ${layer}`;
}

/** Reads a Sequential or Functional model. Throws a Rejection for others, and for circles. */
export function readStructure(model: Fields): KerasModel {
  const className = model.get("class_name");
  const config = fieldsOf(model.get("config"));
  if (
    config === undefined ||
    (className !== "Sequential" && className !== "Functional" && className !== "Model")
  ) {
    throw new Rejection(
      `the model is of class ${printable(String(className ?? "?"), 40)}`,
      "build it as a Sequential or Functional model, whose files say how layers are connected",
    );
  }
  const name = config.get("name");
  const list = config.get("layers");
  if (!Array.isArray(list) || list.length === 0 || list.length > LAYER_LIMIT)
    throw new Rejection("the model has no list of layers", damaged);
  const entries = list.map((entry) => fieldsOf(entry) ?? new Map<string, unknown>());
  const layers = entries.map(layerOf);
  const names = new Set(layers.map((l) => l.name));
  if (names.size !== layers.length) throw new Rejection("two layers have the same name", damaged);
  const connections =
    className === "Sequential" ? inARow(layers, config) : connected(layers, entries, config);
  return { name: typeof name === "string" ? name : "model", ...connections };
}

function layerOf(entry: Fields, index: number): KerasLayer {
  const config = fieldsOf(entry.get("config"));
  const className = entry.get("class_name");
  if (config === undefined || typeof className !== "string")
    throw new Rejection(`layer ${index} of the model has no class or no config`, damaged);
  const name = entry.get("name") ?? config.get("name");
  return { name: typeof name === "string" ? name : `layer ${index}`, className, config };
}

type Connections = Pick<KerasModel, "layers" | "calls" | "outputs">;

/** Each layer reads the one before. Old files have no input layer; its shape then stands in the first layer. */
function inARow(given: readonly KerasLayer[], model: Fields): Connections {
  const layers = given[0]!.className === "InputLayer" ? given : [inputBefore(given[0]!, model), ...given];
  const calls = layers.map((_, i) => ({
    layer: i,
    use: 0,
    inputs: i === 0 ? [] : [callKey(layers[i - 1]!.name, 0)],
    constants: new Map<string, unknown>(),
  }));
  return { layers, calls, outputs: [callKey(layers.at(-1)!.name, 0)] };
}

function inputBefore(first: KerasLayer, model: Fields): KerasLayer {
  const shape =
    first.config.get("batch_input_shape") ??
    first.config.get("batch_shape") ??
    model.get("build_input_shape");
  return {
    name: `${first.name} input`,
    className: "InputLayer",
    config: new Map<string, unknown>([["batch_input_shape", shape]]),
  };
}

function connected(layers: readonly KerasLayer[], entries: readonly Fields[], config: Fields): Connections {
  const calls: KerasCall[] = [];
  for (const [i, entry] of entries.entries()) {
    const nodes = entry.get("inbound_nodes") ?? [];
    if (!Array.isArray(nodes) || nodes.length > LAYER_LIMIT)
      throw new Rejection(`layer "${printable(layers[i]!.name, 40)}" has no list of what it reads`, damaged);
    if (nodes.length === 0) calls.push({ layer: i, use: 0, inputs: [], constants: new Map() });
    if (calls.length + nodes.length > CALL_LIMIT)
      throw new Rejection(`the model uses its layers more than ${CALL_LIMIT} times`, damaged);
    for (const [use, node] of nodes.entries())
      calls.push({ layer: i, use, ...argumentsOf(node, layers[i]!) });
  }
  const outputs = tensorList(config.get("output_layers"));
  if (outputs === undefined || outputs.length === 0) throw new Rejection("the model has no outputs", damaged);
  return { layers, calls: inOrder(calls, layers), outputs };
}

type Arguments = Pick<KerasCall, "inputs" | "constants">;

/**
 * What one use of a layer reads. Keras 2 writes a list of [layer, use, output, further arguments], of which functions
 * like `tf.add` have only one; Keras 3 writes the arguments of the call.
 */
function argumentsOf(node: unknown, layer: KerasLayer): Arguments {
  const call = fieldsOf(node);
  const inputs = call === undefined ? tensorList(node) : callTensors(call.get("args"));
  if (inputs === undefined)
    throw new Rejection(`what layer "${printable(layer.name, 40)}" reads is not understood`, damaged);
  const constants = call === undefined ? lastFields(node) : fieldsOf(call.get("kwargs"));
  return withTensors(inputs, constants ?? new Map());
}

/** Results among the further arguments are inputs too: `tf.add(x, y=other)`. */
function withTensors(inputs: readonly string[], constants: Fields): Arguments {
  const more: string[] = [];
  const rest = new Map<string, unknown>();
  for (const [name, value] of constants) {
    const tensor = Array.isArray(value) && typeof value[0] === "string" ? tensorKey(value) : undefined;
    if (tensor === undefined) rest.set(name, value);
    else more.push(tensor);
  }
  return { inputs: [...inputs, ...more], constants: rest };
}

/** A result [layer, use, output, …], or a list of such. */
function tensorList(value: unknown): readonly string[] | undefined {
  if (!Array.isArray(value)) return undefined;
  if (typeof value[0] === "string") {
    const key = tensorKey(value);
    return key === undefined ? undefined : [key];
  }
  const keys = value.map((v) => (Array.isArray(v) ? tensorKey(v) : undefined));
  return keys.every((k) => k !== undefined) ? (keys as string[]) : undefined;
}

/** Layers of one output only: the third number is 0. */
function tensorKey([layer, use, output]: readonly unknown[]): string | undefined {
  if (typeof layer !== "string" || !Number.isSafeInteger(use) || output !== 0) return undefined;
  return callKey(layer, use as number);
}

/** Keras 3: `{"class_name": "__keras_tensor__", "config": {"keras_history": [layer, use, output]}}`, or lists of them. */
function callTensors(args: unknown, depth = 2): readonly string[] | undefined {
  if (Array.isArray(args)) {
    if (depth === 0 || args.length > LAYER_LIMIT) return undefined;
    const parts = args.map((a) => callTensors(a, depth - 1));
    return parts.every((p) => p !== undefined) ? (parts as (readonly string[])[]).flat() : undefined;
  }
  const history = fieldsOf(fieldsOf(args)?.get("config"))?.get("keras_history");
  const key = Array.isArray(history) ? tensorKey(history) : undefined;
  return key === undefined ? undefined : [key];
}

function lastFields(node: unknown): Fields | undefined {
  if (!Array.isArray(node)) return undefined;
  const single = typeof node[0] === "string" ? node : node.length === 1 ? node[0] : undefined;
  return Array.isArray(single) ? fieldsOf(single[3]) : undefined;
}

/** Calls behind those that they read. Throws a Rejection for circles and for results that nothing computes. */
function inOrder(calls: readonly KerasCall[], layers: readonly KerasLayer[]): readonly KerasCall[] {
  const keyOf = (call: KerasCall): string => callKey(layers[call.layer]!.name, call.use);
  const known = new Set(calls.map(keyOf));
  const waiting = new Map<KerasCall, number>();
  const readers = new Map<string, KerasCall[]>();
  for (const call of calls) {
    waiting.set(call, call.inputs.length);
    for (const input of call.inputs) {
      if (!known.has(input))
        throw new Rejection(
          `layer "${printable(layers[call.layer]!.name, 40)}" reads something that no layer computes`,
          damaged,
        );
      const list = readers.get(input);
      if (list === undefined) readers.set(input, [call]);
      else list.push(call);
    }
  }
  const ready = calls.filter((c) => c.inputs.length === 0);
  for (const call of ready) {
    for (const reader of readers.get(keyOf(call)) ?? []) {
      const left = waiting.get(reader)! - 1;
      waiting.set(reader, left);
      if (left === 0) ready.push(reader);
    }
  }
  if (ready.length === calls.length) return ready;
  throw new Rejection("layers of the model wait for each other in a circle", damaged);
}
