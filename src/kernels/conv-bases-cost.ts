import type { Cpu } from "../targets/index.js";
import type { BasesLayer } from "./conv-bases-layer.js";
import { coreFamily, weighted } from "./core-family.js";
import { planesOf } from "./domains.js";
import { insideAlong } from "./window.js";

/** Parts of the work that all forms do. */
type Shared =
  | ("pixel" | "borderPixel" | "tap" | "tapPlane" | "tapWord" | "planeWord")
  | ("output" | "code" | "level" | "term" | "basis" | "product" | "roundedTerm");
type Counted = "countEight" | "countLong" | "countWord";
type Added = "plane" | "selectedWord" | "addedWord" | "sixteen" | "store" | "storedPlane";
type Work<K extends string> = Readonly<Record<K, number>>;

interface Estimate {
  readonly cost: number;
  readonly work: Readonly<Record<string, number>>;
}

/** Instructions of each part, fitted to counts of random layers (bench/fit.ts; GCC 12, -O2). */
const COUNTED: { readonly thumb2: Work<Shared | Counted>; readonly thumb1: Work<Shared | Counted> } = {
  thumb2: {
    ...{ pixel: 306, borderPixel: 983, tap: 53.5, tapPlane: 31.4, tapWord: 41.1, planeWord: 0 },
    ...{ output: 53.3, code: 86.1, level: 7.6, term: 60.2, basis: 36.3, product: 0, roundedTerm: 33.8 },
    ...{ countEight: 77.8, countLong: 45.2, countWord: 17 },
  },
  thumb1: {
    ...{ pixel: 450, borderPixel: 450, tap: 65, tapPlane: 25, tapWord: 20, planeWord: 25 },
    ...{ output: 120, code: 90, level: 9, term: 20, basis: 30, product: 30, roundedTerm: 100 },
    ...{ countEight: 107, countLong: 90, countWord: 27 },
  },
};
const ADDED: { readonly thumb2: Work<Shared | Added>; readonly thumb1: Work<Shared | Added> } = {
  thumb2: {
    ...{ pixel: 349, borderPixel: 0, tap: 91.3, tapPlane: 7.9, tapWord: 16.3, planeWord: 42.7 },
    ...{ output: 61.9, code: 90.3, level: 9, term: 11.2, basis: 22.7, product: 0.4, roundedTerm: 37 },
    ...{ plane: 146, selectedWord: 121.6, addedWord: 97, sixteen: 92.6, store: 0, storedPlane: 32.1 },
  },
  thumb1: {
    ...{ pixel: 450, borderPixel: 450, tap: 65, tapPlane: 25, tapWord: 20, planeWord: 25 },
    ...{ output: 120, code: 90, level: 9, term: 20, basis: 30, product: 0, roundedTerm: 100 },
    ...{ plane: 120, selectedWord: 330, addedWord: 120, sixteen: 100, store: 60, storedPlane: 40 },
  },
};

/** Where bits are counted, a word of weights after the other. */
export function countedCost(layer: BasesLayer, cpu: Cpu): Estimate {
  const shape = shapeOf(layer);
  const { words, terms, bases, outputs, planes, weightPlanes, borderPixels, pixels } = shape;
  const counts = weightPlanes * (pixels * outputs * terms + borderPixels * outputs * bases) + pixels * planes;
  const work = {
    ...sharedWork(shape),
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
  const stores = counted * blockWords * (block.isWide ? 2 : 1);
  const work = {
    ...sharedWork(shape),
    plane: counted * blocks,
    selectedWord: counted * blocks * words,
    addedWord: counted * blockWords,
    sixteen: (insideInputs / pixels / 32 + 0.5) * counted * blockWords,
    store: stores,
    storedPlane: stores * (block.counters - 1),
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

function sharedWork({ pixels, borderPixels, taps, planes, levels, ...shape }: Shape): Work<Shared> {
  const outputs = pixels * shape.outputs;
  const terms = outputs * shape.terms;
  const isCodes = levels !== undefined;
  return {
    pixel: pixels,
    borderPixel: borderPixels,
    tap: taps,
    tapPlane: taps * planes,
    tapWord: taps * planes * (shape.channelWords - 1),
    planeWord: pixels * planes * shape.words,
    output: outputs,
    code: isCodes ? outputs : 0,
    level: outputs * (levels ?? 0),
    term: terms,
    basis: outputs * shape.bases,
    product: terms * shape.weightPlanes,
    roundedTerm: isCodes ? 0 : terms,
  };
}
