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
