/** How `conv_image` divides a layer: values, phases of a stride, parts of a column, outputs of a pass. */
import type { DeviceProgram, Instruction, Window } from "../program/types.js";

type Conv = Extract<Instruction, { kind: "conv" }>;
type Threshold = Extract<Instruction, { kind: "threshold" }>;

/** Words of a table entry and inputs of a part: `BITLOOM_CONV_IMAGE_ENTRY` and `_PART`. */
export const ENTRY_WORDS = 20;
const PART_INPUTS = 5;
export const SCRATCH_BYTES = 12288;
/** Passes in which the outputs are done where memory is short. */
const PASSES = [1, 2, 4, 8, 16] as const;
/** Wider output rows are cut into strips of 32 pixels. */
const NARROW = 16;

/** How pixels become values, and where the sums of an output start. */
interface Values {
  readonly isSigned: boolean;
  readonly center: number;
  readonly padValue: number;
  readonly starts: Uint16Array;
}

/** Columns of a phase are `stride` apart; a window has `phases` of them, each at most `reach` words wide. */
interface Phases {
  readonly phases: number;
  readonly reach: number;
}

export interface ImageLayer extends Values, Phases {
  readonly parts: number;
  /** Entries that an output adds. */
  readonly lookups: number;
  /** Entries of the tables of one phase. */
  readonly entries: number;
  readonly isNarrow: boolean;
  /** Words of an entry that are used. */
  readonly words: number;
  /** Outputs done in one pass. */
  readonly chunk: number;
  readonly scratchBytes: number;
}

/** Every division into parts and passes whose working memory is small enough. */
export function imageLayers(program: DeviceProgram, conv: Conv, threshold: Threshold): ImageLayer[] {
  const { domain, shape } = program.tensors[conv.input]!;
  const { bits, step, offset } = conv.weights;
  if (domain.kind !== "scalar" || (domain.type !== "u8" && domain.type !== "i8")) return [];
  if (bits !== 1 || step !== 2 || offset !== -1 || conv.groups !== 1) return [];
  if (![...shape, ...program.tensors[conv.output]!.shape].every((size) => size <= 65535)) return [];
  const phases = phasesOf(conv.window);
  const isSigned = domain.type === "i8";
  const values = (isSigned ? [0] : [0, 128]).map((center) => valuesOf(conv, threshold, isSigned, center));
  const own = values.find((v) => v !== undefined);
  if (phases === undefined || own === undefined) return [];
  const inputs = conv.window.kernel[0] * shape[2];
  const least = Math.ceil(inputs / PART_INPUTS);
  return Array.from({ length: Math.min(inputs, 2 * least) - least + 1 }, (_, i) => least + i).flatMap(
    (parts) =>
      PASSES.map((passes) => layerOf(program, conv, { ...own, ...phases }, parts, passes)).filter(
        (layer) => layer !== undefined,
      ),
  );
}

function layerOf(
  program: DeviceProgram,
  conv: Conv,
  values: Values & Phases,
  parts: number,
  passes: number,
): ImageLayer | undefined {
  const { kernel, dilation } = conv.window;
  const channels = program.tensors[conv.input]!.shape[2];
  const [, width, outputs] = program.tensors[conv.output]!.shape;
  const inputs = kernel[0] * channels;
  const entries = partStarts(inputs, parts).reduce((sum, start, i, all) => {
    const end = i + 1 < parts ? all[i + 1]! : inputs;
    return sum + 2 ** (end - start);
  }, 0);
  const lookups = kernel[1] * parts;
  const span = (kernel[0] - 1) * dilation[0] + 1;
  const isNarrow = width <= NARROW;
  const words = (isNarrow ? 8 : 16) + values.reach;
  const fixed = ENTRY_WORDS * values.phases * (entries + channels * span * Math.ceil(width / 32));
  const perResult = 2 * (lookups + 1) + 1;
  // A result is one output, or two where the map is narrow.
  const size = isNarrow ? 2 : 1;
  const wanted = Math.ceil(outputs / size / passes);
  const results = Math.min(wanted, Math.floor((SCRATCH_BYTES / 4 - fixed) / perResult));
  if (words > ENTRY_WORDS || results < 1 || parts > 255 || ENTRY_WORDS * values.phases * entries > 65000)
    return undefined;
  return {
    ...values,
    parts,
    lookups,
    entries,
    isNarrow,
    words,
    chunk: results * size,
    scratchBytes: 8 * Math.ceil((fixed + results * perResult) / 2),
  };
}

/** Column kx of a window is in phase kx·dilation % stride, at the word kx·dilation / stride. */
function phasesOf({ kernel, stride, dilation }: Window): Phases | undefined {
  const reach = Math.floor(((kernel[1] - 1) * dilation[1]) / stride[1]);
  if (dilation[1] % stride[1] === 0) return { phases: 1, reach };
  return dilation[1] === 1 ? { phases: Math.min(stride[1], kernel[1]), reach } : undefined;
}

/**
 * The output bit is `Σ w·(stored − center) + start ≥ 2^15`: with the value stored + offset, Σ w·value ≥ T is
 * Σ w·(stored − center) ≥ T − (offset + center)·Σw, which is held where never and always are still different from all
 * sums. Undefined where sum and start could leave 16 bits.
 */
function valuesOf(conv: Conv, threshold: Threshold, isSigned: boolean, center: number): Values | undefined {
  const { outputs, inputs, codes } = conv.weights;
  const padValue = conv.padValue - conv.inputOffset - center;
  const bound = inputs * Math.max(Math.abs(padValue), isSigned || center === 128 ? 128 : 255);
  const starts = Array.from({ length: outputs }, (_, n) => {
    let sum = 0;
    for (let k = 0; k < inputs; k++) sum += 2 * codes[n * inputs + k]! - 1;
    const t = threshold.thresholds[threshold.flipped.length === 1 ? 0 : n]!;
    const least = t - (conv.inputOffset + center) * sum;
    return 32768 - Math.max(-bound, Math.min(bound + 1, least));
  });
  const fits = starts.every((start) => start - bound >= 0 && start + bound <= 65535);
  return fits ? { isSigned, center, padValue, starts: Uint16Array.from(starts) } : undefined;
}

/** First input of each part of a column. */
export function partStarts(inputs: number, parts: number): number[] {
  return Array.from({ length: parts }, (_, part) => Math.floor((part * inputs) / parts));
}
