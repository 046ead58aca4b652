/** Keras models written as objects: what a file's config and weights say, without the file. */
import { BitloomError, type Diagnostic } from "../../src/diagnostics/diagnostic.js";
import { Rejection } from "../../src/formats/common/rejection.js";
import type { KerasFile } from "../../src/formats/keras/container.js";
import { importOpened } from "../../src/formats/keras/import.js";
import { fieldsOf } from "../../src/formats/keras/settings.js";
import type { FloatTensor, ModelGraph } from "../../src/graph/types.js";
import { verifyGraph } from "../../src/graph/verify.js";
import { runModel } from "../../src/reference/model.js";
import { errorsOf } from "./errors.js";

export interface LayerSpec {
  readonly class: string;
  readonly config?: Readonly<Record<string, unknown>>;
  readonly weights?: readonly FloatTensor[];
  /** Names of the layers that it reads in a functional model. */
  readonly from?: readonly string[];
  readonly name?: string;
  /** Further arguments of its call. */
  readonly args?: Readonly<Record<string, unknown>>;
}

export interface ModelSpec {
  /** Shape of the input without the batch. */
  readonly input?: readonly number[];
  /** In a row, or connected by `from` ("x" is the input); the last one is the output. */
  readonly layers: readonly LayerSpec[];
  readonly kerasVersion?: string;
}

export function tensor(shape: readonly number[], data: readonly number[]): FloatTensor {
  return { shape, data: Float32Array.from(data) };
}

/** A tensor of one number. */
export function filled(shape: readonly number[], value: number): FloatTensor {
  return tensor(shape, new Array<number>(shape.reduce((a, b) => a * b, 1)).fill(value));
}

export function kerasFile({ input = [4], layers, kerasVersion = "2.15.0" }: ModelSpec): KerasFile {
  const named = layers.map((layer, i) => ({ ...layer, name: layer.name ?? `layer${i}` }));
  const isFunctional = named.some((l) => l.from !== undefined);
  const first = { class_name: "InputLayer", config: { name: "x", batch_input_shape: [null, ...input] } };
  const entries = named.map(({ class: className, config, name, from = [], args = {} }) => ({
    class_name: className,
    config: { ...config, name },
    ...(isFunctional ? { name, inbound_nodes: [from.map((f) => [f, 0, 0, args])] } : {}),
  }));
  const last = named.at(-1)!.name;
  const config = {
    name: "net",
    layers: [isFunctional ? { ...first, name: "x", inbound_nodes: [] } : first, ...entries],
    ...(isFunctional ? { input_layers: [["x", 0, 0]], output_layers: [[last, 0, 0]] } : {}),
  };
  return {
    kind: ".h5",
    model: fieldsOf({ class_name: isFunctional ? "Functional" : "Sequential", config })!,
    kerasVersion,
    weightsOf: (all, index) => {
      const { siblings, index: place } = all[index]!.path.at(-1)!;
      const found = named.find((l) => l.name === siblings[place]!.name);
      if (found === undefined) throw new Rejection("the file has no weights for it", "save it again");
      return (found.weights ?? []).map((weight) => ({ read: () => weight }));
    },
  };
}

export function graphOf(spec: ModelSpec): ModelGraph {
  const graph = importOpened(kerasFile(spec), "m.h5");
  verifyGraph(graph);
  return graph;
}

export function run(spec: ModelSpec, x: readonly number[]): number[] {
  return [...runModel(graphOf(spec), Float32Array.from(x))];
}

export function problemsOf(spec: ModelSpec): readonly Diagnostic[] {
  return errorsOf(() => graphOf(spec));
}

/** The problems as text, one a line. */
export function problemOf(spec: ModelSpec): string {
  try {
    graphOf(spec);
  } catch (error) {
    if (!(error instanceof BitloomError)) throw error;
    return error.diagnostics.map((d) => `${d.code} ${d.where}: ${d.message} — ${d.remedy}`).join("\n");
  }
  return "";
}
