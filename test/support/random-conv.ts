/** Random convolutions as programs of two instructions, and their sums computed from the definition. */
import { unitBytes } from "../../src/kernels/layout.js";
import type { KernelChoice } from "../../src/kernels/types.js";
import { canonicalBytes } from "../../src/program/canonical.js";
import type { DeviceProgram, Domain, Instruction, ProgramTensor, Window } from "../../src/program/types.js";
import type { KernelCase } from "./kernel-cases.js";

export type Conv = Extract<Instruction, { kind: "conv" }>;

/** xorshift32: equal everywhere. */
export class Random {
  constructor(private state: number) {
    this.state = (state * 2654435761 + 1) >>> 0 || 1;
  }
  word(): number {
    let s = this.state;
    s ^= s << 13;
    s ^= s >>> 17;
    s ^= s << 5;
    this.state = s >>> 0;
    return this.state;
  }
  /** An integer from low to high, both included. */
  int(low: number, high: number): number {
    return low + (this.word() % (high - low + 1));
  }
  pick<T>(values: readonly T[]): T {
    return values[this.word() % values.length]!;
  }
}

export interface ConvShape {
  readonly input: readonly [number, number, number];
  readonly outputs: number;
  readonly window: Window;
  readonly groups: number;
  readonly padValue: number;
  readonly inputDomain: Domain;
  readonly inputOffset: number;
  /** `values`: how many codes occur, all if absent. */
  readonly weights: {
    readonly bits: number;
    readonly step: number;
    readonly offset: number;
    readonly values?: number;
  };
}

export interface ConvCase {
  readonly program: DeviceProgram;
  readonly conv: Conv;
  readonly inputValues: Int32Array;
  readonly inputBytes: Uint8Array;
  readonly sums: Int32Array;
  readonly sumsBytes: Uint8Array;
  /** Output codes of the threshold, and their canonical form. */
  readonly bits: Int32Array;
  readonly bitsBytes: Uint8Array;
}

export function outputSize(size: number, window: Window, axis: 0 | 1): number {
  const { kernel, stride, dilation, pads } = window;
  const span = (kernel[axis] - 1) * dilation[axis] + 1;
  return Math.floor((size + pads[axis]! + pads[axis + 2]! - span) / stride[axis]) + 1;
}

/** Codes of the threshold's output. */
export interface OutputCodes {
  readonly bits: number;
  readonly levels: number;
}

/** Data of one kind, and thresholds near the sums that occur, or never and always reached. */
export function convCase(
  shape: ConvShape,
  random: Random,
  { bits: outputBits, levels }: OutputCodes = { bits: 1, levels: 1 },
): ConvCase {
  const [height, width, channels] = shape.input;
  const outputShape = [
    outputSize(height, shape.window, 0),
    outputSize(width, shape.window, 1),
    shape.outputs,
  ] as const;
  const inputs = shape.window.kernel[0] * shape.window.kernel[1] * (channels / shape.groups);
  const style = random.int(0, 4);
  const codes = Uint8Array.from({ length: shape.outputs * inputs }, (_, i) => {
    const greatest = (shape.weights.values ?? 2 ** shape.weights.bits) - 1;
    if (style === 1) return Math.floor(i / inputs) % 2 === 0 ? 0 : greatest;
    return random.int(0, greatest);
  });
  const [least, greatest] = range(shape.inputDomain);
  const inputValues = Int32Array.from({ length: height * width * channels }, () => {
    if (style === 1) return greatest;
    if (style === 2) return least;
    if (style === 3) return random.int(0, 7) === 0 ? greatest : least;
    return random.int(least, greatest);
  });
  const conv: Conv = {
    kind: "conv",
    input: 0,
    output: 1,
    weights: {
      ...{ outputs: shape.outputs, inputs, codes },
      ...{ bits: shape.weights.bits, step: shape.weights.step, offset: shape.weights.offset },
    },
    window: shape.window,
    groups: shape.groups,
    padValue: shape.padValue,
    inputOffset: shape.inputOffset,
  };
  const sums = convolve(conv, shape, inputValues, outputShape);
  const thresholds = Int32Array.from({ length: shape.outputs * levels }, (_, i) => {
    const n = Math.floor(i / levels);
    const kind = random.int(0, 9);
    if (kind === 0) return 2 ** 31 - 1;
    if (kind === 1) return -(2 ** 31);
    const pixel = random.int(0, outputShape[0] * outputShape[1] - 1);
    return sums[pixel * shape.outputs + n]! + random.int(-1, 1);
  });
  for (let first = 0; first < thresholds.length; first += levels) {
    thresholds.subarray(first, first + levels).sort();
  }
  const bits = sums.map((sum, i) => {
    const first = (i % shape.outputs) * levels;
    return thresholds.subarray(first, first + levels).filter((t) => sum >= t).length;
  });
  const tensors: ProgramTensor[] = [
    { name: "input", shape: shape.input, domain: shape.inputDomain },
    { name: "sums", shape: outputShape, domain: { kind: "scalar", type: "i32" } },
    { name: "bits", shape: outputShape, domain: { kind: "codes", bits: outputBits, step: 2, offset: -1 } },
  ];
  const program: DeviceProgram = {
    name: "conv",
    tensors,
    instructions: [
      conv,
      {
        kind: "threshold",
        input: 1,
        output: 2,
        levels,
        thresholds,
        flipped: new Uint8Array(shape.outputs),
      },
    ],
    input: { tensor: 0, modelShape: [1, height, width, channels] },
    output: {
      tensor: 2,
      affine: [],
      order: { kind: "scores" },
      omitted: [],
      modelShape: [1, ...outputShape],
    },
  };
  return {
    program,
    conv,
    inputValues,
    inputBytes: canonicalBytes(tensors[0]!, inputValues),
    sums,
    sumsBytes: canonicalBytes(tensors[1]!, sums),
    bits,
    bitsBytes: canonicalBytes(tensors[2]!, bits),
  };
}

