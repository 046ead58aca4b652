/** What one use of a layer is called with: results of other layers, numbers and texts. */
import { printable } from "../../diagnostics/text.js";
import { damaged, Rejection } from "../common/rejection.js";
import { type Fields, fieldsOf } from "./settings.js";
import type { LayerUse } from "./structure.js";

/** One output of a use of a layer. */
export interface Reference {
  /** The use (`useKey`). */
  readonly key: string;
  /** Which of its outputs: only models have more than one. */
  readonly output: number;
}

/** The key of a use as the file counts it. */
type KeyOf = (layer: string, use: number) => string;

/** Arguments of one call. */
const ARGUMENT_LIMIT = 10_000;
/** Stands in place of a layer where Keras 2 has a number for the first argument: `2 - x`. */
const CONSTANT = "_CONSTANT_VALUE";

type Arguments = Pick<LayerUse, "inputs" | "constants">;

/**
 * What one use of a layer reads. Keras 2 writes a list of [layer, use, output, further arguments], of which functions
 * like `tf.add` have only one; Keras 3 writes the arguments of the call.
 */
export function argumentsOf(node: unknown, layer: string, keyOf: KeyOf): Arguments {
  const call = fieldsOf(node);
  const found = call === undefined ? listed(node, keyOf) : called(call, keyOf);
  if (found === undefined)
    throw new Rejection(`what layer "${printable(layer, 40)}" reads is not understood`, damaged);
  return found;
}

/** Keras 2's list. */
function listed(node: unknown, keyOf: KeyOf): Arguments | undefined {
  const constants = lastFields(node) ?? new Map<string, unknown>();
  const first = firstEntry(node);
  if (first?.[0] === CONSTANT) {
    const { inputs, constants: named } = withTensors([], constants, keyOf);
    return { inputs, constants: new Map([...named, ["0", first[2]]]) };
  }
  const inputs = tensorList(node, keyOf);
  return inputs === undefined ? undefined : withTensors(inputs, constants, keyOf);
}

/** Keras 3's arguments; what is no result of a layer is a constant by its place. */
function called(call: Fields, keyOf: KeyOf): Arguments | undefined {
  const args = call.get("args");
  if (!Array.isArray(args) || args.length > ARGUMENT_LIMIT) return undefined;
  const inputs: Reference[] = [];
  const constants = new Map<string, unknown>(fieldsOf(call.get("kwargs")) ?? []);
  for (const [i, argument] of args.entries()) {
    const tensors = callTensors(argument, keyOf);
    if (tensors !== undefined) inputs.push(...tensors);
    else if (fieldsOf(argument) === undefined) constants.set(String(i), argument);
    else return undefined;
  }
  return withTensors(inputs, constants, keyOf);
}

/** Results among the further arguments are inputs too: `tf.add(x, y=other)`. */
function withTensors(inputs: readonly Reference[], constants: Fields, keyOf: KeyOf): Arguments {
  const more: Reference[] = [];
  const rest = new Map<string, unknown>();
  for (const [name, value] of constants) {
    const tensor =
      Array.isArray(value) && typeof value[0] === "string"
        ? reference(value, keyOf)
        : callTensors(value, keyOf)?.[0];
    if (tensor === undefined) rest.set(name, value);
    else more.push(tensor);
  }
  return { inputs: [...inputs, ...more], constants: rest };
}

/** A result [layer, use, output, …], or a list of such. */
export function tensorList(value: unknown, keyOf: KeyOf): readonly Reference[] | undefined {
  if (!Array.isArray(value)) return undefined;
  if (typeof value[0] === "string") {
    const single = reference(value, keyOf);
    return single === undefined ? undefined : [single];
  }
  return all(value.map((v) => (Array.isArray(v) ? reference(v, keyOf) : undefined)));
}

function reference([layer, use, output]: readonly unknown[], keyOf: KeyOf): Reference | undefined {
  if (typeof layer !== "string" || !isPlace(use) || !isPlace(output)) return undefined;
  return { key: keyOf(layer, use), output };
}

function isPlace(n: unknown): n is number {
  return typeof n === "number" && Number.isSafeInteger(n) && n >= 0;
}

/** Keras 3: `{"class_name": "__keras_tensor__", "config": {"keras_history": [layer, use, output]}}`, or a list of them. */
function callTensors(argument: unknown, keyOf: KeyOf): readonly Reference[] | undefined {
  if (!Array.isArray(argument)) {
    const single = callTensor(argument, keyOf);
    return single === undefined ? undefined : [single];
  }
  if (argument.length === 0 || argument.length > ARGUMENT_LIMIT) return undefined;
  return all(argument.map((a) => callTensor(a, keyOf)));
}

function callTensor(argument: unknown, keyOf: KeyOf): Reference | undefined {
  const history = fieldsOf(fieldsOf(argument)?.get("config"))?.get("keras_history");
  return Array.isArray(history) ? reference(history, keyOf) : undefined;
}

function all<T>(list: readonly (T | undefined)[]): readonly T[] | undefined {
  const found = list.filter((item): item is T => item !== undefined);
  return found.length === list.length ? found : undefined;
}

/** The first of Keras 2's entries, of which functions have no list. */
function firstEntry(node: unknown): readonly unknown[] | undefined {
  if (!Array.isArray(node)) return undefined;
  if (typeof node[0] === "string") return node;
  return Array.isArray(node[0]) ? node[0] : undefined;
}

/** Further arguments, which every entry of a list repeats. */
function lastFields(node: unknown): Fields | undefined {
  return fieldsOf(firstEntry(node)?.[3]);
}

/** The places of a model's input layers in the order of its arguments. */
export function inputsOf(config: Fields, layers: readonly { readonly name: string }[]): readonly number[] {
  const places = new Map(layers.map(({ name }, i) => [name, i]));
  const list = config.get("input_layers");
  const entries: readonly unknown[] = !Array.isArray(list) ? [] : typeof list[0] === "string" ? [list] : list;
  return entries.flatMap((entry) => {
    const place = Array.isArray(entry) ? places.get(entry[0]) : undefined;
    return place === undefined ? [] : [place];
  });
}
