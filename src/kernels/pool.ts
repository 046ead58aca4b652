import type { CodesDomain, DeviceProgram, Instruction } from "../program/types.js";
import { codeWords, planesOf, planeWords, typeName } from "./domains.js";
import { unitBytes } from "./layout.js";
import { singleChoice } from "./single.js";
import { instructionOf, type Kernel, type KernelChoice } from "./types.js";
import { fitsWindowFields, windowFields } from "./window.js";

type Pool = Extract<Instruction, { kind: "pool" }>;

/** Pools: `runtime-c/bitloom_pool.h`, `bitloom_pool_codes.h` and `bitloom_pool_pixels.h`. */
export const pool: Kernel = {
  name: "pool",
  summary: "greatest, least or sum per window; codes 32 channels at a time, bits also 32 pixels at a time",
  match(program, index) {
    const instruction = instructionOf(program, index, "pool");
    if (instruction === undefined || !fitsWindowFields(instruction.window)) return [];
    const { domain } = program.tensors[instruction.input]!;
    if (domain.kind === "scalar") return [scalars(program, index, instruction)];
    const ways = [codes(program, index, instruction)];
    if (domain.bits === 1 && instruction.operator !== "sum") ways.push(pixels(program, index, instruction));
    return ways;
  },
};

/** Taps of all windows of one channel. */
function tapsPerChannel(program: DeviceProgram, { output, window }: Pool): number {
  const [height, width] = program.tensors[output]!.shape;
  return height * width * window.kernel[0] * window.kernel[1];
}

function scalars(program: DeviceProgram, index: number, instruction: Pool): KernelChoice {
  const input = program.tensors[instruction.input]!;
  const channels = input.shape[2];
  const perElement = typeName(input) === "f32" ? (instruction.operator === "sum" ? 60 : 14) : 8;
  return singleChoice(program, index, {
    kernel: "pool",
    cost: tapsPerChannel(program, instruction) * (channels * perElement + 20),
    call: {
      function: `bitloom_pool_${instruction.operator}_${typeName(input)}`,
      type: "bitloom_pool",
      fields: [...windowFields(program, instruction), ["channels", channels]],
      runtime: ["bitloom_pool.c", "bitloom_pool.h", "bitloom_window.h", "bitloom_float.h"],
    },
  });
}

function codes(program: DeviceProgram, index: number, instruction: Pool): KernelChoice {
  const input = program.tensors[instruction.input]!;
  const output = program.tensors[instruction.output]!;
  const { step, offset } = input.domain as CodesDomain;
  const isSum = instruction.operator === "sum";
  const perTap = planesOf(input) * planeWords(input) * (isSum ? 25 : planesOf(input) === 1 ? 9 : 40) + 20;
  const stored = isSum ? output.shape[0] * output.shape[1] * output.shape[2] * 40 : codeWords(output) * 10;
  return singleChoice(program, index, {
    kernel: "pool_codes",
    cost: tapsPerChannel(program, instruction) * perTap + stored,
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

function pixels(program: DeviceProgram, index: number, instruction: Pool): KernelChoice {
  const input = program.tensors[instruction.input]!;
  const [height, width, channels] = program.tensors[instruction.output]!.shape;
  const { kernel, stride } = instruction.window;
  const inputWords = Math.ceil(input.shape[1] / 32);
  const perWord = stride[1] <= 2 ? stride[1] * (20 * kernel[1] + 15) : 32 * 20 * kernel[1];
  return singleChoice(program, index, {
    kernel: "pool_pixels",
    layout: "pixels",
    scratchBytes: 8 * Math.ceil(inputWords / 2),
    cost:
      height * channels * (20 + inputWords * (20 + 18 * kernel[0]) + Math.ceil(width / 32) * (20 + perWord)),
    call: {
      function: "bitloom_pool_pixels_extreme",
      type: "bitloom_pool_pixels",
      fields: [
        ...windowFields(program, instruction),
        ["channels", channels],
        ["unit_bytes", unitBytes(input.shape[1])],
        ["output_unit_bytes", unitBytes(width)],
        ["minimum", instruction.operator === "minimum" ? 1 : 0],
      ],
      runtime: [
        "bitloom_pool_pixels.c",
        "bitloom_pool_pixels.h",
        "bitloom_window.h",
        "bitloom_bits.h",
        "bitloom_units.h",
      ],
    },
  });
}
