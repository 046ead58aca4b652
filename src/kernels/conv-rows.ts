import type { CodeMatrix, DeviceProgram, Instruction, Window } from "../program/types.js";
import type { Cpu } from "../targets/index.js";
import { type CoreFamily, coreFamily, weighted } from "./core-family.js";
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
interface RowsGeometry {
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

/** Output rows and columns by the taps that take part: those inside the map, or all where padding has a value. */
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
  const classes = tapClasses(window, [height, width], [outputHeight, outputWidth]);
  const taps = window.kernel[0] * window.kernel[1];
  const isPadded =
    classes.rows.length * classes.columns.length > 1 ||
    classes.rows[0]!.length * classes.columns[0]!.length < taps;
  const padding = isPadded
    ? ({ "-1": "minus", "1": "plus", "0": "zero" } as const)[String(conv.padValue)]
    : "zero";
  if (padding === undefined) return undefined;
  const isSmall = [height, width, outputWidth, channels, outputs, ...window.kernel].every(
    (size) => size <= MAX_UINT16,
  );
  if (!isSmall || (padding === "zero" && classes.rows.length * classes.columns.length > 255))
    return undefined;
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
    classes: padding === "zero" ? classes : everyTap(window, outputHeight, outputWidth),
  };
}

function isBipolar(domain: { bits: number; step: number; offset: number }): boolean {
  return domain.bits === 1 && domain.step === 2 && domain.offset === -1;
}

