/** The layers that are measured. */
import type { Window } from "../src/program/index.js";

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
