import type { DeviceProgram, Instruction } from "../program/types.js";
import { singleChoice } from "./single.js";
import { type ConstantArray, instructionOf, type Kernel } from "./types.js";
import { fitsWindowFields, windowFields } from "./window.js";

type Conv = Extract<Instruction, { kind: "conv-float" }>;

/**
 * Instructions per tap without an FPU: gathered, multiplied, added, left out, in the units of conv_float. A product and a sum take as
 * long as there, and count a little less, so that of equal work the one with small constants is chosen.
 */
const COST = { tap: 20, product: 60, sum: 68, unused: 8 };

/** Convolutions of floats by weights of one magnitude and 0: `runtime-c/bitloom_conv_signs.h`. */
export const convSigns: Kernel = {
  name: "conv_signs",
  summary:
    "float32 convolution by weights that are ±one number or 0, which are bits; sums only where they have one number",
  match(program, index) {
    const conv = instructionOf(program, index, "conv-float");
    if (conv === undefined || !fitsWindowFields(conv.window)) return [];
    const outputs = program.tensors[conv.output]!.shape[2];
    const magnitudes = magnitudesOf(conv.weights, outputs);
    return magnitudes === undefined ? [] : [choice(program, index, conv, magnitudes)];
  },
};

function choice(program: DeviceProgram, index: number, conv: Conv, magnitudes: readonly number[]) {
  const channels = program.tensors[conv.input]!.shape[2];
  const [height, width, outputs] = program.tensors[conv.output]!.shape;
  const taps = conv.weights.length / outputs;
  const words = Math.ceil(taps / 32);
  const isTernary = conv.weights.some((w) => w === 0);
  const layout = `[${outputs} outputs][${words} words]`;
  const constants: readonly ConstantArray[] = [
    { name: "negative", type: "uint32_t", values: packed(conv.weights, taps, (w) => w < 0), layout },
    ...(isTernary
      ? [
          {
            name: "used",
            type: "uint32_t",
            values: packed(conv.weights, taps, (w) => w !== 0),
            layout,
          } as const,
        ]
      : []),
    {
      name: "magnitudes",
      type: "float",
      values: Float32Array.from(magnitudes),
      layout: `[${magnitudes.length}]`,
    },
  ];
  return singleChoice(program, index, {
    kernel: "conv_signs",
    cost: height * width * costPerPixel(conv, taps, magnitudes.length > 1),
    scratchBytes: Math.ceil(taps / 2) * 8,
    call: {
      function: "bitloom_conv_signs_f32",
      type: "bitloom_conv_signs",
      fields: [
        ["negative", { constant: "negative" }],
        ["used", isTernary ? { constant: "used" } : null],
        ["magnitudes", { constant: "magnitudes" }],
        ...windowFields(program, conv),
        ["groups", conv.groups],
        ["group_inputs", channels / conv.groups],
        ["group_outputs", outputs / conv.groups],
        ["words", words],
        ["per_output", magnitudes.length > 1 ? 1 : 0],
      ],
      constants,
      runtime: ["bitloom_conv_signs.c", "bitloom_conv_signs.h", "bitloom_window.h", "bitloom_float.h"],
    },
  });
}

/** The magnitude of each output's weights, one number where all have the same; undefined where an output has several. */
function magnitudesOf(weights: Float32Array, outputs: number): readonly number[] | undefined {
  const taps = weights.length / outputs;
  const found: number[] = [];
  for (let n = 0; n < outputs; n++) {
    let magnitude = 0;
    for (let k = n * taps; k < (n + 1) * taps; k++) {
      const size = Math.abs(weights[k]!);
      if (size === 0 || size === magnitude) continue;
      if (magnitude !== 0) return undefined;
      magnitude = size;
    }
    found.push(magnitude);
  }
  const others = new Set(found.filter((m) => m !== 0));
  return others.size > 1 ? found : [others.values().next().value ?? 0];
}

function packed(weights: Float32Array, taps: number, isSet: (w: number) => boolean): Uint32Array {
  const words = Math.ceil(taps / 32);
  const bits = new Uint32Array((weights.length / taps) * words);
  weights.forEach((w, i) => {
    const k = i % taps;
    if (isSet(w)) bits[Math.floor(i / taps) * words + (k >> 5)]! |= 1 << (k & 31);
  });
  return bits;
}

function costPerPixel({ weights, groups }: Conv, taps: number, isPerOutput: boolean): number {
  const used = weights.reduce((count, w) => count + (w === 0 ? 0 : 1), 0);
  const products = isPerOutput ? used : groups * taps;
  return (
    groups * taps * COST.tap +
    products * COST.product +
    used * COST.sum +
    (weights.length - used) * COST.unused
  );
}
