import type { CodeMatrix, DeviceProgram, Instruction } from "../program/types.js";
import type { Cpu } from "../targets/index.js";
import {
  type DescriptorField,
  followingThreshold,
  instructionOf,
  type Kernel,
  type KernelChoice,
} from "./types.js";

type Conv = Extract<Instruction, { kind: "conv" }>;
type Threshold = Extract<Instruction, { kind: "threshold" }>;

/** Words of a table entry and inputs of a part: `BITLOOM_CONV_IMAGE_ENTRY` and `_PART`. */
const ENTRY_WORDS = 20;
const PART_INPUTS = 5;
/** Sum and limit must stay apart by less than 2^15. */
const MAX_SUM = 16383;
const SCRATCH_BYTES = 12288;

/** First layers of u8 or i8 pixels and ±1 weights: `runtime-c/bitloom_conv_image.h`. */
export const convImage: Kernel = {
  name: "conv_image",
  summary: "u8 × ±1 convolution of few channels by tables of signed sums, fused with a one-bit threshold",
  match(program, index, cpu) {
    const conv = instructionOf(program, index, "conv");
    const threshold = followingThreshold(program, index);
    if (conv === undefined || threshold === undefined || threshold.levels !== 1) return [];
    const layer = imageLayer(program, conv);
    const isCodes = program.tensors[threshold.output]!.domain.kind === "codes";
    return layer !== undefined && isCodes ? [choice(program, conv, threshold, layer, index, cpu)] : [];
  },
};

interface ImageLayer {
  readonly isSigned: boolean;
  readonly center: number;
  readonly padValue: number;
  readonly parts: number;
  readonly lookups: number;
  /** Entries of all tables. */
  readonly entries: number;
  /** Outputs done in one pass. */
  readonly chunk: number;
  readonly scratchBytes: number;
}

function imageLayer(program: DeviceProgram, conv: Conv): ImageLayer | undefined {
  const { domain, shape } = program.tensors[conv.input]!;
  const { weights, window } = conv;
  const isBipolar = weights.bits === 1 && weights.step === 2 && weights.offset === -1;
  if (domain.kind !== "scalar" || (domain.type !== "u8" && domain.type !== "i8")) return undefined;
  const columns = (window.kernel[1] - 1) * window.dilation[1];
  if (!isBipolar || conv.groups !== 1 || window.stride[1] !== 1 || columns > ENTRY_WORDS - 16)
    return undefined;
  const isSigned = domain.type === "i8";
  const centers = isSigned ? [0] : [0, 128];
  const center = centers.find((c) => greatestSum(conv, isSigned, c) <= MAX_SUM);
  if (center === undefined) return undefined;
  const inputs = window.kernel[0] * shape[2];
  const parts = Math.ceil(inputs / PART_INPUTS);
  const entries = partStarts(inputs, parts).reduce((sum, start, i, all) => {
    const end = i + 1 < parts ? all[i + 1]! : inputs;
    return sum + 2 ** (end - start);
  }, 0);
  const lookups = window.kernel[1] * parts;
  const width = program.tensors[conv.output]!.shape[1];
  const span = (window.kernel[0] - 1) * window.dilation[0] + 1;
  const fixedWords = ENTRY_WORDS * (entries + shape[2] * span * Math.ceil(width / 32));
  const perOutput = 2 * (lookups + 1) + 1;
  const chunk = Math.min(weights.outputs, Math.floor((SCRATCH_BYTES / 4 - fixedWords) / perOutput));
  const isSmall = [...shape, ...program.tensors[conv.output]!.shape].every((size) => size <= 65535);
  if (chunk < 1 || entries > 256 || !isSmall) return undefined;
  return {
    isSigned,
    center,
    padValue: conv.padValue - conv.inputOffset - center,
    parts,
    lookups,
    entries,
    chunk,
    scratchBytes: 8 * Math.ceil((fixedWords + chunk * perOutput) / 2),
  };
}

/** Bound of |Σ ±(stored − center)|. */
function greatestSum(conv: Conv, isSigned: boolean, center: number): number {
  const pad = Math.abs(conv.padValue - conv.inputOffset - center);
  return conv.weights.inputs * Math.max(pad, isSigned || center === 128 ? 128 : 255);
}

/** First input of each part of a column. */
function partStarts(inputs: number, parts: number): number[] {
  return Array.from({ length: parts }, (_, part) => Math.floor((part * inputs) / parts));
}

