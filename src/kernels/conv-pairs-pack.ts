/**
 * Packing for `runtime-c/bitloom_conv_pairs.h`: sizes, weights and thresholds of one ±1 × ±1 convolution with the
 * one-bit threshold that follows it.
 */
import type { CodeMatrix, Window } from "../program/types.js";
import { unitBytes } from "./layout.js";

export interface ConvPairsShape {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly outputHeight: number;
  readonly outputWidth: number;
  readonly outputs: number;
  readonly groups: number;
  readonly window: Window;
  /** Value of a tap outside the map. */
  readonly padValue: -1 | 0 | 1;
}

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

/** Whether a tap of the window can lie outside the map. */
export function hasTapsOutside(shape: ConvPairsShape): boolean {
  return (
    outsideRows(shape).some((rows) => rows.length > 0) || outsideColumns(shape).some((c) => c.length > 0)
  );
}

/** Asked for every weight, and a walk over the map's border: each shape is walked round once. */
const padModes = new WeakMap<ConvPairsShape, 0 | 1 | 2>();

/** The padding of the C: zeros that no tap meets are no zero padding. */
export function padMode(shape: ConvPairsShape): 0 | 1 | 2 {
  const known = padModes.get(shape);
  if (known !== undefined) return known;
  const isMinusOne = shape.padValue === -1 || !hasTapsOutside(shape);
  const mode = isMinusOne ? 0 : shape.padValue === 1 ? 1 : 2;
  padModes.set(shape, mode);
  return mode;
}

/** Gathered lines that serve all kernel columns: one per residue of the stride; 0 where every column is gathered. */
export function phasesOf({ outputWidth, width, window }: ConvPairsShape): number {
  const stride = window.stride[1];
  if (stride > 2 || outputWidth > 32 || width > 32) return 0;
  return Math.ceil(width / stride) <= 8 * unitBytes(outputWidth) ? stride : 0;
}

/**
 * Per kernel column: where its words are in a gathered line, how they are turned right, and which output pixels' taps lie
 * in the map. With phases there is one column of tiles, so these are constants.
 */
