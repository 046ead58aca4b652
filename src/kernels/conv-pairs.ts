import type { DeviceProgram, Instruction } from "../program/types.js";
import type { Cpu } from "../targets/index.js";
import { convPairsCost } from "./conv-pairs-cost.js";
import { packConvPairsColumns, packConvPairsWeights } from "./conv-pairs-pack.js";
import { type ConvPairsShape, hasFewClasses, padMode } from "./conv-pairs-shape.js";
import {
  type ConvPairsScheme,
  type ConvPairsTiling,
  canUseRowsInPlace,
  MAX_RUN,
  phasesOf,
  planesFor,
  sizesOf,
} from "./conv-pairs-sizes.js";
import {
  type ConvPairsThresholds,
  classConstants,
  packConvPairsThresholds,
} from "./conv-pairs-thresholds.js";
import { offeredTilings } from "./tilings.js";
import {
  type DescriptorField,
  followingThreshold,
  instructionOf,
  type Kernel,
  type KernelCall,
  type KernelChoice,
} from "./types.js";
import { windowSizes } from "./window.js";

type Conv = Extract<Instruction, { kind: "conv" }>;
type Threshold = Extract<Instruction, { kind: "threshold" }>;

const MAX_UINT16 = 65535;
/** Scratch that the fastest tiling may take, where one fits; leaner ones are offered beside it. */
const SCRATCH_LIMIT = 12 * 1024;

/** ±1 × ±1 convolution with its threshold, 32 output pixels to a word: `runtime-c/bitloom_conv_pairs.h`. */
export const convPairs: Kernel = {
  name: "conv_pairs",
  summary:
    "±1 × ±1 convolution, 32 pixels per word, tables of pairs of inputs, fused with a one-bit threshold",
  countsRows: true,
  match(program, index, cpu, rows) {
    // With vectors conv_tables_mve executes fewer instructions on every shape.
    const fused = cpu.hasMve ? undefined : fusedConv(program, index);
    if (fused === undefined) return [];
    return tilings(fused.shape, cpu, rows).map((tiling) => choice(fused, tiling, index, cpu));
  },
};

/** A convolution and its threshold. */
interface FusedConv {
  readonly shape: ConvPairsShape;
  readonly conv: Conv;
  readonly threshold: Threshold;
  readonly packed: ConvPairsThresholds;
}

function fusedConv(program: DeviceProgram, index: number): FusedConv | undefined {
  const conv = instructionOf(program, index, "conv");
  const threshold = conv === undefined ? undefined : followingThreshold(program, index);
  if (conv === undefined || threshold?.levels !== 1) return undefined;
  if (program.tensors[threshold.output]!.domain.kind !== "codes") return undefined;
  const shape = convPairsShape(program, conv);
  if (shape === undefined) return undefined;
  return {
    shape,
    conv,
    threshold,
    packed: packConvPairsThresholds(shape, conv.weights, threshold.thresholds),
  };
}

/** The choice with a tiling of the caller's, for tests and measurements. */
export function convPairsChoice(
  program: DeviceProgram,
  index: number,
  tiling: ConvPairsTiling,
  cpu: Cpu,
): KernelChoice | undefined {
  const fused = fusedConv(program, index);
  return fused === undefined ? undefined : choice(fused, tiling, index, cpu);
}

/** The shape that the kernel needs, if it can do the convolution at all. */
export function convPairsShape(program: DeviceProgram, conv: Conv): ConvPairsShape | undefined {
  const input = program.tensors[conv.input]!;
  const [height, width, channels] = input.shape;
  const [outputHeight, outputWidth, outputs] = program.tensors[conv.output]!.shape;
  const { window, groups, weights, padValue } = conv;
  if (input.domain.kind !== "codes" || !isBipolar(input.domain) || !isBipolar(weights)) return undefined;
  if (padValue !== -1 && padValue !== 0 && padValue !== 1) return undefined;
  const shape: ConvPairsShape = {
    height,
    width,
    channels,
    outputHeight,
    outputWidth,
    outputs,
    groups,
    window,
    padValue,
  };
  const { kernel, stride, dilation, pads } = window;
  const sizes = [height, width, channels, outputs, outputWidth, ...kernel, ...stride, ...dilation, ...pads];
  return sizes.every((size) => size <= MAX_UINT16) && hasFewClasses(shape) ? shape : undefined;
}

function isBipolar(domain: { bits: number; step: number; offset: number }): boolean {
  return domain.bits === 1 && domain.step === 2 && domain.offset === -1;
}

function tilings(shape: ConvPairsShape, cpu: Cpu, rows: number | undefined): readonly ConvPairsTiling[] {
  const all = candidates(shape, rows).map((tiling) => ({
    tiling,
    scratch: sizesOf(shape, tiling).scratchBytes,
    cost: convPairsCost(shape, tiling, cpu).cost,
  }));
  return offeredTilings(all, SCRATCH_LIMIT);
}

