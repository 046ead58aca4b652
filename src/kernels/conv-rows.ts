import type { CodeMatrix, DeviceProgram, Instruction, Window } from "../program/types.js";
import type { Cpu } from "../targets/index.js";
import {
  type ConstantArray,
  type DescriptorField,
  followingThreshold,
  instructionOf,
  type Kernel,
  type KernelChoice,
} from "./types.js";

type Conv = Extract<Instruction, { kind: "conv" }>;

/** What selects rows: pairs of inputs (2 bits of flash per weight), or the inputs of the rarer value (1 bit). */
type Form = "pairs" | "inputs";

/** Words of a row that lie side by side: `BITLOOM_CONV_ROWS_BLOCK`. */
const BLOCK_WORDS = 8;
/** Pairs whose rows are added at a time: 8 KB of offsets. */
const MAX_LIST = 2048;
/** Limit of the form `inputs`, whose list holds half of all inputs; `pairs` goes on in further lists. */
const MAX_INPUTS = 4096;
const MAX_UINT16 = 65535;

/** ±1 × ±1 convolution and dense layers: `runtime-c/bitloom_conv_rows.h`. */
export const convRows: Kernel = {
  name: "conv_rows",
  summary: "±1 × ±1 convolution and dense, inputs select rows of 32 outputs, bit-sliced counters",
  match(program, index, cpu) {
    const conv = instructionOf(program, index, "conv");
    const geometry = conv === undefined ? undefined : rowsGeometry(program, conv);
    if (conv === undefined || geometry === undefined) return [];
    const threshold = followingThreshold(program, index);
    const thresholds =
      threshold?.levels === 1 && program.tensors[threshold.output]!.domain.kind === "codes"
        ? { values: threshold.thresholds, output: threshold.output, covers: [index, index + 1] }
        : undefined;
    const forms: Form[] = geometry.taps * geometry.channels <= MAX_INPUTS ? ["pairs", "inputs"] : ["pairs"];
    return forms.flatMap((form) => [
      ...(thresholds === undefined
        ? []
        : [choice(conv, geometry, form, cpu, thresholds.values, thresholds.output, thresholds.covers)]),
      choice(conv, geometry, form, cpu, undefined, conv.output, [index]),
    ]);
  },
};

/** The shape of a convolution as the descriptor states it; channels and outputs per group. */
export interface RowsGeometry {
  readonly height: number;
  readonly width: number;
  readonly outputHeight: number;
  readonly outputWidth: number;
  readonly groups: number;
  readonly channels: number;
  readonly outputs: number;
  readonly taps: number;
  readonly window: Window;
  readonly padding: "minus" | "plus" | "zero";
  readonly classes: TapClasses;
}

/** Which output rows and columns have the same taps inside the map; one class each unless padding is zero. */
interface TapClasses {
  readonly rowOf: readonly number[];
  readonly columnOf: readonly number[];
  /** Kernel rows (columns) of each class that are inside. */
  readonly rows: readonly (readonly number[])[];
  readonly columns: readonly (readonly number[])[];
}

function rowsGeometry(program: DeviceProgram, conv: Conv): RowsGeometry | undefined {
  const input = program.tensors[conv.input]!;
  const [height, width, channels] = input.shape;
  const [outputHeight, outputWidth, outputs] = program.tensors[conv.output]!.shape;
  const { weights, window, groups } = conv;
  if (input.domain.kind !== "codes" || !isBipolar(input.domain) || !isBipolar(weights)) return undefined;
  const padding = ({ "-1": "minus", "1": "plus", "0": "zero" } as const)[String(conv.padValue)];
  if (padding === undefined) return undefined;
  const classes = tapClasses(window, [height, width], [outputHeight, outputWidth], padding === "zero");
  const isSmall = [height, width, outputWidth, channels, outputs, ...window.kernel].every(
    (size) => size <= MAX_UINT16,
  );
  if (!isSmall || classes.rows.length * classes.columns.length > 255) return undefined;
  const taps = window.kernel[0] * window.kernel[1];
  return {
    height,
    width,
    outputHeight,
    outputWidth,
    groups,
    channels: channels / groups,
    outputs: outputs / groups,
    taps,
    window,
    padding,
    classes,
  };
}

