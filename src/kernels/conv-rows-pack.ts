import type { CodeMatrix } from "../program/types.js";
import { BLOCK_WORDS, type Form, type RowsGeometry } from "./conv-rows-geometry.js";

/**
 * Rows of bits, one bit per output: `rows` of `bitloom_conv_rows.h`, after eight zero words. Outputs that do not depend on
 * the inputs select nothing.
 */
export function packRows(
  weights: CodeMatrix,
  geometry: Pick<RowsGeometry, "groups" | "taps" | "channels" | "outputs">,
  form: Form,
  isConstant: (output: number) => boolean = () => false,
): Uint32Array {
  const { groups, taps, channels, outputs } = geometry;
  const words = Math.ceil(outputs / 32);
  const rowsPerTap = form === "pairs" ? 4 * Math.ceil(channels / 2) : channels;
  const packed = new Uint32Array(BLOCK_WORDS + groups * words * taps * rowsPerTap);
  let blockStart = BLOCK_WORDS;
  for (let group = 0; group < groups; group++) {
    for (let first = 0; first < words; first += BLOCK_WORDS) {
      const blockWords = Math.min(BLOCK_WORDS, words - first);
      const end = Math.min(outputs, 32 * (first + blockWords));
      for (let n = 32 * first; n < end; n++) {
        if (isConstant(group * outputs + n)) continue;
        const row = (group * outputs + n) * taps * channels;
        const set = (index: number): void => {
          packed[blockStart + index * blockWords + (n >> 5) - first]! |= 1 << (n & 31);
        };
        for (let tap = 0; tap < taps; tap++) {
          const code = (c: number): number =>
            c < channels ? (weights.codes[row + tap * channels + c] as number) : 0;
          if (form === "inputs") {
            for (let c = 0; c < channels; c++) if (code(c) === 1) set(tap * rowsPerTap + c);
            continue;
          }
          for (let c = 0; c < channels; c += 2) {
            const [a, b] = [code(c), code(c + 1)];
            const at = tap * rowsPerTap + 2 * c;
            if (a === 0 && b === 0) set(at);
            if (a === 1 || b === 0) set(at + 1);
            if (b === 1 || a === 0) set(at + 2);
            if (a === 1 && b === 1) set(at + 3);
          }
        }
      }
      blockStart += taps * rowsPerTap * blockWords;
    }
  }
  return packed;
}

/**
 * Counters at the start, `presets` of `bitloom_conv_rows.h`. With M agreements of K, `2·M − K ≥ T` is `M ≥ m`. Pairs
 * leave M − m in the counters; inputs leave M − m where +1 selects, and m − 1 − M, so that the sign is the output, where
 * −1 does. Without thresholds these are M, M and −M. Outputs that are always or never +1 have no rows: their counters start
 * where the pixel's shift leaves the sign alone.
 */
export function packPresets(
  weights: CodeMatrix,
  geometry: Pick<RowsGeometry, "groups" | "channels" | "outputs" | "window" | "classes">,
  form: Form,
  planes: number,
  thresholds: Int32Array | undefined,
): Uint32Array {
  const { groups, channels, outputs, window, classes } = geometry;
  const words = Math.ceil(outputs / 32);
  const sets = form === "pairs" ? 1 : 2;
  const packed = new Uint32Array(
    classes.rows.length * classes.columns.length * sets * groups * words * planes,
  );
  const allInputs = window.kernel[0] * window.kernel[1] * channels;
  let base = 0;
  for (const kernelRows of classes.rows) {
    for (const kernelColumns of classes.columns) {
      const taps = kernelRows.flatMap((ky) => kernelColumns.map((kx) => ky * window.kernel[1] + kx));
      for (let n = 0; n < groups * outputs; n++) {
        const constant = thresholds === undefined ? undefined : constantOutput(thresholds, n, allInputs);
        const values =
          constant === undefined
            ? startOf(weights, n, taps, channels, form, thresholds)
            : constantStart(constant, form, taps.length, channels);
        const [group, output] = [Math.floor(n / outputs), n % outputs];
        values.forEach((value, set) => {
          const at = base + ((set * groups + group) * words + (output >> 5)) * planes;
          for (let plane = 0; plane < planes; plane++)
            if ((value >> plane) & 1) packed[at + plane]! |= 1 << (output & 31);
        });
      }
      base += sets * groups * words * planes;
    }
  }
  return packed;
}

/** Start of the counters of one output, for each set. */
function startOf(
  weights: CodeMatrix,
  output: number,
  taps: readonly number[],
  channels: number,
  form: Form,
  thresholds: Int32Array | undefined,
): number[] {
  const inputs = taps.length * channels;
  const { differing, ones } = countWeights(weights, output, taps, channels);
  const threshold = thresholds === undefined ? undefined : thresholdOf(thresholds, output);
  /** Agreements needed; more than all, or none, where a border pixel has fewer inputs than the threshold reckons with. */
  const least =
    threshold === undefined ? 0 : Math.max(0, Math.min(inputs + 1, Math.ceil((threshold + inputs) / 2)));
  return form === "pairs"
    ? [differing - least - (channels % 2) * taps.length]
    : [-ones - least, threshold === undefined ? -ones : least - ones - 1];
}

function thresholdOf(thresholds: Int32Array, output: number): number {
  return thresholds[thresholds.length === 1 ? 0 : output]!;
}

/** The output's value if it is the same for all inputs. */
export function constantOutput(thresholds: Int32Array, output: number, inputs: number): boolean | undefined {
  const threshold = thresholdOf(thresholds, output);
  if (threshold > inputs) return false;
  return threshold <= -inputs ? true : undefined;
}

/**
 * The shift of pairs lies from −pairs to 0; that of inputs from half of them to all where +1 selects, and from −half to 0
 * where −1 does and the output is the sign.
 */
function constantStart(isOne: boolean, form: Form, taps: number, channels: number): number[] {
  const inputs = taps * channels;
  const half = Math.ceil(inputs / 2);
  if (form === "pairs") return [isOne ? taps * Math.ceil(channels / 2) : -1];
  return [isOne ? -half : -inputs - 1, isOne ? -1 : half];
}

/** Pairs of neighbouring weights that differ (an odd last one has a partner −1), and weights of +1. */
function countWeights(
  weights: CodeMatrix,
  output: number,
  taps: readonly number[],
  channels: number,
): { differing: number; ones: number } {
  let differing = 0;
  let ones = 0;
  for (const tap of taps) {
    const at = output * weights.inputs + tap * channels;
    for (let c = 0; c < channels; c++) {
      const code = weights.codes[at + c]!;
      ones += code;
      if (c % 2 === 0) differing += code ^ (c + 1 < channels ? weights.codes[at + c + 1]! : 0);
    }
  }
  return { differing, ones };
}
