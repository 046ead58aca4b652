import type { CodeMatrix, DeviceProgram, Instruction, Window } from "../program/types.js";
import type { Cpu } from "../targets/index.js";
import { type CoreFamily, coreFamily, weighted } from "./core-family.js";
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
  if (chunk < 1 || entries > 3200 || !isSmall) return undefined;
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

/** Words from the tables to the entries that an output adds: [outputs][kernel column][part]. */
function packLookups(
  { outputs, inputs, codes }: CodeMatrix,
  { kernel, dilation }: Window,
  channels: number,
): Uint16Array {
  const column = kernel[0] * channels;
  const parts = Math.ceil(column / PART_INPUTS);
  const starts = partStarts(column, parts);
  const lookups = new Uint16Array(outputs * kernel[1] * parts);
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
        lookups[at++] = (table + pattern) * ENTRY_WORDS + kx * dilation[1];
        table += 2 ** (end - starts[part]!);
      }
    }
  return lookups;
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
    ["lookups", { constant: "lookups" }],
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
          name: "lookups",
          type: "uint16_t",
          values: packLookups(conv.weights, window, channels),
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
        "bitloom_conv_image_core_asm.S",
      ],
    },
    cost: cost(program, conv, layer, cpu),
  };
}

interface ImageCounts {
  readonly pass: number;
  readonly row: number;
  readonly packedWord: number;
  readonly tableWord: number;
  readonly entryWord: number;
  readonly listed: number;
  readonly rowOutput: number;
  readonly output: number;
  readonly lookup: number;
  readonly loopedLookup: number;
  readonly stored: number;
}

/** Fitted to instructions counted on random layers (GCC 12, -O2). */
const INSTRUCTIONS: Readonly<Record<CoreFamily, ImageCounts>> = {
  dsp: {
    ...{ pass: 214, row: 238, packedWord: 13.5, tableWord: 20.2, entryWord: 2, listed: 10, rowOutput: 0 },
    ...{ output: 33, lookup: 22, loopedLookup: 29.5, stored: 10 },
  },
  thumb2: {
    ...{ pass: 505, row: 123, packedWord: 18.5, tableWord: 8.2, entryWord: 28.5, listed: 4.5, rowOutput: 12 },
    ...{ output: 170, lookup: 175.5, loopedLookup: 175.5, stored: 3.9 },
  },
  thumb1: {
    ...{ pass: 553, row: 28, packedWord: 20.7, tableWord: 22.8, entryWord: 44.8, listed: 2.8, rowOutput: 17 },
    ...{ output: 380, lookup: 255.4, loopedLookup: 255.4, stored: 10.5 },
  },
};

/** Estimated instructions: how often each part of the work is done. */
function cost(program: DeviceProgram, conv: Conv, layer: ImageLayer, cpu: Cpu): number {
  const { kernel, stride, dilation } = conv.window;
  const [height, width, outputs] = program.tensors[conv.output]!.shape;
  const channels = program.tensors[conv.input]!.shape[2];
  const words = 16 + (kernel[1] - 1) * dilation[1];
  const span = (kernel[0] - 1) * dilation[0] + 1;
  const passes = Math.ceil(outputs / layer.chunk);
  const strips = Math.ceil(width / 32);
  const packedRows = (height - 1) * Math.min(stride[0], span) + span;
  const rowStrips = height * strips;
  const lookups = rowStrips * outputs * layer.lookups;
  const isUnrolled = [3, 5, 6].includes(layer.lookups);
  return weighted(INSTRUCTIONS[coreFamily(cpu)], {
    pass: passes,
    row: height * passes,
    packedWord: packedRows * strips * channels * passes * words,
    tableWord: rowStrips * passes * words * layer.parts,
    entryWord: rowStrips * passes * words * layer.entries,
    listed: outputs * layer.lookups,
    rowOutput: height * outputs,
    output: rowStrips * outputs,
    lookup: isUnrolled ? lookups : 0,
    loopedLookup: isUnrolled ? 0 : lookups,
    stored: width === 32 ? 0 : rowStrips * outputs,
  });
}
