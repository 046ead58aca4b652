/** How the work of `runtime-c/bitloom_conv_pairs.h` is cut, and the sizes that follow from that, as the C has them. */
import { type ConvPairsShape, padMode } from "./conv-pairs-shape.js";
import { unitBytes } from "./layout.js";

export type ConvPairsScheme = "window" | "rows" | "tiles";

/** How the work is cut: what the planner chooses. */
export interface ConvPairsTiling {
  readonly scheme: ConvPairsScheme;
  /** Outputs whose counters are kept at once. */
  readonly block: number;
  /** Words of an input row whose tables are kept at once. */
  readonly piece: number;
  /** Gathered input rows that are kept; 0: used where they lie. */
  readonly lineSlots: number;
  /** The most output rows of one call; all of them if absent. */
  readonly rows?: number;
}

/** Numbers that follow from shape and tiling, as the C computes them. */
export interface ConvPairsSizes {
  /** Words per channel of a gathered line. */
  readonly columnWords: number;
  readonly lineWords: number;
  /** Groups of 4 inputs in a kernel row. */
  readonly rowGroups: number;
  /** Weight words of an output: of the window, or of one kernel row. */
  readonly words: number;
  /** Weight words of an output in all. */
  readonly totalWords: number;
  readonly tableWords: number;
  readonly pieces: number;
  readonly span: number;
  /** Tiles whose counters are kept. */
  readonly slots: number;
  readonly planes: number;
  /** Whether counters are kept between runs. */
  readonly hasState: boolean;
  readonly scratchBytes: number;
}

/** Words that one run adds at most (BITLOOM_CONV_PAIRS_MAX_RUN). */
export const MAX_RUN = 9;
/** Counters between runs have 9 or 12 planes. */
const STATE_PLANES = [9, 12] as const;
const TABLE_WORDS = 256;
const VERSION_WORDS = 64;
const SUM_WORDS = 13;

/** Gathered lines that serve all kernel columns: one per residue of the stride; 0 where every column is gathered. */
export function phasesOf({ outputWidth, width, window }: ConvPairsShape): number {
  const stride = window.stride[1];
  if (stride > 2 || outputWidth > 32 || width > 32) return 0;
  return Math.ceil(width / stride) <= 8 * unitBytes(outputWidth) ? stride : 0;
}

/** Whether input rows can be used where they lie. */
export function canUseRowsInPlace(shape: ConvPairsShape): boolean {
  return (
    phasesOf(shape) === 1 &&
    unitBytes(shape.width) === 4 &&
    unitBytes(shape.outputWidth) === 4 &&
    (shape.channels / shape.groups) % 4 === 0 &&
    padMode(shape) !== 1
  );
}

/** Output rows that share a word. */
export function lanesOf(outputWidth: number): number {
  return Math.max(1, 4 / unitBytes(outputWidth));
}

/**
 * Tiles of which one input row is a part, as many as one call has: their counters are kept at once.
 *
 * @param reach Rows from the first of a window to its last.
 * @param isEnded Whether the row itself ends a tile before another one starts.
 */
export function tileSlots(
  { outputHeight, outputWidth, window }: Pick<ConvPairsShape, "outputHeight" | "outputWidth" | "window">,
  rows: number | undefined,
  isEnded: boolean,
): number {
  const [stride] = window.stride;
  const reach = (window.kernel[0] - 1) * window.dilation[0];
  const open = Math.max(1, isEnded ? Math.ceil(reach / stride) : Math.floor(reach / stride) + 1);
  return Math.min(open, Math.ceil(Math.min(rows ?? outputHeight, outputHeight) / lanesOf(outputWidth)));
}

export function sizesOf(shape: ConvPairsShape, tiling: ConvPairsTiling): ConvPairsSizes {
  const [kernelHeight, kernelWidth] = shape.window.kernel;
  const columnWords = 4 * Math.ceil(shape.channels / shape.groups / 4);
  const lineWords = columnWords * (phasesOf(shape) || kernelWidth);
  const rowGroups = kernelWidth * (columnWords / 4);
  const reach = (kernelHeight - 1) * shape.window.dilation[0];
  const isWindow = tiling.scheme === "window";
  const words = Math.ceil((isWindow ? kernelHeight * rowGroups : rowGroups) / 8);
  const totalWords = isWindow ? words : kernelHeight * words;
  const pieces = isWindow ? 1 : Math.ceil(words / tiling.piece);
  const tableWords = isWindow ? words : Math.min(words, tiling.piece);
  const slots = tiling.scheme === "rows" ? tileSlots(shape, tiling.rows, pieces === 1) : 1;
  const isZero = padMode(shape) === 2;
  const runs = isWindow ? 1 : kernelHeight * pieces;
  const hasState = runs > 1 || isZero;
  const planes = planesOf(totalWords, hasState, isZero);
  const scratchWords =
    tableWords * TABLE_WORDS +
    kernelHeight +
    (tiling.lineSlots === 0 ? 1 : tiling.lineSlots) * lineWords +
    tiling.lineSlots +
    (reach + 1) * (planes + 1) +
    (reach + 1) +
    SUM_WORDS +
    slots * VERSION_WORDS +
    (hasState ? slots * tiling.block * planes : tiling.block) +
    (isZero ? (tiling.block + 1) >> 1 : 0);
  return {
    columnWords,
    lineWords,
    rowGroups,
    words,
    totalWords,
    tableWords,
    pieces,
    span: reach + 1,
    slots,
    planes,
    hasState,
    scratchBytes: 8 * Math.ceil(scratchWords / 2),
  };
}

/** Counter planes of `words` weight words; Infinity where none are enough. */
function planesOf(words: number, hasState: boolean, isZero: boolean): number {
  const fits = (planes: number): boolean =>
    isZero ? 48 * words + 16 <= 2 ** planes : 48 * words + 16 <= 2 ** (planes + 1);
  if (hasState) return STATE_PLANES.find(fits) ?? Number.POSITIVE_INFINITY;
  for (let planes = 5; planes <= 12; planes++) if (fits(planes)) return planes;
  return Number.POSITIVE_INFINITY;
}

/** Planes of numbers up to `greatest`, at least the three that are counted at once. */
export function planesFor(greatest: number): number {
  let planes = 3;
  while (greatest >= 2 ** planes) planes++;
  return planes;
}
