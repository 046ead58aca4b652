import type { Cpu } from "../targets/index.js";
import { addedCost } from "./conv-bases-cost.js";
import { type BasesLayer, basesChoice, basesLayers, type ConvBases, sumOfCodes } from "./conv-bases-layer.js";
import { planesOf } from "./domains.js";
import { offeredTilings } from "./tilings.js";
import { instructionOf, type Kernel, type KernelChoice } from "./types.js";

/** Inputs of an output at most: half of them are listed. */
const MOST_INPUTS = 4096;
/** `BITLOOM_CONV_BASES_ROWS_BLOCK`. */
const MOST_WORDS = 8;
const WORD_BITS = 32;

/** Bases of one bit, 32 dot products to a word: `runtime-c/bitloom_conv_bases_rows.h`. */
export const convBasesRows: Kernel = {
  name: "conv_bases_rows",
  summary:
    "planes × bases of one bit: inputs select rows of 32 dot products, bit-sliced counters, float32 coefficients",
  match(program, index, cpu) {
    const conv = instructionOf(program, index, "conv-bases");
    if (conv === undefined || !isOfBits(conv)) return [];
    return basesLayers(program, index, conv).flatMap((layer) => choices(layer, cpu));
  },
};

function isOfBits({ bases }: ConvBases): boolean {
  return bases.every(({ bits }) => bits === 1) && bases[0]!.inputs <= MOST_INPUTS;
}

/** How the outputs of a group are cut into blocks, and what that takes. */
interface Blocks {
  readonly outputs: number;
  readonly words: number;
  readonly list: number;
  readonly counters: number;
  readonly scratchWords: number;
}

/** One for each number of blocks that is worth its memory. */
function choices(layer: BasesLayer, cpu: Cpu): KernelChoice[] {
  const ways = blockings(layer).map((blocks) => ({
    tiling: blocks,
    scratch: 4 * blocks.scratchWords,
    ...estimate(layer, blocks, cpu),
  }));
  const most = Math.max(...ways.map((way) => way.scratch));
  return offeredTilings(ways, most).map((blocks) => ({
    ...choice(layer, blocks),
    ...estimate(layer, blocks, cpu),
  }));
}

function estimate(layer: BasesLayer, blocks: Blocks, cpu: Cpu): ReturnType<typeof addedCost> {
  return addedCost(layer, { ...blocks, isWide: isWide(layer.conv.bases[0]!.inputs) }, cpu);
}

function blockings({ program, conv }: BasesLayer): Blocks[] {
  const { bases, groups } = conv;
  const [{ inputs, outputs }] = bases as [ConvBases["bases"][number]];
  const perGroup = outputs / groups;
  const planes = planesOf(program.tensors[conv.input]!);
  const list = 16 * Math.ceil((Math.floor(inputs / 2) + 1) / 16);
  const counters = Math.max(Math.floor(Math.log2(inputs)) + 1, 1 + 3 * levelsOf(list / 16));
  const all: Blocks[] = [];
  for (const most of [MOST_WORDS, 4, 2, 1]) {
    const words = Math.max(most, Math.ceil(bases.length / WORD_BITS));
    const each = Math.floor((WORD_BITS * words) / bases.length);
    const block = Math.ceil(perGroup / Math.ceil(perGroup / each));
    const used = Math.ceil((block * bases.length) / WORD_BITS);
    if (all.some((b) => b.outputs === block)) continue;
    const scratchWords = list + 2 * (list / 16 + 8) + (counters + (planes + 1) * countWords(inputs)) * used;
    all.push({ outputs: block, words: used, list, counters, scratchWords });
  }
  return all;
}

/** Counts that do not fit bytes are halves of words. */
function isWide(inputs: number): boolean {
  return inputs > 255;
}

/** Words that the counts of 32 dot products take. */
function countWords(inputs: number): number {
  return isWide(inputs) ? 16 : 8;
}

/** Levels of adders that so many sixteens of rows go through. */
function levelsOf(sixteens: number): number {
  let levels = 1;
  for (let numbers = sixteens; numbers > 1; numbers = Math.ceil(numbers / 8)) levels++;
  return levels;
}

function choice(layer: BasesLayer, blocks: Blocks): Omit<KernelChoice, "cost"> {
  const { conv } = layer;
  const { inputs } = conv.bases[0]!;
  const { rows, ones } = packed(conv, blocks);
  return basesChoice(layer, {
    kernel: "conv_bases_rows",
    scratchWords: blocks.scratchWords,
    prefix: "base.",
    fields: [
      ["rows", { constant: "rows" }],
      ["ones", { constant: "ones" }],
      ["block_outputs", blocks.outputs],
      ["list", blocks.list],
      ["counters", blocks.counters],
      ["wide", isWide(inputs) ? 1 : 0],
    ],
    constants: [
      {
        name: "rows",
        type: "uint32_t",
        values: rows,
        layout: "8 zeros, [group][block][input][words], one bit per output and basis",
      },
      {
        name: "ones",
        type: "uint32_t",
        values: ones,
        layout: `[group][block][words][32 ${isWide(inputs) ? "halves" : "bytes"}]`,
      },
    ],
    runtime: [
      "bitloom_conv_bases_rows.h",
      "bitloom_conv_rows_core.c",
      "bitloom_conv_rows_core.h",
      "bitloom_conv_rows_core_asm.S",
    ],
  });
}

/** `rows` and `ones` of `bitloom_conv_bases_rows.h`. */
function packed(conv: ConvBases, blocks: Blocks): { readonly rows: Uint32Array; readonly ones: Uint32Array } {
  const [{ outputs }] = conv.bases as [ConvBases["bases"][number]];
  const perGroup = outputs / conv.groups;
  const parts: ReturnType<typeof packedBlock>[] = [];
  for (let group = 0; group < conv.groups; group++) {
    for (let first = 0; first < perGroup; first += blocks.outputs) {
      const count = Math.min(blocks.outputs, perGroup - first);
      parts.push(packedBlock(conv, group * perGroup + first, count));
    }
  }
  return {
    rows: joined([new Uint32Array(MOST_WORDS), ...parts.map(({ rows }) => rows)]),
    ones: joined(parts.map(({ ones }) => ones)),
  };
}

function packedBlock({ bases }: ConvBases, first: number, count: number) {
  const [{ inputs }] = bases as [ConvBases["bases"][number]];
  const words = Math.ceil((count * bases.length) / WORD_BITS);
  const inWord = isWide(inputs) ? 2 : 4;
  const rows = new Uint32Array(inputs * words);
  const ones = new Uint32Array(words * countWords(inputs));
  for (let q = 0; q < count * bases.length; q++) {
    const basis = bases[q % bases.length]!;
    const n = first + Math.floor(q / bases.length);
    const part = (WORD_BITS / inWord) * (q % inWord);
    const bit = Math.floor((q % WORD_BITS) / inWord) + part;
    for (let k = 0; k < inputs; k++) rows[k * words + (q >> 5)]! |= basis.codes[n * inputs + k]! << bit;
    ones[Math.floor(q / inWord)]! |= sumOfCodes(basis, n) << part;
  }
  return { rows, ones };
}

function joined(parts: readonly Uint32Array[]): Uint32Array {
  const all = new Uint32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
