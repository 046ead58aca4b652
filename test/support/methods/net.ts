/**
 * A small net of a method, told twice: as a bundle for the importer, and as the method defines it, by a function of floats
 * that knows no code, threshold or packing.
 */
import { type CompiledModel, type CompileOptions, compileModelFile } from "../../../src/compile.js";
import type { LoweringOptions } from "../../../src/passes/registry.js";
import {
  elementCount,
  type InputAffine,
  inDeviceOrder,
  type TensorValues,
} from "../../../src/program/index.js";
import { manifestOf, safetensorsFile, type Tensors } from "../bundle.js";
import { Random } from "../random-graph.js";
import { filled, type Value } from "./arithmetic.js";
import { Parameters } from "./parameters.js";

/**
 * Shows a value of the reference that the device has too, under the name of the program's tensor, and gives it back. Integers
 * of the device count in steps of `unit`.
 */
export type See = (tensor: string, value: Value, unit?: number) => Value;

export type Reference = (x: Value, drawn: Parameters, see: See) => Value;

export interface MethodNet {
  readonly name: string;
  /** Shape without the batch. */
  readonly input: readonly number[];
  /** Stored bytes and what they stand for; absent for float32. */
  readonly bytes?: InputAffine;
  /** Layers of the manifest, which name tensors that the reference has drawn. */
  readonly layers: readonly unknown[];
  /** The net as its paper defines it: float operations rounded one by one, in the declared order. */
  readonly reference: Reference;
  /** Tensors of the program that the method does not speak of, each with the reason. */
  readonly internal?: Readonly<Record<string, string>>;
  /** Tensors that the reference does not draw, since only the file has them. */
  readonly tensors?: (drawn: Parameters) => Tensors;
  readonly options?: CompileOptions;
  /** Set where the net exceeds the memories of a Cortex-M0. */
  readonly exceedsM0?: true;
}

/** What the reference says about one input. */
export interface Defined {
  readonly output: Value;
  readonly seen: ReadonlyMap<string, { readonly value: Value; readonly unit: number }>;
}

export interface BuiltNet {
  readonly net: MethodNet;
  /** The bundle's manifest, as text, and its weights. */
  readonly files: { readonly manifest: Uint8Array; readonly weights: Uint8Array };
  readonly compiled: CompiledModel;
  define(input: Value): Defined;
}

/** Bytes that stand for −1 … 127/128 in steps of 1/128. */
export const CENTERED: InputAffine = { numerator: 1, denominator: 128, zero: 128 };
/** Bytes that stand for themselves. */
export const WHOLE: InputAffine = { numerator: 1, denominator: 1, zero: 0 };

/** Inputs whose statistics parameters are drawn near. */
const CALIBRATION = 12;

/** Draws the parameters, writes the bundle, and compiles it from its bytes. */
export function buildNet(net: MethodNet, seed: number): BuiltNet {
  const drawn = new Parameters(seed);
  const inputs = randomInputs(net, drawn.random, CALIBRATION);
  const batch = {
    shape: [CALIBRATION, ...net.input],
    data: Float64Array.from(inputs.flatMap((x) => real(net, x))),
  };
  net.reference(batch, drawn, (_, value) => value);
  const tensors = { ...drawn.tensors, ...net.tensors?.(drawn) };
  const files = filesOf(net, tensors);
  return {
    net,
    files,
    compiled: compileNet(net, files),
    define: (input) => {
      const seen = new Map<string, { value: Value; unit: number }>();
      const output = net.reference(input, drawn, (name, value, unit = 1) => {
        seen.set(name, { value, unit });
        return value;
      });
      return { output, seen };
    },
  };
}

function filesOf({ name, input, layers }: MethodNet, tensors: Tensors): BuiltNet["files"] {
  const manifest = manifestOf({ input, layers, tensors, more: { name } });
  return {
    manifest: new TextEncoder().encode(JSON.stringify(manifest, undefined, 2)),
    weights: safetensorsFile(tensors),
  };
}

export function loweringOf({ bytes, options }: MethodNet): LoweringOptions {
  return {
    input: bytes === undefined ? { type: "f32" } : { type: "u8", affine: bytes },
    ...options,
  };
}

function compileNet(net: MethodNet, { manifest, weights }: BuiltNet["files"]): CompiledModel {
  const companions = (path: string): Uint8Array | undefined =>
    path === "net.safetensors" ? weights : undefined;
  return compileModelFile(manifest, "net.json", { ...loweringOf(net), companions });
}

/** Stored numbers of an input, in the model's order, and the value that the method gets for them. */
export interface MethodInput {
  readonly stored: TensorValues;
  readonly real: Value;
}

/** Random inputs of several contrasts, then all least, all greatest, one value, and a checkerboard of both ends. */
export function inputsOf(net: MethodNet, seed: number, count: number): MethodInput[] {
  const [least, greatest] = net.bytes === undefined ? [-2, 2] : [0, 255];
  const size = sizeOf(net);
  const width = net.input.at(-1)!;
  const constant = (v: number): number[] => new Array<number>(size).fill(v);
  const ends = constant(0).map((_, i) => ((i + Math.floor(i / width)) % 2 === 0 ? greatest : least));
  const all = [
    ...randomInputs(net, new Random(seed), count),
    constant(least),
    constant(greatest),
    constant(net.bytes === undefined ? 0.375 : 77),
    ends,
  ];
  return all.map((stored) => ({
    stored: net.bytes === undefined ? Float32Array.from(stored) : Int32Array.from(stored),
    real: filled([1, ...net.input], (i) => real(net, stored)[i]!),
  }));
}

function sizeOf({ input }: MethodNet): number {
  return input.reduce((a, b) => a * b, 1);
}

function randomInputs(net: MethodNet, random: Random, count: number): number[][] {
  return Array.from({ length: count }, (_, i) => {
    const contrast = [1, 0.5, 0.1][i % 3]!;
    const level = random.next() * (1 - contrast);
    return Array.from({ length: sizeOf(net) }, () => {
      const v = level + contrast * random.next();
      return net.bytes === undefined ? Math.fround(4 * v - 2) : Math.floor(256 * v);
    });
  });
}

/** What stored numbers stand for: floats as they are. */
function real({ bytes }: MethodNet, stored: readonly number[]): number[] {
  if (bytes === undefined) return [...stored];
  return stored.map((s) => Math.fround(((s - bytes.zero) * bytes.numerator) / bytes.denominator));
}

/** Inputs as the device takes them. */
export function deviceInput({ compiled }: BuiltNet, { stored }: MethodInput): TensorValues {
  if (stored.length !== elementCount(compiled.program.tensors[compiled.program.input.tensor]!))
    throw new Error("the program takes another number of elements");
  return inDeviceOrder(compiled.program, stored);
}
