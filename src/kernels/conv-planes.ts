import type { CodesDomain, DeviceProgram, Instruction } from "../program/types.js";
import type { Cpu } from "../targets/index.js";
import { packConvPairsColumns } from "./conv-pairs-pack.js";
import { padMode } from "./conv-pairs-shape.js";
import { phasesOf } from "./conv-pairs-sizes.js";
import { classConstants } from "./conv-pairs-thresholds.js";
import { convPlanesCost } from "./conv-planes-cost.js";
import { packConvPlanesThresholds, packConvPlanesWeights } from "./conv-planes-pack.js";
import { type ConvPlanesShape, convPlanesShape } from "./conv-planes-shape.js";
import { type ConvPlanesTiling, sizesOf } from "./conv-planes-sizes.js";
import { offeredTilings } from "./tilings.js";
import {
  type DescriptorField,
  followingThreshold,
  instructionOf,
  type Kernel,
  type KernelCall,
  type KernelChoice,
} from "./types.js";

type Conv = Extract<Instruction, { kind: "conv" }>;
type Threshold = Extract<Instruction, { kind: "threshold" }>;

/** Scratch that the fastest way of cutting may take, where one fits; leaner ones are offered beside it. */
const SCRATCH_LIMIT = 32 * 1024;

/** Convolution of k-bit codes by m-bit or ternary weights with its thresholds: `runtime-c/bitloom_conv_planes.h`. */
export const convPlanes: Kernel = {
  name: "conv_planes",
  summary:
    "k-bit × m-bit or ternary convolution, 32 pixels per word, tables of six or three inputs, fused with its thresholds",
  countsRows: true,
  match(program, index, cpu, rows) {
    const fused = fusedConv(program, index);
    if (fused === undefined) return [];
    return tilings(fused.shape, cpu, rows).map((tiling) => choice(fused, tiling, index, cpu));
  },
};

/** A convolution and its thresholds. */
interface FusedConv {
  readonly shape: ConvPlanesShape;
  readonly input: CodesDomain;
  readonly conv: Conv;
  readonly threshold: Threshold;
}

function fusedConv(program: DeviceProgram, index: number): FusedConv | undefined {
  const conv = instructionOf(program, index, "conv");
  const threshold = conv === undefined ? undefined : followingThreshold(program, index);
  if (conv === undefined || threshold === undefined) return undefined;
  const to = program.tensors[threshold.output]!.domain;
  const input = program.tensors[conv.input]!.domain;
  if (to.kind !== "codes" || input.kind !== "codes") return undefined;
  const shape = convPlanesShape(program, conv, threshold.levels, to);
  return shape === undefined ? undefined : { shape, input, conv, threshold };
}

/** The choice with a tiling of the caller's, for tests and measurements. */
export function convPlanesChoice(
  program: DeviceProgram,
  index: number,
  tiling: ConvPlanesTiling,
  cpu: Cpu,
): KernelChoice | undefined {
  const fused = fusedConv(program, index);
  if (fused === undefined || !Number.isFinite(sizesOf(fused.shape, tiling).planes)) return undefined;
  return choice(fused, tiling, index, cpu);
}

function tilings(shape: ConvPlanesShape, cpu: Cpu, rows: number | undefined): readonly ConvPlanesTiling[] {
  const all = candidates(shape, rows).map((tiling) => ({
    tiling,
    scratch: sizesOf(shape, tiling).scratchBytes,
    cost: convPlanesCost(shape, tiling, cpu).cost,
  }));
  return offeredTilings(all, SCRATCH_LIMIT);
}

/** Ways to cut the work: by scheme, outputs per block and words per piece. */
function candidates(shape: ConvPlanesShape, rows: number | undefined): ConvPlanesTiling[] {
  const perGroup = shape.outputs / shape.groups;
  const blocks = [1, 2, 3, 4, 6, 8, 16].map((parts) => Math.ceil(perGroup / parts));
  const found: ConvPlanesTiling[] = [];
  for (const block of new Set(blocks)) {
    for (const scheme of ["rows", "tiles"] as const) {
      for (const piece of [2, 4, 6, 8]) found.push({ scheme, block, piece });
    }
  }
  const inRows = rows === undefined ? found : found.map((tiling) => ({ ...tiling, rows }));
  return inRows.filter((tiling) => Number.isFinite(sizesOf(shape, tiling).planes));
}

