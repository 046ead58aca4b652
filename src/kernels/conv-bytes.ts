import type { CodeMatrix, DeviceProgram, Domain, Instruction } from "../program/types.js";
import type { Cpu } from "../targets/index.js";
import { type CoreFamily, coreFamily, weighted } from "./core-family.js";
import {
  type DescriptorField,
  followingThreshold,
  instructionOf,
  type Kernel,
  type KernelChoice,
} from "./types.js";
import { insideAlong } from "./window.js";

type Conv = Extract<Instruction, { kind: "conv" }>;
type Threshold = Extract<Instruction, { kind: "threshold" }>;

/** Convolution of integers by weights of up to 8 bits, whatever its window: `runtime-c/bitloom_conv_bytes.h`. */
export const convBytes: Kernel = {
  name: "conv_bytes",
  summary: "convolution of u8, i8, i16 or codes by int8 weights, multiply-accumulate",
  match(program, index, cpu) {
    const conv = instructionOf(program, index, "conv");
    const input = conv === undefined ? undefined : inputOf(program, conv);
    if (conv === undefined || input === undefined || !fitsDescriptor(program, conv)) return [];
    const threshold = followingThreshold(program, index);
    const isFused = threshold !== undefined && program.tensors[threshold.output]!.domain.kind === "codes";
    return [
      ...(isFused ? [choice(program, conv, input, cpu, [index, index + 1], threshold)] : []),
      choice(program, conv, input, cpu, [index], undefined),
    ];
  },
};

interface Input {
  /** `BITLOOM_CONV_BYTES_...` */
  readonly type: 0 | 1 | 2 | 3;
  readonly scale: number;
  readonly offset: number;
  readonly planes: number;
}

const MAX_UINT16 = 65535;

function fitsDescriptor(program: DeviceProgram, { input, output, window, weights }: Conv): boolean {
  const sizes = [...program.tensors[input]!.shape, ...program.tensors[output]!.shape, ...window.kernel];
  return weights.bits <= 8 && sizes.every((size) => size <= MAX_UINT16);
}

/** How stored elements become values, if all values fit int16. */
function inputOf(program: DeviceProgram, conv: Conv): Input | undefined {
  const domain = program.tensors[conv.input]!.domain;
  const range = storedRange(domain);
  if (range === undefined) return undefined;
  const [scale, offset] = domain.kind === "codes" ? [domain.step, domain.offset] : [1, conv.inputOffset];
  const extremes = [...range.map((stored) => scale * stored + offset), conv.padValue];
  if (!extremes.every((v) => Number.isInteger(v) && v >= -32768 && v <= 32767)) return undefined;
  if (domain.kind === "codes") return { type: 3, scale, offset, planes: domain.bits };
  const type = ({ u8: 0, i8: 1, i16: 2 } as const)[domain.type as "u8" | "i8" | "i16"];
  return { type, scale, offset, planes: 0 };
}

function storedRange(domain: Domain): readonly [number, number] | undefined {
  if (domain.kind === "codes") return domain.bits <= 8 ? [0, 2 ** domain.bits - 1] : undefined;
  if (domain.type === "u8") return [0, 255];
  if (domain.type === "i8") return [-128, 127];
  return domain.type === "i16" ? [-32768, 32767] : undefined;
}

interface StoredWeights {
  readonly bytes: Int8Array;
  /** weight = scale · byte + offset */
  readonly scale: number;
  readonly offset: number;
}

/**
 * Weights as int8: the values themselves where they fit, otherwise the codes less half their range. Rows are filled
 * up to fours, and of every four the second and third change places.
 */
