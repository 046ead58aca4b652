/** The two files that Keras writes: whole-model `.h5`, and `.keras`, a ZIP archive. Both give a config and weights. */
import { printable } from "../../diagnostics/text.js";
import { FILE_LIMIT } from "../common/limits.js";
import { damaged, Rejection } from "../common/rejection.js";
import { type Dataset, type Hdf5Object, isHdf5, openHdf5 } from "../hdf5/file.js";
import { ZipArchive } from "../zip.js";
import { type Fields, fieldsOf } from "./settings.js";

/** A weight of a layer; the name is its own within the layer, where the file has one, e.g. `kernel`. */
export interface StoredWeight {
  readonly name?: string;
  read(): Dataset;
}

/** A layer as the weights know it. */
export interface LayerKey {
  readonly name: string;
  readonly className: string;
}

export interface KerasFile {
  readonly kind: ".h5" | ".keras";
  /** `class_name` and `config` of the model. */
  readonly model: Fields;
  readonly kerasVersion: string;
  /** The weights of layer `index` in the order in which Keras keeps them. Throws a Rejection. */
  weightsOf(layers: readonly LayerKey[], index: number): readonly StoredWeight[];
}

/** Configs are text of some KB; a model of thousands of layers has a MB. */
const CONFIG_LIMIT = 1 << 23;
/** Bytes that an archive may unpack to. */
const UNPACKED_LIMIT = FILE_LIMIT / 2;
/** Longer names of classes are none that are read. */
const LONGEST_NAME = 100;
const CONFIG = "config.json";
const WEIGHTS = "model.weights.h5";

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
  if (config === undefined) {
    throw new Rejection(
      "the file has no model_config, so it holds weights only, or is not from Keras",
      "save the whole model: model.save('model.h5')",
    );
  }
  const weights = root.find("model_weights");
  if (weights === undefined) throw new Rejection("the file has no model_weights", damaged);
  return {
    kind: ".h5",
    model: parseConfig(config),
    kerasVersion: root.text("keras_version") ?? weights.text("keras_version") ?? "2",
    weightsOf: (layers, index) => namedWeights(weights, layers[index]!.name),
  };
}

/** Each layer has a group that lists its weights' names, which are paths below it. */
function namedWeights(root: Hdf5Object, layer: string): readonly StoredWeight[] {
  const group = root.find(layer);
  const names = group && listAttribute(group, "weight_names");
  if (group === undefined || names === undefined)
    throw new Rejection("the file has no weights for it", damaged);
  return names.map((path) => {
    const dataset = group.find(path);
    if (dataset === undefined)
      throw new Rejection(`its weight "${printable(path, 60)}" is missing from the file`, damaged);
    return { name: path.replace(/^.*\//, "").replace(/:\d+$/, ""), read: () => dataset.read() };
  });
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
      `the archive has no ${WEIGHTS}`,
      "save the model with Keras: model.save('model.keras')",
    );
  const weights = openHdf5(stored);
  let groups: readonly string[] | undefined;
  return {
    kind: ".keras",
    model: parseConfig(new TextDecoder().decode(config)),
    kerasVersion: metadataVersion(archive.read("metadata.json")),
    weightsOf: (layers, index) => {
      groups ??= groupNames(layers);
      return numberedWeights(weights, groups[index]!);
    },
  };
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
  const variables = root.find(`layers/${group}/vars`);
  if (variables === undefined) throw new Rejection("the file has no weights for it", damaged);
  return variables.names
    .map(Number)
    .filter(Number.isSafeInteger)
    .sort((a, b) => a - b)
    .map((place) => ({ read: () => variables.find(String(place))!.read() }));
}

/** The groups of all layers: `dense`, `dense_1` and so on. */
function groupNames(layers: readonly LayerKey[]): readonly string[] {
  const counts = new Map<string, number>();
  return layers.map(({ className }) => {
    const base = snakeCase(className);
    const before = counts.get(base) ?? 0;
    counts.set(base, before + 1);
    return before === 0 ? base : `${base}_${before}`;
  });
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
