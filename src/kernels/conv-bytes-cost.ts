/** What the work of `runtime-c/bitloom_conv_bytes.h` costs, with weights of bytes or packed. */
import type { DeviceProgram, Instruction } from "../program/types.js";
import type { Cpu } from "../targets/index.js";
import { partsOf, type StoredWeights } from "./conv-bytes-weights.js";
import { type CoreFamily, coreFamily, weighted } from "./core-family.js";
import { insideAlong } from "./window.js";

type Conv = Extract<Instruction, { kind: "conv" }>;

/** How often each part of the work is done. */
export interface BytesWork {
  /** Gathered: pixels, groups of pixels, taps and values inside the map, codes, their planes, taps and values outside. */
  readonly pixel: number;
  readonly group: number;
  readonly tap: number;
  readonly value: number;
  readonly codes: number;
  readonly codesPlane: number;
  readonly outsideTap: number;
  readonly outsideValue: number;
  /** Fours of windows that are summed, for weights with an offset. */
  readonly summed: number;
  /** Pairs of outputs of two pixels and of one, and their fours of inputs: bytes. */
  readonly pairOfTwo: number;
  readonly fourOfTwo: number;
  readonly pairOfOne: number;
  readonly fourOfOne: number;
  /** Parts of their packed codes, and the fours of parts of 4, 2 and 1 bits. */
  readonly partOfTwo: number;
  readonly nibblesOfTwo: number;
  readonly twosOfTwo: number;
  readonly onesOfTwo: number;
  readonly partOfOne: number;
  readonly nibblesOfOne: number;
  readonly twosOfOne: number;
  readonly onesOfOne: number;
  /** Outputs that become codes, and their levels. */
  readonly coded: number;
  readonly threshold: number;
  /** Depthwise: taps and outputs of pixels, products, weights that are summed for padding and offsets, values that are summed. */
  readonly depthTap: number;
  readonly depthOutput: number;
  readonly product: number;
  readonly padding: number;
  readonly depthSummed: number;
  /** Weights of a stream. */
  readonly unpacked: number;
}

const NO_WORK: BytesWork = Object.freeze({
  ...{ pixel: 0, group: 0, tap: 0, value: 0, codes: 0, codesPlane: 0, outsideTap: 0, outsideValue: 0 },
  ...{ summed: 0, pairOfTwo: 0, fourOfTwo: 0, pairOfOne: 0, fourOfOne: 0, partOfTwo: 0, nibblesOfTwo: 0 },
  ...{
    twosOfTwo: 0,
    onesOfTwo: 0,
    partOfOne: 0,
    nibblesOfOne: 0,
    twosOfOne: 0,
    onesOfOne: 0,
    coded: 0,
    threshold: 0,
  },
  ...{ depthTap: 0, depthOutput: 0, product: 0, padding: 0, depthSummed: 0, unpacked: 0 },
});

/** Instructions of each part, fitted to counts of random layers (bench/fit.ts; GCC 12, -O2). */
const INSTRUCTIONS: Readonly<Record<CoreFamily, BytesWork>> = {
  dsp: {
    pixel: 111,
    group: 105,
    tap: 43.7,
    value: 5.01,
    codes: 11.3,
    codesPlane: 9.78,
    outsideTap: 20.8,
    outsideValue: 6.46,
    summed: 8.93,
    pairOfTwo: 76.2,
    fourOfTwo: 17.9,
    pairOfOne: 77.5,
    fourOfOne: 12.1,
    partOfTwo: 52.3,
    nibblesOfTwo: 16.2,
    twosOfTwo: 16.2,
    onesOfTwo: 15.3,
    partOfOne: 42.5,
    nibblesOfOne: 11.9,
    twosOfOne: 9.76,
    onesOfOne: 10.6,
    threshold: 8.4,
    depthTap: 29.5,
    depthOutput: 45.4,
    product: 7.57,
    padding: 6.8,
    unpacked: 16.1,
    coded: 24.2,
    depthSummed: 22.7,
  },
  thumb2: {
    pixel: 130,
    group: 103,
    tap: 46.4,
    value: 3.54,
    codes: 11.5,
    codesPlane: 10.1,
    outsideTap: 17.9,
    outsideValue: 7.49,
    summed: 16.4,
    pairOfTwo: 79.7,
    fourOfTwo: 60.8,
    pairOfOne: 89.2,
    fourOfOne: 26.1,
    partOfTwo: 49.9,
    nibblesOfTwo: 74.8,
    twosOfTwo: 69.4,
    onesOfTwo: 64.9,
    partOfOne: 37.3,
    nibblesOfOne: 47,
    twosOfOne: 41.7,
    onesOfOne: 42.6,
    threshold: 8.14,
    depthTap: 28.1,
    depthOutput: 44.2,
    product: 7.62,
    padding: 6.82,
    unpacked: 16,
    coded: 27.4,
    depthSummed: 22.9,
  },
  thumb1: {
    pixel: 198,
    group: 144,
    tap: 73.1,
    value: 2.16,
    codes: 32,
    codesPlane: 11.8,
    outsideTap: 17.2,
    outsideValue: 12.2,
    summed: 22.3,
    pairOfTwo: 93.8,
    fourOfTwo: 136,
    pairOfOne: 139,
    fourOfOne: 57.1,
    partOfTwo: 69.6,
    nibblesOfTwo: 155,
    twosOfTwo: 147,
    onesOfTwo: 139,
    partOfOne: 40.1,
    nibblesOfOne: 91.1,
    twosOfOne: 80,
    onesOfOne: 81.3,
    threshold: 11.4,
    depthTap: 47.8,
    depthOutput: 80.5,
    product: 8.52,
    padding: 8.52,
    unpacked: 28.3,
    coded: 58.6,
    depthSummed: 25.6,
  },
};

