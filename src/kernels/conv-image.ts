import type { CodeMatrix, DeviceProgram, Instruction, Window } from "../program/types.js";
import type { Cpu } from "../targets/index.js";
import { imageCost } from "./conv-image-cost.js";
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
export const ENTRY_WORDS = 20;
const PART_INPUTS = 5;
const SCRATCH_BYTES = 12288;
/** Wider output rows are cut into strips of 32 pixels. */
const NARROW = 16;

/** First layers of u8 or i8 pixels and ±1 weights: `runtime-c/bitloom_conv_image.h`. */
export const convImage: Kernel = {
  name: "conv_image",
  summary: "u8 × ±1 convolution of few channels by tables of signed sums, fused with a one-bit threshold",
  match(program, index, cpu) {
    const conv = instructionOf(program, index, "conv");
    const threshold = followingThreshold(program, index);
    if (conv === undefined || threshold === undefined || threshold.levels !== 1) return [];
    if (program.tensors[threshold.output]!.domain.kind !== "codes") return [];
    const ways = imageLayers(program, conv, threshold).map((layer) =>
      choice(program, conv, threshold, layer, index, cpu),
    );
    return ways.length === 0 ? [] : [ways.reduce((a, b) => (b.cost < a.cost ? b : a))];
  },
};

/** How pixels become values, and where the sums of an output start. */
interface Values {
  readonly isSigned: boolean;
  readonly center: number;
  readonly padValue: number;
  readonly starts: Uint16Array;
}

/** Columns of a phase are `stride` apart; a window has `phases` of them, each at most `reach` words wide. */
interface Phases {
  readonly phases: number;
  readonly reach: number;
}

export interface ImageLayer extends Values, Phases {
  readonly parts: number;
  /** Entries that an output adds. */
  readonly lookups: number;
  /** Entries of the tables of one phase. */
  readonly entries: number;
  readonly isNarrow: boolean;
  /** Words of an entry that are used. */
  readonly words: number;
  /** Outputs done in one pass. */
  readonly chunk: number;
  readonly scratchBytes: number;
}

/** Every division into parts whose working memory is small enough. */
function imageLayers(program: DeviceProgram, conv: Conv, threshold: Threshold): ImageLayer[] {
  const { domain, shape } = program.tensors[conv.input]!;
  const { bits, step, offset } = conv.weights;
  if (domain.kind !== "scalar" || (domain.type !== "u8" && domain.type !== "i8")) return [];
  if (bits !== 1 || step !== 2 || offset !== -1 || conv.groups !== 1) return [];
  if (![...shape, ...program.tensors[conv.output]!.shape].every((size) => size <= 65535)) return [];
  const phases = phasesOf(conv.window);
  const isSigned = domain.type === "i8";
  const values = (isSigned ? [0] : [0, 128]).map((center) => valuesOf(conv, threshold, isSigned, center));
  const own = values.find((v) => v !== undefined);
  if (phases === undefined || own === undefined) return [];
  const inputs = conv.window.kernel[0] * shape[2];
  const least = Math.ceil(inputs / PART_INPUTS);
  return Array.from({ length: Math.min(inputs, 2 * least) - least + 1 }, (_, i) =>
    layerOf(program, conv, { ...own, ...phases }, least + i),
  ).filter((layer) => layer !== undefined);
}

function layerOf(
  program: DeviceProgram,
  conv: Conv,
  values: Values & Phases,
  parts: number,
): ImageLayer | undefined {
  const { kernel, dilation } = conv.window;
  const channels = program.tensors[conv.input]!.shape[2];
  const [, width, outputs] = program.tensors[conv.output]!.shape;
  const inputs = kernel[0] * channels;
  const entries = partStarts(inputs, parts).reduce((sum, start, i, all) => {
    const end = i + 1 < parts ? all[i + 1]! : inputs;
    return sum + 2 ** (end - start);
  }, 0);
  const lookups = kernel[1] * parts;
  const span = (kernel[0] - 1) * dilation[0] + 1;
  const isNarrow = width <= NARROW;
  const fixed = ENTRY_WORDS * values.phases * (entries + channels * span * Math.ceil(width / 32));
  const perResult = 2 * (lookups + 1) + 1;
  // A result is one output, or two where the map is narrow.
  const size = isNarrow ? 2 : 1;
  const results = Math.min(Math.ceil(outputs / size), Math.floor((SCRATCH_BYTES / 4 - fixed) / perResult));
  if (results < 1 || parts > 255 || ENTRY_WORDS * values.phases * entries > 65000) return undefined;
  return {
    ...values,
    parts,
    lookups,
    entries,
    isNarrow,
    words: (isNarrow ? 8 : 16) + values.reach,
    chunk: results * size,
    scratchBytes: 8 * Math.ceil((fixed + results * perResult) / 2),
  };
}