function packBytes({ outputs, inputs, bits, step, offset, codes }: CodeMatrix): StoredWeights {
  const greatest = 2 ** bits - 1;
  const isSmall = [offset, step * greatest + offset].every((v) => v >= -128 && v <= 127);
  const half = bits === 8 ? 128 : 0;
  const stored = (code: number): number => (isSmall ? step * code + offset : code - half);
  const row = 4 * Math.ceil(inputs / 4);
  const bytes = new Int8Array(outputs * row);
  for (let n = 0; n < outputs; n++)
    for (let k = 0; k < inputs; k++)
      bytes[n * row + (k & ~3) + [0, 2, 1, 3][k & 3]!] = stored(codes[n * inputs + k]!);
  return isSmall ? { bytes, scale: 1, offset: 0 } : { bytes, scale: step, offset: offset + half * step };
}

function choice(
  program: DeviceProgram,
  conv: Conv,
  input: Input,
  cpu: Cpu,
  covers: readonly number[],
  threshold: Threshold | undefined,
): KernelChoice {
  const [height, width, channels] = program.tensors[conv.input]!.shape;
  const [, outputWidth, outputs] = program.tensors[conv.output]!.shape;
  const { window, groups, weights } = conv;
  const packed = packBytes(weights);
  const output = threshold?.output ?? conv.output;
  const outputDomain = program.tensors[output]!.domain;
  const levels = threshold?.levels ?? 0;
  const fields: DescriptorField[] = [
    ["weights", { constant: "weights" }],
    ["thresholds", threshold === undefined ? null : { constant: "thresholds" }],
    ["weight_scale", packed.scale],
    ["weight_offset", packed.offset],
    ["input_scale", input.scale],
    ["input_offset", input.offset],
    ["height", height],
    ["width", width],
    ["output_width", outputWidth],
    ["groups", groups],
    ["channels", channels / groups],
    ["outputs", outputs / groups],
    ["kernel_height", window.kernel[0]],
    ["kernel_width", window.kernel[1]],
    ["stride_y", window.stride[0]],
    ["stride_x", window.stride[1]],
    ["dilation_y", window.dilation[0]],
    ["dilation_x", window.dilation[1]],
    ["pad_top", window.pads[0]],
    ["pad_left", window.pads[1]],
    ["pad_value", conv.padValue],
    ["input_type", input.type],
    ["input_planes", input.planes],
    ["levels", levels],
    ["output_planes", outputDomain.kind === "codes" ? outputDomain.bits : 0],
  ];
  return {
    kernel: "conv_bytes",
    covers,
    inputs: [conv.input],
    inputLayouts: ["channels"],
    output,
    outputLayout: "channels",
    scratchBytes: Math.max(16 * Math.ceil(weights.inputs / 4), 8 * window.kernel[0] * window.kernel[1]),
    call: {
      function: `bitloom_conv_bytes_${threshold === undefined ? "scores" : "threshold"}`,
      type: "bitloom_conv_bytes",
      fields,
      constants: [
        {
          name: "weights",
          type: "int8_t",
          values: packed.bytes,
          layout: `[${outputs} outputs][${4 * Math.ceil(weights.inputs / 4)}], order 0 2 1 3`,
        },
        ...(threshold === undefined
          ? []
          : [
              {
                name: "thresholds",
                type: "int32_t" as const,
                values: perOutput(threshold, outputs),
                layout: `[${outputs} outputs][${levels} levels]`,
              },
            ]),
      ],
      canFail: false,
      runtime: [
        "bitloom_conv_bytes.c",
        "bitloom_conv_bytes.h",
        "bitloom_conv_bytes_gather.c",
        "bitloom_conv_bytes_depthwise.c",
        "bitloom_conv_bytes_core_asm.S",
        "bitloom_codes.h",
      ],
    },
    cost: cost(program, conv, input, cpu, levels),
  };
}

/** One row of thresholds for each output, whether or not they share one. */
function perOutput({ thresholds, levels, flipped }: Threshold, outputs: number): Int32Array {
  if (flipped.length !== 1) return thresholds;
  return Int32Array.from({ length: outputs * levels }, (_, i) => thresholds[i % levels]!);
}

interface GatherCounts {
  readonly pixel: number;
  readonly group: number;
  readonly tap: number;
  readonly value: number;
  readonly codes: number;
  readonly codesPlane: number;
  readonly outsideTap: number;
  readonly outsideValue: number;
  readonly pairOfTwo: number;
  readonly fourOfTwo: number;
  readonly pairOfOne: number;
  readonly fourOfOne: number;
  readonly threshold: number;
}

