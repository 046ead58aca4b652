/** The layers of a Keras model and which reads which, from the model's config. Models may be layers of others. */
import { printable } from "../../diagnostics/text.js";
import { damaged, Rejection } from "../common/rejection.js";
import { argumentsOf, inputsOf, type Reference, tensorList } from "./arguments.js";
import { type Fields, fieldsOf } from "./settings.js";

/** One layer as its config describes it. */
export interface LayerConfig {
  readonly name: string;
  readonly className: string;
  readonly config: Fields;
  /** Where the layer is a model itself: what is in it. */
  readonly inner?: Network;
}

/** One use of a layer: layers may be used several times with the same weights. */
export interface LayerUse {
  readonly layer: number;
  /** Which use of its layer it is, counted from 0. */
  readonly use: number;
  /** Results of other uses that it reads, in order. */
  readonly inputs: readonly Reference[];
  /** Further arguments, numbers among them, by name, or by their place ("0", "1") where they have none. */
  readonly constants: Fields;
}

/** One model without what surrounds it. */
export interface Network {
  readonly name: string;
  readonly layers: readonly LayerConfig[];
  /** In an order in which each reads only what stands before it. */
  readonly uses: readonly LayerUse[];
  /** Input layers in the order of the model's arguments, by their place in `layers`. */
  readonly inputs: readonly number[];
  readonly outputs: readonly Reference[];
  /** Whether it was built on an input of its own: Functional models are, Sequential ones where they say its shape. */
  readonly hasOwnInput: boolean;
}

/** Layers of one model, those of models inside it not counted. */
const LAYER_LIMIT = 10_000;
/** Uses of layers in a model. */
export const CALL_LIMIT = 20_000;
/** Models inside models. */
const DEPTH_LIMIT = 16;
const MODEL_CLASSES: ReadonlySet<unknown> = new Set(["Sequential", "Functional", "Model"]);

/** The layer's use number `use`. Names of a file may hold anything, so the number comes first. */
export function useKey(layer: string, use: number): string {
  return `${use} ${layer}`;
}

/** Reads a Sequential or Functional model. Throws a Rejection for others, and for circles. */
export function readNetwork(model: Fields, depth = DEPTH_LIMIT): Network {
  const className = model.get("class_name");
  const config = fieldsOf(model.get("config"));
  if (config === undefined || !MODEL_CLASSES.has(className)) {
    throw new Rejection(
      `the model is of class ${printable(String(className ?? "?"), 40)}`,
      "build it as a Sequential or Functional model, whose files say how layers are connected",
    );
  }
  if (depth === 0)
    throw new Rejection(
      `more than ${DEPTH_LIMIT} models stand inside each other`,
      "put the layers of inner models into the outer one",
    );
  const name = config.get("name");
  const list = config.get("layers");
  if (!Array.isArray(list) || list.length === 0 || list.length > LAYER_LIMIT)
    throw new Rejection("the model has no list of layers", damaged);
  const entries = list.map((entry) => fieldsOf(entry) ?? new Map<string, unknown>());
  const layers = entries.map((entry, i) => layerOf(entry, i, depth));
  const names = new Set(layers.map((l) => l.name));
  if (names.size !== layers.length) throw new Rejection("two layers have the same name", damaged);
  const connections =
    className === "Sequential" ? inARow(layers, config) : connected(layers, entries, config);
  return { name: typeof name === "string" ? name : "model", ...connections };
}

function layerOf(entry: Fields, index: number, depth: number): LayerConfig {
  const config = fieldsOf(entry.get("config"));
  const className = entry.get("class_name");
  if (config === undefined || typeof className !== "string")
    throw new Rejection(`layer ${index} of the model has no class or no config`, damaged);
  const given = entry.get("name") ?? config.get("name");
  const name = typeof given === "string" ? given : `layer ${index}`;
  if (!MODEL_CLASSES.has(className)) return { name, className, config };
  return { name, className, config, inner: readNetwork(entry, depth - 1) };
}

type Connections = Omit<Network, "name">;