/** Ways to cut the work: by scheme, outputs per block and words per piece. */
function candidates(shape: ConvPairsShape, rows: number | undefined): ConvPairsTiling[] {
  const perGroup = shape.outputs / shape.groups;
  const blocks = [1, 2, 3, 4, 6, 8, 16].map((parts) => Math.ceil(perGroup / parts));
  const rowWords = sizesOf(shape, { scheme: "rows", block: 1, piece: 1, lineSlots: 1 }).words;
  const pieces = Array.from({ length: MAX_RUN }, (_, i) => i + 1).map((most) =>
    Math.ceil(rowWords / Math.ceil(rowWords / most)),
  );
  const span = (shape.window.kernel[0] - 1) * shape.window.dilation[0] + 1;
  const inPlace = canUseRowsInPlace(shape);
  const found: ConvPairsTiling[] = [];
  for (const block of new Set(blocks)) {
    const window = { scheme: "window", block, piece: MAX_RUN, lineSlots: inPlace ? 0 : 1 } as const;
    if (sizesOf(shape, window).words <= MAX_RUN) found.push(window);
    for (const scheme of ["rows", "tiles"] as const) {
      for (const piece of new Set(pieces)) {
        for (const lineSlots of inPlace ? [0] : span > 1 ? [span, 1] : [1]) {
          found.push({ scheme, block, piece, lineSlots });
        }
      }
    }
  }
  const inRows = rows === undefined ? found : found.map((tiling) => ({ ...tiling, rows }));
  return inRows.filter((tiling) => Number.isFinite(sizesOf(shape, tiling).planes));
}

function choice(fused: FusedConv, tiling: ConvPairsTiling, index: number, cpu: Cpu): KernelChoice {
  const { shape, conv, threshold } = fused;
  return {
    kernel: "conv_pairs",
    covers: [index, index + 1],
    inputs: [conv.input],
    inputLayouts: ["pixels"],
    output: threshold.output,
    outputLayout: "pixels",
    scratchBytes: sizesOf(shape, tiling).scratchBytes,
    call: call(fused, tiling),
    ...convPairsCost(shape, tiling, cpu),
  };
}

const SCHEMES: Readonly<Record<ConvPairsScheme, number>> = Object.freeze({ window: 0, rows: 1, tiles: 2 });

function call({ shape, conv, packed }: FusedConv, tiling: ConvPairsTiling): KernelCall {
  const size = sizesOf(shape, tiling);
  const isZero = padMode(shape) === 2;
  const { kernel } = shape.window;
  const fields: DescriptorField[] = [
    ["weights", { constant: "weights" }],
    ["thresholds", { constant: "thresholds" }],
    ["columns", { constant: "columns" }],
    ["row_classes", isZero ? { constant: "row_classes" } : null],
    ["column_classes", isZero ? { constant: "column_classes" } : null],
    ["column_class_count", packed.columnClassCount],
    ["height", shape.height],
    ["width", shape.width],
    ["channels", shape.channels],
    ["outputs", shape.outputs],
    ["groups", shape.groups],
    ["output_width", shape.outputWidth],
    ...windowSizes(shape.window),
    ["block", tiling.block],
    ["piece", tiling.piece],
    ["line_slots", tiling.lineSlots],
    ["row_groups", size.rowGroups],
    ["words", size.words],
    ["pieces", size.pieces],
    ["slots", size.slots],
    ["line_words", size.lineWords],
    ["phases", phasesOf(shape)],
    ["pair_planes", planesFor(size.columnWords / 2)],
    ["row_planes", planesFor((kernel[1] * size.columnWords) / 2)],
    ["high_planes", planesFor((kernel[0] * size.columnWords) / 2)],
    ["pad", padMode(shape)],
    ["scheme", SCHEMES[tiling.scheme]],
    ["planes", size.planes],
  ];
  return {
    function: "bitloom_conv_pairs_threshold",
    type: "bitloom_conv_pairs",
    fields,
    constants: [
      {
        name: "weights",
        type: "uint32_t",
        values: packConvPairsWeights(shape, tiling, conv.weights),
        layout: `${size.totalWords} words per output, 8 groups of 4 inputs each: bitloom_conv_pairs.h`,
      },
      {
        name: "thresholds",
        type: "uint16_t",
        values: packed.values,
        layout: `[border classes][${shape.outputs} outputs]`,
      },
      {
        name: "columns",
        type: "uint32_t",
        values: packConvPairsColumns(shape),
        layout: `[${kernel[1]} kernel columns]: words in a line, turned right by, pixels in the map`,
      },
      ...(isZero ? classConstants(packed) : []),
    ],
    canFail: false,
    runtime,
  };
}

const runtime = [
  "bitloom_conv_pairs.c",
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
