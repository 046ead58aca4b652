/** Thresholds for `runtime-c/bitloom_conv_pairs.h`, by the taps that padding with 0 leaves out. */
import type { CodeMatrix } from "../program/types.js";
import { weightBit } from "./conv-pairs-pack.js";
import { type ConvPairsShape, classesOf, outsideColumns, outsideRows, padMode } from "./conv-pairs-shape.js";
import type { ConstantArray } from "./types.js";

/** The class of each output row and column, by the taps outside the map that padding with 0 leaves out. */
export interface PixelClasses {
  readonly rowClasses: Uint8Array;
  readonly columnClasses: Uint8Array;
  readonly columnClassCount: number;
}

export interface ConvPairsThresholds extends PixelClasses {
  /** [row class][column class][outputs]. */
  readonly values: Uint16Array;
}

/** The constants that a descriptor has of classes. */
export function classConstants({ rowClasses, columnClasses }: PixelClasses): ConstantArray[] {
  return [
    { name: "row_classes", type: "uint8_t", values: rowClasses, layout: "[output rows]" },
    { name: "column_classes", type: "uint8_t", values: columnClasses, layout: "[output columns]" },
  ];
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
export function outsideWeight(
  shape: Pick<ConvPairsShape, "window" | "channels" | "groups">,
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
      for (let c = 0; c < channels; c++) sum += weights.step * weights.codes[first + c]! + weights.offset;
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
