import type { Cpu } from "../targets/index.js";
import { BLOCK_WORDS, type Form, type RowsGeometry, type RowsSizes } from "./conv-rows-geometry.js";
import { type CoreFamily, coreFamily, weighted } from "./core-family.js";

/** How often each part of the work is done. */
export interface RowsWork {
  /** Instructions of the assembly, which are known; 0 with Thumb-1, where the next four stand for them. */
  readonly assembly: number;
  readonly sixteen: number;
  readonly eight: number;
  readonly ripple: number;
  readonly signPlane: number;
  readonly pixel: number;
  /** All taps, and those that take part. */
  readonly windowTap: number;
  readonly tap: number;
  /** Three words of a tap whose bits are counted at once, or one or two that are left; those of groups that are copied. */
  readonly tapThree: number;
  readonly tapRest: number;
  readonly copy: number;
  readonly block: number;
  readonly blockTap: number;
  /** Taps of a block with words that are not full, and the pairs or inputs of these. */
  readonly blockPart: number;
  readonly blockWord: number;
  readonly blockTail: number;
  readonly list: number;
  readonly listWord: number;
  /** Lists after the first one. */
  readonly nextListWord: number;
  readonly unaligned: number;
  readonly score: number;
  readonly scorePlane: number;
}

/**
 * Instructions of each part of the work, fitted to counts of random layers (bench/fit.ts; GCC 12, -O2). The fit cannot
 * tell pixels from blocks, which are as many in small layers: what they share is halved.
 */
const THUMB2: Readonly<Record<Form, Partial<RowsWork>>> = {
  pairs: {
    ...{ assembly: 1.02, pixel: 120, windowTap: 26.2, tap: 22, tapThree: 20.5, tapRest: 14.8, copy: 26.9 },
    ...{ block: 160, blockTap: 31.2, blockPart: 10.9, blockTail: 5.5 },
    ...{ unaligned: 24.3, score: 19.6, scorePlane: 6 },
  },
  inputs: {
    ...{ assembly: 1, pixel: 110, windowTap: 13.7, tap: 15, tapThree: 21.3, copy: 32.3 },
    ...{ block: 200, blockTap: 25.5, blockPart: 6.4, blockTail: 7.2, list: 9.8 },
    ...{ unaligned: 22.2, score: 20.2, scorePlane: 5.9 },
  },
};
const THUMB1: Readonly<Record<Form, Partial<RowsWork>>> = {
  pairs: {
    ...{ sixteen: 96.1, eight: 257, ripple: 0.4, signPlane: 19.8, listWord: 25.7, nextListWord: 100 },
    ...{ pixel: 280, windowTap: 45.2, tap: 25, tapRest: 14.3, copy: 48.4 },
    ...{ block: 306, blockTap: 35.4, blockPart: 33.4, blockWord: 211.6, blockTail: 7 },
    ...{ unaligned: 25.2, score: 31.7, scorePlane: 8.3 },
  },
  inputs: {
    ...{ sixteen: 100.3, eight: 218.5, signPlane: 19.5, listWord: 49.7 },
    ...{ pixel: 280, windowTap: 18.7, tap: 36, tapThree: 56, copy: 56.5 },
    ...{ block: 338, blockTap: 40, blockWord: 314.3, blockTail: 9.5 },
    ...{ unaligned: 31.4, score: 33.9, scorePlane: 8.1 },
  },
};

/** Estimated instructions of a layer, and the work that they are made of. */
export function rowsCost(
  geometry: RowsGeometry,
  form: Form,
  cpu: Cpu,
  sizes: RowsSizes,
  isScores: boolean,
): { readonly cost: number; readonly work: Readonly<Record<string, number>> } {
  const family = coreFamily(cpu);
  const work = rowsWork(geometry, form, family, sizes, isScores);
  return { cost: weighted((family === "thumb1" ? THUMB1 : THUMB2)[form], work), work: { ...work } };
}

function rowsWork(
  geometry: RowsGeometry,
  form: Form,
  family: CoreFamily,
  sizes: RowsSizes,
  isScores: boolean,
): RowsWork {
  const { classes, groups } = geometry;
  const parts = sizesOf(classes.rows, classes.rowOf).flatMap(([rows, heights]) =>
    sizesOf(classes.columns, classes.columnOf).map(([columns, widths]) => ({
      pixels: heights * widths * groups,
      work: pixelWork(geometry, form, family, sizes, isScores, rows * columns),
    })),
  );
  const names = Object.keys(parts[0]!.work) as (keyof RowsWork)[];
  return Object.fromEntries(
    names.map((name) => [name, parts.reduce((sum, { pixels, work }) => sum + pixels * work[name], 0)]),
  ) as Record<keyof RowsWork, number>;
}

/** Taps of each class along one axis, and how many output rows or columns are in it. */
function sizesOf(classes: readonly (readonly number[])[], of: readonly number[]): [number, number][] {
  return classes.map((taps, i) => [taps.length, of.filter((c) => c === i).length]);
}

