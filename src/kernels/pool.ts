import type { CodesDomain, DeviceProgram, Instruction } from "../program/types.js";
import { type CoreFamily, coreFamily } from "./core-family.js";
import { elementBytes, planesOf, planeWords, typeName } from "./domains.js";
import { unitBytes } from "./layout.js";
import { singleChoice } from "./single.js";
import { instructionOf, type Kernel, type KernelCall, type KernelChoice } from "./types.js";
import { fitsWindowFields, insideAlong, staysAhead, windowFields } from "./window.js";

type Pool = Extract<Instruction, { kind: "pool" }>;

/** `BITLOOM_MAX_PLANES` */
const MAX_PLANES = 8;

/** Pools: `runtime-c/bitloom_pool.h`, `bitloom_pool_codes.h` and `bitloom_pool_pixels.h`. */
export const pool: Kernel = {
  name: "pool",
  summary: "greatest, least or sum per window; codes 32 channels at a time, bits also 32 pixels at a time",
  match(program, index, cpu) {
    const instruction = instructionOf(program, index, "pool");
    if (instruction === undefined || !fitsWindowFields(instruction.window)) return [];
    const { domain } = program.tensors[instruction.input]!;
    const family = coreFamily(cpu);
    if (domain.kind === "scalar") return [scalars(program, index, instruction, family)];
    const ways = [codes(program, index, instruction, family)];
    if (instruction.operator === "sum" || domain.bits > MAX_PLANES) return ways;
    ways.push(pixels(program, index, instruction, family));
    if (canUseWords(program, instruction)) ways.push(words(program, index, instruction, family));
    if (canHalve(program, instruction)) ways.push(halve(program, index, instruction, family));
    return ways;
  },
};

/**
 * Instructions counted on pools of many shapes (GCC 12, -O2). Of the layout pixels those with Thumb-2; what Thumb-1
 * executes is PIXELS_ON_THUMB1 times as much.
 */
const PIXELS_ON_THUMB1 = 1.35;
const SCALARS = {
  thumb2: { tap: 35, element: 13, float: 17, floatSum: 57 },
  thumb1: { tap: 51, element: 14, float: 72, floatSum: 67 },
} as const;
const CODES = {
  thumb2: { pixel: 90, tap: 34, bit: 10, word: 60, plane: 17, sumPixel: 150, sumWord: 66, sum: 44 },
  thumb1: { pixel: 115, tap: 50, bit: 10.5, word: 105, plane: 19, sumPixel: 150, sumWord: 86, sum: 50 },
} as const;

function instructionSet(family: CoreFamily): "thumb2" | "thumb1" {
  return family === "thumb1" ? "thumb1" : "thumb2";
}

function outputPixels(program: DeviceProgram, { output }: Pool): number {
  const [height, width] = program.tensors[output]!.shape;
  return height * width;
}

/** Taps inside the map, of all windows of one channel. */
function tapsPerChannel(program: DeviceProgram, { input, output, window }: Pool): number {
  const [from, to] = [program.tensors[input]!.shape, program.tensors[output]!.shape];
  return insideAlong(window, 0, from[0], to[0]).taps * insideAlong(window, 1, from[1], to[1]).taps;
}

/** Whether rows of the output may be written over those of the input: of each all is read before it is written. */
function hasRowsAhead(program: DeviceProgram, { output, window }: Pool): boolean {
  return staysAhead(window, 0, program.tensors[output]!.shape[0]);
}

/** The same of pixels, where both have as many bytes. */
function hasPixelsAhead(program: DeviceProgram, instruction: Pool): boolean {
  const { output, window } = instruction;
  return hasRowsAhead(program, instruction) && staysAhead(window, 1, program.tensors[output]!.shape[1]);
}

