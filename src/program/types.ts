/**
 * `DeviceProgram`: what the device computes, on whole tensors. Few instruction kinds, each defined
 * exactly in docs/NUMERICS.md. Everything to the right of this type (plan, kernels, C) must reproduce
 * every tensor of it bit for bit.
 */

export type ScalarType = "u8" | "i8" | "i16" | "i32" | "f32";

/**
 * What the elements of a tensor are.
 *
 * `codes`: unsigned k-bit codes standing for the integers `step * code + offset`; stored as `bits` planes.
 * A binarized tensor is `{ bits: 1, step: 2, offset: -1 }`.
 */
export type Domain =
  | { readonly kind: "scalar"; readonly type: ScalarType }
  | { readonly kind: "codes"; readonly bits: number; readonly step: number; readonly offset: number };

export type CodesDomain = Extract<Domain, { kind: "codes" }>;

/** Shape is [height, width, channels]: NHWC without the batch dimension. A vector is [1, 1, n]. */
export interface ProgramTensor {
  readonly name: string;
  readonly shape: readonly [number, number, number];
  readonly domain: Domain;
}

/** Index into `DeviceProgram.tensors`. */
export type TensorId = number;

/**
 * A window that slides over a map: sizes as [height, width], `pads` as [top, left, bottom, right]. Output row y
 * reads the input rows `y · stride − top + ky · dilation`.
 */
export interface Window {
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly dilation: readonly [number, number];
  readonly pads: readonly [number, number, number, number];
}

/**
 * Weights as unsigned codes: weight(n, k) = step * codes[n * inputs + k] + offset. In a convolution k counts
 * [kernel row][kernel column][channel of the group], channels innermost.
 */
export interface CodeMatrix {
  readonly outputs: number;
  readonly inputs: number;
  readonly bits: number;
  readonly step: number;
  readonly offset: number;
  readonly codes: Uint8Array;
}

/**
 * One single-rounded float32 operation of a `scale` instruction. Without an extent the operand is one number, or one per
 * channel.
 */
export interface ScaleStep {
  readonly operator:
    | "add"
    | "subtract"
    | "multiply"
    | "divide"
    | "subtract-from"
    | "divide-into"
    | "relu"
    /** `x ≥ 0 ? x : rounded(operand · x)`. */
    | "prelu"
    /** `x > operand ? operand : x`. */
    | "minimum"
    /** `x < operand ? operand : x`. */
    | "maximum"
    /** `x > 0 ? x : 0 − x`. */
    | "abs";
  /** Empty for `relu` and `abs`. */
  readonly operand: Float32Array;
  /**
   * Set where the operand has several rows or columns: its sizes, each 1 or the map's, as [height, width, channels]. An
   * operand [H, W, 1] differs between positions, [1, 1, C] is one per channel and has no extent.
   */
  readonly extent?: Extent;
}

export type Extent = readonly [height: number, width: number, channels: number];

/** How a region head's numbers become boxes. */
export interface RegionRule {
  /** Width and height of each anchor, in cells, one anchor after another. */
  readonly anchors: Float32Array;
  readonly classes: number;
  readonly classScores: "softmax" | "sigmoid";
  /** Only greater scores make boxes; 0 or more. */
  readonly scoreThreshold: number;
  /** A better box that overlaps by more than this, intersection over union, suppresses a box. */
  readonly iouThreshold: number;
  /** Whether boxes suppress those of their own class, or of any. */
  readonly suppression: "class" | "any";
  /** The most pairs of box and class that are compared; the best are. */
  readonly candidates: number;
}