/** Entries of the tables that an output adds: [outputs][kernel column][part]. */
export function packPatterns(
  { outputs, inputs, codes }: CodeMatrix,
  kernel: readonly [number, number],
  channels: number,
): Uint8Array {
  const column = kernel[0] * channels;
  const parts = Math.ceil(column / PART_INPUTS);
  const starts = partStarts(column, parts);
  const patterns = new Uint8Array(outputs * kernel[1] * parts);
  let at = 0;
  for (let n = 0; n < outputs; n++)
    for (let kx = 0; kx < kernel[1]; kx++) {
      let table = 0;
      for (let part = 0; part < parts; part++) {
        const end = starts[part + 1] ?? column;
        let pattern = 0;
        for (let i = starts[part]!; i < end; i++) {
          const [ky, c] = [Math.floor(i / channels), i % channels];
          const code = codes[n * inputs + (ky * kernel[1] + kx) * channels + c]!;
          pattern |= code << (i - starts[part]!);
        }
        patterns[at++] = table + pattern;
        table += 2 ** (end - starts[part]!);
      }
    }
  return patterns;
}

/**
 * The output bit is `Σ w·(stored − center) > limit`: with the value stored + offset, Σ w·value ≥ T is
 * Σ w·(stored − center) ≥ T − (offset + center)·Σw. Held where never and always are still different from all sums.
 */
function packLimits(conv: Conv, threshold: Threshold, layer: ImageLayer): Int16Array {
  const { outputs, inputs, codes } = conv.weights;
  const bound = greatestSum(conv, layer.isSigned, layer.center);
  return Int16Array.from({ length: outputs }, (_, n) => {
    let sum = 0;
    for (let k = 0; k < inputs; k++) sum += 2 * codes[n * inputs + k]! - 1;
    const t = threshold.thresholds[threshold.flipped.length === 1 ? 0 : n]!;
    const least = t - (conv.inputOffset + layer.center) * sum;
    return Math.max(-bound - 1, Math.min(bound, least - 1));
  });
}

function choice(
  program: DeviceProgram,
  conv: Conv,
  threshold: Threshold,
  layer: ImageLayer,
  index: number,
  cpu: Cpu,
): KernelChoice {
  const [height, width, channels] = program.tensors[conv.input]!.shape;
  const [, outputWidth, outputs] = program.tensors[conv.output]!.shape;
  const { window } = conv;
  const fields: DescriptorField[] = [
    ["patterns", { constant: "patterns" }],
    ["limits", { constant: "limits" }],
    ["height", height],
    ["width", width],
    ["output_width", outputWidth],
    ["outputs", outputs],
    ["channels", channels],
    ["kernel_height", window.kernel[0]],
    ["kernel_width", window.kernel[1]],
    ["stride_y", window.stride[0]],
    ["dilation_y", window.dilation[0]],
    ["dilation_x", window.dilation[1]],
    ["pad_top", window.pads[0]],
    ["pad_left", window.pads[1]],
    ["chunk", layer.chunk],
    ["entries", layer.entries],
    ["center", layer.center],
    ["pad_value", layer.padValue],
    ["is_signed", layer.isSigned ? 1 : 0],
    ["parts", layer.parts],
  ];
  return {
    kernel: "conv_image",
    covers: [index, index + 1],
    inputs: [conv.input],
    inputLayouts: ["channels"],
    output: threshold.output,
    outputLayout: "pixels",
    scratchBytes: layer.scratchBytes,
    call: {
      function: "bitloom_conv_image_threshold",
      type: "bitloom_conv_image",
      fields,
      constants: [
        {
          name: "patterns",
          type: "uint8_t",
          values: packPatterns(conv.weights, window.kernel, channels),
          layout: `[${outputs} outputs][${window.kernel[1]} kernel columns][${layer.parts} parts]`,
        },
        {
          name: "limits",
          type: "int16_t",
          values: packLimits(conv, threshold, layer),
          layout: `[${outputs} outputs]`,
        },
      ],
      canFail: false,
      runtime: [
        "bitloom_conv_image.c",
        "bitloom_conv_image.h",
        "bitloom_conv_image_core.c",
        "bitloom_conv_image_core.h",
        "bitloom_conv_image_core.S",
      ],
    },
    cost: cost(program, conv, layer, cpu),
  };
}

/** Executed instructions, by coefficients fitted to measurements. */
function cost(program: DeviceProgram, conv: Conv, layer: ImageLayer, cpu: Cpu): number {
  const [height, width, outputs] = program.tensors[conv.output]!.shape;
  const channels = program.tensors[conv.input]!.shape[2];
  const hasDsp = cpu.architecture === "Armv7E-M" || cpu.id === "cortex-m33" || cpu.id === "cortex-m55";
  const [perLookup, perEntry] = hasDsp ? [22, 2.2] : [200, 20];
  const words = 16 + (conv.window.kernel[1] - 1) * conv.window.dilation[1];
  const perStrip =
    words * (layer.entries * perEntry + channels * 10) + outputs * (layer.lookups * perLookup + 45) + 300;
  const passes = Math.ceil(outputs / layer.chunk);
  return Math.round(height * Math.ceil(width / 32) * perStrip + passes * outputs * layer.lookups * 14);
}