function tapClasses(
  { kernel, stride, dilation, pads }: Window,
  input: readonly [number, number],
  output: readonly [number, number],
): TapClasses {
  const axis = (a: 0 | 1): { of: number[]; taps: number[][] } => {
    const all = Array.from({ length: kernel[a] }, (_, k) => k);
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

/** One class, of windows whose taps all have a value. */
function everyTap({ kernel }: Window, outputHeight: number, outputWidth: number): TapClasses {
  const all = (count: number): number[] => Array.from({ length: count }, (_, k) => k);
  return {
    rowOf: new Array<number>(outputHeight).fill(0),
    columnOf: new Array<number>(outputWidth).fill(0),
    rows: [all(kernel[0])],
    columns: [all(kernel[1])],
  };
}

/**
 * Rows of bits, one bit per output: `rows` of `bitloom_conv_rows.h`, after eight zero words. Outputs that do not depend on
 * the inputs select nothing.
 */
function packRows(
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
function packPresets(
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
function constantOutput(thresholds: Int32Array, output: number, inputs: number): boolean | undefined {
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

interface Sizes {
  readonly list: number;
  readonly planes: number;
  readonly scratchBytes: number;
}

/** List, planes and scratch of a layer; the header of the C has the same formula. */
function rowsSizes(taps: number, channels: number, groups: number, form: Form, isScores: boolean): Sizes {
  const sixteens = (n: number): number => 16 * Math.ceil(n / 16);
  const list =
    form === "inputs"
      ? sixteens(Math.floor((taps * channels) / 2) + 1)
      : Math.min(MAX_LIST, sixteens(taps * Math.ceil(channels / 2)) + 16);
  let levels = 1;
  for (let numbers = list / 16; numbers > 1; numbers = Math.ceil(numbers / 8)) levels++;
  let bits = 2;
  const inputs = taps * (channels + (channels % 2));
  while (2 ** (bits - 1) < inputs + (isScores ? 1 : 0)) bits++;
  const planes = Math.max(bits, 1 + 3 * levels);
  const copies = groups > 1 && channels % 32 !== 0 ? 1 + taps : 1;
  const words =
    3 * taps + list + 2 * (list / 16 + 8) + BLOCK_WORDS * planes + copies * Math.ceil(channels / 32);
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
  const sizes = rowsSizes(geometry.taps, geometry.channels, geometry.groups, form, thresholds === undefined);
  const hasClasses = classes.rows.length * classes.columns.length > 1;
  const constants: ConstantArray[] = [
    {
      name: "rows",
      type: "uint32_t",
      values: packRows(
        conv.weights,
        geometry,
        form,
        (n) =>
          thresholds !== undefined &&
          constantOutput(thresholds, n, geometry.taps * geometry.channels) !== undefined,
      ),
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
        "bitloom_conv_rows_core_asm.S",
        "bitloom_codes.h",
        "bitloom_popcount.h",
      ],
    },
    cost: cost(geometry, form, cpu, sizes.planes, thresholds === undefined),
  };
}

interface RowsCounts {
  readonly pixel: number;
  readonly tap: number;
  readonly tapWord: number;
  readonly copy: number;
  readonly block: number;
  readonly blockTap: number;
  readonly blockWord: number;
  readonly blockTail: number;
  readonly sixteen: number;
  readonly wordPlane: number;
  readonly unaligned: number;
  readonly score: number;
  readonly scorePlane: number;
}

/** Fitted to instructions counted on random layers (GCC 12, -O2); v7E-M, v7-M and v6-M. */
const INSTRUCTIONS: Readonly<Record<CoreFamily, Readonly<Record<Form, RowsCounts>>>> = {
  dsp: {
    pairs: row([241, 10.4, 0, 0, 142, 91, 46.4, 7.2, 89.5, 17.5, 4.4, 15.5, 6.2]),
    inputs: row([189, 1.3, 22.5, 13.4, 69, 76, 171, 12.9, 88.7, 9.6, 33, 18.1, 6.1]),
  },
  thumb2: {
    pairs: row([231, 11.3, 0, 0, 155, 82, 60.5, 7.1, 89.2, 17.6, 4.9, 15.4, 6.2]),
    inputs: row([183, 2.3, 21.3, 23.1, 80, 66, 171.6, 13.9, 90.4, 9, 31.5, 18.1, 6]),
  },
  thumb1: {
    pairs: row([356, 21, 0, 0, 148, 111, 205.5, 10.1, 141.3, 34.7, 26, 26.6, 8.2]),
    inputs: row([305, 4.4, 57.1, 22.1, 28, 88, 431, 19.4, 135.7, 21.7, 62, 28.9, 8.3]),
  },
};

function row(values: readonly number[]): RowsCounts {
  const [pixel, tap, tapWord, copy, block, blockTap, blockWord, blockTail, sixteen, ...rest] = values;
  const [wordPlane, unaligned, score, scorePlane] = rest;
  return {
    ...{ pixel: pixel!, tap: tap!, tapWord: tapWord!, copy: copy!, block: block!, blockTap: blockTap! },
    ...{ blockWord: blockWord!, blockTail: blockTail!, sixteen: sixteen!, wordPlane: wordPlane! },
    ...{ unaligned: unaligned!, score: score!, scorePlane: scorePlane! },
  };
}

/** Estimated instructions: how often each part of the work is done, with the taps that really are inside the map. */
function cost(geometry: RowsGeometry, form: Form, cpu: Cpu, planes: number, isScores: boolean): number {
  const { groups, channels, outputs, outputHeight, outputWidth, classes } = geometry;
  const tapsOf = (of: readonly number[], taps: readonly (readonly number[])[]): number =>
    of.reduce((sum, c) => sum + taps[c]!.length, 0);
  const pixels = outputHeight * outputWidth * groups;
  const taps = groups * tapsOf(classes.rowOf, classes.rows) * tapsOf(classes.columnOf, classes.columns);
  const words = Math.ceil(outputs / 32);
  const blocks = Math.ceil(words / BLOCK_WORDS);
  const tapWords = Math.ceil(channels / 32);
  const listed = form === "pairs" ? Math.ceil(channels / 2) : channels / 2;
  const [full, tail] =
    form === "pairs" ? [Math.floor(listed / 16), listed % 16] : [Math.floor(channels / 32), channels % 32];
  const rows = (taps / pixels) * listed;
  const isSplit = groups > 1 && channels % 32 !== 0;
  return weighted(INSTRUCTIONS[coreFamily(cpu)][form], {
    pixel: pixels,
    tap: taps,
    tapWord: taps * tapWords,
    copy: isSplit ? taps * tapWords : 0,
    block: pixels * blocks,
    blockTap: taps * blocks,
    blockWord: taps * blocks * full,
    blockTail: taps * blocks * tail,
    sixteen: pixels * words * (rows / 16 + (rows % 16 === 0 ? 0 : 0.5)),
    wordPlane: pixels * words * planes,
    unaligned: !isScores && outputs % 32 !== 0 ? pixels * words : 0,
    score: isScores ? pixels * outputs : 0,
    scorePlane: isScores ? pixels * outputs * planes : 0,
  });
}