/** What is read: `planes` of codes, 0 of other elements. */
export interface BytesInput {
  readonly isCodes: boolean;
  readonly planes: number;
  /** What is added to stored elements. */
  readonly offset: number;
}

/** Whether an output has the inputs of one channel only, which are not gathered. */
export function isDepthwise(program: DeviceProgram, conv: Conv, { isCodes }: BytesInput): boolean {
  return conv.groups > 1 && program.tensors[conv.input]!.shape[2] === conv.groups && !isCodes;
}

/** Estimated instructions for the whole map in one call, and the work that they are made of. */
export function convBytesCost(
  program: DeviceProgram,
  conv: Conv,
  input: BytesInput,
  stored: StoredWeights,
  levels: number,
  cpu: Cpu,
): { readonly cost: number; readonly work: Readonly<Record<string, number>> } {
  const work = isDepthwise(program, conv, input)
    ? depthwiseWork(program, conv, input, stored, levels)
    : gatherWork(program, conv, input, stored, levels);
  return { cost: weighted(INSTRUCTIONS[coreFamily(cpu)], work), work: { ...work } };
}

/** Output pixels, their taps, and those of the taps that lie inside the map. */
function countsOf(
  program: DeviceProgram,
  { input, output, window }: Conv,
): { pixels: number; taps: number; inside: number } {
  const [inputHeight, inputWidth] = program.tensors[input]!.shape;
  const [height, width] = program.tensors[output]!.shape;
  const inside =
    insideAlong(window, 0, inputHeight, height).taps * insideAlong(window, 1, inputWidth, width).taps;
  return { pixels: height * width, taps: height * width * window.kernel[0] * window.kernel[1], inside };
}

function unpackedOf({ weights }: Conv, { constant, fours }: StoredWeights): number {
  return constant.name === "stream" ? weights.outputs * 4 * fours : 0;
}

function depthwiseWork(
  program: DeviceProgram,
  conv: Conv,
  input: BytesInput,
  stored: StoredWeights,
  levels: number,
): BytesWork {
  const { pixels, taps, inside } = countsOf(program, conv);
  const { outputs } = conv.weights;
  return {
    ...NO_WORK,
    pixel: pixels,
    depthTap: taps,
    depthOutput: pixels * outputs,
    product: inside * outputs,
    padding: ((input.offset === 0 ? 0 : inside) + (conv.padValue === 0 ? 0 : taps - inside)) * outputs,
    depthSummed: stored.offset === 0 ? 0 : inside * conv.groups,
    coded: levels === 0 ? 0 : pixels * outputs,
    threshold: pixels * outputs * levels,
    unpacked: unpackedOf(conv, stored),
  };
}

function gatherWork(
  program: DeviceProgram,
  conv: Conv,
  input: BytesInput,
  stored: StoredWeights,
  levels: number,
): BytesWork {
  const { groups, weights } = conv;
  const channels = program.tensors[conv.input]!.shape[2];
  const [height, width] = program.tensors[conv.output]!.shape;
  const { pixels, taps, inside } = countsOf(program, conv);
  const values = inside * channels;
  const pairs = groups * Math.ceil(weights.outputs / groups / 2);
  const { fours, pairBits: bits } = stored;
  const parts = bits === 8 ? [] : partsOf(bits);
  const ofPart = (part: number): number => (parts.includes(part) ? fours : 0);
  const twos = pairs * height * Math.floor(width / 2);
  const ones = pairs * height * (width % 2);
  return {
    ...NO_WORK,
    pixel: pixels,
    group: pixels * groups,
    tap: inside * groups,
    value: values,
    codes: input.isCodes ? values : 0,
    codesPlane: values * input.planes,
    outsideTap: (taps - inside) * groups,
    outsideValue: (taps - inside) * channels,
    summed: stored.offset === 0 ? 0 : pixels * groups * fours,
    pairOfTwo: twos,
    fourOfTwo: bits === 8 ? twos * fours : 0,
    pairOfOne: ones,
    fourOfOne: bits === 8 ? ones * fours : 0,
    partOfTwo: twos * parts.length,
    nibblesOfTwo: twos * ofPart(4),
    twosOfTwo: twos * ofPart(2),
    onesOfTwo: twos * ofPart(1),
    partOfOne: ones * parts.length,
    nibblesOfOne: ones * ofPart(4),
    twosOfOne: ones * ofPart(2),
    onesOfOne: ones * ofPart(1),
    coded: levels === 0 ? 0 : pixels * weights.outputs,
    threshold: pixels * weights.outputs * levels,
    unpacked: unpackedOf(conv, stored),
  };
}
