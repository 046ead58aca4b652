import type { Window } from "../program/types.js";
import type { Cpu } from "../targets/index.js";
import { coreFamily, weighted } from "./core-family.js";
import { insideAlong } from "./window.js";

/** What the cost of a layer depends on; channels and outputs are those of one group, planes those of codes. */
export interface GeneralShape {
  readonly input: readonly [height: number, width: number];
  readonly output: readonly [height: number, width: number];
  readonly window: Window;
  readonly groups: number;
  readonly channels: number;
  readonly outputs: number;
  readonly inputPlanes: number;
  readonly weightPlanes: number;
  /** Thresholds per output; 0 where sums are written. */
  readonly levels: number;
  /** Whether windows are copied into rows of bits, whether what lies outside the map has products of its own. */
  readonly gathers: boolean;
  readonly hasBorder: boolean;
}

type Part =
  | ("pixel" | "binaryOutput" | "output" | "level" | "product" | "sum" | "binarySum")
  | ("windowRow" | "tap" | "tapWord" | "borderPixel" | "borderTap" | "borderOutput")
  | ("countEight" | "countLong" | "countWord");
type Work = Readonly<Record<Part, number>>;

/** Instructions of each part of the work, fitted to counts of random layers (bench/fit.ts; GCC 12, -O2). */
const THUMB2: Work = {
  ...{ pixel: 176, binaryOutput: 41.1, output: 60, level: 6, product: 30, sum: 60, binarySum: 34.9 },
  ...{ windowRow: 114, tap: 28.6, tapWord: 3.3, borderPixel: 326, borderTap: 7, borderOutput: 21 },
  ...{ countEight: 74.9, countLong: 48.2, countWord: 16 },
};
const THUMB1: Work = {
  ...{ pixel: 277, binaryOutput: 71.2, output: 93, level: 9, product: 46, sum: 93, binarySum: 55.3 },
  ...{ windowRow: 137, tap: 42.4, tapWord: 4.6, borderPixel: 507, borderTap: 0, borderOutput: 44.2 },
  ...{ countEight: 106.7, countLong: 90.2, countWord: 27.5 },
};

/** Estimated instructions of a layer, and the work that they are made of. */
export function generalCost(
  shape: GeneralShape,
  cpu: Cpu,
): { readonly cost: number; readonly work: Readonly<Record<string, number>> } {
  const work = workOf(shape);
  return { cost: weighted(coreFamily(cpu) === "thumb1" ? THUMB1 : THUMB2, work), work };
}

function workOf(shape: GeneralShape): Work {
  const { window, groups, channels, inputPlanes, weightPlanes, levels } = shape;
  const taps = window.kernel[0] * window.kernel[1];
  const words = Math.ceil((taps * channels) / 32);
  const rows = insideAlong(window, 0, shape.input[0], shape.output[0]);
  const columns = insideAlong(window, 1, shape.input[1], shape.output[1]);
  const pixels = shape.output[0] * shape.output[1] * groups;
  const outputs = pixels * shape.outputs;
  const isBinary = inputPlanes === 1 && weightPlanes === 1;
  const isBinaryThreshold = isBinary && levels === 1;
  const borderPixels = shape.hasBorder ? pixels - rows.whole * columns.whole * groups : 0;
  const borderOutputs = borderPixels * shape.outputs;
  const gathered = shape.gathers ? inputPlanes : 0;
  const counts = outputs * inputPlanes * weightPlanes + borderOutputs * weightPlanes + pixels * inputPlanes;
  return {
    pixel: pixels,
    binaryOutput: isBinaryThreshold ? outputs : 0,
    output: levels > 0 && !isBinaryThreshold ? outputs : 0,
    level: isBinaryThreshold ? 0 : outputs * levels,
    product: isBinary && levels <= 1 ? 0 : outputs * inputPlanes * weightPlanes,
    sum: levels === 0 && !isBinary ? outputs : 0,
    binarySum: levels === 0 && isBinary ? outputs : 0,
    windowRow: gathered * pixels * window.kernel[0],
    tap: gathered * groups * rows.taps * columns.taps,
    tapWord: gathered * groups * rows.taps * columns.taps * Math.ceil(channels / 32),
    borderPixel: borderPixels,
    borderTap: borderPixels * taps,
    borderOutput: borderOutputs * weightPlanes,
    countEight: counts * Math.floor(words / 8),
    countLong: words >= 8 ? counts : 0,
    countWord: counts * (words % 8),
  };
}
