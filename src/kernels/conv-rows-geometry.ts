import type { DeviceProgram, Instruction, Window } from "../program/types.js";

type Conv = Extract<Instruction, { kind: "conv" }>;

/** What selects rows: pairs of inputs (2 bits of flash per weight), or the inputs of the rarer value (1 bit). */
export type Form = "pairs" | "inputs";

/** Words of a row that lie side by side: `BITLOOM_CONV_ROWS_BLOCK`. */
export const BLOCK_WORDS = 8;
/** Pairs whose rows may be added at a time: at most 8 KB of offsets; less for less memory. */
export const LISTS = [2048, 512, 256, 128, 48] as const;
const MAX_UINT16 = 65535;

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

/** Output rows and columns by the taps that take part: those inside the map, or all where padding has a value. */
export interface TapClasses {
  readonly rowOf: readonly number[];
  readonly columnOf: readonly number[];
  /** Kernel rows (columns) of each class that are inside. */
  readonly rows: readonly (readonly number[])[];
  readonly columns: readonly (readonly number[])[];
}

export function rowsGeometry(program: DeviceProgram, conv: Conv): RowsGeometry | undefined {
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

export interface RowsSizes {
  readonly list: number;
  readonly planes: number;
  readonly scratchBytes: number;
}

/**
 * List, planes and scratch of a layer; the header of the C has the same formula.
 *
 * @param most Rows of the list of pairs at most, a multiple of 16.
 */
export function rowsSizes(
  { taps, channels, outputs, groups }: Pick<RowsGeometry, "taps" | "channels" | "outputs" | "groups">,
  form: Form,
  isScores: boolean,
  most: number,
): RowsSizes {
  const sixteens = (n: number): number => 16 * Math.ceil(n / 16);
  const list =
    form === "inputs"
      ? sixteens(Math.floor((taps * channels) / 2) + 1)
      : Math.min(most, sixteens(taps * Math.ceil(channels / 2)) + 16);
  let levels = 1;
  for (let numbers = list / 16; numbers > 1; numbers = Math.ceil(numbers / 8)) levels++;
  let bits = 2;
  const inputs = taps * (channels + (channels % 2));
  while (2 ** (bits - 1) < inputs + (isScores ? 1 : 0)) bits++;
  const planes = Math.max(bits, 1 + 3 * levels);
  const copies = groups > 1 && channels % 32 !== 0 ? 1 + taps : 1;
  const counters = Math.min(BLOCK_WORDS, Math.ceil(outputs / 32)) * planes;
  const words = 3 * taps + list + 2 * (list / 16 + 8) + counters + copies * Math.ceil(channels / 32);
  return { list, planes, scratchBytes: 8 * Math.ceil(words / 2) };
}
