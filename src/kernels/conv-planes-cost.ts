import type { Cpu } from "../targets/index.js";
import { classesOf, outsideColumns, outsideRows, padMode } from "./conv-pairs-shape.js";
import { lanesOf, phasesOf } from "./conv-pairs-sizes.js";
import type { ConvPlanesShape } from "./conv-planes-shape.js";
import { type ConvPlanesSizes, type ConvPlanesTiling, sizesOf } from "./conv-planes-sizes.js";
import { type CoreFamily, coreFamily, weighted } from "./core-family.js";
import { workInCalls } from "./rows.js";

/** How often each part of the work is done. */
interface PlanesWork {
  /** Blocks of 16 groups of sixes and threes that one output adds, halves counted as such, and runs of one output. */
  readonly sixBlock: number;
  readonly threeBlock: number;
  readonly half: number;
  readonly run: number;
  /** Three planes of outputs' counters: set at the start, and compared with a threshold. */
  readonly started: number;
  readonly compared: number;
  readonly level: number;
  /** Codes of outputs for one class of pixels; planes of outputs that are put together and stored. */
  readonly coded: number;
  readonly merged: number;
  readonly stored: number;
  /** Tables of a group. */
  readonly sixTables: number;
  readonly threeTables: number;
  /** Words of lines that are gathered: halves side by side, one lane at a time, two phases, every kernel column by itself. */
  readonly halves: number;
  readonly lanes: number;
  readonly phases: number;
  readonly columns: number;
  /** Words of kernel rows that are turned, and whose pairs or ones are counted. */
  readonly turned: number;
  readonly counted: number;
  readonly ones: number;
  readonly line: number;
  readonly summed: number;
  readonly call: number;
  readonly tile: number;
  readonly classes: number;
  readonly layer: number;
}

/** Instructions of each part of the work, fitted to counts of random layers (bench/fit.ts; GCC 12, -O2). */
const DSP: PlanesWork = {
  ...{
    sixBlock: 197,
    threeBlock: 183,
    half: 9.5,
    run: 33.4,
    started: 0,
    compared: 13.9,
    level: 0,
    coded: 13.7,
  },
  ...{ merged: 12.6, stored: 4.9, sixTables: 365, threeTables: 93, halves: 8.7, lanes: 8.8, phases: 64 },
  ...{ columns: 65, turned: 0, counted: 0, ones: 15, line: 560, summed: 330, call: 77, tile: 116 },
  ...{ classes: 1036, layer: 0 },
};
const THUMB1: PlanesWork = {
  ...{ sixBlock: 569, threeBlock: 576, half: 0, run: 128, started: 0, compared: 67, level: 5.2, coded: 51 },
  ...{ merged: 4.5, stored: 1.1, sixTables: 1026, threeTables: 253, halves: 55, lanes: 28.5, phases: 172 },
  ...{ columns: 150, turned: 0, counted: 0, ones: 30, line: 1626, summed: 0, call: 518, tile: 0 },
  ...{ classes: 2892, layer: 0 },
};
const INSTRUCTIONS: Readonly<Record<CoreFamily, PlanesWork>> = {
  dsp: DSP,
  thumb2: { ...DSP, sixBlock: 205, threeBlock: 199 },
  thumb1: THUMB1,
};

/** Estimated instructions for the whole map in all its calls, and the work that they are made of. */
export function convPlanesCost(
  shape: ConvPlanesShape,
  tiling: ConvPlanesTiling,
  cpu: Cpu,
): { readonly cost: number; readonly work: Readonly<Record<string, number>> } {
  const size = sizesOf(shape, tiling);
  const work = workInCalls(shape.outputHeight, tiling.rows, (rows) => workOf(shape, tiling, size, rows));
  return { cost: weighted(INSTRUCTIONS[coreFamily(cpu)], work), work: { ...work } };
}