function scalars(program: DeviceProgram, index: number, instruction: Pool, family: CoreFamily): KernelChoice {
  const input = program.tensors[instruction.input]!;
  const channels = input.shape[2];
  const counts = SCALARS[instructionSet(family)];
  const perFloat = instruction.operator === "sum" ? counts.floatSum : counts.float;
  const perElement = typeName(input) === "f32" ? perFloat : counts.element;
  return singleChoice(program, index, {
    kernel: "pool",
    inPlace:
      hasPixelsAhead(program, instruction) &&
      elementBytes(input) === elementBytes(program.tensors[instruction.output]!),
    cost: tapsPerChannel(program, instruction) * (channels * perElement + counts.tap),
    call: {
      function: `bitloom_pool_${instruction.operator}_${typeName(input)}`,
      type: "bitloom_pool",
      fields: [...windowFields(program, instruction), ["channels", channels]],
      runtime: ["bitloom_pool.c", "bitloom_pool.h", "bitloom_window.h", "bitloom_float.h"],
    },
  });
}

function codes(program: DeviceProgram, index: number, instruction: Pool, family: CoreFamily): KernelChoice {
  const input = program.tensors[instruction.input]!;
  const output = program.tensors[instruction.output]!;
  const { step, offset } = input.domain as CodesDomain;
  const isSum = instruction.operator === "sum";
  const counts = CODES[instructionSet(family)];
  const [planes, words] = [planesOf(input), planeWords(input)];
  const perTap = isSum
    ? words * counts.sumWord
    : planes === 1
      ? counts.tap + words * counts.bit
      : words * (counts.word + planes * counts.plane);
  const perPixel = isSum ? counts.sumPixel + output.shape[2] * counts.sum : counts.pixel;
  return singleChoice(program, index, {
    kernel: "pool_codes",
    inPlace: !isSum && hasPixelsAhead(program, instruction),
    cost: tapsPerChannel(program, instruction) * perTap + outputPixels(program, instruction) * perPixel,
    call: {
      function: `bitloom_pool_codes_${isSum ? "sum" : "extreme"}`,
      type: "bitloom_pool_codes",
      fields: [
        ...windowFields(program, instruction),
        ["channels", input.shape[2]],
        ["step", step],
        ["offset", offset],
        ["planes", planesOf(input)],
        ["minimum", instruction.operator === "minimum" ? 1 : 0],
      ],
      runtime: ["bitloom_pool_codes.c", "bitloom_pool_codes.h", "bitloom_window.h", "bitloom_codes.h"],
    },
  });
}

function pixels(program: DeviceProgram, index: number, instruction: Pool, family: CoreFamily): KernelChoice {
  const input = program.tensors[instruction.input]!;
  const [height, width, channels] = program.tensors[instruction.output]!.shape;
  const { kernel, stride } = instruction.window;
  const planes = planesOf(input);
  const inputWords = Math.ceil(input.shape[1] / 32);
  // How often 32 windows of stride 1 are joined.
  const joins = stride[1] === 1 ? Math.ceil(width / 32) : stride[1] === 2 ? Math.ceil(width / 16) : width;
  const perUnit =
    planes === 1
      ? 58 + inputWords * (27 + 18 * kernel[0]) + joins * (33 + 27 * kernel[1])
      : 130 + 28 * planes + (inputWords * kernel[0] + joins * kernel[1]) * (72 + 25 * planes);
  return singleChoice(program, index, {
    kernel: "pool_pixels",
    layout: "pixels",
    inPlace:
      hasRowsAhead(program, instruction) &&
      (planes === 1
        ? unitBytes(width) <= unitBytes(input.shape[1])
        : unitBytes(width) === unitBytes(input.shape[1])),
    scratchBytes: 8 * Math.ceil((planes * inputWords) / 2),
    cost: Math.round(height * channels * perUnit * (family === "thumb1" ? PIXELS_ON_THUMB1 : 1)),
    call:
      planes === 1
        ? pixelsCall(program, instruction, "extreme", "bitloom_pool_pixels.c")
        : pixelsCall(program, instruction, "planes", "bitloom_pool_pixels_planes.c"),
  });
}

