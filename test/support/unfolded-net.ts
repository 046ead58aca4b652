/**
 * A net as a bundle and, beside it, its unfolded reference: every layer is added to both. `expectUnfolded` compares all
 * tensors of the lowered program that stand for a layer's result, and the C that is made of it.
 */
import { expect } from "vitest";
import { hostEmulator } from "../../src/emulators/index.js";
import type { InputBatch } from "../../src/inputs.js";
import {
  type DeviceProgram,
  elementCount,
  inDeviceOrder,
  type ProgramTensor,
} from "../../src/program/index.js";
import { traceDevice } from "../../src/reference/device.js";
import { compileTrace } from "../../src/reference/device-fast.js";
import { findBoard } from "../../src/targets/index.js";
import { verifyModel } from "../../src/verify.js";
import { graphOf, type TensorSpec, tensor } from "./bundle.js";
import { compileGraph } from "./models.js";
import { Random } from "./random-graph.js";
import type { FloatMap, Taps } from "./unfolded-maps.js";
import * as math from "./unfolded-maps.js";

const f = Math.fround;

/** A layer's result, and what a tensor of its own name holds where that is another number. */
interface Result {
  readonly value: FloatMap;
  /** Sums before scales. */
  readonly sums?: FloatMap;
}

interface Step {
  readonly name: string;
  readonly inputs: readonly string[];
  readonly run: (inputs: readonly FloatMap[]) => Result;
}

interface ConvOptions {
  readonly kernel: number;
  readonly stride?: number;
  readonly pads?: Taps["pads"];
  readonly from?: string;
}

/** Bytes stand for (x − 128) / 32. */
const AFFINE = { numerator: 1, denominator: 32, zero: 128 };

export class UnfoldedNet {
  readonly random: Random;
  readonly #layers: unknown[] = [];
  readonly #tensors: Record<string, TensorSpec> = {};
  readonly #steps: Step[] = [];
  readonly #shapes = new Map<string, FloatMap["shape"]>();

  constructor(
    readonly input: FloatMap["shape"],
    seed: number,
  ) {
    this.random = new Random(seed);
    this.#shapes.set("input", input);
  }

  get graph() {
    return graphOf({ input: [...this.input], layers: this.#layers, tensors: this.#tensors });
  }

  get last(): string {
    return this.#steps.at(-1)?.name ?? "input";
  }

  has(name: string): boolean {
    return this.#shapes.has(name);
  }

  shapeOf(name: string): FloatMap["shape"] {
    return this.#shapes.get(name)!;
  }

  /** Results of all layers. */
  run(input: FloatMap): ReadonlyMap<string, Result> {
    const results = new Map<string, Result>([["input", { value: input }]]);
    for (const { name, inputs, run } of this.#steps)
      results.set(name, run(inputs.map((n) => results.get(n)!.value)));
    return results;
  }

  /** γ of both signs and one 0, means near 0 with exact integers, β partly 0. */
  batchnorm(name: string, spread: number, from = this.last): string {
    const { random } = this;
    const channels = this.shapeOf(from)[0];
    const numbers = (make: (c: number) => number): Float32Array =>
      Float32Array.from({ length: channels }, (_, c) => make(c));
    const norm = {
      gamma: numbers((c) =>
        c === 1 ? 0 : (0.2 + Math.abs(random.normal())) * (random.next() < 0.1 ? -1 : 1),
      ),
      beta: numbers(() => (random.next() < 0.4 ? 0 : random.normal())),
      mean: numbers(() => (random.next() < 0.4 ? random.integer(-3, 3) : random.normal() * spread * 0.3)),
      variance: numbers(() => spread * spread * (0.5 + random.next())),
      epsilon: 1e-5,
    };
    const names = {
      weight: norm.gamma,
      bias: norm.beta,
      running_mean: norm.mean,
      running_var: norm.variance,
    };
    const fields = Object.fromEntries(
      Object.entries(names).map(([field, data]) => [
        field,
        this.#tensor(`${name}.${field}`, [channels], data),
      ]),
    );
    return this.#add({ type: "batchnorm", name, ...fields, eps: norm.epsilon }, [from], (x) => ({
      value: math.normalized(x!, norm),
    }));
  }

  sign(name: string, from = this.last): string {
    return this.#add({ type: "sign", name, sign_of_zero: 1 }, [from], (x) => ({ value: math.sign(x!) }));
  }

