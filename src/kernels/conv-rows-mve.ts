import type { DeviceProgram, Instruction, TensorId } from "../program/types.js";
import { hasEveryTap } from "./conv-tables-mve-plan.js";
import {
  type ConstantArray,
  type DescriptorField,
  followingThreshold,
  instructionOf,
  type Kernel,
  type KernelChoice,
} from "./types.js";
import { windowSizes } from "./window.js";

type Conv = Extract<Instruction, { kind: "conv" }>;
type Shape = readonly [number, number, number];

const NAME = "bitloom_conv_rows_mve";
const LEAST_PLANES = 9;
/** As in the runtime: rows that are added at a time, in sixteens. */
const MOST = 32;
const SCRATCH_LIMIT = 12288;
const MAX_UINT16 = 65535;
const MAX_BYTE = 255;

/** ±1 × ±1 convolution and dense layers of few pixels: `runtime-c/bitloom_conv_rows_mve.h`. */
export const convRowsMve: Kernel = {
  name: "conv_rows_mve",
  summary: "±1 × ±1 convolution and dense, inputs select rows of 128 outputs, fused with a one-bit threshold",
  match(program, index, cpu) {
    if (!cpu.hasMve) return [];
    const conv = instructionOf(program, index, "conv");
    const threshold = followingThreshold(program, index);
    if (conv === undefined || threshold === undefined || threshold.levels !== 1) return [];
    const input = program.tensors[conv.input]!.shape;
    const output = program.tensors[conv.output]!.shape;
    if (!isBinary(program, conv)) return [];
    const packed = rowsOfConv(conv, threshold.thresholds, input, output);
    return packed === undefined ? [] : [choice(conv.input, packed, index, threshold.output)];
  },
};

/** What follows from the shape alone. */
interface RowsShape {
  readonly taps: number;
  readonly channels: number;
  readonly outputs: number;
  /** Of a tap. */
  readonly pairs: number;
  readonly blocks: number;
  readonly sixteens: number;
  readonly planes: number;
  readonly scratchBytes: number;
}

function shapeOf(conv: Conv, input: Shape, output: Shape): RowsShape {
  const taps = conv.window.kernel[0] * conv.window.kernel[1];
  const pairs = Math.ceil(input[2] / 2);
  const sixteens = Math.ceil((taps * pairs + 1) / 16);
  const bits = Math.floor(Math.log2(3 * taps * pairs + 4)) + 2;
  const planes = Math.max(LEAST_PLANES, bits);
  const scratchBytes = 64 * sixteens + 16 * planes + 16 * (Math.min(sixteens, MOST) + 1);
  const blocks = Math.ceil(output[2] / 128);
  return { taps, channels: input[2], outputs: output[2], pairs, blocks, sixteens, planes, scratchBytes };
}

interface PackedRows {
  readonly constants: readonly ConstantArray[];
  readonly fields: readonly DescriptorField[];
  readonly scratchBytes: number;
  readonly cost: number;
}

/** Constants and descriptor of a layer; undefined where the runtime cannot execute it. Thresholds: one per output, or one. */
export function rowsOfConv(
  conv: Conv,
  thresholds: Int32Array,
  input: Shape,
  output: Shape,
): PackedRows | undefined {
  const { window } = conv;
  const small = [...window.kernel, ...window.stride, ...window.dilation];
  if (
    conv.groups > 1 ||
    small.some((n) => n > MAX_BYTE) ||
    (conv.padValue === 0 && !hasEveryTap(conv, input, output))
  )
    return undefined;
  const shape = shapeOf(conv, input, output);
  if (shape.scratchBytes > SCRATCH_LIMIT || [...input, ...output].some((n) => n > MAX_UINT16))
    return undefined;
  const { rows, presets } = packRows(conv, thresholds, shape);
  const constants: ConstantArray[] = [
    {
      name: "rows",
      type: "uint32_t",
      values: rows,
      layout: "[zeros, odd, [tap][pair][4 rows]][output words]",
    },
    {
      name: "presets",
      type: "uint32_t",
      values: presets,
      layout: `[block][${shape.planes} planes][4 words]`,
    },
  ];
  const fields: DescriptorField[] = [
    ...constants.map((c): DescriptorField => [c.name, { constant: c.name }]),
    ["height", input[0]],
    ["width", input[1]],
    ["channels", shape.channels],
    ["outputs", shape.outputs],
    ["output_width", output[1]],
    ...windowSizes(window),
    ["sixteens", shape.sixteens],
    ["planes", shape.planes],
    ["plus_one", conv.padValue === 1 ? 1 : 0],
  ];
  return { constants, fields, scratchBytes: shape.scratchBytes, cost: costOf(shape, output) };
}

