import type { Cpu } from "../targets/index.js";
import { countedCost } from "./conv-bases-cost.js";
import {
  type BasesLayer,
  basesChoice,
  basesLayers,
  type ConvBases,
  eachBasis,
  sumOfCodes,
} from "./conv-bases-layer.js";
import { packPlanes } from "./pack.js";
import { type ConstantArray, instructionOf, type Kernel, type KernelChoice } from "./types.js";

/** Convolutions of planes by bases: `runtime-c/bitloom_conv_bases.h`. */
export const convBases: Kernel = {
  name: "conv_bases",
  summary:
    "planes × bases of any geometry: taps gathered once, a popcount per plane and basis, float32 coefficients",
  match(program, index, cpu) {
    const conv = instructionOf(program, index, "conv-bases");
    return conv === undefined ? [] : basesLayers(program, index, conv).map((layer) => choice(layer, cpu));
  },
};

function choice(layer: BasesLayer, cpu: Cpu): KernelChoice {
  const { conv } = layer;
  const { offset } = conv.planes;
  const rest = basesChoice(layer, {
    kernel: "conv_bases",
    scratchWords: 0,
    prefix: "",
    fields: [
      ["weights", { constant: "weights" }],
      ["bias", offset === 0 ? null : { constant: "bias" }],
      ["weight_planes", weightPlanes(conv)],
    ],
    constants: constants(conv),
    runtime: [],
  });
  return { ...rest, ...countedCost(layer, cpu) };
}

/** Planes of all bases' weights: those of the widest. */
function weightPlanes({ bases }: ConvBases): number {
  return Math.max(...bases.map((b) => b.bits));
}

function constants(conv: ConvBases): readonly ConstantArray[] {
  const { bases } = conv;
  const { offset } = conv.planes;
  const { outputs, inputs } = bases[0]!;
  const layout = `[${outputs} outputs][${bases.length} bases]`;
  const weights: ConstantArray = {
    name: "weights",
    type: "uint32_t",
    values: packedBases(conv),
    layout: `${layout}[${weightPlanes(conv)} planes][${Math.ceil(inputs / 32)} words]`,
  };
  if (offset === 0) return [weights];
  const bias = eachBasis(conv, (n, basis) => offset * basis.step * sumOfCodes(basis, n));
  return [weights, { name: "bias", type: "int32_t", values: bias, layout }];
}

/** Rows of bit planes of each output, its bases one after another, each with as many planes. */
function packedBases(conv: ConvBases): Uint32Array {
  const { bases } = conv;
  const bits = weightPlanes(conv);
  const { outputs, inputs } = bases[0]!;
  const size = bits * Math.ceil(inputs / 32);
  const packed = new Uint32Array(outputs * bases.length * size);
  for (const [m, basis] of bases.entries()) {
    const rows = packPlanes({ ...basis, bits });
    for (let n = 0; n < outputs; n++)
      packed.set(rows.subarray(n * size, (n + 1) * size), (n * bases.length + m) * size);
  }
  return packed;
}
