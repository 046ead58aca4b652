import type { Instruction } from "../program/types.js";
import {
  type ColumnStep,
  groupChannels,
  type MvePlan,
  type OutsideClass,
  outsideClasses,
  pairsOf,
  quadsOf,
  type Tap,
} from "./conv-pairs-mve-plan.js";
import type { ConstantArray, DescriptorField } from "./types.js";

type Conv = Extract<Instruction, { kind: "conv" }>;
type Shape = readonly [number, number, number];

/** Constants and descriptor of a layer. Thresholds: one per output, or one for all. */
export function packMve(
  conv: Conv,
  thresholds: Int32Array,
  input: Shape,
  output: Shape,
  plan: MvePlan,
): { constants: ConstantArray[]; fields: DescriptorField[] } {
  const { stride } = conv.window;
  const { weights, fills } = packWeights(conv, plan);
  const isZero = conv.padValue === 0;
  const everywhere: OutsideClass[] = [{ outside: [], members: [] }];
  const rowClasses = isZero ? outsideClasses(conv.window, 0, output[0], input[0]) : everywhere;
  const columnClasses = isZero ? outsideClasses(conv.window, 1, output[1], input[1]) : everywhere;
  const limits = packThresholds(conv, thresholds, rowClasses, columnClasses);
  const bytes = (name: string, values: ArrayLike<number>, layout: string): ConstantArray => ({
    name,
    type: "uint8_t",
    values,
    layout,
  });
  const rowIndex = (t: Tap): number[] => [plan.rowPhases.indexOf(t.phase), t.offset - plan.firstRow];
  const stepBytes = (s: ColumnStep): number[] => [plan.columnPhases.indexOf(s.phase), s.side, s.shifts];
  const constants: ConstantArray[] = [
    {
      name: "weights",
      type: "uint32_t",
      values: weights,
      layout: "[group][chunk][output][column step][words], 8 groups of 4 inputs a word",
    },
    {
      name: "fills",
      type: "uint16_t",
      values: fills,
      layout: "[group][chunk][output][steps that shift]",
    },
    {
      name: "thresholds",
      type: "uint16_t",
      values: limits,
      layout: "[row class][column class][outputs]",
    },
    bytes("row_taps", plan.rowTaps.flatMap(rowIndex), "[kernel height][2]"),
    bytes("column_steps", plan.columnSteps.flatMap(stepBytes), "[kernel width][3]"),
    bytes("row_phases", plan.rowPhases, "[row phases]"),
    bytes("column_phases", plan.columnPhases, "[column phases]"),
  ];
  if (isZero) {
    const classes = (size: number, list: readonly OutsideClass[]): number[] =>
      Array.from({ length: size }, (_, at) => list.findIndex((c) => c.members.includes(at)));
    constants.push(bytes("row_classes", classes(output[0], rowClasses), "[output height]"));
    constants.push(bytes("column_classes", classes(output[1], columnClasses), "[output width]"));
  }
  const reference = (name: string): DescriptorField => [name, { constant: name }];
  const fields: DescriptorField[] = [
    ...constants.map((c) => reference(c.name)),
    ...(isZero ? [] : ([["row_classes", null] as const, ["column_classes", null] as const] as const)),
    ["column_class_count", columnClasses.length],
    ["height", input[0]],
    ["width", input[1]],
    ["channels", input[2]],
    ["outputs", output[2]],
    ["groups", conv.groups],
    ["output_width", output[1]],
    ["stride_y", stride[0]],
    ["stride_x", stride[1]],
    ["first_row", plan.firstRow],
    ["first_column", plan.firstColumn],
    ["chunk", plan.chunk],
    ["block", plan.block],
    ["lane_columns", plan.laneColumns],
    ["first_bit", plan.firstBit],
    ["lane_bits", plan.laneBits],
    ["lanes_across", plan.lanesAcross],
    ["rows", plan.rows],
    ["kernel_height", conv.window.kernel[0]],
    ["kernel_width", conv.window.kernel[1]],
    ["row_phase_count", plan.rowPhases.length],
    ["column_phase_count", plan.columnPhases.length],
    ["plus_one", conv.padValue === 1 ? 1 : 0],
    ["planes", plan.planes],
    ["left_planes", plan.sidePlanes[0]],
    ["right_planes", plan.sidePlanes[1]],
  ];
  return { constants, fields };
}

/** The bit of a weight as the device has it; channels that do not exist have 1. */
function weightBit(conv: Conv, output: number, ky: number, kx: number, channel: number): number {
  const channels = groupChannels(conv);
  if (channel >= channels) return 1;
  const { codes, inputs } = conv.weights;
  const code = codes[output * inputs + (ky * conv.window.kernel[1] + kx) * channels + channel]!;
  return conv.padValue === 1 ? 1 - code : code;
}

