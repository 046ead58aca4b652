/** The layers that are measured. */
import type { Window } from "../src/program/index.js";

/** Codes of more than one bit: their affine, and how many code values occur. */
export interface CodesOf {
  readonly bits: number;
  readonly step: number;
  readonly offset: number;
  readonly count: number;
}

export interface LayerShape {
  readonly id: string;
  /** What the layer reads: bits that stand for −1 and +1, or u8. */
  readonly input: "bits" | "u8";
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly outputs: number;
  readonly kernel: readonly [number, number];
  readonly stride: number;
  readonly dilation: number;
  readonly groups: number;
  /** `same` keeps the size at stride 1. */
  readonly padding: "same" | "valid";
  /** Value of taps outside the map. */
  readonly padValue: number;
  /** Thresholded to one bit, or 32-bit sums. */
  readonly result: "bits" | "sums";
  /** Codes in place of ±1: of the inputs (and the outputs, which are of the same kind) and the weights. */
  readonly codes?: { readonly values: CodesOf; readonly weights: CodesOf };
  /** Planes by bases of one bit, summed in float32, in place of ±1. */
  readonly bases?: { readonly planes: number; readonly count: number; readonly values: CodesOf };
  /** The regular layer of the same size that an odd one is compared with. */
  readonly regular?: string;
}

type Changes = Partial<Omit<LayerShape, "id" | "height" | "width" | "channels" | "outputs" | "kernel">>;

/** A layer in the issue's words: `conv 3×3, 64→64, 16×16`. */
function conv(
  [kh, kw]: readonly [number, number],
  [channels, outputs]: readonly [number, number],
  [height, width]: readonly [number, number],
  changes: Changes & { readonly suffix?: string } = {},
): LayerShape {
  const { suffix, ...rest } = changes;
  const id = `conv${kh}x${kw}-${channels}-${outputs}-${height}x${width}${suffix === undefined ? "" : `-${suffix}`}`;
  return {
    id,
    input: "bits",
    height,
    width,
    channels,
    outputs,
    kernel: [kh, kw],
    stride: 1,
    dilation: 1,
    groups: 1,
    padding: "same",
    padValue: -1,
    result: "bits",
    ...rest,
  };
}

export const bipolar: CodesOf = { bits: 1, step: 2, offset: -1, count: 2 };
const unsigned2: CodesOf = { bits: 2, step: 1, offset: 0, count: 4 };
/** −3, −1, +1, +3. */
const odd2: CodesOf = { bits: 2, step: 2, offset: -3, count: 4 };
/** −1, 0, +1, two thirds of them nonzero. */
const ternary: CodesOf = { bits: 2, step: 1, offset: -1, count: 3 };
const signed = (bits: number): CodesOf => ({ bits, step: 1, offset: -(2 ** (bits - 1)), count: 2 ** bits });
const unsigned = (bits: number): CodesOf => ({ bits, step: 1, offset: 0, count: 2 ** bits });

/** What random layers of codes are made of. */
export const codeKinds: readonly NonNullable<LayerShape["codes"]>[] = [
  { values: bipolar, weights: ternary },
  { values: bipolar, weights: ternary },
  { values: unsigned2, weights: ternary },
  { values: unsigned2, weights: odd2 },
  { values: unsigned2, weights: odd2 },
  { values: unsigned2, weights: bipolar },
  { values: unsigned(1), weights: bipolar },
  { values: unsigned(3), weights: signed(2) },
  { values: unsigned(4), weights: signed(4) },
];

/** What the planes of random layers of planes by bases stand for. */
export const planeValues: readonly CodesOf[] = [bipolar, bipolar, unsigned(1)];

/** A dense layer is a convolution on a map of one pixel. */
function dense(inputs: number, outputs: number, result: LayerShape["result"] = "bits"): LayerShape {
  const layer = conv([1, 1], [inputs, outputs], [1, 1], { padding: "valid", padValue: 0, result });
  return { ...layer, id: `dense-${inputs}-${outputs}${result === "sums" ? "-sums" : ""}` };
}

const c64 = "conv3x3-64-64-16x16";

export const layerShapes: readonly LayerShape[] = [
  conv([3, 3], [64, 64], [16, 16]),
  conv([3, 3], [32, 32], [32, 32]),
  conv([1, 1], [64, 64], [16, 16]),
  conv([3, 3], [256, 256], [4, 4]),
  dense(1024, 256),
  conv([3, 3], [3, 64], [32, 32], { input: "u8", padValue: 0 }),
  // Every way to leave the regular path.
  conv([3, 3], [64, 64], [16, 16], { suffix: "zero", padValue: 0, regular: c64 }),
  conv([3, 3], [64, 64], [16, 16], { suffix: "one", padValue: 1, regular: c64 }),
  conv([3, 3], [64, 64], [16, 16], { suffix: "valid", padding: "valid", regular: c64 }),
  conv([3, 3], [64, 64], [16, 16], { suffix: "stride2", stride: 2, regular: c64 }),
  conv([3, 3], [64, 64], [16, 16], { suffix: "dilation2", dilation: 2, regular: c64 }),
  conv([3, 3], [64, 64], [16, 16], { suffix: "groups2", groups: 2, regular: c64 }),
  conv([3, 3], [64, 64], [16, 16], { suffix: "sums", result: "sums" }),
  conv([3, 3], [64, 64], [16, 16], {
    ...{ suffix: "w2a2", padValue: 0, codes: { values: unsigned2, weights: odd2 }, regular: c64 },
  }),
  conv([3, 3], [64, 64], [16, 16], {
    ...{ suffix: "ternary", codes: { values: bipolar, weights: ternary }, regular: c64 },
  }),
  conv([3, 3], [70, 70], [16, 16], { regular: c64 }),
  conv([3, 3], [12, 12], [32, 32], { regular: "conv3x3-32-32-32x32" }),
  conv([5, 5], [32, 32], [16, 16], { regular: c64 }),
  conv([1, 9], [64, 64], [1, 256], { regular: c64 }),
  conv([3, 3], [64, 64], [15, 20], { regular: c64 }),
  conv([3, 3], [128, 128], [8, 8]),
  conv([1, 1], [128, 128], [8, 8]),
  dense(784, 256),
  dense(256, 10, "sums"),
];

/** The convolutions of a net of the size of CIFAR-10's images; between them the maps are pooled. */
export const netShapes: readonly LayerShape[] = [
  conv([3, 3], [3, 64], [32, 32], { input: "u8", padValue: 0 }),
  conv([3, 3], [64, 64], [32, 32]),
  conv([3, 3], [64, 128], [16, 16]),
  conv([3, 3], [128, 128], [16, 16]),
  conv([3, 3], [128, 256], [8, 8]),
  conv([3, 3], [256, 256], [8, 8]),
];

export function windowOf({ kernel, stride, dilation, padding }: LayerShape): Window {
  const half = ([0, 1] as const).map((axis) => Math.floor((kernel[axis] * dilation - dilation) / 2));
  const [top, left] = padding === "same" ? half : [0, 0];
  return {
    kernel,
    stride: [kernel[0] === 1 && kernel[1] > 1 ? 1 : stride, stride],
    dilation: [dilation, dilation],
    pads: [top!, left!, top!, left!],
  };
}
