import type { DeviceProgram } from "../program/types.js";
import type { Cpu } from "../targets/index.js";
import { coreFamily, weighted } from "./core-family.js";
import { packPlanes } from "./pack.js";
import { type Dense, fitsOutputs, pointwiseConv, type Threshold } from "./pointwise.js";
import { followingThreshold, type Kernel, type KernelCall, type KernelChoice } from "./types.js";

/** The descriptor holds limits as int16 and sizes as uint16. */
const MAX_INPUTS = 32767;

/** Dense layers of ±1 inputs and ±1 weights: `runtime-c/bitloom_dense_b1.h`. */
export const denseB1: Kernel = {
  name: "dense_b1",
  summary: "±1 × ±1 dense, XOR and carry-save popcount per output, fused with a one-bit threshold",
  match(program, index, cpu) {
    const dense = pointwiseConv(program, index);
    if (dense === undefined || !isBinary(program, dense)) return [];
    const alone = choice(program, dense, [index], scoresCall(program, dense), cpu);
    const threshold = followingThreshold(program, index);
    return threshold?.levels === 1 && fitsOutputs(program, dense, threshold)
      ? [choice(program, dense, [index, index + 1], thresholdCall(program, dense, threshold), cpu), alone]
      : [alone];
  },
};

function isBinary(program: DeviceProgram, { input, weights }: Dense): boolean {
  const domain = program.tensors[input]!.domain;
  const bipolar = (d: { bits: number; step: number; offset: number }): boolean =>
    d.bits === 1 && d.step === 2 && d.offset === -1;
  return (
    domain.kind === "codes" &&
    bipolar(domain) &&
    bipolar(weights) &&
    weights.inputs <= MAX_INPUTS &&
    weights.outputs <= MAX_INPUTS
  );
}

/** Instructions of each part of the work, fitted to counts of random layers (bench/fit.ts; GCC 12, -O2). */
const THUMB2 = { pixel: 22, bit: 26.4, score: 26.4, countEight: 75, countLong: 48.5, countWord: 16.3 };
const THUMB1 = { pixel: 51, bit: 51.7, score: 47.5, countEight: 107, countLong: 83, countWord: 27.5 };

function choice(
  program: DeviceProgram,
  dense: Dense,
  covers: readonly number[],
  call: KernelCall,
  cpu: Cpu,
): KernelChoice {
  const pixels = program.tensors[dense.input]!.shape[0] * program.tensors[dense.input]!.shape[1];
  const words = Math.ceil(dense.weights.inputs / 32);
  const outputs = pixels * dense.weights.outputs;
  const work = {
    pixel: pixels,
    bit: covers.length > 1 ? outputs : 0,
    score: covers.length > 1 ? 0 : outputs,
    countEight: outputs * Math.floor(words / 8),
    countLong: words >= 8 ? outputs : 0,
    countWord: outputs * (words % 8),
  };
  const output = program.instructions[covers.at(-1)!]!.output;
  return {
    kernel: "dense_b1",
    covers,
    inputs: [dense.input],
    inputLayouts: ["channels"],
    output,
    outputLayout: "channels",
    scratchBytes: 0,
    call,
    cost: weighted(coreFamily(cpu) === "thumb1" ? THUMB1 : THUMB2, work),
    work,
  };
}

function commonFields(program: DeviceProgram, { input, weights }: Dense): KernelCall["fields"] {
  return [
    ["inputs", weights.inputs],
    ["words", Math.ceil(weights.inputs / 32)],
    ["outputs", weights.outputs],
    ["width", program.tensors[input]!.shape[1]],
  ];
}

function thresholdCall(program: DeviceProgram, dense: Dense, threshold: Threshold): KernelCall {
  return {
    function: "bitloom_dense_b1_threshold",
    type: "bitloom_dense_b1",
    fields: [
      ["weights", { constant: "weights" }],
      ["limits", { constant: "limits" }],
      ...commonFields(program, dense),
    ],
    constants: [weightsConstant(dense), limitsConstant(dense, threshold)],
    canFail: false,
    runtime,
  };
}

function scoresCall(program: DeviceProgram, dense: Dense): KernelCall {
  return {
    function: "bitloom_dense_b1_scores",
    type: "bitloom_dense_b1",
    fields: [["weights", { constant: "weights" }], ["limits", null], ...commonFields(program, dense)],
    constants: [weightsConstant(dense)],
    canFail: false,
    runtime,
  };
}

const runtime = ["bitloom_dense_b1.c", "bitloom_dense_b1.h", "bitloom_popcount.h", "bitloom_codes.h"];

function weightsConstant({ weights }: Dense): KernelCall["constants"][number] {
  return {
    name: "weights",
    type: "uint32_t",
    values: packPlanes(weights),
    layout: `[${weights.outputs} outputs][${Math.ceil(weights.inputs / 32)} words], bit 1 = +1`,
  };
}

/** `inputs − 2·differing ≥ T` is `differing ≤ floor((inputs − T) / 2)`, held within −1 (never) … inputs (always). */
function limitsConstant({ weights }: Dense, { thresholds }: Threshold): KernelCall["constants"][number] {
  const values = Int16Array.from(thresholds, (t) =>
    Math.max(-1, Math.min(weights.inputs, Math.floor((weights.inputs - t) / 2))),
  );
  return {
    name: "limits",
    type: "int16_t",
    values,
    layout: `[${weights.outputs} outputs], differing inputs at most`,
  };
}