/** Column kx of a window is in phase kx·dilation % stride, at the word kx·dilation / stride. */
function phasesOf({ kernel, stride, dilation }: Window): Phases | undefined {
  const reach = Math.floor(((kernel[1] - 1) * dilation[1]) / stride[1]);
  if (reach > ENTRY_WORDS - 16) return undefined;
  if (dilation[1] % stride[1] === 0) return { phases: 1, reach };
  return dilation[1] === 1 ? { phases: Math.min(stride[1], kernel[1]), reach } : undefined;
}

/**
 * The output bit is `Σ w·(stored − center) + start ≥ 2^15`: with the value stored + offset, Σ w·value ≥ T is
 * Σ w·(stored − center) ≥ T − (offset + center)·Σw, which is held where never and always are still different from all
 * sums. Undefined where sum and start could leave 16 bits.
 */
function valuesOf(conv: Conv, threshold: Threshold, isSigned: boolean, center: number): Values | undefined {
  const { outputs, inputs, codes } = conv.weights;
  const padValue = conv.padValue - conv.inputOffset - center;
  const bound = inputs * Math.max(Math.abs(padValue), isSigned || center === 128 ? 128 : 255);
  const starts = Array.from({ length: outputs }, (_, n) => {
    let sum = 0;
    for (let k = 0; k < inputs; k++) sum += 2 * codes[n * inputs + k]! - 1;
    const t = threshold.thresholds[threshold.flipped.length === 1 ? 0 : n]!;
    const least = t - (conv.inputOffset + center) * sum;
    return 32768 - Math.max(-bound, Math.min(bound + 1, least));
  });
  const fits = starts.every((start) => start - bound >= 0 && start + bound <= 65535);
  return fits ? { isSigned, center, padValue, starts: Uint16Array.from(starts) } : undefined;
}

/** First input of each part of a column. */
function partStarts(inputs: number, parts: number): number[] {
  return Array.from({ length: parts }, (_, part) => Math.floor((part * inputs) / parts));
}

/** Words from the tables to the entries that an output adds: [outputs][kernel column][part]. */
function packLookups(
  { outputs, inputs, codes }: CodeMatrix,
  { kernel, dilation, stride }: Window,
  channels: number,
  { parts, entries }: ImageLayer,
): Uint16Array {
  const column = kernel[0] * channels;
  const starts = partStarts(column, parts);
  const lookups = new Uint16Array(outputs * kernel[1] * parts);
  let at = 0;
  for (let n = 0; n < outputs; n++)
    for (let kx = 0; kx < kernel[1]; kx++) {
      let table = ((kx * dilation[1]) % stride[1]) * entries;
      const word = Math.floor((kx * dilation[1]) / stride[1]);
      for (let part = 0; part < parts; part++) {
        const end = starts[part + 1] ?? column;
        let signs = 0;
        for (let i = starts[part]!; i < end; i++) {
          const [ky, c] = [Math.floor(i / channels), i % channels];
          const code = codes[n * inputs + (ky * kernel[1] + kx) * channels + c]!;
          signs |= (1 - code) << (i - starts[part]!);
        }
        lookups[at++] = (table + fromGray(signs)) * ENTRY_WORDS + word;
        table += 2 ** (end - starts[part]!);
      }
    }
  return lookups;
}

/** The number whose Gray code this is. */
function fromGray(code: number): number {
  let number = code;
  for (let rest = code >> 1; rest > 0; rest >>= 1) number ^= rest;
  return number;
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
    ["starts", { constant: "starts" }],
    ["height", height],
    ["width", width],
    ["output_width", outputWidth],
    ["outputs", outputs],
    ["channels", channels],
    ["kernel_height", window.kernel[0]],
    ["kernel_width", window.kernel[1]],
    ["stride_y", window.stride[0]],
    ["stride_x", window.stride[1]],
    ["dilation_y", window.dilation[0]],
    ["pad_top", window.pads[0]],
    ["pad_left", window.pads[1]],
    ["chunk", layer.chunk],
    ["entries", layer.entries],
    ["center", layer.center],
    ["pad_value", layer.padValue],
    ["is_signed", layer.isSigned ? 1 : 0],
    ["parts", layer.parts],
    ["phases", layer.phases],
    ["words", layer.words],
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
          values: packLookups(conv.weights, window, channels, layer),
          layout: `[${outputs} outputs][${window.kernel[1]} kernel columns][${layer.parts} parts]`,
        },
        {
          name: "starts",
          type: "uint16_t",
          values: layer.starts,
          layout: `[${outputs} outputs]`,
        },
      ],
      canFail: false,
      runtime: [
        "bitloom_conv_image.c",
        "bitloom_conv_image.h",
        "bitloom_conv_image_core.c",
        "bitloom_conv_image_core.h",
        "bitloom_conv_image_arch.h",
        "bitloom_conv_image_core_asm.S",
        "bitloom_conv_image_core_v6m.S",
      ],
    },
    cost: imageCost(program, conv, layer, cpu),
  };
}