export function packConvPairsColumns(shape: ConvPairsShape): Uint32Array {
  const { width, outputWidth, window } = shape;
  const phases = phasesOf(shape);
  const columnWords = 4 * Math.ceil(shape.channels / shape.groups / 4);
  const columns = Array.from({ length: window.kernel[1] }, (_, kx) => {
    if (phases === 0) return [kx * columnWords, 0, 0xffffffff];
    const from = kx * window.dilation[1] - window.pads[1];
    const phase = phases === 2 ? from & 1 : 0;
    const shift = (from - phase) / phases;
    const inMap = (x: number): boolean => x + shift >= 0 && (x + shift) * phases + phase < width;
    let mask = 0;
    for (let x = 0; x < outputWidth; x++) if (inMap(x)) mask |= 1 << x;
    for (let bits = 8 * unitBytes(outputWidth); bits < 32; bits *= 2) mask |= mask << bits;
    return [phase * columnWords, shift & 31, mask >>> 0];
  });
  return Uint32Array.from(columns.flat());
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
  const stride = shape.window.stride[0];
  const slots =
    tiling.scheme !== "rows"
      ? 1
      : Math.max(1, pieces === 1 ? Math.ceil(reach / stride) : Math.floor(reach / stride) + 1);
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

/** Bit of a weight, complemented where the padding is +1. */
function weightBit(shape: ConvPairsShape, weights: CodeMatrix, output: number, k: number): number {
  return weights.codes[output * weights.inputs + k]! ^ (padMode(shape) === 1 ? 1 : 0);
}

/** Weight bits of group `group` of kernel row `ky`; inputs that fill up are 1. */
function nibble(
  shape: ConvPairsShape,
  columnGroups: number,
  weights: CodeMatrix,
  output: number,
  ky: number,
  group: number,
): number {
  const kernelWidth = shape.window.kernel[1];
  const channels = shape.channels / shape.groups;
  const kx = Math.floor(group / columnGroups);
  const first = 4 * (group % columnGroups);
  if (kx >= kernelWidth) return 15;
  let bits = 0;
  for (let j = 0; j < 4; j++) {
    const channel = first + j;
    const k = (ky * kernelWidth + kx) * channels + channel;
    bits |= (channel < channels ? weightBit(shape, weights, output, k) : 1) << j;
  }
  return bits;
}

/** Eight groups as offsets into tables: see bitloom_conv_pairs.h. */
function offsetWord(nibbles: readonly number[]): number {
  return nibbles.reduce((word, bits, i) => {
    const shift = i < 4 ? 8 * i + 3 : 8 * (i - 4) + 7;
    const wide = BigInt(bits) << BigInt(shift);
    return (word | Number((wide | (wide >> 32n)) & 0xffffffffn)) >>> 0;
  }, 0);
}

/** All weight words, in the order in which the runs read them. */
export function packConvPairsWeights(
  shape: ConvPairsShape,
  tiling: ConvPairsTiling,
  weights: CodeMatrix,
): Uint32Array {
  const size = sizesOf(shape, tiling);
  const kernelHeight = shape.window.kernel[0];
  const columnGroups = size.columnWords / 4;
  const perGroup = shape.outputs / shape.groups;
  const packed = new Uint32Array(shape.outputs * size.totalWords);
  let at = 0;
  const put = (group: (i: number) => number): void => {
    packed[at++] = offsetWord(Array.from({ length: 8 }, (_, i) => group(i)));
  };
  const inRow = (output: number, ky: number, group: number): number =>
    group < size.rowGroups ? nibble(shape, columnGroups, weights, output, ky, group) : 15;
  for (let g = 0; g < shape.groups; g++) {
    for (let block = 0; block < perGroup; block += tiling.block) {
      const outputs = Array.from(
        { length: Math.min(tiling.block, perGroup - block) },
        (_, i) => g * perGroup + block + i,
      );
      if (tiling.scheme === "window") {
        for (const n of outputs) {
          for (let word = 0; word < size.words; word++) {
            put((i) => {
              const ky = Math.floor((8 * word + i) / size.rowGroups);
              return ky < kernelHeight ? inRow(n, ky, (8 * word + i) % size.rowGroups) : 15;
            });
          }
        }
        continue;
      }
      for (let ky = 0; ky < kernelHeight; ky++) {
        for (let first = 0; first < size.words; first += tiling.piece) {
          const last = Math.min(first + tiling.piece, size.words);
          for (const n of outputs) {
            for (let word = first; word < last; word++) put((i) => inRow(n, ky, 8 * word + i));
          }
        }
      }
    }
  }
  return packed;
}

/** Per output row, the kernel rows that lie outside the map. */
function outsideRows({ height, outputHeight, window }: ConvPairsShape): number[][] {
  return outside(
    height,
    outputHeight,
    window.kernel[0],
    window.stride[0],
    window.dilation[0],
    window.pads[0],
  );
}

function outsideColumns({ width, outputWidth, window }: ConvPairsShape): number[][] {
  return outside(width, outputWidth, window.kernel[1], window.stride[1], window.dilation[1], window.pads[1]);
}

function outside(
  size: number,
  outputs: number,
  kernel: number,
  stride: number,
  dilation: number,
  pad: number,
): number[][] {
  return Array.from({ length: outputs }, (_, y) =>
    Array.from({ length: kernel }, (_, k) => k).filter((k) => {
      const from = y * stride - pad + k * dilation;
      return from < 0 || from >= size;
    }),
  );
}

/** Equal sets of taps outside are one class. */
function classesOf(taps: readonly number[][]): { readonly ids: Uint8Array; readonly classes: number[][] } {
  const classes: number[][] = [];
  const keys: string[] = [];
  const ids = taps.map((t) => {
    const key = t.join();
    if (!keys.includes(key)) {
      keys.push(key);
      classes.push(t);
    }
    return keys.indexOf(key);
  });
  return { ids: Uint8Array.from(ids), classes };
}

/** Whether class numbers fit a byte, and a tile's threshold table a 16-bit count. */
export function hasFewClasses(shape: ConvPairsShape): boolean {
  if (padMode(shape) !== 2) return true;
  const rows = classesOf(outsideRows(shape)).classes.length;
  const columns = classesOf(outsideColumns(shape)).classes.length;
  return rows <= 255 && columns <= 255 && rows * columns <= 65535;
}

export interface ConvPairsThresholds {
  /** [row class][column class][outputs]. */
  readonly values: Uint16Array;
  readonly rowClasses: Uint8Array;
  readonly columnClasses: Uint8Array;
  readonly columnClassCount: number;
}

/**
 * `acc ≥ T` as `A + 2 S ≥ t`: acc = 2·matches − K and matches = A + 2 S − odd, so t = ceil((T + K) / 2) + odd, held
 * within 0 (always) and one more than A + 2 S can be (never). With zero padding, acc is the sum with −1 outside
 * plus the weights outside.
 */
export function packConvPairsThresholds(
  shape: ConvPairsShape,
  weights: CodeMatrix,
  thresholds: Int32Array,
): ConvPairsThresholds {
  const isZero = padMode(shape) === 2;
  const rows = classesOf(isZero ? outsideRows(shape) : outsideRows(shape).map(() => []));
  const columns = classesOf(isZero ? outsideColumns(shape) : outsideColumns(shape).map(() => []));
  const values = new Uint16Array(rows.classes.length * columns.classes.length * shape.outputs);
  const oddPairsOf = Array.from({ length: shape.outputs }, (_, n) => oddPairs(shape, weights, n));
  let at = 0;
  for (const top of rows.classes) {
    for (const side of columns.classes) {
      for (let n = 0; n < shape.outputs; n++) {
        const wanted =
          thresholds[thresholds.length === 1 ? 0 : n]! - outsideWeight(shape, weights, n, top, side);
        const odd = oddPairsOf[n]!;
        const least = Math.ceil((wanted + weights.inputs) / 2);
        values[at++] = Math.max(0, Math.min(weights.inputs + odd + 1, least + odd));
      }
    }
  }
  return {
    values,
    rowClasses: rows.ids,
    columnClasses: columns.ids,
    columnClassCount: columns.classes.length,
  };
}

/** Sum of the weights of output n whose taps lie in those kernel rows or columns. */
function outsideWeight(
  shape: ConvPairsShape,
  weights: CodeMatrix,
  n: number,
  rows: readonly number[],
  columns: readonly number[],
): number {
  if (rows.length === 0 && columns.length === 0) return 0;
  const [kernelHeight, kernelWidth] = shape.window.kernel;
  const channels = shape.channels / shape.groups;
  let sum = 0;
  for (let ky = 0; ky < kernelHeight; ky++) {
    for (let kx = 0; kx < kernelWidth; kx++) {
      if (!rows.includes(ky) && !columns.includes(kx)) continue;
      const first = n * weights.inputs + (ky * kernelWidth + kx) * channels;
      for (let c = 0; c < channels; c++) sum += 2 * weights.codes[first + c]! - 1;
    }
  }
  return sum;
}

/** Pairs of inputs whose weights differ; what fills up is 1. */
function oddPairs(shape: ConvPairsShape, weights: CodeMatrix, n: number): number {
  const channels = shape.channels / shape.groups;
  let odd = 0;
  for (let first = 0; first < weights.inputs; first += channels) {
    for (let c = 0; c < channels; c += 2) {
      const a = weightBit(shape, weights, n, first + c);
      const b = c + 1 < channels ? weightBit(shape, weights, n, first + c + 1) : 1;
      odd += a ^ b;
    }
  }
  return odd;
}
