import type { DeviceProgram, Instruction, TensorId } from "../program/types.js";
import { packTables } from "./conv-tables-mve-pack.js";
import { planTables } from "./conv-tables-mve-plan.js";
import { followingThreshold, instructionOf, type Kernel, type KernelChoice } from "./types.js";

type Conv = Extract<Instruction, { kind: "conv" }>;
type Shape = readonly [number, number, number];

const NAME = "bitloom_conv_tables_mve";

/** ±1 × ±1 convolutions with a one-bit threshold: `runtime-c/bitloom_conv_tables_mve.h`. */
export const convTablesMve: Kernel = {
  name: "conv_tables_mve",
  summary:
    "±1 × ±1 convolution, 4 inputs select from tables, 16 pixels of 8 outputs a word, fused with a one-bit threshold",
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
  const plan = planTables(conv, input, output);
  if (plan === undefined) return [];
  const { constants, fields } = packTables(conv, thresholds, input, output, plan);
  return [
    {
      kernel: "conv_tables_mve",
      covers: [index, index + 1],
      inputs: [conv.input],
      inputLayouts: ["channels"],
      output: to,
      outputLayout: "channels",
      scratchBytes: plan.scratchBytes,
      call: { function: `${NAME}_threshold`, type: NAME, fields, constants, canFail: false, runtime },
      cost: plan.cost,
    },
  ];
}

const runtime = [
  `${NAME}.c`,
  `${NAME}_map.c`,
  `${NAME}_places.c`,
  `${NAME}_core.c`,
  `${NAME}_core_asm.S`,
  `${NAME}.h`,
  `${NAME}_map.h`,
  `${NAME}_places.h`,
  `${NAME}_core.h`,
  "bitloom_v128.h",
  "bitloom_v128_bytes.h",
];

function isBinary(program: DeviceProgram, { input, weights, padValue }: Conv): boolean {
  const domain = program.tensors[input]!.domain;
  const bipolar = (d: { bits: number; step: number; offset: number }): boolean =>
    d.bits === 1 && d.step === 2 && d.offset === -1;
  return domain.kind === "codes" && bipolar(domain) && bipolar(weights) && [-1, 0, 1].includes(padValue);
}
