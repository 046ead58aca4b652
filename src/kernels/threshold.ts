import type { DeviceProgram, Instruction } from "../program/types.js";
import { planesOf, typeName } from "./domains.js";
import { type Layout, unitBytes } from "./layout.js";
import { singleChoice } from "./single.js";
import { instructionOf, type Kernel, type KernelCall } from "./types.js";

type Threshold = Extract<Instruction, { kind: "threshold" }>;

/** Model inputs to codes, and any threshold that no other kernel has taken: `runtime-c/bitloom_threshold.h`. */
export const threshold: Kernel = {
  name: "threshold",
  summary: "compares scalars (u8, i8, i16, i32, float32 as keys) with thresholds and packs the codes",
  match(program, index) {
    const instruction = instructionOf(program, index, "threshold");
    if (instruction === undefined) return [];
    const input = program.tensors[instruction.input]!;
    const output = program.tensors[instruction.output]!;
    const { levels } = instruction;
    const [height, width, channels] = input.shape;
    const perElement = 10 + (levels <= 8 ? 4 * levels : 8 * Math.log2(levels)) + 5 * planesOf(output);
    return forms(output.domain.kind === "codes").map(({ prefix, file, outputLayout }) =>
      singleChoice(program, index, {
        kernel: "threshold",
        outputLayout,
        cost: height * width * channels * perElement,
        call: {
          function: `bitloom_threshold_${prefix}${typeName(input)}`,
          ...descriptor(program, instruction, outputLayout === "pixels" ? unitBytes(width) : 0),
          canFail: typeName(input) === "f32",
          runtime: [`bitloom_${file}.c`, "bitloom_threshold.h", "bitloom_codes.h", "bitloom_units.h"],
        },
      }),
    );
  },
};

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

function descriptor(
  program: DeviceProgram,
  { input, output, levels, thresholds, flipped }: Threshold,
  units: number,
): Pick<KernelCall, "type" | "fields" | "constants"> {
  const rows = flipped.length;
  const anyFlipped = flipped.includes(1);
  const [, width, channels] = program.tensors[input]!.shape;
  return {
    type: "bitloom_threshold",
    fields: [
      ["thresholds", { constant: "thresholds" }],
      ["flipped", anyFlipped ? { constant: "flipped" } : null],
      ["channels", channels],
      ["width", width],
      ["per_channel", rows === 1 ? 0 : 1],
      ["levels", levels],
      ["planes", planesOf(program.tensors[output]!)],
      ["unit_bytes", units],
    ],
    constants: [
      { name: "thresholds", type: "int32_t", values: thresholds, layout: `[${rows} rows][${levels} levels]` },
      ...(anyFlipped
        ? [{ name: "flipped", type: "uint8_t" as const, values: flipped, layout: `[${rows} rows]` }]
        : []),
    ],
  };
}
