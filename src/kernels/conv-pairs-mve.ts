import type { DeviceProgram, Instruction, TensorId } from "../program/types.js";
import { packMve } from "./conv-pairs-mve-pack.js";
import { planMve } from "./conv-pairs-mve-plan.js";
import { followingThreshold, instructionOf, type Kernel, type KernelChoice } from "./types.js";

type Conv = Extract<Instruction, { kind: "conv" }>;
type Shape = readonly [number, number, number];

const NAME = "bitloom_conv_pairs_mve";

/** ±1 × ±1 convolutions with a one-bit threshold: `runtime-c/bitloom_conv_pairs_mve.h`. */
export const convPairsMve: Kernel = {
  name: "conv_pairs_mve",
  summary: "±1 × ±1 convolution by tables of input pairs, 128 pixels a word, fused with a one-bit threshold",
  match(program, index, cpu) {
    if (!cpu.hasMve) return [];
    const conv = instructionOf(program, index, "conv");
    const threshold = followingThreshold(program, index);
    if (conv === undefined || threshold === undefined || threshold.levels !== 1) return [];
    if (!isBinary(program, conv)) return [];
    const input = program.tensors[conv.input]!.shape;
    const output = program.tensors[conv.output]!.shape;
    return choice(conv, threshold.thresholds, input, output, index, threshold.output);
  },
};

function choice(
  conv: Conv,
  thresholds: Int32Array,
  input: Shape,
  output: Shape,
  index: number,
  to: TensorId,
): KernelChoice[] {
  const plan = planMve(conv, input, output);
  if (plan === undefined) return [];
  const { constants, fields } = packMve(conv, thresholds, input, output, plan);
  return [
    {
      kernel: "conv_pairs_mve",
      covers: [index, index + 1],
      inputs: [conv.input],
      inputLayouts: ["pixels"],
      output: to,
      outputLayout: "pixels",
      scratchBytes: plan.scratchBytes,
      call: { function: `${NAME}_threshold`, type: NAME, fields, constants, canFail: false, runtime },
      cost: plan.cost,
    },
  ];
}

const runtime = [
  `${NAME}.c`,
  `${NAME}_lanes.c`,
  `${NAME}_core.c`,
  `${NAME}_core_asm.S`,
  `${NAME}.h`,
  `${NAME}_lanes.h`,
  `${NAME}_core.h`,
  "bitloom_v128.h",
];

function isBinary(program: DeviceProgram, { input, weights, padValue }: Conv): boolean {
  const domain = program.tensors[input]!.domain;
  const bipolar = (d: { bits: number; step: number; offset: number }): boolean =>
    d.bits === 1 && d.step === 2 && d.offset === -1;
  return domain.kind === "codes" && bipolar(domain) && bipolar(weights) && [-1, 0, 1].includes(padValue);
}