/** The work of one pixel of one group with so many taps inside the map. */
function pixelWork(
  { channels, groups, outputs, window }: RowsGeometry,
  form: Form,
  family: CoreFamily,
  { list, planes }: RowsSizes,
  isScores: boolean,
  taps: number,
): RowsWork {
  const words = Math.ceil(outputs / 32);
  const blocks = [
    ...new Array<number>(Math.floor(words / BLOCK_WORDS)).fill(BLOCK_WORDS),
    ...(words % BLOCK_WORDS === 0 ? [] : [words % BLOCK_WORDS]),
  ];
  const tapWords = Math.ceil(channels / 32);
  const perTap = form === "pairs" ? Math.ceil(channels / 2) : channels;
  const inWord = form === "pairs" ? 16 : 32;
  const lists = listsOf(form, taps, perTap, list);
  const isThumb2 = family !== "thumb1";
  const adders = lists.map((rows) => addersOf(Math.ceil(rows / 16), planes, isThumb2));
  const sum = (of: (a: Adders) => number): number => adders.reduce((total, a) => total + of(a), 0);
  let assembly = 0;
  for (const block of isThumb2 ? blocks : []) {
    assembly += copyInstructions(block * planes) + block * sum((a) => a.instructions);
    assembly += lists.reduce((total, rows) => total + 10 + clearInstructions((16 - (rows % 16)) % 16), 0);
    assembly += selectInstructions(form, family, taps, Math.floor(perTap / inWord));
    if (!isScores) assembly += signsInstructions(planes, block);
  }
  return {
    assembly,
    sixteen: isThumb2 ? 0 : words * sum((a) => a.sixteens),
    eight: isThumb2 ? 0 : words * sum((a) => a.eights),
    ripple: isThumb2 ? 0 : words * sum((a) => a.ripple),
    signPlane: isThumb2 || isScores ? 0 : words * planes,
    pixel: 1,
    windowTap: window.kernel[0] * window.kernel[1],
    tap: taps,
    tapThree: taps * (form === "pairs" ? Math.floor(tapWords / 3) : tapWords),
    tapRest: form === "pairs" && tapWords % 3 > 0 ? taps : 0,
    copy: groups > 1 && channels % 32 !== 0 ? taps * tapWords : 0,
    block: blocks.length,
    blockTap: taps * blocks.length,
    blockWord: isThumb2 ? 0 : taps * blocks.length * Math.floor(perTap / inWord),
    blockPart: perTap % inWord > 0 ? taps * blocks.length : 0,
    blockTail: taps * blocks.length * (perTap % inWord),
    list: lists.length * blocks.length,
    listWord: isThumb2 ? 0 : lists.length * words,
    nextListWord: isThumb2 ? 0 : Math.max(lists.length - 1, 0) * words,
    unaligned: !isScores && outputs % 32 !== 0 ? words : 0,
    score: isScores ? outputs : 0,
    scorePlane: isScores ? outputs * planes : 0,
  };
}

/** Rows of each list that is added up: `add_pairs` and `add_inputs` of bitloom_conv_rows.c. */
function listsOf(form: Form, taps: number, perTap: number, most: number): number[] {
  if (form === "inputs") return [Math.floor((taps * perTap) / 2)].filter((rows) => rows > 0);
  const lists: number[] = [];
  let count = 0;
  for (let tap = 0; tap < taps; tap++) {
    for (let left = perTap; left > 0; ) {
      const room = Math.floor((most - count) / 16);
      const words = Math.min(Math.floor(left / 16), room);
      const taken = words > 0 ? 16 * words : left;
      count += taken;
      left -= taken;
      if (most - count < 16) {
        lists.push(count);
        count = 0;
      }
    }
  }
  return count > 0 ? [...lists, count] : lists;
}

interface Adders {
  /** Of bitloom_conv_rows_add for one word of outputs, with Thumb-2. */
  readonly instructions: number;
  readonly sixteens: number;
  readonly eights: number;
  readonly ripple: number;
}

/** Follows bitloom_conv_rows_add: sixteens into three planes, their carries eight at a time into the next three. */
function addersOf(sixteens: number, planes: number, isThumb2: boolean): Adders {
  const ripple = (left: number): number => (left <= 0 ? 2 : 10 + 7 * (left - 1));
  let instructions = 16 + 84 * sixteens + 3 * Math.ceil(sixteens / 8) + 3;
  let numbers = sixteens;
  let left = planes - 4;
  let eights = 0;
  while (numbers > (isThumb2 ? 4 : 1)) {
    const isOneMore = isThumb2 && numbers % 8 === 1;
    const count = isOneMore ? (numbers - 1) / 8 : Math.ceil(numbers / 8);
    instructions += 6 + (isOneMore ? 7 + ripple(left) : numbers % 8 === 0 ? 1 : 11);
    instructions += 8 + 60 * count + 2 * Math.ceil(count / 2) + 4;
    eights += count;
    numbers = count;
    left -= 3;
  }
  if (numbers > 1) left -= 2;
  instructions += 13 + (numbers === 1 ? 1 : numbers === 4 ? 31 : 36) + ripple(left);
  return { instructions, sixteens, eights, ripple: Math.max(left, 0) };
}

function copyInstructions(words: number): number {
  return 6 + 4 * Math.floor(words / 8) + 4 * (words % 8);
}

function clearInstructions(count: number): number {
  return count === 0 ? 0 : 10 + 3 * Math.floor(count / 4) + 3 * (count % 4);
}

function selectInstructions(form: Form, family: CoreFamily, taps: number, words: number): number {
  if (form === "inputs") return taps * (8 + 121 * words);
  return words === 0 ? 0 : taps * (12 + (family === "dsp" ? 39 : 55) * words);
}

/** Two words at a time, four planes at a time. */
function signsInstructions(planes: number, words: number): number {
  const carries = planes - 1;
  return 4 + Math.ceil(words / 2) * (33 + 28 * Math.floor(carries / 4) + 10 * (carries % 4));
}