/** Whether outputs are made of pairs of columns in units that halve: `bitloom_pool_pixels_halve`. */
function canHalve(program: DeviceProgram, { input, output, window }: Pool): boolean {
  const from = program.tensors[input]!;
  const width = from.shape[1];
  const [height, outputWidth] = program.tensors[output]!.shape;
  const { kernel, stride, dilation, pads } = window;
  const isOfPairs = kernel[1] === 2 && stride[1] === 2 && dilation[1] === 1 && pads[1] === 0;
  if (planesOf(from) !== 1 || !isOfPairs || kernel[0] > 2) return false;
  if (width > 32 && width !== 2 * outputWidth) return false;
  const isOfRows = Array.from({ length: height }, (_, y) => y * stride[0] - pads[0]).every((first) =>
    Array.from({ length: kernel[0] }, (_, k) => first + k * dilation[0]).some(
      (row) => row >= 0 && row < from.shape[0],
    ),
  );
  return isOfRows && unitsHalve(width, outputWidth);
}

/** Whether every second bit of an input unit is one of the output's: the last one lies inside the unit too. */
function unitsHalve(width: number, outputWidth: number): boolean {
  const units = [unitBytes(width), unitBytes(outputWidth)] as const;
  return units[0] === 2 * units[1] || (units[0] === 1 && outputWidth <= 4);
}

function halve(program: DeviceProgram, index: number, instruction: Pool, family: CoreFamily): KernelChoice {
  const input = program.tensors[instruction.input]!;
  const words = Math.ceil((input.shape[2] * unitBytes(input.shape[1])) / 4);
  return singleChoice(program, index, {
    kernel: "pool_halve",
    layout: "pixels",
    inPlace: hasRowsAhead(program, instruction),
    cost:
      program.tensors[instruction.output]!.shape[0] *
      (family === "thumb1" ? 90 + words * 29 : 65 + words * 18),
    call: pixelsCall(program, instruction, "halve", "bitloom_pool_pixels_halve.c"),
  });
}

/** Whether whole words can be pooled, whatever channels they hold: `bitloom_pool_pixels_words`. */
function canUseWords(program: DeviceProgram, { input, output, window }: Pool): boolean {
  const from = program.tensors[input]!;
  const width = from.shape[1];
  if (planesOf(from) !== 1 || width > 32 || window.kernel[1] > 8) return false;
  const outputWidth = program.tensors[output]!.shape[1];
  if (window.stride[1] === 1) return unitBytes(width) === unitBytes(outputWidth);
  return window.stride[1] === 2 && unitsHalve(width, outputWidth);
}

function words(program: DeviceProgram, index: number, instruction: Pool, family: CoreFamily): KernelChoice {
  const input = program.tensors[instruction.input]!;
  const count = Math.ceil((input.shape[2] * unitBytes(input.shape[1])) / 4);
  const { kernel, stride } = instruction.window;
  const gathered = stride[1] === 1 ? 0 : family === "thumb1" ? 22 : 12;
  const perWord = 30 + 15 * kernel[0] + 9 * kernel[1] + gathered;
  return singleChoice(program, index, {
    kernel: "pool_words",
    layout: "pixels",
    inPlace: hasRowsAhead(program, instruction),
    cost: Math.round(
      program.tensors[instruction.output]!.shape[0] *
        (100 + count * perWord) *
        (family === "thumb1" ? PIXELS_ON_THUMB1 : 1),
    ),
    call: pixelsCall(program, instruction, "words", "bitloom_pool_pixels_words.c"),
  });
}

function pixelsCall(
  program: DeviceProgram,
  instruction: Pool,
  form: "extreme" | "planes" | "halve" | "words",
  file: string,
): Omit<KernelCall, "constants" | "canFail"> {
  const input = program.tensors[instruction.input]!;
  const [, width, channels] = program.tensors[instruction.output]!.shape;
  return {
    function: `bitloom_pool_pixels_${form}`,
    type: "bitloom_pool_pixels",
    fields: [
      ...windowFields(program, instruction),
      ["channels", channels],
      ["unit_bytes", unitBytes(input.shape[1])],
      ["output_unit_bytes", unitBytes(width)],
      ["planes", planesOf(input)],
      ["minimum", instruction.operator === "minimum" ? 1 : 0],
    ],
    runtime: [file, "bitloom_pool_pixels.h"],
  };
}
