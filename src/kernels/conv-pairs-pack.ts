/** Packing for `runtime-c/bitloom_conv_pairs.h`: the weights of a ±1 × ±1 convolution, and where its columns lie. */
import type { CodeMatrix } from "../program/types.js";
import { type ConvPairsShape, padMode } from "./conv-pairs-shape.js";
import { type ConvPairsTiling, phasesOf, sizesOf } from "./conv-pairs-sizes.js";
import { unitBytes } from "./layout.js";

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

/** Bit of a weight, complemented where the padding is +1. */
export function weightBit(shape: ConvPairsShape, weights: CodeMatrix, output: number, k: number): number {
  return weights.codes[output * weights.inputs + k]! ^ (padMode(shape) === 1 ? 1 : 0);
}

/** Bits of a word where the weights of each of its eight groups start, modulo 32: see bitloom_conv_pairs.h. */
const POSITIONS = [3, 11, 19, 27, 7, 15, 23, 31] as const;

/** Four weight bits at a position of a word. */
function placed(bits: number, position: number): number {
  return (bits << position) | (position > 28 ? bits >>> (32 - position) : 0);
}

/** A word of groups of weights 1111. */
const FULL_WORD = POSITIONS.reduce<number>((word, position) => word | placed(15, position), 0);

/** The words of a layer in the order of its outputs: all ways to cut its work have the same ones in another order. */
const known = new WeakMap<CodeMatrix, Map<string, Uint32Array>>();

/** [output][words of the window], or [output][kernel row][words of the row]. */
function wordsByOutput(shape: ConvPairsShape, isWindow: boolean, weights: CodeMatrix): Uint32Array {
  const ofWeights = known.get(weights) ?? new Map<string, Uint32Array>();
  known.set(weights, ofWeights);
  const key = [isWindow, shape.channels, shape.groups, ...shape.window.kernel, padMode(shape)].join();
  const words = ofWeights.get(key) ?? packByOutput(shape, isWindow, weights);
  ofWeights.set(key, words);
  return words;
}

function packByOutput(shape: ConvPairsShape, isWindow: boolean, weights: CodeMatrix): Uint32Array {
  const [kernelHeight, kernelWidth] = shape.window.kernel;
  const channels = shape.channels / shape.groups;
  const columnGroups = Math.ceil(channels / 4);
  const rowGroups = kernelWidth * columnGroups;
  const rowWords = Math.ceil(rowGroups / 8);
  const outputWords = isWindow ? Math.ceil((kernelHeight * rowGroups) / 8) : kernelHeight * rowWords;
  const packed = new Uint32Array(shape.outputs * outputWords).fill(FULL_WORD);
  const flip = padMode(shape) === 1 ? 1 : 0;
  for (let n = 0; n < shape.outputs; n++) {
    let k = n * weights.inputs;
    for (let ky = 0; ky < kernelHeight; ky++) {
      const first = n * 8 * outputWords + ky * (isWindow ? rowGroups : 8 * rowWords);
      for (let kx = 0; kx < kernelWidth; kx++) {
        for (let c = 0; c < channels; c++, k++) {
          const group = first + kx * columnGroups + (c >> 2);
          // Bits start as ones.
          if ((weights.codes[k]! ^ flip) === 0)
            packed[group >> 3]! &= ~placed(1 << (c & 3), POSITIONS[group & 7]!);
        }
      }
    }
  }
  return packed;
}

/** All weight words, in the order in which the runs read them. */
export function packConvPairsWeights(
  shape: ConvPairsShape,
  tiling: ConvPairsTiling,
  weights: CodeMatrix,
): Uint32Array {
  const size = sizesOf(shape, tiling);
  const isWindow = tiling.scheme === "window";
  const words = wordsByOutput(shape, isWindow, weights);
  if (isWindow) return words;
  const kernelHeight = shape.window.kernel[0];
  const perGroup = shape.outputs / shape.groups;
  const packed = new Uint32Array(words.length);
  let at = 0;
  for (let g = 0; g < shape.groups; g++) {
    for (let block = 0; block < perGroup; block += tiling.block) {
      const end = Math.min(block + tiling.block, perGroup);
      for (let ky = 0; ky < kernelHeight; ky++) {
        for (let first = 0; first < size.words; first += tiling.piece) {
          const count = Math.min(tiling.piece, size.words - first);
          for (let n = g * perGroup + block; n < g * perGroup + end; n++) {
            const from = (n * kernelHeight + ky) * size.words + first;
            packed.set(words.subarray(from, from + count), at);
            at += count;
          }
        }
      }
    }
  }
  return packed;
}
