import { tensorRanges } from "../program/ranges.js";
import type { CodesDomain, DeviceProgram, Instruction } from "../program/types.js";
import type { Cpu } from "../targets/index.js";
import { type GeneralShape, generalCost } from "./conv-general-cost.js";
import { narrowing } from "./narrow.js";
import { packPlanes } from "./pack.js";
import {
  type ConstantArray,
  followingThreshold,
  instructionOf,
  type Kernel,
  type KernelChoice,
} from "./types.js";
import { fitsWindowFields, windowFields } from "./window.js";

type Conv = Extract<Instruction, { kind: "conv" }>;
type Threshold = Extract<Instruction, { kind: "threshold" }>;

/** Convolutions of codes, any geometry: `runtime-c/bitloom_conv_general.h`. */
export const convGeneral: Kernel = {
  name: "conv_general",
  summary: "k-bit × m-bit convolution of any geometry: taps gathered as bits, AND and popcount per output",
  match(program, index, cpu) {
    const conv = instructionOf(program, index, "conv");
    if (conv === undefined || !fits(program, conv)) return [];
    const sums = choice(program, conv, cpu, [index]);
    const alone = [...narrowing(program, sums, "bitloom_conv_general"), sums];
    const threshold = followingThreshold(program, index);
    return threshold !== undefined && canFuse(program, conv, threshold)
      ? [choice(program, conv, cpu, [index, index + 1], threshold), ...alone]
      : alone;
  },
};

const MAX_U16 = 65535;

function fits(program: DeviceProgram, { input, weights, window, groups }: Conv): boolean {
  const { domain, shape } = program.tensors[input]!;
  const sizes = [Math.ceil(weights.inputs / 32), Math.ceil(shape[2] / 32), shape[2], weights.outputs, groups];
  return domain.kind === "codes" && fitsWindowFields(window) && sizes.every((n) => n <= MAX_U16);
}

/** Sums without their bias must be int32 too, and thresholds are clamped to their range. */
function canFuse(program: DeviceProgram, conv: Conv, threshold: Threshold): boolean {
  const { low, high } = tensorRanges(program)[conv.output]!;
  const greatest = biases(program, conv).reduce((most, b) => Math.max(most, Math.abs(b)), 0);
  const isSmall = Math.max(-low, high) + greatest < 2 ** 31 - 1;
  return isSmall && program.tensors[threshold.output]!.domain.kind === "codes";
}

function choice(
  program: DeviceProgram,
  conv: Conv,
  cpu: Cpu,
  covers: readonly number[],
  threshold?: Threshold,
): KernelChoice {
  const { weights } = conv;
  const words = Math.ceil(weights.inputs / 32);
  const bits = inputDomain(program, conv).bits;
  const gathers = gathersTaps(program, conv);
  return {
    kernel: "conv_general",
    covers,
    inputs: [conv.input],
    inputLayouts: ["channels"],
    output: program.instructions[covers.at(-1)!]!.output,
    outputLayout: "channels",
    scratchBytes: gathers ? Math.ceil(((bits + 1) * words) / 2) * 8 : 0,
    call: {
      function: `bitloom_conv_general_${threshold === undefined ? "sums" : "threshold"}`,
      type: "bitloom_conv_general",
      fields: fields(program, conv, threshold),
      constants: [
        {
          name: "weights",
          type: "uint32_t",
          values: packPlanes(weights),
          layout: `[${weights.outputs} outputs][${weights.bits} planes][${words} words]`,
        },
        threshold === undefined ? biasConstant(program, conv) : thresholdsConstant(program, conv, threshold),
      ],
      canFail: false,
      runtime: [
        "bitloom_conv_general.c",
        "bitloom_conv_general.h",
        "bitloom_window.h",
        "bitloom_bits.h",
        "bitloom_codes.h",
        "bitloom_popcount.h",
      ],
    },
    ...generalCost(shapeOf(program, conv, threshold?.levels ?? 0), cpu),
  };
}

