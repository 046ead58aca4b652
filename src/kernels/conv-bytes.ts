import type { CodeMatrix, DeviceProgram, Domain, Instruction } from "../program/types.js";
import type { Cpu } from "../targets/index.js";
import { type BytesInput, convBytesCost, isDepthwise } from "./conv-bytes-cost.js";
import { foursOf, type StoredWeights, storeBytes, storePairs, storeStream } from "./conv-bytes-weights.js";
import {
  type DescriptorField,
  followingThreshold,
  instructionOf,
  type Kernel,
  type KernelChoice,
} from "./types.js";
import { windowSizes } from "./window.js";

type Conv = Extract<Instruction, { kind: "conv" }>;
type Threshold = Extract<Instruction, { kind: "threshold" }>;

/** Convolution of integers by weights of up to 8 bits, whatever its window: `runtime-c/bitloom_conv_bytes.h`. */
export const convBytes: Kernel = {
  name: "conv_bytes",
  summary: "convolution of u8, i8, i16 or codes by weights of one to eight bits, packed, multiply-accumulate",
  match(program, index, cpu) {
    const conv = instructionOf(program, index, "conv");
    const input = conv === undefined ? undefined : inputOf(program, conv);
    if (conv === undefined || input === undefined || !fitsDescriptor(program, conv)) return [];
    const threshold = followingThreshold(program, index);
    const isFused = threshold !== undefined && program.tensors[threshold.output]!.domain.kind === "codes";
    const layer = { program, conv, input, cpu };
    return [
      ...(isFused ? choices({ ...layer, covers: [index, index + 1], threshold }) : []),
      ...choices({ ...layer, covers: [index], threshold: undefined }),
    ];
  },
};

interface Input extends BytesInput {
  /** `BITLOOM_CONV_BYTES_...` */
  readonly type: 0 | 1 | 2 | 3;
  readonly scale: number;
  readonly offset: number;
  /** The greatest magnitude of a value. */
  readonly most: number;
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
  const most = Math.max(...extremes.map(Math.abs));
  if (domain.kind === "codes") return { type: 3, isCodes: true, scale, offset, most, planes: domain.bits };
  const type = ({ u8: 0, i8: 1, i16: 2 } as const)[domain.type as "u8" | "i8" | "i16"];
  return { type, isCodes: false, scale, offset, most, planes: 0 };
}

function storedRange(domain: Domain): readonly [number, number] | undefined {
  if (domain.kind === "codes") return domain.bits <= 8 ? [0, 2 ** domain.bits - 1] : undefined;
  if (domain.type === "u8") return [0, 255];
  if (domain.type === "i8") return [-128, 127];
  return domain.type === "i16" ? [-32768, 32767] : undefined;
}

/** Bytes of weights that a call may unpack. */
const MAX_UNPACKED = 4096;
/** What packed weights may cost in instructions, as a share, and in scratch to count as no slower: less flash then decides. */
const FREE_SHARE = 0.02;
const FREE_BYTES = 1024;

/** The ways to store the weights: one byte each, and packed where they have fewer bits. */
function storedWays(program: DeviceProgram, conv: Conv, input: Input): readonly StoredWeights[] {
  const { weights, groups } = conv;
  const { bits } = weights;
  if (bits === 8) return [storeBytes(weights)];
  if (weights.outputs === groups || isDepthwise(program, conv, input)) {
    const bytes = 4 * foursOf(weights) * weights.outputs;
    return [storeBytes(weights), ...(bytes <= MAX_UNPACKED ? [storeStream(weights)] : [])];
  }
  // Three bits are one pass over the inputs where a fourth lies idle, and two where none does.
  const widths = bits === 3 ? [3, 4] : [bits];
  const packed = isInRange(weights, input) ? widths.map((width) => storePairs(weights, groups, width)) : [];
  return [storeBytes(weights), ...packed];
}

/** Whether sums of codes, and what the weights' offset adds, fit int32. */
function isInRange({ inputs, bits, step, offset }: CodeMatrix, { most }: Input): boolean {
  const sum = inputs * most;
  return (Math.abs(step) * (2 ** bits - 1) + Math.abs(offset)) * sum < 2 ** 31;
}

/** Whether a layer of the program has weights that the packed kernel is for. */
function hasPacked(program: DeviceProgram): boolean {
  return program.instructions.some((i) => i.kind === "conv" && i.weights.bits < 8);
}

interface Layer {
  readonly program: DeviceProgram;
  readonly conv: Conv;
  readonly input: Input;
  readonly cpu: Cpu;
  readonly covers: readonly number[];
  readonly threshold: Threshold | undefined;
}

