import type { CodeMatrix, DeviceProgram, Instruction, Window } from "../program/types.js";
import { imageCost } from "./conv-image-cost.js";
import { ENTRY_WORDS, type ImageLayer, imageLayers, partStarts, SCRATCH_BYTES } from "./conv-image-layer.js";
import { offeredTilings } from "./tilings.js";
import {
  type DescriptorField,
  followingThreshold,
  instructionOf,
  type Kernel,
  type KernelChoice,
} from "./types.js";

type Conv = Extract<Instruction, { kind: "conv" }>;
type Threshold = Extract<Instruction, { kind: "threshold" }>;

/** First layers of u8 or i8 pixels and ±1 weights: `runtime-c/bitloom_conv_image.h`. */
export const convImage: Kernel = {
  name: "conv_image",
  summary: "u8 × ±1 convolution of few channels by tables of signed sums, fused with a one-bit threshold",
  countsRows: true,
  match(program, index, cpu, rows) {
    const conv = instructionOf(program, index, "conv");
    const threshold = followingThreshold(program, index);
    if (conv === undefined || threshold === undefined || threshold.levels !== 1) return [];
    if (program.tensors[threshold.output]!.domain.kind !== "codes") return [];
    const cost = (layer: ImageLayer): number => imageCost(program, conv, layer, cpu, rows);
    const ways = imageLayers(program, conv, threshold).map((layer) => ({
      tiling: layer,
      scratch: layer.scratchBytes,
      cost: cost(layer),
    }));
    return offeredTilings(ways, SCRATCH_BYTES).map((layer) =>
      choice(program, conv, threshold, layer, index, cost(layer)),
    );
  },
};

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
  cost: number,
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
        "bitloom_conv_image_mve.c",
      ],
    },
    cost,
  };
}
