import type { CodeMatrix, DeviceProgram, Instruction } from "../program/types.js";
import type { Cpu } from "../targets/index.js";
import { coreFamily } from "./core-family.js";
import { planesOf } from "./domains.js";
import { packPlanes } from "./pack.js";
import { thresholdData, thresholdFiles } from "./threshold.js";
import {
  type ConstantArray,
  followingReader,
  instructionOf,
  type Kernel,
  type KernelCall,
  type KernelChoice,
} from "./types.js";
import { fitsWindowFields, insideAlong, windowFields } from "./window.js";

type Conv = Extract<Instruction, { kind: "conv-bases" }>;
type Threshold = Extract<Instruction, { kind: "threshold" }>;

/** Convolutions of planes by bases: `runtime-c/bitloom_conv_bases.h`. */
export const convBases: Kernel = {
  name: "conv_bases",
  summary:
    "planes × bases of any geometry: taps gathered once, a popcount per plane and basis, float32 coefficients",
  match(program, index, cpu) {
    const conv = instructionOf(program, index, "conv-bases");
    if (conv === undefined || !fits(program, conv)) return [];
    const alone = choice(program, conv, cpu, [index]);
    const threshold = followingReader(program, index);
    const isCodes = threshold !== undefined && planesOf(program.tensors[threshold.output]!) > 0;
    return isCodes ? [choice(program, conv, cpu, [index, index + 1], threshold), alone] : [alone];
  },
};

const MAX_U16 = 65535;
const MAX_U8 = 255;

function fits(program: DeviceProgram, { input, bases, window, groups }: Conv): boolean {
  const channels = program.tensors[input]!.shape[2];
  const sizes = [Math.ceil(bases[0]!.inputs / 32), Math.ceil(channels / 32), channels / groups, groups];
  return bases.length <= MAX_U8 && fitsWindowFields(window) && sizes.every((n) => n <= MAX_U16);
}

function choice(
  program: DeviceProgram,
  conv: Conv,
  cpu: Cpu,
  covers: readonly number[],
  threshold?: Threshold,
): KernelChoice {
  const { bases } = conv;
  const planes = planesOf(program.tensors[conv.input]!);
  const [{ inputs, outputs }] = bases as [CodeMatrix];
  const words = Math.ceil(inputs / 32);
  const work = (planes + 1) * words + bases.length * planes + (threshold === undefined ? 0 : outputs);
  const thresholds =
    threshold === undefined ? undefined : thresholdData(program, threshold, 1, 0, "thresholds.");
  return {
    kernel: "conv_bases",
    covers,
    inputs: [conv.input],
    inputLayouts: ["channels"],
    output: program.instructions[covers.at(-1)!]!.output,
    outputLayout: "channels",
    scratchBytes: Math.ceil(work / 2) * 8,
    call: {
      function: `bitloom_conv_bases_${threshold === undefined ? "sums" : "threshold"}`,
      type: "bitloom_conv_bases",
      fields: [...fields(program, conv), ...(thresholds?.fields ?? [])],
      constants: [...constants(conv, planes), ...(thresholds?.constants ?? [])],
      canFail: false,
      runtime: [
        "bitloom_conv_bases.c",
        "bitloom_conv_bases.h",
        "bitloom_threshold.c",
        ...thresholdFiles,
        "bitloom_gather_bits.h",
        "bitloom_popcount.h",
        "bitloom_float.h",
      ],
    },
    cost: cost(program, conv, threshold?.levels ?? 0, cpu),
  };
}

/** Planes of all bases' weights: those of the widest. */
function weightPlanes({ bases }: Conv): number {
  return Math.max(...bases.map((b) => b.bits));
}

function fields(program: DeviceProgram, conv: Conv): KernelCall["fields"] {
  const { bases, planes, groups, padCode } = conv;
  const channels = program.tensors[conv.input]!.shape[2];
  return [
    ["weights", { constant: "weights" }],
    ["coefficients", { constant: "coefficients" }],
    ["bias", planes.offset === 0 ? null : { constant: "bias" }],
    ["steps", { constant: "steps" }],
    ["offsets", { constant: "offsets" }],
    ...windowFields(program, conv),
    ["plane_step", planes.step],
    ["plane_offset", planes.offset],
    ["group_outputs", bases[0]!.outputs / groups],
    ["words", Math.ceil(bases[0]!.inputs / 32)],
    ["input_words", Math.ceil(channels / 32)],
    ["group_inputs", channels / groups],
    ["groups", groups],
    ["planes", planesOf(program.tensors[conv.input]!)],
    ["bases", bases.length],
    ["weight_planes", weightPlanes(conv)],
    ["leaves_out", padCode === undefined ? 1 : 0],
    ["pad_code", padCode ?? 0],
  ];
}