  /** ±1 weights, times α per output where they are given; pads of 0. */
  binaryConv(
    name: string,
    weights: Float32Array,
    alpha: Float32Array | undefined,
    options: ConvOptions,
  ): string {
    const { taps, fields, from } = this.#conv(name, weights, options);
    const scale = alpha === undefined ? 1 : this.#tensor(`${name}.alpha`, [taps.outputs], alpha);
    const quantizer = { type: "sign", sign_of_zero: 1, scale };
    const signs = { ...taps, weights: weights.map((w) => (w >= 0 ? 1 : -1)) };
    return this.#add({ ...fields, weight_quantizer: quantizer }, [from], (x) => {
      const sums = math.convolved(x!, signs, math.exactly);
      const value =
        alpha === undefined
          ? sums
          : math.mapOf(sums.shape, (n, y, c) => f(math.at(sums, n, y, c) * alpha[n]!));
      return { value, sums };
    });
  }

  floatConv(name: string, weights: Float32Array, options: ConvOptions): string {
    const { taps, fields, from } = this.#conv(name, weights, options);
    return this.#add({ ...fields, weight_quantizer: { type: "none" } }, [from], (x) => ({
      value: math.convolved(x!, taps, math.rounded),
    }));
  }

  /** Operands are shaped as the value, with sides of 1 that repeat; a number is one of all 1. */
  arithmetic(
    name: string,
    operator: "add" | "subtract" | "multiply" | "divide",
    operand: FloatMap,
    from = this.last,
  ): string {
    const apply = {
      add: (a: number, b: number) => a + b,
      subtract: (a: number, b: number) => a - b,
      multiply: (a: number, b: number) => a * b,
      divide: (a: number, b: number) => a / b,
    }[operator];
    const operandName = this.#tensor(`${name}.operand`, [1, ...operand.shape], operand.data);
    return this.#add({ type: "arithmetic", name, operator, operand: operandName }, [from], (x) => ({
      value: math.joined(x!, operand, apply),
    }));
  }

  pair(type: "add" | "subtract" | "multiply", name: string, a: string, b: string): string {
    const apply = {
      add: (x: number, y: number) => x + y,
      subtract: (x: number, y: number) => x - y,
      multiply: (x: number, y: number) => x * y,
    }[type];
    return this.#add({ type, name }, [a, b], (x, y) => ({ value: math.joined(x!, y!, apply) }));
  }

  abs(name: string, from = this.last): string {
    return this.#add({ type: "abs", name }, [from], (x) => ({ value: math.magnitude(x!) }));
  }

  mean(name: string, over: "channels" | "all", from = this.last): string {
    const shape = this.shapeOf(from);
    const terms = over === "channels" ? shape[0] : shape[0] * shape[1] * shape[2];
    const dim = over === "channels" ? { dim: [1] } : {};
    return this.#add({ type: "mean", name, ...dim }, [from], (x) => {
      const sums = over === "channels" ? math.channelSum(x!) : math.wholeSum(x!);
      return { value: math.each(sums, (s) => f(s / terms)), sums };
    });
  }

  relu(name: string): string {
    return this.#add({ type: "relu", name }, [this.last], (x) => ({ value: math.relu(x!) }));
  }

  prelu(name: string, slope: Float32Array): string {
    const weight = this.#tensor(`${name}.slope`, [slope.length], slope);
    return this.#add({ type: "prelu", name, weight }, [this.last], (x) => ({
      value: math.mapOf(x!.shape, (c, y, column) => {
        const v = math.at(x!, c, y, column);
        return v >= 0 ? v : f(v * slope[c]!);
      }),
    }));
  }

  maxPool(name: string, size: number, stride: number): string {
    return this.#add({ type: "maxpool2d", name, kernel_size: size, stride }, [this.last], (x) => ({
      value: math.maxPooled(x!, size, stride),
    }));
  }

  /** Pads counted. */
  averagePool(
    name: string,
    { kernel, stride = 1, pads = [0, 0, 0, 0], from = this.last }: ConvOptions,
  ): string {
    const taps = {
      outputs: 1,
      weights: new Float32Array(kernel * kernel).fill(1),
      kernel: [kernel, kernel],
      stride,
      pads,
    } as const;
    const fields = { kernel_size: kernel, stride, padding: pads, count_include_pad: true };
    return this.#add({ type: "avgpool2d", name, ...fields }, [from], (x) => {
      const sums = math.convolved(x!, taps, math.rounded);
      return { value: math.each(sums, (s) => f(s / (kernel * kernel))), sums };
    });
  }

  #conv(
    name: string,
    weights: Float32Array,
    { kernel, stride = 1, pads = [0, 0, 0, 0], from = this.last }: ConvOptions,
  ) {
    const channels = this.shapeOf(from)[0];
    const outputs = weights.length / (channels * kernel * kernel);
    const taps: Taps = { outputs, weights, kernel: [kernel, kernel], stride, pads };
    const weight = this.#tensor(`${name}.weight`, [outputs, channels, kernel, kernel], weights);
    return { taps, from, fields: { type: "conv2d", name, weight, stride, padding: pads, padding_value: 0 } };
  }

  #tensor(name: string, shape: readonly number[], data: Float32Array): string {
    this.#tensors[name] = tensor(shape, [...data]);
    return name;
  }

  #add(
    layer: { readonly name: string; readonly [field: string]: unknown },
    inputs: readonly string[],
    run: (...inputs: readonly FloatMap[]) => Result,
  ): string {
    this.#layers.push({ ...layer, inputs });
    const { name } = layer;
    this.#steps.push({ name, inputs, run: (values) => run(...values) });
    const shapes = inputs.map((n) => math.mapOf(this.shapeOf(n), () => 0));
    this.#shapes.set(name, run(...shapes).value.shape);
    return name;
  }
}

