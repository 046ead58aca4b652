/** The two files that Keras writes: whole-model `.h5`, and `.keras`, a ZIP archive. Both give a config and weights. */
import { printable } from "../../diagnostics/text.js";
import { FILE_LIMIT } from "../common/limits.js";
import { damaged, Rejection } from "../common/rejection.js";
import { type Dataset, type Hdf5Object, isHdf5, openHdf5 } from "../hdf5/file.js";
import { ZipArchive } from "../zip.js";
import type { LayerPlace } from "./nesting.js";
import { type Fields, fieldsOf } from "./settings.js";
import type { LayerConfig } from "./structure.js";

/** A weight of a layer; the name is its own within the layer, where the file has one, e.g. `kernel`. */
export interface StoredWeight {
  readonly name?: string;
  read(): Dataset;
}

/** A layer as the weights know it: the models around it, outermost first, and itself. */
export interface LayerKey {
  readonly path: readonly LayerPlace[];
}

export interface KerasFile {
  readonly kind: ".h5" | ".keras";
  /** `class_name` and `config` of the model. */
  readonly model: Fields;
  readonly kerasVersion: string;
  /**
   * The weights of layer `index`: with their names, or in the order of `names`. Names of a layer within the layer have
   * its name in front: `batchnorm/gamma`. Throws a Rejection.
   */
  weightsOf(layers: readonly LayerKey[], index: number, names: readonly string[]): readonly StoredWeight[];
}

/** Configs are text of some KB; a model of thousands of layers has a MB. */
const CONFIG_LIMIT = 1 << 23;
/** Bytes that an archive may unpack to. */
const UNPACKED_LIMIT = FILE_LIMIT / 2;
/** Longer names of classes are none that are read. */
const LONGEST_NAME = 100;
const CONFIG = "config.json";
const WEIGHTS = "model.weights.h5";
/** Lists the files of weights that were cut into several. */
const SHARDS = "model.weights.json";

/** Whether an archive is a `.keras` file. */
export function isKerasArchive(archive: ZipArchive): boolean {
  return archive.has(CONFIG) && archive.names.some((n) => n.startsWith("model.weights"));
}

/** Opens a Keras file. Throws a Rejection. */
export function openKeras(bytes: Uint8Array): KerasFile {
  return isHdf5(bytes) ? openWholeModel(bytes) : openArchive(new ZipArchive(bytes, UNPACKED_LIMIT));
}

function openWholeModel(bytes: Uint8Array): KerasFile {
  const root = openHdf5(bytes);
  const config = root.text("model_config");
  if (config === undefined) throw withoutConfig(root);
  const weights = root.find("model_weights");
  if (weights === undefined) throw new Rejection("the file has no model_weights", damaged);
  const named = new NamedWeights(weights);
  return {
    kind: ".h5",
    model: parseConfig(config),
    kerasVersion: root.text("keras_version") ?? weights.text("keras_version") ?? "2",
    weightsOf: (layers, index) => named.of(layers, index),
  };
}

/** Weights alone (`save_weights`) have their layers at the root; other files have nothing of Keras. */
function withoutConfig(root: Hdf5Object): Rejection {
  const isWeights =
    root.texts("layer_names") !== undefined || WEIGHT_GROUPS.some((g) => root.names.includes(g));
  return isWeights
    ? new Rejection(
        "the file holds the weights of a Keras model only, and does not say which layers it has",
        "build the model in Python, call model.load_weights, then save it whole: model.save('model.keras')",
      )
    : new Rejection(
        "the HDF5 file has no model_config, so it is not from Keras",
        "save the whole model with Keras: model.save('model.keras')",
      );
}

/** Groups at the root of `.weights.h5`. */
const WEIGHT_GROUPS = ["layers", "_layer_checkpoint_dependencies", "top_level_model_weights"];

/** Weights in `.h5`: each outermost layer has a group that lists its weights' names, which are paths below it. */
class NamedWeights {
  readonly #root: Hdf5Object;
  /** Of models that are layers, the weights by layer within. */
  readonly #inner = new Map<string, ReadonlyMap<number, readonly StoredWeight[]>>();

