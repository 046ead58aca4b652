import type { Cpu } from "../targets/index.js";
import type { BasesLayer } from "./conv-bases-layer.js";
import { coreFamily, weighted } from "./core-family.js";
import { planesOf } from "./domains.js";
import { insideAlong } from "./window.js";

/** Parts of the work that all forms do. */
type Shared =
  | "pixel"
  | "tap"
  | "tapPlane"
  | "tapWord"
  | "output"
  | "code"
  | "level"
  | "basis"
  | "term"
  | "roundedTerm";
type Counted = "borderPixel" | "product" | "countEight" | "countLong" | "countWord";
type Added = "planeWord" | "plane" | "selectedWord" | "addedWord" | "sixteen" | "storedPlane";
type Work<K extends string> = Readonly<Record<K, number>>;

interface Estimate {
  readonly cost: number;
  readonly work: Readonly<Record<string, number>>;
}

/**
 * Instructions of each part, fitted to counts of random layers (bench/fit.ts; GCC 12, -O2). The fit cannot tell terms
 * from products, which are as many where weights have one plane: what they share is halved.
 */
const COUNTED: { readonly thumb2: Work<Shared | Counted>; readonly thumb1: Work<Shared | Counted> } = {
  thumb2: {
    ...{ pixel: 287, borderPixel: 970, tap: 52.2, tapPlane: 29, tapWord: 29.8 },
    ...{ output: 54.4, code: 78.2, level: 11.3, basis: 43, term: 28.8, product: 28.8, roundedTerm: 35.5 },
    ...{ countEight: 76.4, countLong: 47.8, countWord: 16.8 },
  },
  thumb1: {
    ...{ pixel: 468, borderPixel: 1424, tap: 41.7, tapPlane: 58.4, tapWord: 36.3 },
    ...{ output: 79.2, code: 172.3, level: 15.3, basis: 73.7, term: 52.1, product: 52.1, roundedTerm: 91.9 },
    ...{ countEight: 108.3, countLong: 97.2, countWord: 29.1 },
  },
};
const ADDED: { readonly thumb2: Work<Shared | Added>; readonly thumb1: Work<Shared | Added> } = {
  thumb2: {
    ...{ pixel: 343, tap: 102.2, tapPlane: 1, tapWord: 16.8, planeWord: 37.9 },
    ...{ output: 68.4, code: 85.8, level: 10.1, basis: 20.6, term: 12.2, roundedTerm: 37 },
    ...{ plane: 154.3, selectedWord: 121.6, addedWord: 90.9, sixteen: 92.8, storedPlane: 32.2 },
  },
  thumb1: {
    ...{ pixel: 402, tap: 166.2, tapPlane: 5.5, tapWord: 17.4, planeWord: 61.9 },
    ...{ output: 92.3, code: 184.2, level: 14.1, basis: 40.4, term: 45.6, roundedTerm: 95.2 },
    ...{ plane: 241.3, selectedWord: 250, addedWord: 185.7, sixteen: 135.6, storedPlane: 76 },
  },
};

/** Where bits are counted, a word of weights after the other. */
export function countedCost(layer: BasesLayer, cpu: Cpu): Estimate {
  const shape = shapeOf(layer);
  const { words, terms, bases, outputs, planes, weightPlanes, borderPixels, pixels } = shape;
  const counts = weightPlanes * (pixels * outputs * terms + borderPixels * outputs * bases) + pixels * planes;
  const work = {
    ...sharedWork(shape),
    borderPixel: borderPixels,
    product: pixels * outputs * terms * weightPlanes,
    countEight: counts * Math.floor(words / 8),
    countLong: words >= 8 ? counts : 0,
    countWord: counts * (words % 8),
  };
  return estimate(COUNTED, work, cpu);
}

/** Where inputs select rows: words of a block's rows, and planes of its counters. */
export function addedCost(
  layer: BasesLayer,
  block: { readonly outputs: number; readonly counters: number; readonly isWide: boolean },
  cpu: Cpu,
): Estimate {
  const shape = shapeOf(layer);
  const { words, bases, outputs, planes, borderPixels, pixels, insideInputs } = shape;
  const blocks = Math.ceil(outputs / block.outputs);
  const rest = outputs - (blocks - 1) * block.outputs;
  const blockWords = (blocks - 1) * Math.ceil((block.outputs * bases) / 32) + Math.ceil((rest * bases) / 32);
  // What lies outside the map is a plane of its own.
  const counted = pixels * planes + borderPixels;
  const work = {
    ...sharedWork(shape),
    planeWord: pixels * planes * words,
    plane: counted * blocks,
    selectedWord: counted * blocks * words,
    addedWord: counted * blockWords,
    sixteen: (insideInputs / pixels / 32 + 0.5) * counted * blockWords,
    storedPlane: counted * blockWords * (block.isWide ? 2 : 1) * (block.counters - 1),
  };
  return estimate(ADDED, work, cpu);
}

function estimate<K extends string>(
  of: { readonly thumb2: Work<K>; readonly thumb1: Work<K> },
  work: Work<K>,
  cpu: Cpu,
): Estimate {
  return { cost: weighted(coreFamily(cpu) === "thumb1" ? of.thumb1 : of.thumb2, work), work };
}

/** Pixels are those of all groups, outputs those of one. */
interface Shape {
  readonly pixels: number;
  /** Of which dot products have taps to take away. */
  readonly borderPixels: number;
  /** Inputs inside the map, of all pixels. */
  readonly insideInputs: number;
  readonly taps: number;
  readonly channelWords: number;
  readonly words: number;
  readonly planes: number;
  readonly bases: number;
  readonly terms: number;
  readonly weightPlanes: number;
  readonly outputs: number;
  /** Absent for sums. */
  readonly levels?: number;
}

function shapeOf({ program, conv, threshold }: BasesLayer): Shape {
  const from = program.tensors[conv.input]!.shape;
  const to = program.tensors[conv.output]!.shape;
  const rows = insideAlong(conv.window, 0, from[0], to[0]);
  const columns = insideAlong(conv.window, 1, from[1], to[1]);
  const planes = planesOf(program.tensors[conv.input]!);
  const pixels = to[0] * to[1] * conv.groups;
  const taps = rows.taps * columns.taps * conv.groups;
  const channels = from[2] / conv.groups;
  const takesAway = conv.planes.offset !== 0 && conv.padCode === undefined;
  return {
    pixels,
    borderPixels: takesAway ? pixels - rows.whole * columns.whole * conv.groups : 0,
    insideInputs: taps * channels,
    taps,
    channelWords: Math.ceil(channels / 32),
    words: Math.ceil(conv.bases[0]!.inputs / 32),
    planes,
    bases: conv.bases.length,
    terms: conv.bases.length * planes,
    weightPlanes: Math.max(...conv.bases.map((b) => b.bits)),
    outputs: to[2] / conv.groups,
    ...(threshold === undefined ? {} : { levels: threshold.levels }),
  };
}

function sharedWork({ pixels, taps, planes, levels, ...shape }: Shape): Work<Shared> {
  const outputs = pixels * shape.outputs;
  const terms = outputs * shape.terms;
  const isCodes = levels !== undefined;
  return {
    pixel: pixels,
    tap: taps,
    tapPlane: taps * planes,
    tapWord: taps * planes * (shape.channelWords - 1),
    output: outputs,
    code: isCodes ? outputs : 0,
    level: outputs * (levels ?? 0),
    term: terms,
    basis: outputs * shape.bases,
    roundedTerm: isCodes ? 0 : terms,
  };
}
