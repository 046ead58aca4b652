/** Models inside models, written out: a list of layers, each with its place, and of what they are called with. */
import { printable } from "../../diagnostics/text.js";
import { damaged, Rejection } from "../common/rejection.js";
import type { Reference } from "./arguments.js";
import type { Fields } from "./settings.js";
import { CALL_LIMIT, type LayerConfig, type LayerUse, type Network, useKey } from "./structure.js";

/** Which layer of its model a layer is. */
export interface LayerPlace {
  readonly siblings: readonly LayerConfig[];
  readonly index: number;
}

/** One layer that is no model. */
export interface KerasLayer {
  /** With the names of the models around it: `block/conv`. */
  readonly name: string;
  readonly className: string;
  readonly config: Fields;
  /** The models around it, outermost first, and itself. */
  readonly path: readonly LayerPlace[];
}

/** One use of a layer. */
export interface KerasCall {
  /** By its place in the list of layers. */
  readonly layer: number;
  /** Calls whose results it reads. The input layer of an inner model reads what this is called with. */
  readonly inputs: readonly number[];
  /** Further arguments: see `LayerUse`. */
  readonly constants: Fields;
}

export interface KerasModel {
  readonly name: string;
  readonly layers: readonly KerasLayer[];
  /** Each reads only what stands before it. */
  readonly calls: readonly KerasCall[];
  /** Calls whose results the model returns. */
  readonly outputs: readonly number[];
}

/** Layers of all models together. */
const LAYER_LIMIT = 20_000;

/** Every use of an inner model becomes uses of its layers, with the same weights. Throws a Rejection. */
export function flatten(network: Network): KerasModel {
  const flat = new Flattening();
  const outputs = flat.expand(flat.register(network, [], ""), undefined);
  return { name: network.name, layers: flat.layers, calls: flat.calls, outputs };
}

/** A model whose layers have their places: numbers of layers, or models in turn. */
interface Registered {
  readonly network: Network;
  readonly name: string;
  readonly members: readonly (number | Registered)[];
}

class Flattening {
  readonly layers: KerasLayer[] = [];
  readonly calls: KerasCall[] = [];

  register(network: Network, around: readonly LayerPlace[], prefix: string): Registered {
    const { layers } = network;
    const members = layers.map(({ name, className, config, inner }, index) => {
      const path = [...around, { siblings: layers, index }];
      if (inner !== undefined) return this.register(inner, path, `${prefix}${name}/`);
      if (this.layers.length === LAYER_LIMIT)
        throw new Rejection(`the model has more than ${LAYER_LIMIT} layers`, damaged);
      return this.layers.push({ name: `${prefix}${name}`, className, config, path }) - 1;
    });
    return { network, name: prefix.slice(0, -1), members };
  }

  /** Calls all layers of a model, an inner one with `args`, and returns the calls that give its outputs. */
  expand({ network, name, members }: Registered, args: readonly number[] | undefined): readonly number[] {
    if (args !== undefined && args.length !== network.inputs.length)
      throw new Rejection(
        `the inner model "${printable(name, 40)}" has ${network.inputs.length} inputs and is called with ${args.length} values`,
        damaged,
      );
    const results = new Map<string, readonly number[]>();
    const resultOf = ({ key, output }: Reference): number => {
      const call = results.get(key)?.[output];
      if (call === undefined) throw new Rejection("an output is of no layer", damaged);
      return call;
    };
    for (const use of network.uses) {
      const member = members[use.layer]!;
      if (typeof member !== "number" && use.constants.get("training") === true)
        throw new Rejection(
          `the inner model "${printable(member.name, 40)}" is called with training=True`,
          "call it without, so that it computes as at inference",
        );
      const inputs = this.#inputsOf(use, network, args) ?? use.inputs.map(resultOf);
      results.set(
        useKey(network.layers[use.layer]!.name, use.use),
        typeof member === "number"
          ? [this.#call(member, inputs, use.constants)]
          : this.expand(member, inputs),
      );
    }
    return network.outputs.map(resultOf);
  }

  /** What the input layer of an inner model reads; undefined for other layers. */
  #inputsOf(
    { layer }: LayerUse,
    { layers, inputs }: Network,
    args: readonly number[] | undefined,
  ): readonly number[] | undefined {
    if (args === undefined || layers[layer]!.className !== "InputLayer") return undefined;
    const argument = args[inputs.indexOf(layer)];
    if (argument === undefined)
      throw new Rejection(`nothing is given to the input "${printable(layers[layer]!.name, 40)}"`, damaged);
    return [argument];
  }

  #call(layer: number, inputs: readonly number[], constants: Fields): number {
    if (this.calls.length === CALL_LIMIT)
      throw new Rejection(`the model uses its layers more than ${CALL_LIMIT} times`, damaged);
    return this.calls.push({ layer, inputs, constants }) - 1;
  }
}
