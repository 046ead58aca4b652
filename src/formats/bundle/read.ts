/** A manifest as checked fields, layer by layer, with every problem that the schema finds. */
import { printable } from "../../diagnostics/text.js";
import type { Guesser } from "./guesser.js";
import { type Problem, placeText, problemsOf } from "./issues.js";
import type { LayerEntry, ReadLayer } from "./layer.js";
import { type Envelope, envelope, MOST_LAYERS } from "./manifest.js";
import { bundleLayers, findLayer } from "./registry.js";
import { quantizerFields } from "./weights.js";

/** The name by which layers read the net's input. */
export const INPUT = "input";

/** A layer whose fields are right. */
export type RightLayer = Extract<ReadLayer, { readonly run: unknown }>;

export interface ManifestLayer {
  readonly index: number;
  readonly type: string;
  /** As the manifest has it, else by type and place: `relu 3`. */
  readonly name: string;
  /** Undefined where the layer's fields are wrong. */
  readonly read: RightLayer | undefined;
}

export interface Manifest {
  /** All but the layers; undefined where something in it is wrong. */
  readonly outer: Envelope | undefined;
  readonly layers: readonly ManifestLayer[];
  readonly problems: readonly Problem[];
}

/** Checks every layer by itself, so that one that is wrong hides nothing of the others. */
export function readManifest(manifest: unknown, guesser: Guesser): Manifest {
  const problems: Problem[] = [];
  const outer = envelope.safeParse(manifest);
  if (!outer.success)
    problems.push(...problemsOf(outer.error.issues, manifest, [], Object.keys(envelope.shape), guesser));
  const layers = listOf(manifest).map((layer, index) => readLayer(layer, index, problems, guesser));
  problems.push(...nameProblems(layers));
  return { outer: outer.data, layers, problems };
}

/** The layers, where the manifest has a list of them. */
function listOf(manifest: unknown): readonly unknown[] {
  const layers = fieldsOf(manifest).get("layers");
  return Array.isArray(layers) && layers.length <= MOST_LAYERS ? layers : [];
}

function fieldsOf(value: unknown): ReadonlyMap<string, unknown> {
  return new Map(typeof value === "object" && value !== null ? Object.entries(value) : []);
}

function readLayer(value: unknown, index: number, problems: Problem[], guesser: Guesser): ManifestLayer {
  const fields = fieldsOf(value);
  const [type, name] = ["type", "name"].map((key) => fields.get(key));
  const typeText = typeof type === "string" ? type : "layer";
  const known = { index, type: typeText, name: typeof name === "string" ? name : `${typeText} ${index}` };
  const entry = typeof type === "string" ? findLayer(type) : undefined;
  if (entry === undefined) {
    problems.push(unknownType(type, index, guesser));
    return { ...known, read: undefined };
  }
  return { ...known, read: readFields(entry, value, index, problems, guesser) };
}

function readFields(
  entry: LayerEntry,
  value: unknown,
  index: number,
  problems: Problem[],
  guesser: Guesser,
): RightLayer | undefined {
  const read = entry.read(value);
  if (read.issues === undefined) return read;
  const words = [...Object.keys(entry.schema.shape), ...quantizerFields];
  problems.push(...problemsOf(read.issues, value, ["layers", index], words, guesser));
  return undefined;
}

function unknownType(type: unknown, index: number, guesser: Guesser): Problem {
  const where = placeText(["layers", index, "type"]);
  if (typeof type !== "string") {
    return {
      where,
      message: "the layer has no type",
      remedy: 'every layer is an object with a type, like {"type": "relu"}; `bitloom ops` lists the types',
    };
  }
  const types = bundleLayers.map((l) => l.type);
  return {
    where,
    message: `there is no type of layers "${printable(type, 40)}"`,
    remedy: guesser.remedy(type, types, "`bitloom ops` lists the types of layers"),
  };
}

function nameProblems(layers: readonly ManifestLayer[]): Problem[] {
  const seen = new Set([INPUT]);
  return layers.flatMap(({ name, index }) => {
    const isNew = !seen.has(name);
    seen.add(name);
    if (isNew) return [];
    const whose = name === INPUT ? "the net's input" : "another layer";
    return [
      {
        where: placeText(["layers", index, "name"]),
        message: `"${printable(name, 40)}" is the name of ${whose}`,
        remedy: "give every layer a name of its own",
      },
    ];
  });
}