export type Instruction =
  /**
   * `code = Σ_j [key(x) >= thresholds[c][j]]`, or `levels - Σ` where the channel is flipped. `key` is the
   * identity for integers and the order-preserving map of float32 bits to int32 for f32 (docs/NUMERICS.md).
   * The output holds codes, or the code itself as a u8 scalar. With a `table` of levels + 1 entries, `table[code]`.
   * `thresholds` is [rows × levels], ascending in a row; `rows` is 1 (shared) or the number of channels.
   */
  | {
      readonly kind: "threshold";
      readonly input: TensorId;
      readonly output: TensorId;
      readonly levels: number;
      readonly thresholds: Int32Array;
      /** One entry per row: 1 where the channel is flipped. */
      readonly flipped: Uint8Array;
      readonly table?: Uint8Array;
    }
  /**
   * `y = table[x]`: a u8 input to the u8 codes of a quantizer of many levels, 256 entries; or k-bit codes to others,
   * 2^k entries.
   */
  | {
      readonly kind: "lookup";
      readonly input: TensorId;
      readonly output: TensorId;
      readonly table: Uint8Array;
    }
  /**
   * `acc[y, x, n] = Σ_k value(tap k) · weight(n, k)`, exact in int32. The input holds codes, whose values their
   * domain gives, or u8, i8 or i16 scalars with value `stored + inputOffset`. A tap outside the map has the
   * value `padValue`. A dense layer is a convolution with a 1 × 1 kernel, or one as large as the map.
   */
  | {
      readonly kind: "conv";
      readonly input: TensorId;
      readonly output: TensorId;
      readonly weights: CodeMatrix;
      readonly window: Window;
      readonly groups: number;
      readonly padValue: number;
      /** 0 for codes. */
      readonly inputOffset: number;
    }
  /**
   * Convolution of float32 by float32 weights [N][kh][kw][C / groups]: starting from 0, taps in the weights'
   * order, `acc = rounded(acc + rounded(x · w))`; taps outside the map are left out.
   */
  | {
      readonly kind: "conv-float";
      readonly input: TensorId;
      readonly output: TensorId;
      readonly weights: Float32Array;
      readonly window: Window;
      readonly groups: number;
    }
  /**
   * Convolution of planes by bases. Bit l of a code, counted from the most significant, is the plane l: a set bit is
   * `planes.step + planes.offset`, the other `planes.offset`. With d[m][l] the exact sum of products of plane l and
   * basis m, starting from +0: for each m, for each l, `acc = rounded(acc + rounded(rounded(d[m][l]) · c[n][m][l]))`.
   * A tap outside the map has the code `padCode`; without it, it is left out of all sums.
   */
  | {
      readonly kind: "conv-bases";
      readonly input: TensorId;
      readonly output: TensorId;
      readonly planes: { readonly step: number; readonly offset: number };
      /** M matrices, each with the outputs and inputs of a convolution's. */
      readonly bases: readonly CodeMatrix[];
      /** [N][M][L]. */
      readonly coefficients: Float32Array;
      readonly window: Window;
      readonly groups: number;
      readonly padCode?: number;
    }
  /** `y = values[code]`, 2^bits float32 entries. */
  | {
      readonly kind: "decode";
      readonly input: TensorId;
      readonly output: TensorId;
      readonly values: Float32Array;
    }
  /**
   * Per channel and window: the greatest or least element (codes by their code, f32 by key, never NaN), or the
   * sum: of the values of codes and integers in int32, of f32 in row order starting from 0, rounded after each
   * addition. Taps outside the map do not take part.
   */
  | {
      readonly kind: "pool";
      readonly operator: "maximum" | "minimum" | "sum";
      readonly input: TensorId;
      readonly output: TensorId;
      readonly window: Window;
    }
  /** Elementwise sum of two tensors of one shape and domain: i16 and i32 exact, f32 rounded once. */
  | { readonly kind: "add"; readonly inputs: readonly [TensorId, TensorId]; readonly output: TensorId }
  /**
   * Sum of two i16 tensors of one shape in fixed point: with `s = a · 2^shifts[0] + b · 2^shifts[1]`,
   * `y = floor((s + 2^(right − 1)) / 2^right)`, or s where `right` is 0, clamped to i16.
   */
  | {
      readonly kind: "add-fixed";
      readonly inputs: readonly [TensorId, TensorId];
      readonly output: TensorId;
      readonly shifts: readonly [number, number];
      readonly right: number;
    }
  /**
   * Of two tensors of bytes (u8 or i8) to u8: `c = tables[0][a] ∘ tables[1][b]`, each byte taken as unsigned;
   * `h = floor((c · 2^max(shift, 0) · multiplier + 2^30) / 2^31)`, divided by `2^max(−shift, 0)` and rounded, halves
   * away from zero; clamped to `low … high`, less `low`. Elements from `tail.first` on, in NHWC order, have its tables.
   */
  | {
      readonly kind: "combine";
      readonly operator: "add" | "multiply";
      readonly inputs: readonly [TensorId, TensorId];
      readonly output: TensorId;
      /** 256 entries each. */
      readonly tables: readonly [Int32Array, Int32Array];
      readonly tail?: { readonly first: number; readonly tables: readonly [Int32Array, Int32Array] };
      readonly multiplier: number;
      readonly shift: number;
      readonly low: number;
      readonly high: number;
    }
  /** `a ∘ b` of float32, rounded once. Each side of each input is the output's, or 1: then its one element serves all. */
  | {
      readonly kind: "pairwise";
      readonly operator: PairwiseOperator;
      readonly inputs: readonly [TensorId, TensorId];
      readonly output: TensorId;
    }
  /**
   * Sum over all channels of each pixel, or over all elements, in NHWC order: i32 exact, f32 starting from 0, rounded
   * after each addition. The output has one channel, and one pixel where all are summed.
   */
  | {
      readonly kind: "reduce";
      readonly over: "channels" | "all";
      readonly input: TensorId;
      readonly output: TensorId;
    }
  /** Channels of all inputs one after another; equal domains, heights and widths. */
  | { readonly kind: "concat"; readonly inputs: readonly TensorId[]; readonly output: TensorId }
  /** `y[i, j, c] = x[top + i · step0, left + j · step1, channels[c]]`: slices, crops, shuffles. */
  | {
      readonly kind: "select";
      readonly input: TensorId;
      readonly output: TensorId;
      readonly top: number;
      readonly left: number;
      readonly steps: readonly [number, number];
      readonly channels: Int32Array;
    }
  /**
   * `y[i, j, c] = x[rows[i][c], columns[i][c] + j · step, channels[i][c]]`: space-to-depth, and other moves that take a
   * row of the output from several rows of the input. All three lists are [height × channels] of the output.
   */
  | {
      readonly kind: "gather";
      readonly input: TensorId;
      readonly output: TensorId;
      readonly rows: Int32Array;
      readonly columns: Int32Array;
      readonly channels: Int32Array;
      readonly step: number;
    }
  /**
   * The input with a border (`pads` as in Window, and channels before and after) of one stored element: the
   * code, integer or float `fill`.
   */
  | {
      readonly kind: "pad";
      readonly input: TensorId;
      readonly output: TensorId;
      readonly pads: readonly [number, number, number, number];
      readonly channels: readonly [number, number];
      readonly fill: number;
    }
  /** i32 to i16: every integer that can occur fits. */
  | { readonly kind: "narrow"; readonly input: TensorId; readonly output: TensorId }
  /** `slope[c] · x + offset[c]`, exact in int32: keeps the order of the model's float outputs. */
  | {
      readonly kind: "rank";
      readonly input: TensorId;
      readonly output: TensorId;
      readonly slope: Int32Array;
      readonly offset: Int32Array;
    }
  /**
   * Integers to i16 fixed point: `a = x · multiplier[c] + bias[c] · 2^biasShift`; where that is negative and there is a
   * `below`, a is the line of its factors instead. `y = floor((a + 2^(right − 1)) / 2^right)`, clamped to `low … high`.
   */
  | {
      readonly kind: "requantize";
      readonly input: TensorId;
      readonly output: TensorId;
      readonly line: FixedLine;
      readonly below?: FixedLine;
      readonly biasShift: number;
      /** 1 or more. */
      readonly right: number;
      readonly low: number;
      readonly high: number;
    }
  /**
   * To float32 (integers and the integer values of codes rounded to nearest even, f32 as it is), then the steps
   * in order, each rounded to float32.
   */
  | {
      readonly kind: "scale";
      readonly input: TensorId;
      readonly output: TensorId;
      readonly steps: readonly ScaleStep[];
    }
  /**
   * Boxes of a YOLO region head, f32 [height, width, anchors · (5 + classes)] to f32 [1, boxes, 6]: rows of x, y, width,
   * height, score, class, the best first, rows of 0 behind the last.
   */
  | ({ readonly kind: "region"; readonly input: TensorId; readonly output: TensorId } & RegionRule)
  /** Softmax over all channels with the exact exponential of docs/NUMERICS.md. */
  | { readonly kind: "softmax"; readonly input: TensorId; readonly output: TensorId }
  /** Index (int32, one element) of the greatest element; of equal ones the first, or the last. */
  | {
      readonly kind: "argmax";
      readonly input: TensorId;
      readonly output: TensorId;
      readonly selectLast: boolean;
    };