function isBipolar(domain: { bits: number; step: number; offset: number }): boolean {
  return domain.bits === 1 && domain.step === 2 && domain.offset === -1;
}

function tapClasses(
  { kernel, stride, dilation, pads }: Window,
  input: readonly [number, number],
  output: readonly [number, number],
  byTaps: boolean,
): TapClasses {
  const axis = (a: 0 | 1): { of: number[]; taps: number[][] } => {
    const all = Array.from({ length: kernel[a] }, (_, k) => k);
    if (!byTaps) return { of: new Array<number>(output[a]).fill(0), taps: [all] };
    const classes = new Map<string, number>();
    const taps: number[][] = [];
    const of = Array.from({ length: output[a] }, (_, i) => {
      const inside = all.filter((k) => {
        const at = i * stride[a] - pads[a] + k * dilation[a];
        return at >= 0 && at < input[a];
      });
      const key = inside.join();
      if (!classes.has(key)) classes.set(key, taps.push(inside) - 1);
      return classes.get(key)!;
    });
    return { of, taps };
  };
  const [rows, columns] = [axis(0), axis(1)];
  return { rowOf: rows.of, columnOf: columns.of, rows: rows.taps, columns: columns.taps };
}

/** Rows of bits, one bit per output: `rows` of `bitloom_conv_rows.h`, after eight zero words. */
export function packRows(
  weights: CodeMatrix,
  geometry: Pick<RowsGeometry, "groups" | "taps" | "channels" | "outputs">,
  form: Form,
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
 * −1 does. Without thresholds these are M, M and −M.
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
  const isOdd = channels % 2;
  let base = 0;
  for (const kernelRows of classes.rows) {
    for (const kernelColumns of classes.columns) {
      const taps = kernelRows.flatMap((ky) => kernelColumns.map((kx) => ky * window.kernel[1] + kx));
      const inputs = taps.length * channels;
      for (let n = 0; n < groups * outputs; n++) {
        const { differing, ones } = countWeights(weights, n, taps, channels);
        const threshold = thresholds?.[thresholds.length === 1 ? 0 : n];
        const least =
          threshold === undefined
            ? 0
            : Math.max(0, Math.min(inputs + 1, Math.ceil((threshold + inputs) / 2)));
        const values =
          form === "pairs"
            ? [differing - least - isOdd * taps.length]
            : [-ones - least, threshold === undefined ? -ones : least - ones - 1];
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

interface Sizes {
  readonly list: number;
  readonly planes: number;
  readonly scratchBytes: number;
}

/** List, planes and scratch of a layer; the header of the C has the same formula. */
export function rowsSizes(taps: number, channels: number, form: Form): Sizes {
  const sixteens = (n: number): number => 16 * Math.ceil(n / 16);
  const list =
    form === "inputs"
      ? sixteens(Math.floor((taps * channels) / 2) + 1)
      : Math.min(MAX_LIST, sixteens(taps * Math.ceil(channels / 2)) + 16);
  let levels = 1;
  for (let numbers = list / 16; numbers > 1; numbers = Math.ceil(numbers / 8)) levels++;
  let bits = 2;
  while (2 ** (bits - 1) < taps * (channels + (channels % 2)) + 1) bits++;
  const planes = Math.max(bits, 1 + 3 * levels);
  const words = list + 2 * (list / 16 + 8) + BLOCK_WORDS * planes + taps * (1 + Math.ceil(channels / 32));
  return { list, planes, scratchBytes: 8 * Math.ceil(words / 2) };
}

function choice(
  conv: Conv,
  geometry: RowsGeometry,
  form: Form,
  cpu: Cpu,
  thresholds: Int32Array | undefined,
  output: number,
  covers: readonly number[],
): KernelChoice {
  const { classes, window } = geometry;
  const sizes = rowsSizes(geometry.taps, geometry.channels, form);
  const hasClasses = geometry.padding === "zero";
  const constants: ConstantArray[] = [
    {
      name: "rows",
      type: "uint32_t",
      values: packRows(conv.weights, geometry, form),
      layout:
        form === "pairs"
          ? "8 zeros, [group][block][tap][pair][4 rows][words], one bit per output"
          : "8 zeros, [group][block][tap][channel][words], one bit per output",
    },
    {
      name: "presets",
      type: "uint32_t",
      values: packPresets(conv.weights, geometry, form, sizes.planes, thresholds),
      layout: `[class][set][group][output word][${sizes.planes} planes]`,
    },
    ...(hasClasses
      ? [
          {
            name: "row_classes",
            type: "uint8_t" as const,
            values: classes.rowOf.map((c) => c * classes.columns.length),
            layout: `[${geometry.outputHeight} output rows]`,
          },
          {
            name: "column_classes",
            type: "uint8_t" as const,
            values: classes.columnOf,
            layout: `[${geometry.outputWidth} output columns]`,
          },
        ]
      : []),
  ];
  const fields: DescriptorField[] = [
    ["rows", { constant: "rows" }],
    ["presets", { constant: "presets" }],
    ["row_classes", hasClasses ? { constant: "row_classes" } : null],
    ["column_classes", hasClasses ? { constant: "column_classes" } : null],
    ["height", geometry.height],
    ["width", geometry.width],
    ["output_width", geometry.outputWidth],
    ["groups", geometry.groups],
    ["channels", geometry.channels],
    ["outputs", geometry.outputs],
    ["kernel_height", window.kernel[0]],
    ["kernel_width", window.kernel[1]],
    ["stride_y", window.stride[0]],
    ["stride_x", window.stride[1]],
    ["dilation_y", window.dilation[0]],
    ["dilation_x", window.dilation[1]],
    ["pad_top", window.pads[0]],
    ["pad_left", window.pads[1]],
    ["list", sizes.list],
    ["planes", sizes.planes],
    ["form", form === "pairs" ? 0 : 1],
    ["padding", { minus: 0, plus: 1, zero: 2 }[geometry.padding]],
  ];
  return {
    kernel: form === "pairs" ? "conv_rows_pairs" : "conv_rows_inputs",
    covers,
    inputs: [conv.input],
    inputLayouts: ["channels"],
    output,
    outputLayout: "channels",
    scratchBytes: sizes.scratchBytes,
    call: {
      function: `bitloom_conv_rows_${thresholds === undefined ? "scores" : "threshold"}`,
      type: "bitloom_conv_rows",
      fields,
      constants,
      canFail: false,
      runtime: [
        "bitloom_conv_rows.c",
        "bitloom_conv_rows.h",
        "bitloom_conv_rows_core.c",
        "bitloom_conv_rows_core.h",
        "bitloom_conv_rows_core.S",
        "bitloom_codes.h",
        "bitloom_popcount.h",
      ],
    },
    cost: cost(geometry, form, cpu, thresholds === undefined),
  };
}

/** Executed instructions, by coefficients fitted to measurements. */
function cost(geometry: RowsGeometry, form: Form, cpu: Cpu, isScores: boolean): number {
  const { groups, taps, channels, outputs, outputHeight, outputWidth } = geometry;
  const inputs = taps * channels;
  const words = Math.ceil(outputs / 32);
  const isThumb1 = cpu.architecture === "Armv6-M" || cpu.architecture === "Armv8-M Baseline";
  const perRow = isThumb1 ? 9.5 : 5.8;
  const perChoice = form === "pairs" ? 3.3 : 2 * 4.5;
  const rows = taps * Math.ceil(channels / 2);
  const blocks = Math.ceil(words / BLOCK_WORDS);
  const perPixel =
    250 +
    taps * 40 +
    inputs * 0.5 +
    blocks * rows * perChoice +
    words * (250 + perRow * rows) +
    (isScores ? outputs * 80 : 0);
  return Math.round(outputHeight * outputWidth * groups * perPixel);
}