function range(domain: Domain): [number, number] {
  if (domain.kind === "codes") return [0, 2 ** domain.bits - 1];
  if (domain.type === "u8") return [0, 255];
  return domain.type === "i8" ? [-128, 127] : [-32768, 32767];
}

/** The definition, tap by tap. */
function convolve(
  conv: Conv,
  shape: ConvShape,
  stored: Int32Array,
  [outputHeight, outputWidth, outputs]: readonly [number, number, number],
): Int32Array {
  const [height, width, channels] = shape.input;
  const { kernel, stride, dilation, pads } = conv.window;
  const groupChannels = channels / conv.groups;
  const groupOutputs = outputs / conv.groups;
  const value = (y: number, x: number, c: number): number => {
    if (y < 0 || y >= height || x < 0 || x >= width) return conv.padValue;
    const s = stored[(y * width + x) * channels + c]!;
    const domain = shape.inputDomain;
    return domain.kind === "codes" ? domain.step * s + domain.offset : s + conv.inputOffset;
  };
  const sums = new Int32Array(outputHeight * outputWidth * outputs);
  let i = 0;
  for (let y = 0; y < outputHeight; y++)
    for (let x = 0; x < outputWidth; x++)
      for (let n = 0; n < outputs; n++, i++) {
        const firstChannel = Math.floor(n / groupOutputs) * groupChannels;
        let k = n * conv.weights.inputs;
        for (let ky = 0; ky < kernel[0]; ky++)
          for (let kx = 0; kx < kernel[1]; kx++)
            for (let c = 0; c < groupChannels; c++, k++)
              sums[i]! +=
                value(
                  y * stride[0] - pads[0] + ky * dilation[0],
                  x * stride[1] - pads[1] + kx * dilation[1],
                  firstChannel + c,
                ) *
                (conv.weights.step * conv.weights.codes[k]! + conv.weights.offset);
      }
  return sums;
}

/** A way to execute the convolution of a shape, with the bytes that it must write. */
export function caseOf(
  name: string,
  choice: KernelChoice,
  shape: ConvShape,
  data: ConvCase,
  expected: Uint8Array,
): KernelCase {
  const { kernel, stride, dilation, pads } = shape.window;
  return {
    name: `${name} ${choice.kernel} ${choice.call.function}`,
    choice,
    input: data.inputBytes,
    inputRows: shape.input[0],
    reads: { stride: stride[0], pad: pads[0], rows: (kernel[0] - 1) * dilation[0] + 1 },
    expected,
    outputRows: data.program.tensors[1]!.shape[0],
  };
}

/** Codes [row][column][channel] in the layout `pixels`. */
export function pixelUnits({ shape, domain }: ProgramTensor, codes: ArrayLike<number>): Uint8Array {
  const [height, width, channels] = shape;
  const planes = domain.kind === "codes" ? domain.bits : 0;
  const unit = unitBytes(width);
  const row = Math.ceil((unit * channels * planes) / 4) * 4;
  const bytes = new Uint8Array(height * row);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < channels; c++)
        for (let plane = 0; plane < planes; plane++)
          if ((codes[(y * width + x) * channels + c]! >> plane) & 1)
            bytes[y * row + (plane * channels + c) * unit + (x >> 3)]! |= 1 << (x & 7);
  return bytes;
}