/** Each layer reads the one before. Old files have no input layer; its shape then stands in the first layer. */
function inARow(given: readonly LayerConfig[], model: Fields): Connections {
  const hasOwnInput = given[0]!.className === "InputLayer";
  const layers = hasOwnInput ? given : [inputBefore(given[0]!, model), ...given];
  const result = (i: number): Reference => ({ key: useKey(layers[i]!.name, 0), output: 0 });
  const uses = layers.map((_, i) => ({
    layer: i,
    use: 0,
    inputs: i === 0 ? [] : [result(i - 1)],
    constants: new Map<string, unknown>(),
  }));
  return { layers, uses, inputs: [0], outputs: [result(layers.length - 1)], hasOwnInput };
}

function inputBefore(first: LayerConfig, model: Fields): LayerConfig {
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

/**
 * A model that was built on an input of its own has counted this as a use, which is not in the file; Keras 2 counts
 * from 1 then, Keras 3 only for Functional models and only in the list of outputs.
 */
function firstUse({ className, inner }: LayerConfig, isKeras3: boolean, isOutput: boolean): number {
  if (inner === undefined) return 0;
  if (isKeras3) return isOutput && className !== "Sequential" ? 1 : 0;
  return inner.hasOwnInput ? 1 : 0;
}

function connected(layers: readonly LayerConfig[], entries: readonly Fields[], config: Fields): Connections {
  const byName = new Map(layers.map((layer) => [layer.name, layer]));
  const isKeras3 = entries.some((e) => fieldsOf(firstOf(e.get("inbound_nodes"))) !== undefined);
  const keyOf =
    (isOutput: boolean) =>
    (name: string, use: number): string => {
      const layer = byName.get(name);
      return useKey(name, layer === undefined ? use : use - firstUse(layer, isKeras3, isOutput));
    };
  const uses: LayerUse[] = [];
  for (const [i, entry] of entries.entries()) {
    const nodes = entry.get("inbound_nodes") ?? [];
    if (!Array.isArray(nodes) || nodes.length > LAYER_LIMIT)
      throw new Rejection(`layer "${printable(layers[i]!.name, 40)}" has no list of what it reads`, damaged);
    if (nodes.length === 0) uses.push({ layer: i, use: 0, inputs: [], constants: new Map() });
    if (uses.length + nodes.length > CALL_LIMIT)
      throw new Rejection(`the model uses its layers more than ${CALL_LIMIT} times`, damaged);
    for (const [use, node] of nodes.entries())
      uses.push({ layer: i, use, ...argumentsOf(node, layers[i]!.name, keyOf(false)) });
  }
  const outputs = tensorList(config.get("output_layers"), keyOf(true));
  if (outputs === undefined || outputs.length === 0) throw new Rejection("the model has no outputs", damaged);
  return {
    layers,
    uses: inOrder(uses, layers),
    inputs: inputsOf(config, layers),
    outputs,
    hasOwnInput: true,
  };
}

function firstOf(value: unknown): unknown {
  return Array.isArray(value) ? value[0] : undefined;
}

/** Uses behind those that they read. Throws a Rejection for circles and for results that nothing computes. */
function inOrder(uses: readonly LayerUse[], layers: readonly LayerConfig[]): readonly LayerUse[] {
  const keyOf = ({ layer, use }: LayerUse): string => useKey(layers[layer]!.name, use);
  const known = new Map(uses.map((use) => [keyOf(use), layers[use.layer]!]));
  const waiting = new Map<LayerUse, number>();
  const readers = new Map<string, LayerUse[]>();
  for (const use of uses) {
    waiting.set(use, use.inputs.length);
    for (const { key, output } of use.inputs) {
      const read = known.get(key);
      // Only models have more than one output.
      if (read === undefined || (read.inner === undefined && output !== 0))
        throw new Rejection(
          `layer "${printable(layers[use.layer]!.name, 40)}" reads something that no layer computes`,
          damaged,
        );
      const list = readers.get(key);
      if (list === undefined) readers.set(key, [use]);
      else list.push(use);
    }
  }
  const ready = uses.filter((c) => c.inputs.length === 0);
  for (const use of ready) {
    for (const reader of readers.get(keyOf(use)) ?? []) {
      const left = waiting.get(reader)! - 1;
      waiting.set(reader, left);
      if (left === 0) ready.push(reader);
    }
  }
  if (ready.length === uses.length) return ready;
  throw new Rejection("layers of the model wait for each other in a circle", damaged);
}
