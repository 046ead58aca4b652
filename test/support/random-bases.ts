/**
 * Random layers of planes by bases with the thresholds behind them: coefficients of all sizes, thresholds that are sums which
 * occur or lie next to them.
 */
import {
  type CodeMatrix,
  type DeviceProgram,
  type Instruction,
  outputSize,
  type ProgramTensor,
  programOfLayers,
  type TensorValues,
  verifyProgram,
  type Window,
} from "../../src/program/index.js";
import { compileTrace } from "../../src/reference/device-fast.js";
import type { Random } from "./random-graph.js";

type ConvBases = Extract<Instruction, { kind: "conv-bases" }>;

/** Values of bits. */
export const PLANES = [
  { step: 2, offset: -1 },
  { step: 2, offset: -1 },
  { step: 1, offset: 0 },
  { step: -1, offset: 3 },
] as const;

export interface BasesCase {
  readonly program: DeviceProgram;
  /** Of all tensors. */
  readonly values: readonly TensorValues[];
}

export function randomBasesCase(random: Random): BasesCase {
  const planes = random.integer(1, 4);
  const groups = random.pick([1, 1, 1, 2, 5]);
  const shape = [random.integer(1, 4), random.integer(1, 5), groups * random.pick([1, 3, 8, 12, 33, 64])];
  const [height, width, channels] = shape as [number, number, number];
  const window = randomWindow(random, height, width);
  const outputs = groups * random.pick([1, 2, 5, 10, 33, groups === 1 ? 90 : 7]);
  const inputs = (window.kernel[0] * window.kernel[1] * channels) / groups;
  const bases = Array.from({ length: random.integer(1, 4) }, () => randomBasis(random, outputs, inputs));
  const conv: ConvBases = {
    kind: "conv-bases",
    input: 0,
    output: 1,
    planes: random.pick(PLANES),
    bases,
    coefficients: randomCoefficients(random, outputs, bases.length * planes),
    window,
    groups,
    ...(random.next() < 0.5 ? {} : { padCode: random.integer(0, 2 ** planes - 1) }),
  };
  const out = [outputSize(height, window, 0), outputSize(width, window, 1), outputs] as const;
  const tensors: ProgramTensor[] = [
    {
      name: "input",
      shape: [height, width, channels],
      domain: { kind: "codes", bits: planes, step: 1, offset: 0 },
    },
    { name: "sums", shape: out, domain: { kind: "scalar", type: "f32" } },
  ];
  const density = random.pick([0.5, 0.5, 0.1, 0.9, 1]);
  const input = Int32Array.from({ length: height * width * channels }, () => {
    let code = 0;
    for (let plane = 0; plane < planes; plane++) if (random.next() < density) code |= 1 << plane;
    return code;
  });
  const sums = compileTrace(programOfLayers("bases", tensors, [conv]))(input)[1]!;
  const threshold = thresholdOf(random, sums, outputs);
  const output: ProgramTensor = {
    name: "codes",
    shape: out,
    domain: { kind: "codes", bits: threshold.bits, step: 1, offset: 0 },
  };
  const program = programOfLayers("bases", [...tensors, output], [conv, threshold.instruction]);
  verifyProgram(program);
  return { program, values: compileTrace(program)(input) };
}

function randomWindow(random: Random, height: number, width: number): Window {
  const axis = (size: number) => {
    const kernel = random.integer(1, 3);
    const dilation = random.pick([1, 1, 2]);
    const span = (kernel - 1) * dilation + 1;
    const pads = [random.integer(0, kernel - 1), random.integer(0, kernel - 1)] as const;
    return size + pads[0] + pads[1] >= span
      ? { kernel, dilation, pads, stride: random.pick([1, 1, 2]) }
      : { kernel: 1, dilation: 1, pads: [0, 0] as const, stride: 1 };
  };
  const [y, x] = [axis(height), axis(width)];
  return {
    kernel: [y.kernel, x.kernel],
    stride: [y.stride, x.stride],
    dilation: [y.dilation, x.dilation],
    pads: [y.pads[0], x.pads[0], y.pads[1], x.pads[1]],
  };
}

function randomBasis(random: Random, outputs: number, inputs: number): CodeMatrix {
  const bits = random.pick([1, 1, 1, 1, 1, 3]);
  return {
    outputs,
    inputs,
    bits,
    ...random.pick([
      { step: 2, offset: -1 },
      { step: 2, offset: -1 },
      { step: 1, offset: 0 },
      { step: 1, offset: -1 },
    ]),
    codes: Uint8Array.from({ length: outputs * inputs }, () => random.integer(0, 2 ** bits - 1)),
  };
}

/** Any numbers, small integers, powers of two, sizes far apart, numbers near the least; some are 0. */
function randomCoefficients(random: Random, outputs: number, terms: number): Float32Array {
  const kinds: readonly (() => number)[] = [
    () => random.normal(),
    () => random.normal(),
    () => random.integer(-3, 3),
    () => random.pick([-1, 1]) * 2 ** random.integer(-4, 4),
    () => random.normal() * 2 ** random.integer(-20, 20),
    () => random.normal() * 2 ** -126,
    () => random.normal() * 2 ** -140,
  ];
  const all = new Float32Array(outputs * terms);
  for (let n = 0; n < outputs; n++) {
    const make = random.pick(kinds);
    for (let t = 0; t < terms; t++) all[n * terms + t] = random.next() < 0.05 ? 0 : make();
  }
  return all;
}

function thresholdOf(random: Random, sums: TensorValues, outputs: number) {
  const bits = random.integer(1, 4);
  const levels = random.integer(1, 2 ** bits - 1);
  const rows = random.next() < 0.2 ? 1 : outputs;
  const pixels = sums.length / outputs;
  const thresholds = Int32Array.from({ length: rows * levels }, (_, i) => {
    const channel = rows === 1 ? random.integer(0, outputs - 1) : Math.floor(i / levels);
    return keyOf(sums[random.integer(0, pixels - 1) * outputs + channel]!) + random.integer(-1, 1);
  });
  for (let row = 0; row < rows; row++) thresholds.subarray(row * levels, (row + 1) * levels).sort();
  const flips = random.next() < 0.2;
  const instruction: Instruction = {
    kind: "threshold",
    input: 1,
    output: 2,
    levels,
    thresholds,
    flipped: Uint8Array.from({ length: rows }, () => (flips ? random.integer(0, 1) : 0)),
    ...(random.next() < 0.2
      ? { table: Uint8Array.from({ length: levels + 1 }, () => random.integer(0, 2 ** bits - 1)) }
      : {}),
  };
  return { bits, instruction };
}

/** The order-preserving key of a float32. */
function keyOf(x: number): number {
  const bits = new Int32Array(Float32Array.of(x).buffer)[0]!;
  return bits >= 0 ? bits : bits ^ 0x7fffffff;
}