function choices(layer: Layer): readonly KernelChoice[] {
  const { program, conv, input } = layer;
  const [bytes, ...packed] = storedWays(program, conv, input) as [StoredWeights, ...StoredWeights[]];
  const ofBytes = choice(layer, bytes, false);
  // The packed kernel's code has that for bytes too.
  const alsoOfBytes = conv.weights.bits === 8 && hasPacked(program) ? [choice(layer, bytes, true)] : [];
  return [ofBytes, ...alsoOfBytes, ...packed.map((stored) => leveled(choice(layer, stored, true), ofBytes))];
}

/** A packed choice as fast as that of bytes if it is nearly so. */
function leveled(packed: KernelChoice, bytes: KernelChoice): KernelChoice {
  const isNear = packed.cost <= (1 + FREE_SHARE) * bytes.cost;
  const isLean = packed.scratchBytes <= bytes.scratchBytes + FREE_BYTES;
  return isNear && isLean ? { ...packed, cost: Math.min(packed.cost, bytes.cost) } : packed;
}

function choice(layer: Layer, stored: StoredWeights, isPacked: boolean): KernelChoice {
  const { program, conv, input, cpu, threshold } = layer;
  const { window } = conv;
  const outputs = program.tensors[conv.output]!.shape[2];
  const output = threshold?.output ?? conv.output;
  const levels = threshold?.levels ?? 0;
  const unpacked = stored.constant.name === "stream" ? 4 * stored.fours * outputs : 0;
  const base = baseFields(layer, stored);
  const cost = convBytesCost(program, conv, input, stored, levels, cpu);
  const type = isPacked ? "bitloom_conv_bytes_packed" : "bitloom_conv_bytes";
  return {
    kernel: "conv_bytes",
    covers: layer.covers,
    inputs: [conv.input],
    inputLayouts: ["channels"],
    output,
    outputLayout: "channels",
    scratchBytes:
      8 * Math.ceil(unpacked / 8) + Math.max(16 * stored.fours, 8 * window.kernel[0] * window.kernel[1]),
    call: {
      function: `${type}_${threshold === undefined ? "scores" : "threshold"}`,
      type,
      fields: isPacked
        ? [...base.map(([name, value]): DescriptorField => [`base.${name}`, value]), ...stored.fields]
        : base,
      constants: [
        stored.constant,
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
      runtime: [...RUNTIME, ...(isPacked ? PACKED_RUNTIME : ["bitloom_conv_bytes.c"])],
    },
    ...cost,
  };
}

const RUNTIME = [
  "bitloom_conv_bytes.h",
  "bitloom_conv_bytes_gather.c",
  "bitloom_conv_bytes_depthwise.c",
  "bitloom_conv_bytes_core_asm.S",
  "bitloom_codes.h",
] as const;

const PACKED_RUNTIME = [
  "bitloom_conv_bytes_packed.c",
  "bitloom_conv_bytes_packed.h",
  "bitloom_conv_bytes_packed_asm.S",
] as const;

function baseFields({ program, conv, input, threshold }: Layer, stored: StoredWeights): DescriptorField[] {
  const [height, width, channels] = program.tensors[conv.input]!.shape;
  const [, outputWidth, outputs] = program.tensors[conv.output]!.shape;
  const { window, groups } = conv;
  const outputDomain = program.tensors[threshold?.output ?? conv.output]!.domain;
  return [
    ["weights", stored.constant.name === "weights" ? { constant: "weights" } : null],
    ["thresholds", threshold === undefined ? null : { constant: "thresholds" }],
    ["weight_scale", stored.scale],
    ["weight_offset", stored.offset],
    ["input_scale", input.scale],
    ["input_offset", input.offset],
    ["height", height],
    ["width", width],
    ["output_width", outputWidth],
    ["groups", groups],
    ["channels", channels / groups],
    ["outputs", outputs / groups],
    ...windowSizes(window),
    ["pad_value", conv.padValue],
    ["input_type", input.type],
    ["input_planes", input.planes],
    ["levels", threshold?.levels ?? 0],
    ["output_planes", outputDomain.kind === "codes" ? outputDomain.bits : 0],
  ];
}

/** One row of thresholds for each output, whether or not they share one. */
function perOutput({ thresholds, levels, flipped }: Threshold, outputs: number): Int32Array {
  if (flipped.length !== 1) return thresholds;
  return Int32Array.from({ length: outputs * levels }, (_, i) => thresholds[i % levels]!);
}