function constants(conv: Conv, planes: number): readonly ConstantArray[] {
  const { bases, coefficients } = conv;
  const { offset } = conv.planes;
  const [{ outputs, inputs }] = bases as [CodeMatrix];
  const perBasis = `[${bases.length} bases]`;
  const numbers = (name: string, values: readonly number[], layout: string): ConstantArray => ({
    name,
    type: "int32_t",
    values,
    layout,
  });
  const each = <T>(make: (n: number, basis: CodeMatrix) => T): T[] =>
    Array.from({ length: outputs * bases.length }, (_, i) =>
      make(Math.floor(i / bases.length), bases[i % bases.length]!),
    );
  return [
    {
      name: "weights",
      type: "uint32_t",
      values: packedBases(conv),
      layout: `[${outputs} outputs]${perBasis}[${weightPlanes(conv)} planes][${Math.ceil(inputs / 32)} words]`,
    },
    {
      name: "coefficients",
      type: "float",
      values: coefficients,
      layout: `[${outputs} outputs]${perBasis}[${planes} planes]`,
    },
    ...(offset === 0
      ? []
      : [
          numbers(
            "bias",
            each((n, basis) => offset * sumOfWeights(basis, n)),
            `[${outputs} outputs]${perBasis}`,
          ),
        ]),
    numbers(
      "steps",
      bases.map((b) => b.step),
      perBasis,
    ),
    numbers(
      "offsets",
      bases.map((b) => b.offset),
      perBasis,
    ),
  ];
}

function sumOfWeights({ inputs, codes, step, offset }: CodeMatrix, n: number): number {
  const row = codes.subarray(n * inputs, (n + 1) * inputs);
  return step * row.reduce((sum, code) => sum + code, 0) + offset * inputs;
}

/** Rows of bit planes of each output, its bases one after another, each with as many planes. */
function packedBases(conv: Conv): Uint32Array {
  const { bases } = conv;
  const bits = weightPlanes(conv);
  const [{ outputs, inputs }] = bases as [CodeMatrix];
  const size = bits * Math.ceil(inputs / 32);
  const packed = new Uint32Array(outputs * bases.length * size);
  for (const [m, basis] of bases.entries()) {
    const rows = packPlanes({ ...basis, bits });
    for (let n = 0; n < outputs; n++)
      packed.set(rows.subarray(n * size, (n + 1) * size), (n * bases.length + m) * size);
  }
  return packed;
}

/**
 * Instructions of parts of the work, from counts of layers of 3 × 3 × 64 taps (GCC 12, -O2): rows of bits gathered and
 * counted, float operations without an FPU, thresholds.
 */
const THUMB2 = { pixel: 300, tap: 45, output: 110, product: 158, word: 14, level: 6 };
const THUMB1 = { pixel: 450, tap: 65, output: 220, product: 269, word: 24, level: 9 };

function cost(program: DeviceProgram, conv: Conv, levels: number, cpu: Cpu): number {
  const part = coreFamily(cpu) === "thumb1" ? THUMB1 : THUMB2;
  const [height, width, outputs] = program.tensors[conv.output]!.shape;
  const planes = planesOf(program.tensors[conv.input]!);
  const { kernel } = conv.window;
  const words = Math.ceil(conv.bases[0]!.inputs / 32);
  const rows = conv.bases.length * weightPlanes(conv);
  const perOutput =
    part.output +
    part.level * levels +
    conv.bases.length * planes * part.product +
    rows * words * part.word * (planes + borderShare(program, conv));
  const perPixel = part.pixel + planes * (kernel[0] * kernel[1] * part.tap + words * part.word);
  return height * width * (conv.groups * perPixel + outputs * perOutput);
}

/** Of the pixels those whose dot products have taps to take away. */
function borderShare(program: DeviceProgram, { input, output, planes, padCode, window }: Conv): number {
  if (planes.offset === 0 || padCode !== undefined) return 0;
  const from = program.tensors[input]!.shape;
  const to = program.tensors[output]!.shape;
  const [rows, columns] = ([0, 1] as const).map(
    (axis) => insideAlong(window, axis, from[axis], to[axis]).whole / to[axis],
  );
  return 1 - rows! * columns!;
}