function shapeOf(program: DeviceProgram, conv: Conv, levels: number): GeneralShape {
  const [height, width, channels] = program.tensors[conv.input]!.shape;
  const [outputHeight, outputWidth, outputs] = program.tensors[conv.output]!.shape;
  const { bits, offset } = inputDomain(program, conv);
  return {
    input: [height, width],
    output: [outputHeight, outputWidth],
    window: conv.window,
    groups: conv.groups,
    channels: channels / conv.groups,
    outputs: outputs / conv.groups,
    inputPlanes: bits,
    weightPlanes: conv.weights.bits,
    levels,
    gathers: gathersTaps(program, conv),
    hasBorder: conv.padValue !== offset,
  };
}

function inputDomain(program: DeviceProgram, conv: Conv): CodesDomain {
  return program.tensors[conv.input]!.domain as CodesDomain;
}

/** Whether input pixels are anything but the rows of bits that weights meet. */
function gathersTaps(program: DeviceProgram, { input, output, window, groups }: Conv): boolean {
  const isPointwise = groups === 1 && window.kernel[0] === 1 && window.kernel[1] === 1;
  const { shape } = program.tensors[output]!;
  const [height, width] = program.tensors[input]!.shape;
  const staysInside =
    window.pads[0] === 0 &&
    window.pads[1] === 0 &&
    (shape[0] - 1) * window.stride[0] < height &&
    (shape[1] - 1) * window.stride[1] < width;
  return !(isPointwise && staysInside);
}

function fields(
  program: DeviceProgram,
  conv: Conv,
  threshold: Threshold | undefined,
): KernelChoice["call"]["fields"] {
  const { weights, groups, padValue } = conv;
  const { step, offset, bits } = inputDomain(program, conv);
  const channels = program.tensors[conv.input]!.shape[2];
  const to = threshold === undefined ? undefined : (program.tensors[threshold.output]!.domain as CodesDomain);
  return [
    ["weights", { constant: "weights" }],
    ["thresholds", threshold === undefined ? null : { constant: "thresholds" }],
    ["bias", threshold === undefined ? { constant: "bias" } : null],
    ...windowFields(program, conv),
    ["product_scale", step * weights.step],
    ["sum_scale", step * weights.offset],
    ["pad_scale", (padValue - offset) * weights.step],
    ["pad_offset", (padValue - offset) * weights.offset],
    ["words", Math.ceil(weights.inputs / 32)],
    ["input_words", Math.ceil(channels / 32)],
    ["group_inputs", channels / groups],
    ["group_outputs", weights.outputs / groups],
    ["groups", groups],
    ["input_planes", bits],
    ["weight_planes", weights.bits],
    ["output_planes", to?.bits ?? 1],
    ["levels", threshold?.levels ?? 0],
    ["gathers", gathersTaps(program, conv) ? 1 : 0],
  ];
}

/** The part of a sum that depends on the weights alone: offset_x · Σ weights. */
function biases(program: DeviceProgram, conv: Conv): number[] {
  const { outputs, inputs, step, offset, codes } = conv.weights;
  const inputOffset = inputDomain(program, conv).offset;
  return Array.from({ length: outputs }, (_, n) => {
    let sum = 0;
    for (let k = n * inputs; k < (n + 1) * inputs; k++) sum += codes[k]!;
    return inputOffset * (step * sum + offset * inputs);
  });
}

function biasConstant(program: DeviceProgram, conv: Conv): ConstantArray {
  const values = Int32Array.from(biases(program, conv));
  return { name: "bias", type: "int32_t", values, layout: `[${conv.weights.outputs} outputs]` };
}

function thresholdsConstant(program: DeviceProgram, conv: Conv, threshold: Threshold): ConstantArray {
  const { levels, thresholds, flipped } = threshold;
  const bias = biases(program, conv);
  const values = new Int32Array(bias.length * levels);
  for (let i = 0; i < values.length; i++) {
    const n = Math.floor(i / levels);
    const t = thresholds[flipped.length === 1 ? i % levels : i]! - bias[n]!;
    values[i] = Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, t));
  }
  const layout = `[${bias.length} outputs][${levels} levels], bias subtracted`;
  return { name: "thresholds", type: "int32_t", values, layout };
}