function nibble(conv: Conv, output: number, ky: number, kx: number, quad: number): number {
  let bits = 0;
  for (let i = 0; i < 4; i++) bits |= weightBit(conv, output, ky, kx, 4 * quad + i) << i;
  return bits;
}

/** Pairs of a group of 4 weights whose F is 1 where all inputs are 0: all but those of two ones. */
const pairsOverZeros = (bits: number): number => ((bits & 3) === 3 ? 0 : 1) + (bits >> 2 === 3 ? 0 : 1);
/** Pairs of different weights. */
const differentPairs = (bits: number): number =>
  ((bits ^ (bits >> 1)) & 1) + (((bits >> 2) ^ (bits >> 3)) & 1);

/** Weights and fills of all chunks. */
function packWeights(conv: Conv, plan: MvePlan): { weights: Uint32Array; fills: Uint16Array } {
  const weights: number[] = [];
  const fills: number[] = [];
  const outputs = conv.weights.outputs / conv.groups;
  const quads = quadsOf(conv);
  for (let group = 0; group < conv.groups; group++) {
    for (let first = 0; first < quads; first += plan.chunk) {
      const end = Math.min(first + plan.chunk, quads);
      for (let output = group * outputs; output < (group + 1) * outputs; output++) {
        const padding: [number, number] = [0, 0];
        for (const step of plan.columnSteps) {
          const nibbles = stepNibbles(conv, output, step, first, end);
          weights.push(...packNibbles(nibbles));
          padding[step.side] += nibbles.reduce((sum, bits) => sum + pairsOverZeros(bits), 0);
          if (step.shifts > 0) fills.push(plan.isWhole ? padding[step.side] : 0);
        }
      }
    }
  }
  return { weights: Uint32Array.from(weights), fills: Uint16Array.from(fills) };
}

function stepNibbles(conv: Conv, output: number, step: ColumnStep, first: number, end: number): number[] {
  const nibbles: number[] = [];
  for (let quad = first; quad < end; quad++) {
    for (let ky = 0; ky < conv.window.kernel[0]; ky++)
      nibbles.push(nibble(conv, output, ky, step.index, quad));
  }
  return nibbles;
}

function packNibbles(nibbles: readonly number[]): number[] {
  const words: number[] = Array(Math.ceil(nibbles.length / 8)).fill(0);
  nibbles.forEach((bits, i) => {
    const at = Math.floor(i / 8);
    words[at] = (words[at]! | (bits << ((i & 3) * 8 + (i & 4)))) >>> 0;
  });
  return words;
}

/**
 * `t` of [A + 2 S >= t]: matches wanted and pairs of different weights. With padding 0, the matches are counted as for
 * padding −1, which gives −w for every tap outside.
 */
function packThresholds(
  conv: Conv,
  thresholds: Int32Array,
  rowClasses: readonly OutsideClass[],
  columnClasses: readonly OutsideClass[],
): Uint16Array {
  const { outputs, inputs } = conv.weights;
  const limits = new Uint16Array(rowClasses.length * columnClasses.length * outputs);
  const largest = 3 * pairsOf(conv) + 1;
  let at = 0;
  for (const rows of rowClasses) {
    for (const columns of columnClasses) {
      for (let output = 0; output < outputs; output++) {
        const threshold = thresholds[thresholds.length === 1 ? 0 : output]!;
        const outside = sumOutside(conv, output, rows.outside, columns.outside);
        const matches = Math.ceil((threshold + inputs - outside) / 2);
        const limit = matches + countDifferent(conv, output);
        limits[at++] = Math.max(0, Math.min(largest, limit));
      }
    }
  }
  return limits;
}

function sumOutside(conv: Conv, output: number, rows: readonly number[], columns: readonly number[]): number {
  let sum = 0;
  for (let ky = 0; ky < conv.window.kernel[0]; ky++) {
    for (let kx = 0; kx < conv.window.kernel[1]; kx++) {
      if (!rows.includes(ky) && !columns.includes(kx)) continue;
      for (let c = 0; c < groupChannels(conv); c++) sum += 2 * weightBit(conv, output, ky, kx, c) - 1;
    }
  }
  return sum;
}

function countDifferent(conv: Conv, output: number): number {
  let count = 0;
  for (let ky = 0; ky < conv.window.kernel[0]; ky++) {
    for (let kx = 0; kx < conv.window.kernel[1]; kx++) {
      for (let quad = 0; quad < quadsOf(conv); quad++)
        count += differentPairs(nibble(conv, output, ky, kx, quad));
    }
  }
  return count;
}
