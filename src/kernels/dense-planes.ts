import type { CodesDomain, DeviceProgram } from "../program/types.js";
import { packPlanes } from "./pack.js";
import { type Dense, fitsOutputs, pointwiseConv, type Threshold } from "./pointwise.js";
import { followingThreshold, type Kernel, type KernelCall, type KernelChoice } from "./types.js";

/** Dense layers of k-bit codes and m-bit weights: `runtime-c/bitloom_dense_planes.h`. */
export const densePlanes: Kernel = {
  name: "dense_planes",
  summary:
    "k-bit × m-bit dense as AND and popcount over pairs of bit planes, fused with a multi-level threshold",
  match(program, index) {
    const dense = pointwiseConv(program, index);
    if (dense === undefined || dense.weights.inputs > 65535 || dense.weights.outputs > 65535) return [];
    if (program.tensors[dense.input]!.domain.kind !== "codes") return [];
    const alone = choice(program, dense, [index], scoresCall(program, dense));
    const threshold = followingThreshold(program, index);
    return threshold !== undefined && fitsOutputs(program, dense, threshold)
      ? [choice(program, dense, [index, index + 1], thresholdCall(program, dense, threshold)), alone]
      : [alone];
  },
};

function choice(
  program: DeviceProgram,
  dense: Dense,
  covers: readonly number[],
  call: KernelCall,
): KernelChoice {
  const { shape, domain } = program.tensors[dense.input]!;
  const planePairs = (domain as CodesDomain).bits * dense.weights.bits;
  const perOutput = planePairs * (15 + 10 * Math.ceil(dense.weights.inputs / 32));
  const output = program.instructions[covers.at(-1)!]!.output;
  const cost = shape[0] * shape[1] * dense.weights.outputs * (15 + perOutput);
  return {
    kernel: "dense_planes",
    covers,
    inputs: [dense.input],
    inputLayouts: ["channels"],
    output,
    outputLayout: "channels",
    scratchBytes: 0,
    call,
    cost,
  };
}

function thresholdCall(program: DeviceProgram, dense: Dense, threshold: Threshold): KernelCall {
  const bias = biases(program, dense);
  const values = threshold.thresholds.map((t, i) => t - bias[Math.floor(i / threshold.levels)]!);
  const { weights } = dense;
  const output = program.tensors[threshold.output]!.domain as CodesDomain;
  return {
    function: "bitloom_dense_planes_threshold",
    type: "bitloom_dense_planes",
    fields: [
      ["weights", { constant: "weights" }],
      ["thresholds", { constant: "thresholds" }],
      ["bias", null],
      ...commonFields(program, dense),
      ["output_planes", output.bits],
      ["levels", threshold.levels],
    ],
    constants: [
      weightsConstant(dense),
      {
        name: "thresholds",
        type: "int32_t",
        values,
        layout: `[${weights.outputs} outputs][${threshold.levels} levels], bias subtracted`,
      },
    ],
    canFail: false,
    runtime,
  };
}

function scoresCall(program: DeviceProgram, dense: Dense): KernelCall {
  return {
    function: "bitloom_dense_planes_scores",
    type: "bitloom_dense_planes",
    fields: [
      ["weights", { constant: "weights" }],
      ["thresholds", null],
      ["bias", { constant: "bias" }],
      ...commonFields(program, dense),
      ["output_planes", 1],
      ["levels", 0],
    ],
    constants: [
      weightsConstant(dense),
      {
        name: "bias",
        type: "int32_t",
        values: biases(program, dense),
        layout: `[${dense.weights.outputs} outputs]`,
      },
    ],
    canFail: false,
    runtime,
  };
}

const runtime = ["bitloom_dense_planes.c", "bitloom_dense_planes.h", "bitloom_popcount.h", "bitloom_codes.h"];

function commonFields(program: DeviceProgram, { input, weights }: Dense): KernelCall["fields"] {
  const tensor = program.tensors[input]!;
  const domain = tensor.domain as CodesDomain;
  return [
    ["product_scale", domain.step * weights.step],
    ["sum_scale", domain.step * weights.offset],
    ["words", Math.ceil(weights.inputs / 32)],
    ["outputs", weights.outputs],
    ["width", tensor.shape[1]],
    ["input_planes", domain.bits],
    ["weight_planes", weights.bits],
  ];
}

function weightsConstant({ weights }: Dense): KernelCall["constants"][number] {
  return {
    name: "weights",
    type: "uint32_t",
    values: packPlanes(weights),
    layout: `[${weights.outputs} outputs][${weights.bits} planes][${Math.ceil(weights.inputs / 32)} words]`,
  };
}

/** The part of a score that depends on the weights alone: offset_x · Σ weights. */
function biases(program: DeviceProgram, { input, weights }: Dense): Int32Array {
  const { offset } = program.tensors[input]!.domain as CodesDomain;
  return Int32Array.from({ length: weights.outputs }, (_, n) => {
    let sum = 0;
    for (let k = 0; k < weights.inputs; k++)
      sum += weights.step * weights.codes[n * weights.inputs + k]! + weights.offset;
    return offset * sum;
  });
}
