import type { CodeMatrix } from "../program/types.js";

/**
 * Packs a code matrix as rows of bit planes: [outputs][planes][words], 32 inputs to a word, lowest input in
 * bit 0, tail bits zero. The layout of `bitloom_dense_b1.h` and `bitloom_conv_general.h`.
 */
export function packPlanes(matrix: CodeMatrix): Uint32Array {
  const words = Math.ceil(matrix.inputs / 32);
  const packed = new Uint32Array(matrix.outputs * matrix.bits * words);
  for (let n = 0; n < matrix.outputs; n++) {
    for (let k = 0; k < matrix.inputs; k++) {
      const code = matrix.codes[n * matrix.inputs + k]!;
      for (let plane = 0; plane < matrix.bits; plane++) {
        const word = (n * matrix.bits + plane) * words + (k >> 5);
        if ((code >> plane) & 1) packed[word] = (packed[word]! | (1 << (k & 31))) >>> 0;
      }
    }
  }
  return packed;
}