function choice(
  input: TensorId,
  { constants, fields, scratchBytes, cost }: PackedRows,
  index: number,
  output: TensorId,
): KernelChoice {
  return {
    kernel: "conv_rows_mve",
    covers: [index, index + 1],
    inputs: [input],
    inputLayouts: ["channels"],
    output,
    outputLayout: "channels",
    scratchBytes,
    call: { function: `${NAME}_threshold`, type: NAME, fields, constants, canFail: false, runtime },
    cost,
  };
}

const runtime = [
  `${NAME}.c`,
  `${NAME}_core.c`,
  `${NAME}_core_asm.S`,
  `${NAME}.h`,
  `${NAME}_core.h`,
  "bitloom_v128.h",
];

/** Rows and counters at the start: `bitloom_conv_rows_mve.h`. */
function packRows(
  conv: Conv,
  thresholds: Int32Array,
  { taps, channels, outputs, pairs, blocks, planes }: RowsShape,
): { rows: Uint32Array; presets: Uint32Array } {
  const words = 4 * blocks;
  const rows = new Uint32Array((2 + 4 * taps * pairs) * words);
  const presets = new Uint32Array(blocks * planes * 4);
  const inputs = taps * channels;
  const selected = taps * pairs;
  for (let n = 0; n < 128 * blocks; n++) {
    const set = (row: number): void => {
      rows[row * words + (n >> 5)]! |= 1 << (n & 31);
    };
    let start = -2 * selected - 2;
    if (n < outputs) {
      let different = 0;
      for (let tap = 0; tap < taps; tap++) {
        for (let pair = 0; pair < pairs; pair++) {
          const at = n * inputs + tap * channels + 2 * pair;
          const a = conv.weights.codes[at]!;
          const b = 2 * pair + 1 < channels ? conv.weights.codes[at + 1]! : 0;
          const row = 2 + 4 * (tap * pairs + pair);
          different += a ^ b;
          if (a === 0 && b === 0) set(row);
          if (a === 1 || b === 0) set(row + 1);
          if (b === 1 || a === 0) set(row + 2);
          if (a === 1 && b === 1) set(row + 3);
        }
      }
      const threshold = thresholds[thresholds.length === 1 ? 0 : n]!;
      if (threshold <= -inputs) {
        start = selected + 2;
      } else if (threshold <= inputs) {
        // Agreements of the partners that do not exist are no inputs.
        const needed = Math.ceil((threshold + inputs) / 2) + (channels % 2) * taps - different;
        start = -Math.ceil(needed / 2);
        if (needed % 2 !== 0) set(1);
      }
    }
    for (let plane = 0; plane < planes; plane++) {
      const at = ((n >> 7) * planes + plane) * 4 + ((n >> 5) & 3);
      presets[at]! |= ((start >> plane) & 1) << (n & 31);
    }
  }
  return { rows, presets };
}

/** Executed instructions on a Cortex-M55, as counted in the assembly and fitted where the compiler decides. */
function costOf({ taps, channels, pairs, blocks, sixteens, planes }: RowsShape, output: Shape): number {
  const words = Math.ceil(channels / 32);
  const list = 60 + taps * (43 + words * 40) + taps * Math.ceil(pairs / 4) * 8;
  const block = 130 + 106 * sixteens + 60 * Math.ceil(sixteens / MOST) + 11 * planes;
  return Math.round(100 + output[0] * output[1] * (list + blocks * block));
}

function isBinary(program: DeviceProgram, { input, weights, padValue }: Conv): boolean {
  const domain = program.tensors[input]!.domain;
  const bipolar = (d: { bits: number; step: number; offset: number }): boolean =>
    d.bits === 1 && d.step === 2 && d.offset === -1;
  return domain.kind === "codes" && bipolar(domain) && bipolar(weights) && [-1, 0, 1].includes(padValue);
}
