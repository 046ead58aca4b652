import type { DeviceProgram, Instruction, ProgramTensor } from "../program/types.js";
import type { Cpu } from "../targets/index.js";
import { coreFamily } from "./core-family.js";
import { elementBytes, planesOf, planeWords, typeName } from "./domains.js";
import { type Layout, rowBytes, unitBytes } from "./layout.js";
import { singleChoice } from "./single.js";
import { instructionOf, type Kernel, type KernelCall } from "./types.js";

type Threshold = Extract<Instruction, { kind: "threshold" }>;

/** Model inputs to codes, and any threshold that no other kernel has taken: `runtime-c/bitloom_threshold.h`. */
export const threshold: Kernel = {
  name: "threshold",
  summary: "compares scalars (u8, i8, i16, i32, float32 as keys) with thresholds and packs the codes",
  match(program, index, cpu) {
    const instruction = instructionOf(program, index, "threshold");
    if (instruction === undefined) return [];
    const input = program.tensors[instruction.input]!;
    const output = program.tensors[instruction.output]!;
    const [, width] = input.shape;
    return forms(output.domain.kind === "codes").map(({ prefix, file, outputLayout }) =>
      singleChoice(program, index, {
        kernel: "threshold",
        outputLayout,
        inPlace: staysBehind(input, output, outputLayout),
        cost: cost(program, instruction, outputLayout, cpu),
        call: {
          function: `bitloom_threshold_${prefix}${typeName(input)}`,
          type: "bitloom_threshold",
          ...thresholdData(program, instruction, width, outputLayout === "pixels" ? unitBytes(width) : 0),
          canFail: typeName(input) === "f32",
          runtime: [`bitloom_${file}.c`, ...thresholdFiles],
        },
      }),
    );
  },
};

interface ThresholdCounts {
  /** Elements in words of 32 channels, and those words; elements in words of 32 pixels, and those words. */
  readonly channels: { readonly element: number; readonly word: number };
  readonly pixels: { readonly element: number; readonly word: number };
  readonly plane: number;
  /** Up to 8 levels one after the other, more by bisection. */
  readonly level: number;
  readonly bisection: number;
  readonly float: number;
}

/** Instructions counted on maps of every type (GCC 12, -O2). */
const THUMB2: ThresholdCounts = {
  channels: { element: 25, word: 121 },
  pixels: { element: 16, word: 154 },
  ...{ plane: 8.2, level: 6, bisection: 9, float: 12 },
};
const THUMB1: ThresholdCounts = {
  channels: { element: 42, word: 158 },
  pixels: { element: 33, word: 187 },
  ...{ plane: 10.3, level: 9, bisection: 7, float: 90 },
};

function cost(
  program: DeviceProgram,
  { input, output, levels }: Threshold,
  layout: Layout,
  cpu: Cpu,
): number {
  const counts = coreFamily(cpu) === "thumb1" ? THUMB1 : THUMB2;
  const { shape } = program.tensors[input]!;
  const [height, width, channels] = shape;
  const { element, word } = counts[layout];
  const words = layout === "channels" ? width * Math.ceil(channels / 32) : channels * Math.ceil(width / 32);
  const perElement =
    element +
    (levels <= 8 ? counts.level * levels : counts.bisection * Math.log2(levels)) +
    counts.plane * planesOf(program.tensors[output]!) +
    (typeName(program.tensors[input]!) === "f32" ? counts.float : 0);
  return Math.round(height * (width * channels * perElement + words * word));
}

/** Whether codes that are written over their scalars never reach those that are still to be read. */
function staysBehind(input: ProgramTensor, output: ProgramTensor, layout: Layout): boolean {
  const [height, width, channels] = input.shape;
  const [bytes, planes, words] = [elementBytes(input), planesOf(output), planeWords(output)];
  if (planes === 0) return true;
  if (layout === "channels") {
    // Of every word of the first pixel; further ones lie further behind.
    return Array.from({ length: words }, (_, word) => word + 1).every(
      (count) => 4 * ((planes - 1) * words + count) <= bytes * Math.min(channels, 32 * count),
    );
  }
  // A channel is read along the whole row before its unit is written, which hits that channel or one before it.
  const unit = unitBytes(width);
  const isFirstRowSafe = planes === 1 ? unit <= bytes : unit === bytes && planes <= width;
  return isFirstRowSafe && (height === 1 || 2 * rowBytes(output, layout) <= rowBytes(input, "channels"));
}

interface Form {
  readonly prefix: string;
  readonly file: string;
  readonly outputLayout: Layout;
}

function forms(toCodes: boolean): readonly Form[] {
  if (!toCodes) return [{ prefix: "bytes_", file: "threshold_bytes", outputLayout: "channels" }];
  return [
    { prefix: "", file: "threshold", outputLayout: "channels" },
    { prefix: "pixels_", file: "threshold_pixels", outputLayout: "pixels" },
  ];
}

/** What a file with thresholds of scalars needs. */
export const thresholdFiles: readonly string[] = [
  "bitloom_threshold.h",
  "bitloom_threshold_code.h",
  "bitloom_finite.h",
  "bitloom_codes.h",
  "bitloom_units.h",
];

/**
 * The data of a `bitloom_threshold` for rows of `width` pixels; `unitBytes` is that of the layout pixels, else 0. Fields
 * of a descriptor that has one stand behind `prefix`.
 */
export function thresholdData(
  program: DeviceProgram,
  { input, output, levels, thresholds, flipped, table }: Threshold,
  width: number,
  unitBytes: number,
  prefix = "",
): Pick<KernelCall, "fields" | "constants"> {
  const rows = flipped.length;
  // The C code tests for either once.
  const isMapped = flipped.includes(1) || table !== undefined;
  const channels = program.tensors[input]!.shape[2];
  const fields: KernelCall["fields"] = [
    ["thresholds", { constant: "thresholds" }],
    ["flipped", isMapped ? { constant: "flipped" } : null],
    ["table", table === undefined ? null : { constant: "table" }],
    ["channels", channels],
    ["width", width],
    ["per_channel", rows === 1 ? 0 : 1],
    ["levels", levels],
    ["planes", planesOf(program.tensors[output]!)],
    ["unit_bytes", unitBytes],
  ];
  const bytes = (name: string, values: Uint8Array, layout: string): KernelCall["constants"][number] => ({
    name,
    type: "uint8_t",
    values,
    layout,
  });
  return {
    fields: fields.map(([name, value]) => [`${prefix}${name}`, value]),
    constants: [
      { name: "thresholds", type: "int32_t", values: thresholds, layout: `[${rows} rows][${levels} levels]` },
      ...(isMapped ? [bytes("flipped", flipped, `[${rows} rows]`)] : []),
      ...(table === undefined ? [] : [bytes("table", table, `[${levels + 1} levels]`)]),
    ],
  };
}
