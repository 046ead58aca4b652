import type { CodeMatrix, DeviceProgram, Instruction } from "../program/types.js";
import { basesSum, basesSumFiles } from "./bases-sum.js";
import { planesOf } from "./domains.js";
import { thresholdData, thresholdFiles } from "./threshold.js";
import {
  type ConstantArray,
  type DescriptorField,
  followingReader,
  type KernelCall,
  type KernelChoice,
} from "./types.js";
import { fitsWindowFields, windowFields } from "./window.js";

/** What all forms of `bitloom_conv_bases` share: `runtime-c/bitloom_conv_bases.h`. */
export type ConvBases = Extract<Instruction, { kind: "conv-bases" }>;
type Threshold = Extract<Instruction, { kind: "threshold" }>;

/** A layer, with the threshold that makes codes of its sums if it is computed with it. */
export interface BasesLayer {
  readonly program: DeviceProgram;
  readonly conv: ConvBases;
  readonly covers: readonly number[];
  readonly threshold?: Threshold;
}

const MAX_U16 = 65535;
const MAX_U8 = 255;

/** The ways in which the layer can be cut out of the program: with its threshold, alone. */
export function basesLayers(program: DeviceProgram, index: number, conv: ConvBases): readonly BasesLayer[] {
  if (!fits(program, conv)) return [];
  const alone = { program, conv, covers: [index] };
  const threshold = followingReader(program, index);
  const isCodes = threshold !== undefined && planesOf(program.tensors[threshold.output]!) > 0;
  return isCodes ? [{ program, conv, covers: [index, index + 1], threshold }, alone] : [alone];
}

function fits(program: DeviceProgram, { input, bases, window, groups }: ConvBases): boolean {
  const channels = program.tensors[input]!.shape[2];
  const sizes = [Math.ceil(bases[0]!.inputs / 32), Math.ceil(channels / 32), channels / groups, groups];
  return bases.length <= MAX_U8 && fitsWindowFields(window) && sizes.every((n) => n <= MAX_U16);
}

/** What the forms differ in. */
export interface BasesForm {
  readonly kernel: "conv_bases" | "conv_bases_rows";
  /** Words of scratch behind those that all forms have. */
  readonly scratchWords: number;
  /** In front of the fields that all forms have. */
  readonly prefix: string;
  readonly fields: readonly DescriptorField[];
  readonly constants: readonly ConstantArray[];
  readonly runtime: readonly string[];
}

/** The choice without its cost. */
export function basesChoice(layer: BasesLayer, form: BasesForm): Omit<KernelChoice, "cost"> {
  const { program, conv, covers, threshold } = layer;
  const planes = planesOf(program.tensors[conv.input]!);
  const words = Math.ceil(conv.bases[0]!.inputs / 32);
  const scratchWords = (planes + 1) * words + 2 * conv.bases.length * planes + form.scratchWords;
  const sum = basesSum(program, conv);
  const thresholds = threshold && thresholdData(program, threshold, 1, 0, "thresholds.");
  const fields = [...commonFields(program, conv), ...sum.fields, ...(thresholds?.fields ?? [])];
  return {
    kernel: form.kernel,
    covers,
    inputs: [conv.input],
    inputLayouts: ["channels"],
    output: program.instructions[covers.at(-1)!]!.output,
    outputLayout: "channels",
    scratchBytes: Math.ceil(scratchWords / 2) * 8,
    call: {
      function: `bitloom_${form.kernel}_${threshold === undefined ? "sums" : "threshold"}`,
      type: `bitloom_${form.kernel}`,
      fields: [
        ...fields.map(([name, value]): DescriptorField => [`${form.prefix}${name}`, value]),
        ...form.fields,
      ],
      constants: [
        ...form.constants,
        ...scalesOfBases(conv),
        ...sum.constants,
        ...(thresholds?.constants ?? []),
      ],
      canFail: false,
      runtime: [
        `bitloom_${form.kernel}.c`,
        "bitloom_conv_bases.h",
        "bitloom_conv_bases_pixels.c",
        "bitloom_conv_bases_pixels.h",
        ...basesSumFiles,
        ...thresholdFiles,
        "bitloom_gather_bits.h",
        "bitloom_popcount.h",
        ...form.runtime,
      ],
    },
  };
}

function commonFields(program: DeviceProgram, conv: ConvBases): KernelCall["fields"] {
  const { bases, planes, groups, padCode } = conv;
  const channels = program.tensors[conv.input]!.shape[2];
  return [
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
    ["leaves_out", padCode === undefined ? 1 : 0],
    ["pad_code", padCode ?? 0],
  ];
}

function scalesOfBases({ bases }: ConvBases): readonly ConstantArray[] {
  const numbers = (name: string, values: readonly number[]): ConstantArray => ({
    name,
    type: "int32_t",
    values,
    layout: `[${bases.length} bases]`,
  });
  return [
    numbers(
      "steps",
      bases.map((b) => b.step),
    ),
    numbers(
      "offsets",
      bases.map((b) => b.offset),
    ),
  ];
}

/** A number for each basis of each output, one output after the other. */
export function eachBasis(
  { bases }: ConvBases,
  make: (output: number, basis: CodeMatrix) => number,
): number[] {
  return Array.from({ length: bases[0]!.outputs * bases.length }, (_, i) =>
    make(Math.floor(i / bases.length), bases[i % bases.length]!),
  );
}

/** The sum of the codes of one output. */
export function sumOfCodes({ inputs, codes }: CodeMatrix, output: number): number {
  return codes.subarray(output * inputs, (output + 1) * inputs).reduce((sum, code) => sum + code, 0);
}
