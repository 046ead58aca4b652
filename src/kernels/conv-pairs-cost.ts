import type { Cpu } from "../targets/index.js";
import { type ConvPairsShape, classCounts, padMode } from "./conv-pairs-shape.js";
import { type ConvPairsSizes, type ConvPairsTiling, lanesOf, phasesOf, sizesOf } from "./conv-pairs-sizes.js";
import { type CoreFamily, coreFamily, weighted } from "./core-family.js";
import { workInCalls } from "./rows.js";

/** How often each part of the work is done. */
interface PairsWork {
  /** Runs of one output: 32 inputs in one of them, from the start to the end of one, and loading and storing counters. */
  readonly word: number;
  readonly run: number;
  readonly state: number;
  /** Planes of outputs whose counters start from each pixel's threshold; four planes of each class of pixels in a tile. */
  readonly preset: number;
  readonly presetClass: number;
  /** Outputs of a tile stored as they are, and those of every lane by itself. */
  readonly zipped: number;
  readonly stored: number;
  /** Tables of 4 inputs, built and moved. */
  readonly build: number;
  readonly move: number;
  /** Words of lines: halves side by side, one lane at a time, two phases, every kernel column by itself, complemented. */
  readonly halves: number;
  readonly turned: number;
  readonly phases: number;
  readonly column: number;
  readonly plusOne: number;
  /** Lines whose pairs are counted. */
  readonly line: number;
  readonly tile: number;
  readonly call: number;
  readonly row: number;
  /** Calls of the kernel. */
  readonly entry: number;
}

/** Instructions of each part of the work, fitted to counts of random layers (bench/fit.ts; GCC 12, -O2). */
const DSP: PairsWork = {
  ...{ word: 85.1, run: 14.5, state: 10.5, preset: 27, presetClass: 17.3, zipped: 2.5, stored: 9 },
  ...{ build: 35.1, move: 33.4, halves: 6.7, turned: 13.4, phases: 79.1, column: 56.8, plusOne: 7.5 },
  ...{ line: 134, tile: 551, call: 334, row: 185, entry: 0 },
};
const THUMB1: PairsWork = {
  ...{ word: 142.2, run: 88.9, state: 0, preset: 40.5, presetClass: 33.2, zipped: 4.5, stored: 13.2 },
  ...{ build: 91.4, move: 151.5, halves: 16, turned: 15, phases: 120, column: 72, plusOne: 9 },
  ...{ line: 310, tile: 986, call: 319, row: 292, entry: 0 },
};
const INSTRUCTIONS: Readonly<Record<CoreFamily, PairsWork>> = {
  dsp: DSP,
  thumb2: { ...DSP, word: 91.3 },
  thumb1: THUMB1,
};

/** Estimated instructions for the whole map in all its calls, and the work that they are made of. */
export function convPairsCost(
  shape: ConvPairsShape,
  tiling: ConvPairsTiling,
  cpu: Cpu,
): { readonly cost: number; readonly work: Readonly<Record<string, number>> } {
  const size = sizesOf(shape, tiling);
  const work = workInCalls(shape.outputHeight, tiling.rows, (rows) => workOf(shape, tiling, size, rows));
  return { cost: weighted(INSTRUCTIONS[coreFamily(cpu)], work), work: { ...work } };
}

/** The work of one call for so many rows. */
function workOf(
  shape: ConvPairsShape,
  tiling: ConvPairsTiling,
  size: ConvPairsSizes,
  outputRows: number,
): PairsWork {
  const [kernelHeight, kernelWidth] = shape.window.kernel;
  const perGroup = shape.outputs / shape.groups;
  const lanes = lanesOf(shape.outputWidth);
  const tiles = Math.ceil(outputRows / lanes);
  const columns = Math.ceil(shape.outputWidth / 32) * shape.groups;
  const blocks = columns * Math.ceil(perGroup / tiling.block);
  const outputs = columns * tiles * perGroup;
  const { built, moved, distinct, gathered, counted } = tableRows(shape, tiling, size, tiles);
  const runs = tiling.scheme === "window" ? 1 : kernelHeight * size.pieces;
  const isZero = padMode(shape) === 2;
  const rows = Math.min(lanes, outputRows);
  // What the slots hold of all lines serves every block.
  const gathers = (distinct <= tiling.lineSlots ? columns : blocks) * gathered;
  const counts = (distinct <= size.span ? columns : blocks) * counted;
  const words = gathers * size.lineWords;
  const phases = phasesOf(shape);
  const isHalves =
    phases === 1 && lanes === 2 && shape.width > 8 && (shape.channels / shape.groups) % 4 === 0;
  return {
    word: outputs * size.totalWords,
    run: outputs * runs,
    state: outputs * (runs - 1 + (isZero ? 1 : 0)),
    preset: isZero ? outputs * (size.planes + 1) : 0,
    presetClass: isZero ? outputs * Math.ceil((size.planes + 1) / 4) * tileClasses(shape, rows) : 0,
    zipped: shape.outputWidth === 16 ? outputs : 0,
    stored: shape.outputWidth === 16 || shape.outputWidth === 32 ? 0 : outputs * lanes,
    build: blocks * built * size.rowGroups,
    move: blocks * moved * size.rowGroups,
    halves: isHalves ? words : 0,
    turned: phases === 1 && !isHalves ? words * rows : 0,
    phases: phases === 2 ? (words / 2) * Math.ceil(lanes === 4 ? rows / 2 : rows) : 0,
    column: phases === 0 ? words * rows : 0,
    plusOne: phases === 1 && padMode(shape) === 1 ? words * rows : 0,
    line: counts * (phases === 2 ? kernelWidth : 1),
    tile: blocks * tiles,
    call: blocks * tiles * runs,
    row: blocks * built * size.pieces,
    entry: 1,
  };
}

/** Classes of pixels in one tile of so many rows, at most. */
function tileClasses(shape: ConvPairsShape, tileRows: number): number {
  const { rows, columns } = classCounts(shape);
  return Math.min(rows, tileRows) * columns;
}

/** Rows of tables that a column of tiles builds and moves, lines in all, those that it gathers, and whose pairs it counts. */
interface TableRows {
  readonly built: number;
  readonly moved: number;
  readonly distinct: number;
  readonly gathered: number;
  readonly counted: number;
}

function tableRows(
  shape: ConvPairsShape,
  tiling: ConvPairsTiling,
  size: ConvPairsSizes,
  tiles: number,
): TableRows {
  const [rows] = shape.window.kernel;
  const stride = shape.window.stride[0];
  const dilation = shape.window.dilation[0];
  const distinct = Math.min(tiles * rows, (tiles - 1) * stride + size.span);
  if (tiling.scheme === "window") {
    const fresh = stride % dilation === 0 ? Math.min(rows, stride / dilation) : rows;
    const kept = (tiles - 1) * (rows - fresh);
    const built = rows + (tiles - 1) * fresh;
    const gathered = tiling.lineSlots === 0 ? 0 : built;
    return { built, moved: size.rowGroups % 24 === 0 ? 0 : kept, distinct, gathered, counted: built };
  }
  const built = tiling.scheme === "tiles" ? tiles * rows : distinct;
  // One slot: a tile counts the pairs of all its lines at its first run, and must gather the line at work again.
  const again = rows === 1 ? 0 : tiles + (tiling.scheme === "tiles" ? 0 : distinct);
  const gathered = tiling.lineSlots === 0 ? 0 : tiling.lineSlots > 1 ? distinct : built + again;
  return { built, moved: 0, distinct, gathered, counted: distinct };
}