interface DepthwiseCounts {
  readonly pixel: number;
  readonly tap: number;
  readonly output: number;
  readonly product: number;
  readonly padding: number;
  readonly threshold: number;
}

/** Fitted to instructions counted on random layers (GCC 12, -O2). */
const GATHER: Readonly<Record<CoreFamily, GatherCounts>> = {
  dsp: gatherRow([57, 154, 38, 6, 10.2, 9.1, 32, 3], [89, 17.4, 65, 13.7, 24.1]),
  thumb2: gatherRow([61, 157, 38, 6, 9.8, 9.3, 32, 3], [92, 38, 62.5, 24.9, 24.1]),
  thumb1: gatherRow([85, 183, 60.5, 7.4, 31, 9.5, 46, 2.6], [123.5, 135.7, 88, 59, 30.6]),
};

const DEPTHWISE: Readonly<Record<CoreFamily, DepthwiseCounts>> = {
  dsp: { pixel: 57, tap: 24, output: 55, product: 8.3, padding: 6.4, threshold: 23.6 },
  thumb2: { pixel: 61, tap: 27, output: 52, product: 8.3, padding: 6.4, threshold: 23.7 },
  thumb1: { pixel: 85, tap: 39, output: 94, product: 9.8, padding: 7.2, threshold: 29.5 },
};

function gatherRow(values: readonly number[], products: readonly number[]): GatherCounts {
  const [pixel, group, tap, value, codes, codesPlane, outsideTap, outsideValue] = values;
  const [pairOfTwo, fourOfTwo, pairOfOne, fourOfOne, threshold] = products;
  return {
    ...{ pixel: pixel!, group: group!, tap: tap!, value: value!, codes: codes!, codesPlane: codesPlane! },
    ...{ outsideTap: outsideTap!, outsideValue: outsideValue!, pairOfTwo: pairOfTwo! },
    ...{ fourOfTwo: fourOfTwo!, pairOfOne: pairOfOne!, fourOfOne: fourOfOne!, threshold: threshold! },
  };
}

/** Estimated instructions: how often each part of the work is done. */
function cost(program: DeviceProgram, conv: Conv, input: Input, cpu: Cpu, levels: number): number {
  const { window, groups, weights } = conv;
  const [inputHeight, inputWidth, channels] = program.tensors[conv.input]!.shape;
  const [height, width, outputs] = program.tensors[conv.output]!.shape;
  const family = coreFamily(cpu);
  const pixels = height * width;
  const taps = pixels * window.kernel[0] * window.kernel[1];
  const inside =
    insideAlong(window, 0, inputHeight, height).taps * insideAlong(window, 1, inputWidth, width).taps;
  const threshold = pixels * outputs * levels;
  if (channels === groups && groups > 1 && input.type !== 3) {
    return weighted(DEPTHWISE[family], {
      pixel: pixels,
      tap: taps,
      output: pixels * outputs,
      product: inside * outputs,
      padding: conv.padValue === 0 ? 0 : (taps - inside) * outputs,
      threshold,
    });
  }
  const fours = Math.ceil(weights.inputs / 4);
  const pairs = groups * Math.ceil(outputs / groups / 2);
  const values = inside * channels;
  const twos = height * Math.floor(width / 2);
  const ones = height * (width % 2);
  return weighted(GATHER[family], {
    pixel: pixels,
    group: pixels * groups,
    tap: inside * groups,
    value: values,
    codes: input.type === 3 ? values : 0,
    codesPlane: values * input.planes,
    outsideTap: (taps - inside) * groups,
    outsideValue: (taps - inside) * channels,
    pairOfTwo: twos * pairs,
    fourOfTwo: twos * pairs * fours,
    pairOfOne: ones * pairs,
    fourOfOne: ones * pairs * fours,
    threshold,
  });
}
