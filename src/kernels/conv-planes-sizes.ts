/** How the work of `runtime-c/bitloom_conv_planes.h` is cut, and the sizes that follow from that, as the C has them. */
import { padMode } from "./conv-pairs-shape.js";
import { phasesOf, planesFor, tileSlots } from "./conv-pairs-sizes.js";
import { type ConvPlanesKind, type ConvPlanesShape, rowPairs } from "./conv-planes-shape.js";

/** How the work is cut: what the planner chooses. */
export interface ConvPlanesTiling {
  /** Tables of an input row serve all tiles that it touches, or one. */
  readonly scheme: "rows" | "tiles";
  /** Outputs whose counters are kept at once. */
  readonly block: number;
  /** Weight words whose tables are kept at once: 2, 4, 6 or 8. */
  readonly piece: number;
  /** The most output rows of one call; all of them if absent. */
  readonly rows?: number;
}

/** Numbers that follow from shape and tiling. */
export interface ConvPlanesSizes {
  readonly lineWords: number;
  /** Weight words of an output, a plane and a kernel row, an even number; those of a piece. */
  readonly words: number;
  readonly piece: number;
  readonly pieces: number;
  readonly slots: number;
  /** Planes of the counters; Infinity where none are enough. */
  readonly planes: number;
  readonly rowPlanes: number;
  readonly scratchBytes: number;
}

/** Inputs of a group, and words of its table. */
export const GROUPS: Readonly<Record<ConvPlanesKind, { readonly inputs: number; readonly words: number }>> =
  Object.freeze({ sixes: { inputs: 6, words: 128 }, threes: { inputs: 3, words: 54 } });

const COUNTER_PLANES = [9, 12, 15] as const;
const SUM_WORDS = 16;

export function sizesOf(
  shape: ConvPlanesShape,
  { scheme, block, piece, rows }: ConvPlanesTiling,
): ConvPlanesSizes {
  const { kernel, dilation } = shape.window;
  const channels = shape.channels / shape.groups;
  const group = GROUPS[shape.kind];
  const lineWords = 4 * Math.ceil(channels / 4) * (phasesOf(shape) || kernel[1]);
  const words = 2 * Math.ceil((kernel[1] * channels) / (8 * group.inputs));
  const used = Math.min(piece, words);
  const reach = (kernel[0] - 1) * dilation[0];
  const slots = scheme === "tiles" ? 1 : tileSlots(shape, rows, false);
  const planes = COUNTER_PLANES.find((p) => shape.greatest < 2 ** (p + 1) - 1) ?? Number.POSITIVE_INFINITY;
  const rowPlanes = planesFor(rowPairs(shape));
  const scratchWords =
    lineWords +
    1 +
    4 * group.inputs * words +
    (reach + 1) +
    (shape.kind === "sixes" ? (reach + 1) * (planes + 1) : 0) +
    slots +
    SUM_WORDS +
    shape.outputPlanes * block * (padMode(shape) === 2 ? 2 : 1) +
    4 * used * group.words +
    slots * block * planes +
    // What runs that start with a higher plane reach beyond the last counter.
    (shape.inputPlanes - 1 + shape.weightPlanes - 1);
  return {
    lineWords,
    words,
    piece: used,
    pieces: Math.ceil(words / used),
    slots,
    planes,
    rowPlanes,
    scratchBytes: 8 * Math.ceil(scratchWords / 2),
  };
}