/** The work of one call for so many rows. */
function workOf(
  shape: ConvPlanesShape,
  tiling: ConvPlanesTiling,
  size: ConvPlanesSizes,
  outputRows: number,
): PlanesWork {
  const { kernel, stride, dilation } = shape.window;
  const perGroup = shape.outputs / shape.groups;
  const lanes = lanesOf(shape.outputWidth);
  const tiles = Math.ceil(outputRows / lanes);
  const columns = Math.ceil(shape.outputWidth / 32) * shape.groups;
  const blocks = columns * Math.ceil(perGroup / tiling.block);
  const outputs = columns * tiles * perGroup;
  const isSix = shape.kind === "sixes";
  const lines = Math.min(tiles * kernel[0], (tiles - 1) * stride[0] + (kernel[0] - 1) * dilation[0] + 1);
  const built = blocks * (tiling.scheme === "tiles" ? tiles * kernel[0] : lines) * shape.inputPlanes;
  const counted = isSix ? columns * lines * shape.inputPlanes : 0;
  const planeRuns = outputs * kernel[0] * shape.inputPlanes * shape.weightPlanes;
  const addedBlocks = planeRuns * (size.words / 4);
  const rowWords = kernel[1] * (shape.channels / shape.groups);
  const halves =
    (Math.floor(size.words / size.piece) * (size.piece % 4) + ((size.words % size.piece) % 4)) / 2;
  const classed = outputs * meanClasses(shape, tiles, lanes, outputRows);
  const loaded = built + counted;
  return {
    sixBlock: isSix ? addedBlocks : 0,
    threeBlock: isSix ? 0 : addedBlocks,
    half: planeRuns * halves,
    run: planeRuns * size.pieces,
    started: (outputs * size.planes) / 3,
    compared: (classed * shape.levels * size.planes) / 3,
    level: classed * shape.levels,
    coded: classed,
    merged: padMode(shape) === 2 ? classed * shape.outputPlanes : 0,
    stored: outputs * shape.outputPlanes * (shape.outputWidth === 16 ? 1 : lanes),
    sixTables: isSix ? built * 4 * size.words : 0,
    threeTables: isSix ? 0 : built * 4 * size.words,
    ...gatheredWords(shape, loaded * size.lineWords, lanes, outputRows),
    turned: loaded * rowWords,
    counted: counted * rowWords,
    ones: shape.ones === 0 ? 0 : counted * rowWords,
    line: loaded,
    summed: counted,
    call: blocks * tiles * kernel[0] * shape.inputPlanes * shape.weightPlanes * size.pieces,
    tile: blocks * tiles,
    classes: padMode(shape) === 2 ? blocks * tiles : 0,
    layer: blocks,
  };
}

/** Words of lines by the way in which they are gathered, as in conv-pairs-cost.ts. */
function gatheredWords(
  shape: ConvPlanesShape,
  words: number,
  lanes: number,
  outputRows: number,
): Pick<PlanesWork, "halves" | "lanes" | "phases" | "columns"> {
  const phases = phasesOf(shape);
  const rows = Math.min(lanes, outputRows);
  const isHalves =
    phases === 1 && lanes === 2 && shape.width > 8 && (shape.channels / shape.groups) % 4 === 0;
  return {
    halves: isHalves ? words : 0,
    lanes: phases === 1 && !isHalves ? words * rows : 0,
    phases: phases === 2 ? (words / 2) * Math.ceil(lanes === 4 ? rows / 2 : rows) : 0,
    columns: phases === 0 ? words * rows : 0,
  };
}

/** Classes of pixels of a tile, on average over all calls for so many rows. */
function meanClasses(shape: ConvPlanesShape, tiles: number, lanes: number, outputRows: number): number {
  if (padMode(shape) !== 2) return 1;
  const rows = classesOf(outsideRows(shape)).ids;
  const columns = classesOf(outsideColumns(shape)).classes.length;
  let [count, all] = [0, 0];
  for (let first = 0; first + outputRows <= shape.outputHeight; first += outputRows) {
    for (let t = 0; t < tiles; t++, all++) {
      const ofLanes = Array.from({ length: lanes }, (_, lane) => t + lane * tiles);
      const inCall = ofLanes.filter((y) => y < outputRows).map((y) => rows[first + y]);
      count += new Set(inCall).size * columns;
    }
  }
  return count / all;
}
