/** Bundles written as objects: a manifest, and the tensors of its weights file. */
import type { Diagnostic } from "../../src/diagnostics/diagnostic.js";
import type { CompanionReader } from "../../src/formats/common/companions.js";
import { readModel } from "../../src/formats/index.js";
import type { ModelGraph } from "../../src/graph/types.js";
import { runModel } from "../../src/reference/model.js";
import { errorsOf } from "./errors.js";

export interface TensorSpec {
  readonly dtype?: string;
  readonly shape: readonly number[];
  /** Numbers of float32, or bytes of any type. */
  readonly data: readonly number[] | Uint8Array;
}

export type Tensors = Readonly<Record<string, TensorSpec>>;

export interface BundleSpec {
  /** Shape of the input without the batch. */
  readonly input?: readonly number[];
  readonly layers: readonly unknown[];
  readonly tensors?: Tensors;
  /** Other fields of the manifest. */
  readonly more?: Readonly<Record<string, unknown>>;
}

export function tensor(shape: readonly number[], data: readonly number[]): TensorSpec {
  return { shape, data };
}

/** A safetensors file as `save_file` writes it. */
export function safetensorsFile(tensors: Tensors, metadata?: Readonly<Record<string, string>>): Uint8Array {
  const header = new Map<string, unknown>(metadata === undefined ? [] : [["__metadata__", metadata]]);
  const parts: Uint8Array[] = [];
  let at = 0;
  for (const [name, { dtype = "F32", shape, data }] of Object.entries(tensors)) {
    const bytes = data instanceof Uint8Array ? data : new Uint8Array(Float32Array.from(data).buffer);
    header.set(name, { dtype, shape, data_offsets: [at, at + bytes.length] });
    parts.push(bytes);
    at += bytes.length;
  }
  return withHeader(JSON.stringify(Object.fromEntries(header)), ...parts);
}

/** A file with any header. */
export function withHeader(header: string, ...data: readonly Uint8Array[]): Uint8Array {
  const text = new TextEncoder().encode(header);
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(text.length), true);
  return Uint8Array.from(Buffer.concat([length, text, ...data]));
}

export function manifestOf({ input = [4], layers, tensors, more = {} }: BundleSpec): Record<string, unknown> {
  return {
    format: "bitloom-bundle",
    version: 1,
    name: "net",
    ...(tensors === undefined ? {} : { weights: "net.safetensors" }),
    input: { shape: [1, ...input] },
    layers,
    ...more,
  };
}

/** The model of a manifest and the weights file beside it. */
export function readBundle(manifest: unknown, weights?: Uint8Array): ModelGraph {
  const companions: CompanionReader = (path) => (path === "net.safetensors" ? weights : undefined);
  return readModel(new TextEncoder().encode(JSON.stringify(manifest)), "net.json", { companions });
}

export function graphOf(spec: BundleSpec): ModelGraph {
  return readBundle(manifestOf(spec), safetensorsFile(spec.tensors ?? {}));
}

export function run(spec: BundleSpec, x: readonly number[]): number[] {
  return [...runModel(graphOf(spec), Float32Array.from(x))];
}

export function problemsOf(spec: BundleSpec): readonly Diagnostic[] {
  return errorsOf(() => graphOf(spec));
}

/** The problems as text, one a line: place, message and remedy. */
export function problemOf(spec: BundleSpec): string {
  return textOf(problemsOf(spec));
}

export function textOf(problems: readonly Diagnostic[]): string {
  return problems.map(({ where, message, remedy }) => `${where}: ${message} — ${remedy}`).join("\n");
}