  constructor(root: Hdf5Object) {
    this.#root = root;
  }

  of(layers: readonly LayerKey[], index: number): readonly StoredWeight[] {
    const { path } = layers[index]!;
    const outer = nameOf(path[0]!);
    if (path.length === 1) return this.#group(outer).map(([, weight]) => weight);
    let inner = this.#inner.get(outer);
    if (inner === undefined) {
      inner = byLayer(this.#group(outer), layers, outer);
      this.#inner.set(outer, inner);
    }
    return inner.get(index) ?? [];
  }

  #group(layer: string): readonly (readonly [path: string, weight: StoredWeight])[] {
    const group = this.#root.find(layer);
    const names = group && listAttribute(group, "weight_names");
    if (group === undefined || names === undefined)
      throw new Rejection("the file has no weights for it", damaged);
    return names.map((path) => {
      const dataset = group.find(path);
      if (dataset === undefined)
        throw new Rejection(`its weight "${printable(path, 60)}" is missing from the file`, damaged);
      const name = path.replace(/^.*\//, "").replace(/:\d+$/, "");
      return [path, { name, read: () => dataset.read() }];
    });
  }
}

function nameOf({ siblings, index }: LayerPlace): string {
  return siblings[index]!.name;
}

/** Names of layers and weights in one path. */
const LONGEST_PATH = 64;

/**
 * The weights of a model that is a layer, by the layers within it. Keras writes them under names like
 * `conv/kernel:0`, Keras 3 with the models between (`block/conv/kernel`).
 */
function byLayer(
  weights: readonly (readonly [path: string, weight: StoredWeight])[],
  layers: readonly LayerKey[],
  outer: string,
): ReadonlyMap<number, readonly StoredWeight[]> {
  const places = new Map<string, number>();
  const depth = (index: number): number => layers[index]!.path.length;
  for (const [index, { path }] of layers.entries()) {
    if (nameOf(path[0]!) !== outer || path.length === 1) continue;
    for (let start = 0; start < path.length; start++) {
      const end = path.slice(start).map(nameOf).join("/");
      const other = places.get(end);
      // A short name belongs to the layer that is in the outer model itself.
      if (other === undefined || depth(other) > path.length) places.set(end, index);
    }
  }
  const found = new Map<number, StoredWeight[]>();
  for (const [path, weight] of weights) {
    const index = ownerOf(path, places);
    const list = index === undefined ? undefined : found.get(index);
    if (list !== undefined) list.push(weight);
    else if (index !== undefined) found.set(index, [weight]);
  }
  return found;
}

/** The layer that a weight's path names: the first part that ends with a layer's name, as long a name as there is. */
function ownerOf(path: string, places: ReadonlyMap<string, number>): number | undefined {
  const parts = path.split("/");
  if (parts.length > LONGEST_PATH)
    throw new Rejection(`the weight "${printable(path, 60)}" has a very long name`, damaged);
  for (let end = 1; end < parts.length; end++) {
    for (let start = 0; start < end; start++) {
      const index = places.get(parts.slice(start, end).join("/"));
      if (index !== undefined) return index;
    }
  }
  return undefined;
}

/** A list in one attribute, or in numbered pieces where it was too long for one. */
function listAttribute(group: Hdf5Object, name: string): readonly string[] | undefined {
  const whole = group.texts(name);
  if (whole !== undefined) return whole;
  const pieces: string[] = [];
  for (let i = 0; i < 1000; i++) {
    const piece = group.texts(`${name}${i}`);
    if (piece === undefined) break;
    pieces.push(...piece);
  }
  return pieces.length === 0 ? undefined : pieces;
}

function openArchive(archive: ZipArchive): KerasFile {
  const config = archive.read(CONFIG);
  if (config === undefined) throw new Rejection(`the archive has no ${CONFIG}`, damaged);
  if (config.length > CONFIG_LIMIT) throw tooLong();
  const stored = archive.read(WEIGHTS);
  if (stored === undefined)
    throw new Rejection(
      `the archive has no ${WEIGHTS}${archive.has(SHARDS) ? ", but weights in several files" : ""}`,
      "save the model with Keras: model.save('model.keras'), without max_shard_size",
    );
  const weights = openHdf5(stored);
  const groupOf = groupNames();
  return {
    kind: ".keras",
    model: parseConfig(new TextDecoder().decode(config)),
    kerasVersion: metadataVersion(archive.read("metadata.json")),
    weightsOf: (layers, index, names) => {
      const path = layers[index]!.path.map((place) => `layers/${groupOf(place)}`).join("/");
      // Those of the layer itself come first, then those of layers within it.
      const parts = [...new Set(["", ...names.map(partOf)])];
      const lists = new Map(parts.map((part) => [part, numberedWeights(weights, `${path}/${part}`)]));
      return inOrder(names, lists);
    },
  };
}

/** The name of the layer within the layer, with a slash behind it, or nothing. */
function partOf(name: string): string {
  return name.slice(0, name.lastIndexOf("/") + 1);
}

/** Weights of several parts in the order of their names; what the names do not cover stands behind. */
function inOrder(
  names: readonly string[],
  lists: ReadonlyMap<string, readonly StoredWeight[]>,
): readonly StoredWeight[] {
  const left = new Map([...lists].map(([part, list]) => [part, [...list]]));
  const wanted = names.map((name) => left.get(partOf(name))?.shift());
  return [...wanted, ...[...left.values()].flat()].filter((w): w is StoredWeight => w !== undefined);
}

function metadataVersion(bytes: Uint8Array | undefined): string {
  if (bytes === undefined || bytes.length > CONFIG_LIMIT) return "2";
  const version = parseConfig(new TextDecoder().decode(bytes)).get("keras_version");
  return typeof version === "string" ? version : "2";
}

/**
 * `.keras` names the groups of layers after their classes, numbered in the order of the model, and weights by their
 * place in the layer (keras/src/saving/saving_lib.py, `_save_container_state`).
 */
function numberedWeights(root: Hdf5Object, group: string): readonly StoredWeight[] {
  const variables = root.find(`${group}vars`);
  if (variables === undefined) throw new Rejection("the file has no weights for it", damaged);
  return variables.names
    .map(Number)
    .filter(Number.isSafeInteger)
    .sort((a, b) => a - b)
    .map((place) => ({ read: () => variables.find(String(place))!.read() }));
}

/** The groups of layers within their model: `dense`, `dense_1` and so on. */
function groupNames(): (place: LayerPlace) => string {
  const known = new Map<readonly LayerConfig[], readonly string[]>();
  return ({ siblings, index }) => {
    let names = known.get(siblings);
    if (names === undefined) {
      const counts = new Map<string, number>();
      names = siblings.map(({ className }) => {
        const base = snakeCase(className);
        const before = counts.get(base) ?? 0;
        counts.set(base, before + 1);
        return before === 0 ? base : `${base}_${before}`;
      });
      known.set(siblings, names);
    }
    return names[index]!;
  };
}

/** A class's name as Keras writes it in paths: QuantConv2D is quant_conv2d, PReLU p_re_lu. */
function snakeCase(className: string): string {
  return className
    .slice(0, LONGEST_NAME)
    .replace(/\W+/g, "")
    .replace(/(.)([A-Z][a-z]+)/g, "$1_$2")
    .replace(/([a-z])([A-Z])/g, "$1_$2")
    .toLowerCase();
}

function parseConfig(text: string): Fields {
  if (text.length > CONFIG_LIMIT) throw tooLong();
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Rejection("the model's config is no JSON, or has numbers that are not finite", damaged);
  }
  const fields = fieldsOf(value);
  if (fields === undefined) throw new Rejection("the model's config is no JSON object", damaged);
  return fields;
}

function tooLong(): Rejection {
  return new Rejection(`the model's config has more than ${CONFIG_LIMIT} bytes`, damaged);
}