/** Factors of a `requantize`: one of each for all channels, or one per channel. */
export interface FixedLine {
  readonly multiplier: Int32Array;
  readonly bias: Int32Array;
}

export type PairwiseOperator = "add" | "subtract" | "multiply";

/** The tensors that an instruction reads. */
export function inputsOf(instruction: Instruction): readonly TensorId[] {
  return "inputs" in instruction ? instruction.inputs : [instruction.input];
}

/** The instruction with each tensor that it reads replaced. */
export function withInputs(instruction: Instruction, map: (id: TensorId) => TensorId): Instruction {
  if (!("inputs" in instruction)) return { ...instruction, input: map(instruction.input) };
  return instruction.kind === "concat"
    ? { ...instruction, inputs: instruction.inputs.map(map) }
    : { ...instruction, inputs: [map(instruction.inputs[0]), map(instruction.inputs[1])] };
}

/**
 * Where the order of the float outputs is kept, ties included, on every score that can occur: by the integer
 * scores themselves, by `ranks` slope[c] · score + offset[c] in int32, or only by the floats.
 */
export type OutputOrder =
  | { readonly kind: "scores" }
  | { readonly kind: "ranks"; readonly slope: Int32Array; readonly offset: Int32Array }
  | { readonly kind: "float" };

/** How stored input numbers stand for the model's float32 input: `fround((stored - zero) * numerator / denominator)`. */
export interface InputAffine {
  readonly numerator: number;
  readonly denominator: number;
  readonly zero: number;
}

export interface DeviceProgram {
  readonly name: string;
  readonly tensors: readonly ProgramTensor[];
  readonly instructions: readonly Instruction[];
  readonly input: {
    readonly tensor: TensorId;
    /** The model's own input shape with batch 1, e.g. [1, 3, 32, 32]. */
    readonly modelShape: readonly number[];
    /** Present where the device's elements are not in the model's order but in the tensor's, channels innermost. */
    readonly order?: "nhwc";
    /** Absent for f32. */
    readonly affine?: InputAffine;
    /** What 1 in the model's input stands for, where the file stores it as integers of such a step. No arithmetic needs it. */
    readonly step?: number;
  };
  readonly output: {
    readonly tensor: TensorId;
    /** For integer scores: how the model's float output follows from them. Empty when the output is final. */
    readonly affine: readonly ScaleStep[];
    /** How the greatest float output is found. */
    readonly order: OutputOrder;
    /** What the model did after the scores that the device leaves out (only `softmax`). */
    readonly omitted: readonly "softmax"[];
    readonly modelShape: readonly number[];
    /** As `order` of the input. */
    readonly layout?: "nhwc";
  };
}
