/** What `conv_image` is estimated to execute. */
import type { DeviceProgram, Instruction } from "../program/types.js";
import type { Cpu } from "../targets/index.js";
import { ENTRY_WORDS, type ImageLayer } from "./conv-image-layer.js";
import { type CoreFamily, coreFamily, weighted } from "./core-family.js";

type Conv = Extract<Instruction, { kind: "conv" }>;

interface ImageCounts {
  readonly pass: number;
  readonly row: number;
  /** Input rows of one channel and phase of a strip, their words of pixels, of the map's edge, of padding. */
  readonly packedChannel: number;
  readonly packedWord: number;
  readonly edgeWord: number;
  readonly padWord: number;
  /** Tables: their inputs, words of inputs, words of entries. */
  readonly tablePart: number;
  readonly tableInput: number;
  readonly inputWord: number;
  readonly entryWord: number;
  readonly listed: number;
  readonly output: number;
  readonly lookup: number;
  readonly loopedLookup: number;
  readonly stored: number;
  readonly storedNarrow: number;
}

const THUMB2: ImageCounts = {
  ...{ pass: 280, row: 336, packedChannel: 116, packedWord: 5.8, edgeWord: 23, padWord: 3.7 },
  ...{ tablePart: 14, tableInput: 0, inputWord: 2, entryWord: 2, listed: 15.7 },
  ...{ output: 33, lookup: 22, loopedLookup: 29.5, stored: 6, storedNarrow: 6 },
};

/** Fitted to instructions counted on random layers (GCC 12, -O2). */
const INSTRUCTIONS: Readonly<Record<CoreFamily, ImageCounts>> = {
  dsp: THUMB2,
  thumb2: THUMB2,
  thumb1: {
    ...{ pass: 429, row: 332, packedChannel: 188, packedWord: 9, edgeWord: 32, padWord: 7.3 },
    ...{ tablePart: 88, tableInput: 12.4, inputWord: 5, entryWord: 2.5, listed: 13 },
    ...{ output: 122, lookup: 22, loopedLookup: 22, stored: 5, storedNarrow: 7 },
  },
};

const MVE: ImageCounts = {
  ...THUMB2,
  ...{ tablePart: 45, inputWord: 0.6, entryWord: 0.9, output: 40, lookup: 11, loopedLookup: 11 },
};

/** @param rows Output rows of each call but the last; all of them if absent. */
export function imageCost(
  program: DeviceProgram,
  conv: Conv,
  layer: ImageLayer,
  cpu: Cpu,
  rows?: number,
): number {
  const counts = countsOf(program, conv, layer, rows ?? program.tensors[conv.output]!.shape[0]);
  return weighted(cpu.hasMve ? MVE : INSTRUCTIONS[coreFamily(cpu)], counts);
}

/** How often each part of the work is done in all calls. */
function countsOf(program: DeviceProgram, conv: Conv, layer: ImageLayer, rows: number): ImageCounts {
  const { kernel } = conv.window;
  const [height, width, outputs] = program.tensors[conv.output]!.shape;
  const channels = program.tensors[conv.input]!.shape[2];
  const { phases, words } = layer;
  const calls = Math.ceil(height / rows);
  const passes = Math.ceil(outputs / layer.chunk);
  const strips = Math.ceil(width / 32);
  // Further passes over a single row find it packed, and the tables of its only strip.
  const packings = rows === 1 ? 1 : passes;
  const tables = height * strips * phases * (strips === 1 ? packings : passes);
  const { mapRows, padRows } = packedRows(program, conv, rows);
  const channelRows = mapRows * channels * packings;
  const inside = wordsInside(program, conv, layer, strips);
  // Two halves of a result, which are two outputs where the map is narrow.
  const results = height * strips * (layer.isNarrow ? Math.ceil(outputs / 2) : outputs);
  const isUnrolled = [3, 5, 6].includes(layer.lookups);
  return {
    pass: calls * packings,
    row: height * packings,
    packedChannel: channelRows * strips * phases,
    packedWord: channelRows * inside,
    edgeWord: channelRows * (strips * phases * words - inside),
    padWord: padRows * packings * channels * strips * phases * ENTRY_WORDS,
    tablePart: tables * layer.parts,
    tableInput: tables * kernel[0] * channels,
    inputWord: tables * kernel[0] * channels * words,
    entryWord: tables * words * layer.entries,
    listed: calls * outputs * layer.lookups,
    output: results,
    lookup: isUnrolled ? results * layer.lookups : 0,
    loopedLookup: isUnrolled ? 0 : results * layer.lookups,
    stored: layer.isNarrow || width === 32 ? 0 : results,
    storedNarrow: layer.isNarrow ? height * outputs : 0,
  };
}

/** Rows of the map and of the padding that are packed in one pass over the output rows, in calls of so many rows. */
function packedRows(
  program: DeviceProgram,
  conv: Conv,
  rows: number,
): { readonly mapRows: number; readonly padRows: number } {
  const { kernel, stride, dilation, pads } = conv.window;
  const height = program.tensors[conv.input]!.shape[0];
  const span = (kernel[0] - 1) * dilation[0] + 1;
  let [next, mapRows, padRows] = [0, 0, 0];
  for (let y = 0; y < program.tensors[conv.output]!.shape[0]; y++) {
    const end = y * stride[0] + span;
    const isFirst = y % rows === 0;
    for (next = isFirst ? y * stride[0] : Math.max(next, y * stride[0]); next < end; next++) {
      const row = next - pads[0];
      if (row >= 0 && row < height) mapRows++;
      else padRows++;
    }
  }
  return { mapRows, padRows };
}

/** Words of a packed row of one channel whose pixels are both in the map. */
function wordsInside(program: DeviceProgram, conv: Conv, layer: ImageLayer, strips: number): number {
  const width = program.tensors[conv.input]!.shape[1];
  const { stride, pads } = conv.window;
  const distance = (layer.isNarrow ? 8 : 16) * stride[1];
  let inside = 0;
  for (let strip = 0; strip < strips; strip++)
    for (let phase = 0; phase < layer.phases; phase++)
      for (let word = 0; word < layer.words; word++) {
        const column = (32 * strip + word) * stride[1] + phase - pads[1];
        if (column >= 0 && column + distance < width) inside++;
      }
  return inside;
}
