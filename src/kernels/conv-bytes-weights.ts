/** How `runtime-c/bitloom_conv_bytes.h` and `bitloom_conv_bytes_packed.h` store weights. */
import type { CodeMatrix } from "../program/types.js";
import type { ConstantArray, DescriptorField } from "./types.js";

/** What a layer's descriptor and constants say of its weights. */
export interface StoredWeights {
  /** weight = scale · stored + offset */
  readonly scale: number;
  readonly offset: number;
  /** Inputs of an output, in fours, as far as they are filled up. */
  readonly fours: number;
  /** Bits of the codes in words of pairs of outputs; 8 where the weights are bytes, or become that. */
  readonly pairBits: number;
  readonly constant: ConstantArray;
  /** Fields of a packed layer beside its `base`. */
  readonly fields: readonly DescriptorField[];
}

/** Parts of a packed code: the lowest bits first. */
const PARTS = [4, 2, 1] as const;

/** Inputs of an output, in fours: what `unit` fours fill up. */
export function foursOf({ inputs }: CodeMatrix, unit = 1): number {
  return unit * Math.ceil(inputs / (4 * unit));
}

/** Fours in whole words of the narrowest part of a code of `bits` bits. */
function unitOf(bits: number): number {
  return bits & 1 ? 4 : bits & 2 ? 2 : 1;
}

/** The parts that a code of `bits` bits is the sum of. */
export function partsOf(bits: number): readonly number[] {
  return PARTS.filter((part) => bits & part);
}

interface StoredBytes {
  readonly scale: number;
  readonly offset: number;
  /** The byte is codeStep · code + codeOffset. */
  readonly codeStep: number;
  readonly codeOffset: number;
}

/** Weights as int8: the values themselves where they fit, otherwise the codes, those of eight bits less half their range. */
function bytesOf({ bits, step, offset }: CodeMatrix): StoredBytes {
  const greatest = 2 ** bits - 1;
  const isSmall = [offset, step * greatest + offset].every((v) => v >= -128 && v <= 127);
  if (isSmall) return { scale: 1, offset: 0, codeStep: step, codeOffset: offset };
  const half = bits === 8 ? 128 : 0;
  return { scale: step, offset: offset + half * step, codeStep: 1, codeOffset: -half };
}

/** One byte each. Rows are filled up to fours, and of every four the second and third change places. */
export function storeBytes(weights: CodeMatrix): StoredWeights {
  const { outputs, inputs, codes } = weights;
  const { scale, offset, codeStep, codeOffset } = bytesOf(weights);
  const row = 4 * foursOf(weights);
  const values = new Int8Array(outputs * row);
  for (let n = 0; n < outputs; n++)
    for (let k = 0; k < inputs; k++)
      values[n * row + (k & ~3) + [0, 2, 1, 3][k & 3]!] = codeStep * codes[n * inputs + k]! + codeOffset;
  return {
    ...{ scale, offset, fours: foursOf(weights), pairBits: 8 },
    constant: {
      name: "weights",
      type: "int8_t",
      values,
      layout: `[${outputs} outputs][${row}], order 0 2 1 3`,
    },
    fields: [["bits", 8]],
  };
}

/** A stream of codes, lowest bit first, without gaps. */
export function storeStream(weights: CodeMatrix): StoredWeights {
  const { bits, outputs, inputs, codes } = weights;
  const { scale, offset, codeStep, codeOffset } = bytesOf(weights);
  const values = new Uint8Array(Math.ceil((codes.length * bits) / 8));
  codes.forEach((code, i) => {
    for (let bit = i * bits; bit < (i + 1) * bits; bit++)
      values[bit >> 3]! |= ((code >> (bit - i * bits)) & 1) << (bit & 7);
  });
  return {
    ...{ scale, offset, fours: foursOf(weights), pairBits: 8 },
    constant: {
      name: "stream",
      type: "uint8_t",
      values,
      layout: `[${outputs} outputs][${inputs}] codes of ${bits} bits`,
    },
    fields: [
      ["stream", { constant: "stream" }],
      ["code_step", codeStep],
      ["code_offset", codeOffset],
      ["bits", bits],
    ],
  };
}

/** Pairs of a group's outputs, whose codes of `bits` bits share words. */
export function storePairs(weights: CodeMatrix, groups: number, bits: number): StoredWeights {
  const { step, offset } = weights;
  const perGroup = weights.outputs / groups;
  const fours = foursOf(weights, unitOf(bits));
  const words: number[] = [];
  for (let g = 0; g < groups; g++) {
    for (let n = 0; n < perGroup; n += 2) {
      const first = g * perGroup + n;
      const rows = [first, n + 1 < perGroup ? first + 1 : undefined];
      let shift = 0;
      for (const part of partsOf(bits)) {
        for (let four = 0; four < fours; four += 4 / part)
          words.push(pairWord(weights, rows, { first: 4 * four, part, shift }));
        shift += part;
      }
    }
  }
  return {
    ...{ scale: step, offset, fours, pairBits: bits },
    constant: {
      name: "words",
      type: "uint32_t",
      values: Uint32Array.from(words),
      layout: `[${groups * Math.ceil(perGroup / 2)} pairs of outputs][parts of ${partsOf(bits).join(", ")} bits][words]`,
    },
    fields: [
      ["words", { constant: "words" }],
      ["bits", bits],
    ],
  };
}

/** Where the fields of the four inputs of a part begin. */
const INPUT_BITS = [0, 16, 4, 20] as const;

/** Bits [shift, shift + part) of the codes of 16 / part inputs from `first` on, of both rows. */
function pairWord(
  { inputs, codes }: CodeMatrix,
  rows: readonly (number | undefined)[],
  { first, part, shift }: { first: number; part: number; shift: number },
): number {
  let word = 0;
  for (const [i, row] of rows.entries()) {
    if (row === undefined) continue;
    for (let j = 0; j < 16 / part && first + j < inputs; j++) {
      const field = (codes[row * inputs + first + j]! >> shift) & (2 ** part - 1);
      word |= field << (part * (j >> 2) + INPUT_BITS[j & 3]! + 8 * i);
    }
  }
  return word >>> 0;
}
