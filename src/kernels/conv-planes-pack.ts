/** Packing for `runtime-c/bitloom_conv_planes.h`: weights and thresholds. */
import type { CodeMatrix, CodesDomain } from "../program/types.js";
import { classesOf, outsideColumns, outsideRows, padMode } from "./conv-pairs-shape.js";
import { outsideWeight, type PixelClasses } from "./conv-pairs-thresholds.js";
import type { ConvPlanesShape } from "./conv-planes-shape.js";
import { type ConvPlanesTiling, GROUPS, sizesOf } from "./conv-planes-sizes.js";

/** Where the weights of the four groups of six of a word lie. */
const SIX_POSITIONS = [3, 19, 9, 25] as const;

/** All weight words, in the order in which the runs read them. */
export function packConvPlanesWeights(
  shape: ConvPlanesShape,
  tiling: ConvPlanesTiling,
  weights: CodeMatrix,
): Uint32Array {
  const { words, piece } = sizesOf(shape, tiling);
  const kernelHeight = shape.window.kernel[0];
  const perGroup = shape.outputs / shape.groups;
  const wordOf = shape.kind === "sixes" ? sixWord : threeWord;
  const packed: number[] = [];
  for (let g = 0; g < shape.groups; g++) {
    for (let block = 0; block < perGroup; block += tiling.block) {
      const end = Math.min(block + tiling.block, perGroup);
      for (let ky = 0; ky < kernelHeight; ky++) {
        for (let first = 0; first < words; first += piece) {
          const last = Math.min(first + piece, words);
          for (let plane = 0; plane < shape.weightPlanes; plane++) {
            for (let n = g * perGroup + block; n < g * perGroup + end; n++) {
              for (let word = first; word < last; word++) {
                packed.push(wordOf(shape, weights, n, ky, word, plane));
              }
            }
          }
        }
      }
    }
  }
  return Uint32Array.from(packed);
}

type WordOf = (
  shape: ConvPlanesShape,
  weights: CodeMatrix,
  n: number,
  ky: number,
  word: number,
  plane: number,
) => number;

const sixWord: WordOf = (shape, weights, n, ky, word, plane) => {
  let bits = 0;
  for (let j = 0; j < 4; j++) {
    let six = 0;
    for (let i = 0; i < 6; i++) {
      const code = codeAt(shape, weights, n, ky, 6 * (4 * word + j) + i);
      six |= (code === undefined ? 1 : (code >> plane) & 1) << i;
    }
    bits |= six << SIX_POSITIONS[j]!;
  }
  return bits >>> 0;
};

const threeWord: WordOf = (shape, weights, n, ky, word) => {
  let bits = 0;
  for (let j = 0; j < 4; j++) {
    const [a, b, c] = [0, 1, 2].map((i) => codeAt(shape, weights, n, ky, 3 * (4 * word + j) + i) ?? 1);
    bits |= (8 * (a! + 3 * b! + 9 * c!)) << (8 * j);
  }
  return bits >>> 0;
};

/** Weight code of input `i` of a kernel row; undefined beyond its end. */
function codeAt(
  { channels, groups, window }: ConvPlanesShape,
  { inputs, codes }: CodeMatrix,
  n: number,
  ky: number,
  i: number,
): number | undefined {
  const rowInputs = window.kernel[1] * (channels / groups);
  return i < rowInputs ? codes[n * inputs + ky * rowInputs + i]! : undefined;
}

/** Thresholds by the taps that lie outside the map, where these are not codes 0. */
export interface ConvPlanesThresholds extends PixelClasses {
  /** [row class][column class][outputs][levels]. */
  readonly values: Uint16Array;
}

/**
 * `acc ≥ T` as `Y ≥ t`: acc is step_x · step_w / 2 · Y plus a constant of the output, which the input of zero codes
 * tells, plus what taps outside are worth more than code 0. Held within 0 (always) and one more than Y can be (never).
 */
export function packConvPlanesThresholds(
  shape: ConvPlanesShape,
  { input, weights, padValue }: { input: CodesDomain; weights: CodeMatrix; padValue: number },
  thresholds: Int32Array,
): ConvPlanesThresholds {
  const { levels, outputs } = shape;
  const scale = input.step * weights.step;
  const isClassed = padMode(shape) === 2;
  const rows = classesOf(isClassed ? outsideRows(shape) : [[]]);
  const columns = classesOf(isClassed ? outsideColumns(shape) : [[]]);
  const atZero = Array.from({ length: outputs }, (_, n) => {
    const own = weights.codes.subarray(n * weights.inputs, (n + 1) * weights.inputs);
    const sum = own.reduce((total, code) => total + weights.step * code + weights.offset, 0);
    return input.offset * sum - scale * countAtZero(shape, weights, n);
  });
  const values: number[] = [];
  for (const top of rows.classes) {
    for (const side of columns.classes) {
      for (let n = 0; n < outputs; n++) {
        const outside = (padValue - input.offset) * outsideWeight(shape, weights, n, top, side);
        for (let level = 0; level < levels; level++) {
          const wanted = thresholds[thresholds.length === levels ? level : n * levels + level]!;
          const least = Math.ceil((2 * (wanted - outside - atZero[n]!)) / scale) + shape.constant;
          values.push(Math.max(0, Math.min(shape.greatest + 1, least)));
        }
      }
    }
  }
  return {
    values: Uint16Array.from(values),
    rowClasses: rows.ids,
    columnClasses: columns.ids,
    columnClassCount: columns.classes.length,
  };
}

/** U of output n where all input codes are zero. */
function countAtZero(shape: ConvPlanesShape, weights: CodeMatrix, n: number): number {
  const most = 2 ** shape.inputPlanes - 1;
  const rowInputs = weights.inputs / shape.window.kernel[0];
  let count = 0;
  for (let ky = 0; ky < shape.window.kernel[0]; ky++) {
    for (let i = 0; i < rowInputs; i += GROUPS[shape.kind].inputs / 3) {
      const code = codeAt(shape, weights, n, ky, i)!;
      if (shape.kind === "threes") count += code === 0 ? most : 0;
      else {
        // F is 1 but for two weights +1; with planes side by side that is their codes' AND.
        const next = codeAt(shape, weights, n, ky, i + 1) ?? code;
        count += most * (2 ** weights.bits - 1 - (code & next));
      }
    }
  }
  return count;
}
