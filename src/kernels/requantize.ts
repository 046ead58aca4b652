import { type DeviceProgram, elementCount, type FixedLine, tensorRanges } from "../program/index.js";
import type { Cpu } from "../targets/index.js";
import { coreFamily } from "./core-family.js";
import { typeName } from "./domains.js";
import { singleChoice } from "./single.js";
import { type ConstantArray, instructionOf, type Kernel, type KernelCall } from "./types.js";

type Requantize = NonNullable<ReturnType<typeof requantizeAt>>;

function requantizeAt(program: DeviceProgram, index: number) {
  return instructionOf(program, index, "requantize");
}

/** Integers to fixed point: `runtime-c/bitloom_requantize.h`. */
export const requantize: Kernel = {
  name: "requantize",
  summary: "integers to int16 fixed point by a line per channel",
  match(program, index, cpu) {
    const instruction = requantizeAt(program, index);
    if (instruction === undefined) return [];
    const input = program.tensors[instruction.input]!;
    const isNarrow = fits31(program, instruction);
    return [
      singleChoice(program, index, {
        kernel: "requantize",
        inPlace: true,
        growsInPlace: true,
        cost: elementCount(input) * perElement(cpu, isNarrow),
        call: {
          function: `bitloom_requantize_${formOf(instruction, isNarrow)}${typeName(input)}`,
          type: "bitloom_requantize",
          ...data(instruction, input.shape, isNarrow),
          runtime: ["bitloom_requantize.c", "bitloom_requantize.h", "bitloom_fixed.h"],
        },
      }),
    ];
  },
};

function formOf({ below }: Requantize, isNarrow: boolean): "" | "two_" | "wide_" {
  if (!isNarrow) return "wide_";
  return below === undefined ? "" : "two_";
}

/** Instructions counted (GCC 12, -O2). Thumb-1 has no product of 64 bits. */
function perElement(cpu: Cpu, isNarrow: boolean): number {
  if (coreFamily(cpu) === "thumb1") return isNarrow ? 30 : 130;
  return isNarrow ? 20 : 38;
}

/** Whether no number on the way exceeds 31 bits, for any input that can occur. */
function fits31(program: DeviceProgram, { input, line, below, biasShift, right }: Requantize): boolean {
  const range = tensorRanges(program)[input]!;
  const largest = Math.max(Math.abs(range.low), Math.abs(range.high));
  const half = 2 ** (right - 1);
  return [line, ...(below === undefined ? [] : [below])].every(({ multiplier, bias }) =>
    multiplier.every((m, c) => Math.abs(m) * largest + Math.abs(bias[c]!) * 2 ** biasShift + half < 2 ** 31),
  );
}

function data(
  { line, below, biasShift, right, low, high }: Requantize,
  [, width, channels]: readonly [number, number, number],
  isNarrow: boolean,
): Pick<KernelCall, "fields" | "constants"> {
  // Shifted already where that fits, and raised so that no number is negative.
  const bias = isNarrow
    ? (b: number) => (b * 2 ** biasShift + 2 ** (right - 1) + 2 ** 31) | 0
    : (b: number) => b;
  return {
    fields: [
      ["multiplier", { constant: "multiplier" }],
      ["bias", { constant: "bias" }],
      ["below_multiplier", below === undefined ? null : { constant: "below_multiplier" }],
      ["below_bias", below === undefined ? null : { constant: "below_bias" }],
      ["channels", channels],
      ["width", width],
      ["low", low],
      ["high", high],
      ["step", line.multiplier.length === 1 ? 0 : 1],
      ["bias_shift", isNarrow ? 0 : biasShift],
      ["right", right],
    ],
    constants: [
      ...lineConstants("", line, bias),
      ...(below === undefined ? [] : lineConstants("below_", below, bias)),
    ],
  };
}

function lineConstants(
  prefix: string,
  { multiplier, bias }: FixedLine,
  stored: (b: number) => number,
): ConstantArray[] {
  const layout = `[${multiplier.length}]`;
  return [
    { name: `${prefix}multiplier`, type: "int32_t", values: multiplier, layout },
    { name: `${prefix}bias`, type: "int32_t", values: bias.map(stored), layout },
  ];
}