/** `count` numbers of N(0, 1). */
export function normals(random: Random, count: number): Float32Array {
  return Float32Array.from({ length: count }, () => random.normal());
}

export interface Checked {
  readonly program: DeviceProgram;
  /** Names of layers of which a tensor was compared. */
  readonly compared: ReadonlySet<string>;
}

/**
 * Compares the device reference with the net's own reference, bit for bit in every tensor that is named as a layer, and
 * the C on this machine with the device reference in every tensor: on random inputs and extreme ones.
 */
export async function expectUnfolded(net: UnfoldedNet, inputs = 200): Promise<Checked> {
  const model = compileGraph(net.graph, undefined, {
    input: { type: "u8", affine: AFFINE },
    output: "float32",
  });
  const { program } = model;
  const trace = compileTrace(program);
  const known = knownTensors(net, program);
  const bytes = inputsOf(net, inputs);
  for (const [i, stored] of bytes.entries()) {
    const values = trace(inDeviceOrder(program, stored));
    if (i === 0) expect(traceDevice(program, inDeviceOrder(program, stored))).toEqual(values);
    const results = net.run(realOf(net, stored));
    for (const { tensor: id, name, holds } of known) {
      const t = program.tensors[id]!;
      expect(differences(t, values[id]!, results.get(name)![holds]!), `${t.name}, input ${i}`).toBe(0);
    }
  }
  const batch: InputBatch = {
    count: bytes.length,
    stored: (i) => inDeviceOrder(program, bytes[i]!),
    real: (i) => realOf(net, bytes[i]!).data,
  };
  const board = findBoard("mps2-an386");
  const { builds, passed } = await verifyModel(model, batch, { emulator: hostEmulator, board });
  expect(builds.map((b) => [b.build, b.vectors, b.failedVectors, b.problems])).toEqual([
    ["flash", bytes.length, 0, []],
    ["trace", bytes.length, 0, []],
  ]);
  expect(passed).toBe(true);
  return { program, compared: new Set(known.map((k) => k.name)) };
}

interface KnownTensor {
  readonly tensor: number;
  readonly name: string;
  readonly holds: "value" | "sums";
}

/** Tensors that hold what a layer computes. Greatest elements are taken before what waits, so they are no layer's. */
function knownTensors(net: UnfoldedNet, program: DeviceProgram): readonly KnownTensor[] {
  return program.instructions.flatMap((instruction): KnownTensor[] => {
    const tensor = instruction.output;
    const t = program.tensors[tensor]!;
    const name = t.name.replace(/ (as float|sum)$/, "");
    const isPool = instruction.kind === "pool";
    if (!net.has(name) || (isPool && instruction.operator !== "sum" && t.domain.kind !== "codes")) return [];
    if (elementCount(t) !== net.shapeOf(name).reduce((a, b) => a * b, 1)) return [];
    const isSum = isPool ? t.domain.kind !== "codes" : ["conv", "reduce"].includes(instruction.kind);
    return [{ tensor, name, holds: isSum ? "sums" : "value" }];
  });
}

/** Random bytes, the least and the greatest, one number everywhere, and a checkerboard. */
function inputsOf({ input, random }: UnfoldedNet, count: number): readonly Int32Array[] {
  const [channels, height, width] = input;
  const length = channels * height * width;
  const filled = (element: (i: number) => number): Int32Array =>
    Int32Array.from({ length }, (_, i) => element(i));
  return [
    ...Array.from({ length: count }, () => filled(() => random.integer(0, 255))),
    filled(() => 0),
    filled(() => 255),
    filled(() => 128),
    filled((i) => ((Math.floor(i / width) + (i % width)) % 2 === 0 ? 0 : 255)),
  ];
}

function realOf({ input: shape }: UnfoldedNet, stored: Int32Array): FloatMap {
  return { shape, data: Float32Array.from(stored, (x) => (x - AFFINE.zero) / AFFINE.denominator) };
}

/**
 * Elements that differ in some bit from a map in the model's order. A whole channel of integers may be negated: passes
 * turn falling channels round, in the weights before or behind them.
 */
function differences(t: ProgramTensor, values: ArrayLike<number>, expected: FloatMap): number {
  const [, width, channels] = t.shape;
  const counts = Array.from({ length: channels }, () => ({ straight: 0, negated: 0 }));
  for (let i = 0; i < values.length; i++) {
    const pixel = Math.floor(i / channels);
    const want = math.at(expected, i % channels, Math.floor(pixel / width), pixel % width);
    const got = t.domain.kind === "codes" ? t.domain.step * values[i]! + t.domain.offset : values[i]!;
    const count = counts[i % channels]!;
    // An integer has one zero.
    if (isFloat(t) ? !Object.is(got, want) : got !== want) count.straight++;
    if (isFloat(t) || got !== -want) count.negated++;
  }
  return counts.reduce((sum, { straight, negated }) => sum + Math.min(straight, negated), 0);
}

function isFloat({ domain }: ProgramTensor): boolean {
  return domain.kind === "scalar" && domain.type === "f32";
}