function choice(fused: FusedConv, tiling: ConvPlanesTiling, index: number, cpu: Cpu): KernelChoice {
  const { shape, conv, threshold } = fused;
  return {
    kernel: "conv_planes",
    covers: [index, index + 1],
    inputs: [conv.input],
    inputLayouts: ["pixels"],
    output: threshold.output,
    outputLayout: "pixels",
    scratchBytes: sizesOf(shape, tiling).scratchBytes,
    call: call(fused, tiling),
    ...convPlanesCost(shape, tiling, cpu),
  };
}

function call({ shape, input, conv, threshold }: FusedConv, tiling: ConvPlanesTiling): KernelCall {
  const size = sizesOf(shape, tiling);
  const { kernel, stride, dilation, pads } = shape.window;
  const isClassed = padMode(shape) === 2;
  const packed = packConvPlanesThresholds(shape, { ...conv, input }, threshold.thresholds);
  const shifts = Array.from({ length: shape.weightPlanes }, (_, j): DescriptorField => [`shifts[${j}]`, j]);
  const fields: DescriptorField[] = [
    ["weights", { constant: "weights" }],
    ["thresholds", { constant: "thresholds" }],
    ["base.columns", { constant: "columns" }],
    ["base.row_classes", isClassed ? { constant: "row_classes" } : null],
    ["base.column_classes", isClassed ? { constant: "column_classes" } : null],
    ["base.column_class_count", packed.columnClassCount],
    ["base.height", shape.height],
    ["base.width", shape.width],
    ["base.channels", shape.channels],
    ["base.outputs", shape.outputPlanes * shape.outputs],
    ["base.groups", shape.groups],
    ["base.output_width", shape.outputWidth],
    ["base.kernel_height", kernel[0]],
    ["base.kernel_width", kernel[1]],
    ["base.stride_y", stride[0]],
    ["base.stride_x", stride[1]],
    ["base.dilation_y", dilation[0]],
    ["base.dilation_x", dilation[1]],
    ["base.pad_top", pads[0]],
    ["base.pad_left", pads[1]],
    ["base.block", tiling.block],
    ["base.piece", size.piece],
    ["base.line_slots", 1],
    ["base.slots", size.slots],
    ["base.line_words", size.lineWords],
    ["base.phases", phasesOf(shape)],
    ["base.pad", padMode(shape)],
    ["base.scheme", tiling.scheme === "rows" ? 1 : 2],
    ["outputs", shape.outputs],
    ["words", size.words],
    ["constant", shape.constant],
    ["ones", shape.ones],
    ["kind", shape.kind === "sixes" ? 0 : 1],
    ["input_planes", shape.inputPlanes],
    ["weight_planes", shape.weightPlanes],
    ["output_planes", shape.outputPlanes],
    ["levels", shape.levels],
    ["planes", size.planes],
    ["row_planes", size.rowPlanes],
    ...shifts,
  ];
  return {
    function: "bitloom_conv_planes_threshold",
    type: "bitloom_conv_planes",
    fields,
    constants: [
      {
        name: "weights",
        type: "uint32_t",
        values: packConvPlanesWeights(shape, tiling, conv.weights),
        layout: "4 groups of inputs to a word: bitloom_conv_planes.h",
      },
      {
        name: "thresholds",
        type: "uint16_t",
        values: packed.values,
        layout: `[border classes][${shape.outputs} outputs][${shape.levels} levels]`,
      },
      {
        name: "columns",
        type: "uint32_t",
        values: packConvPairsColumns(shape),
        layout: `[${kernel[1]} kernel columns]: words in a line, turned right by, pixels in the map`,
      },
      ...(isClassed ? classConstants(packed) : []),
    ],
    canFail: false,
    runtime,
  };
}

const runtime = [
  "bitloom_conv_planes.c",
  "bitloom_conv_planes.h",
  "bitloom_conv_planes_core.c",
  "bitloom_conv_planes_core.h",
  "bitloom_conv_planes_core_v7m.S",
  "bitloom_conv_planes_tables_v7m.S",
  "bitloom_conv_pairs.h",
  "bitloom_conv_pairs_adders.h",
  "bitloom_conv_pairs_arch.h",
  "bitloom_conv_pairs_core_v7m.S",
  "bitloom_conv_pairs_sums_v7m.S",
  "bitloom_conv_pairs_tables_v7m.S",
  "bitloom_conv_pairs_core_v6m.S",
  "bitloom_conv_pairs_core.c",
  "bitloom_conv_pairs_core.h",
  "bitloom_conv_pairs_lines.c",
  "bitloom_conv_pairs_lines.h",
  "bitloom_conv_pairs_tile.c",
  "bitloom_conv_pairs_work.h",
  "bitloom_units.h",
];
