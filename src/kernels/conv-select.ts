import { type PowerRange, powerRange } from "../program/powers.js";
import type { DeviceProgram, Instruction } from "../program/types.js";
import type { Cpu } from "../targets/index.js";
import { coreFamily } from "./core-family.js";
import { packPlanes } from "./pack.js";
import { singleChoice } from "./single.js";
import { type ConstantArray, instructionOf, type Kernel } from "./types.js";
import { fitsWindowFields, windowFields } from "./window.js";

type Conv = Extract<Instruction, { kind: "conv-float" }>;

/** Convolutions of floats by 0 and powers of two: `runtime-c/bitloom_conv_select.h`. */
export const convSelect: Kernel = {
  name: "conv_select",
  summary:
    "float32 × ±1, ternary or powers of two, any geometry: weights of 1 to 6 bits, additions in the weights' order, zeros skipped",
  match(program, index, cpu) {
    const conv = instructionOf(program, index, "conv-float");
    if (conv === undefined || !fitsWindowFields(conv.window)) return [];
    const powers = powerRange(conv.weights);
    if (powers === undefined || !fitsExponents(powers)) return [];
    const channels = program.tensors[conv.input]!.shape[2];
    const outputs = program.tensors[conv.output]!.shape[2];
    const constants = packed(conv, outputs, powers);
    const pointer = (name: string) => (constants.some((c) => c.name === name) ? { constant: name } : null);
    const inputs = conv.weights.length / outputs;
    return [
      singleChoice(program, index, {
        kernel: "conv_select",
        cost: cost(program, conv, cpu),
        call: {
          function: "bitloom_conv_select_f32",
          type: "bitloom_conv_select",
          fields: [
            ["signs", pointer("signs")],
            ["present", pointer("present")],
            ["powers", pointer("powers")],
            ...windowFields(program, conv),
            ["least_exponent", powers.least],
            ["words", Math.ceil(inputs / 32)],
            ["power_words", Math.ceil(inputs / 8)],
            ["groups", conv.groups],
            ["group_inputs", channels / conv.groups],
            ["group_outputs", outputs / conv.groups],
          ],
          constants,
          runtime: ["bitloom_conv_select.c", "bitloom_conv_select.h", "bitloom_window.h", "bitloom_float.h"],
        },
      }),
    ];
  },
};

/** Exponents of normal numbers, four bits apart. */
function fitsExponents({ least, greatest }: PowerRange): boolean {
  return least >= -126 && greatest <= 127 && greatest - least < 16;
}

function packed({ weights }: Conv, outputs: number, powers: PowerRange): readonly ConstantArray[] {
  const inputs = weights.length / outputs;
  const rows = (name: string, bitOf: (w: number) => boolean): ConstantArray => ({
    name,
    type: "uint32_t",
    values: packPlanes({
      ...{ outputs, inputs, bits: 1, step: 1, offset: 0 },
      codes: Uint8Array.from(weights, (w) => (bitOf(w) ? 1 : 0)),
    }),
    layout: `[${outputs} outputs][${Math.ceil(inputs / 32)} words]`,
  });
  const areSigns = powers.least === 0 && powers.greatest === 0;
  return [
    rows("signs", (w) => w < 0),
    ...(areSigns && !powers.hasZeros ? [] : [rows("present", (w) => w !== 0)]),
    ...(areSigns ? [] : [packedPowers(weights, outputs, powers.least)]),
  ];
}

/** Four bits per tap, the lowest tap in the lowest bits; those of zeros are 0. */
function packedPowers(weights: Float32Array, outputs: number, least: number): ConstantArray {
  const inputs = weights.length / outputs;
  const words = Math.ceil(inputs / 8);
  const values = new Uint32Array(outputs * words);
  weights.forEach((w, i) => {
    if (w === 0) return;
    const [n, k] = [Math.floor(i / inputs), i % inputs];
    const at = n * words + (k >> 3);
    values[at] = (values[at]! | ((Math.log2(Math.abs(w)) - least) << (4 * (k & 7)))) >>> 0;
  });
  return { name: "powers", type: "uint32_t", values, layout: `[${outputs} outputs][${words} words]` };
}

/**
 * Instructions without an FPU of a weight that is not 0, where about half of the numbers are 0 as behind a ReLU, and of a
 * run of taps (GCC 12, -O2).
 */
const THUMB2 = { weight: 35, run: 40 };
const THUMB1 = { weight: 60, run: 70 };

function cost(program: DeviceProgram, { output, weights, window, groups }: Conv, cpu: Cpu): number {
  const part = coreFamily(cpu) === "thumb1" ? THUMB1 : THUMB2;
  const [height, width, outputs] = program.tensors[output]!.shape;
  const [rows, columns] = window.kernel;
  const runs = groups === 1 && window.dilation[1] === 1 ? rows : rows * columns;
  const present = weights.reduce((count, w) => count + (w === 0 ? 0 : 1), 0);
  return height * width * (present * part.weight + outputs * runs * part.run);
}
