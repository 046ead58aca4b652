/**
 * `ModelGraph`: what the trained file says, in the float32 semantics of the framework that wrote it.
 *
 * Importers produce it, passes lower it, `reference/model.ts` executes it. Constants are attached to the
 * nodes that use them; what is left in `inputs` are values that depend on the model's input.
 */

/** Sizes outermost first; a leading batch dimension is 1. Rank 0 is a scalar. */
export type Shape = readonly number[];

/** A float32 constant, row-major. */
export interface FloatTensor {
  readonly shape: Shape;
  readonly data: Float32Array;
}

/** Up, as ruy does, or away from zero, as TFLite's reference functions do. */
export type Halves = "up" | "away";

/** The number `multiplier · 2^(shift − 31)`, as fixed-point arithmetic multiplies by it: see rescale.ts. */
export interface FixedPoint {
  /** 0 … 2^31 − 1. */
  readonly multiplier: number;
  /** −31 … 30. */
  readonly shift: number;
}

/** One of the two operands of int8 arithmetic. */
export interface IntegerTerm {
  /** The whole numbers that it can be: int8 less the zero point. */
  readonly least: number;
  readonly greatest: number;
  /** What a sum multiplies `x · 2^20` by; absent in products. */
  readonly factor?: FixedPoint;
}

/** An integer constant, row-major. */
export interface IntTensor {
  readonly shape: Shape;
  readonly data: Int32Array;
}

/**
 * A weight constant that came out of a quantizer: `data[i] = fround(codes[i] * scale[i])`, where `scale`
 * has the tensor's rank and broadcasts (each dimension is 1 or the tensor's). Codes are the integers after
 * subtraction of the zero point, e.g. −1/+1 for BipolarQuant.
 */
export interface WeightTensor extends FloatTensor {
  readonly quantized?: {
    readonly codes: Int32Array;
    readonly scale: FloatTensor;
    /** Set where no quantizer in the file says so: the weights happen to be few, equally spaced values. */
    readonly fromValues?: true;
  };
  /**
   * Weights as a sum: `data[i]` is `codes[i] · coefficient[i]` of the first, plus that of the second, and so on, in
   * float32 and rounded after every operation.
   */
  readonly bases?: readonly WeightBasis[];
}

/** Small integers, ±1 mostly, with one coefficient for the tensor or one per output, which broadcasts as a scale does. */
export interface WeightBasis {
  readonly codes: Int32Array;
  readonly coefficient: FloatTensor;
}

/**
 * Rounding of `Quant` (QONNX): names as in the QONNX operator, lower case, spelled out. Its modes by half add or take
 * away 0.5 in float32; `half-away` is exact, as C's `round` and TFLite's.
 */
export type Rounding =
  | "half-even" // ROUND
  | "half-up" // HALF_UP: ties away from zero
  | "half-down" // HALF_DOWN: ties toward zero
  | "half-away" // TFLite: ties away from zero
  | "toward-zero" // ROUND_TO_ZERO, DOWN
  | "away-from-zero" // UP
  | "floor" // FLOOR
  | "ceil"; // CEIL

/**
 * Binarization to ±scale. `signOfZero` is the result for an input of exactly 0 (QONNX BipolarQuant: +1).
 */
export interface BipolarQuantizer {
  readonly kind: "bipolar";
  readonly scale: FloatTensor;
  readonly signOfZero: 1 | -1;
}

/**
 * Uniform quantizer (QONNX Quant), all in float32, rounded after every step:
 * `q = round(clamp(x / scale + zeroPoint, qmin, qmax))`, `y = (q - zeroPoint) * scale`.
 * `qmin`/`qmax` already include `signed`, `narrow` and the bit width.
 */
export interface UniformQuantizer {
  readonly kind: "uniform";
  readonly scale: FloatTensor;
  readonly zeroPoint: FloatTensor;
  readonly qmin: number;
  readonly qmax: number;
  readonly rounding: Rounding;
}

/** Quantizers whose codes times a scale are values: weights have these too. */
export type ScaledQuantizer = BipolarQuantizer | UniformQuantizer;

/**
 * Levels anyhow apart (MultiThreshold of QONNX and FINN): `y = step · n + offset`, where n is the number of thresholds t
 * with `x ≥ t`, on channel c of axis `axis` those of row c. Step 2 and offset −1 make two levels ±1.
 */
export interface ThresholdQuantizer {
  readonly kind: "thresholds";
  /** [C, n] with rows that rise, or [1, n] for all channels. */
  readonly thresholds: FloatTensor;
  readonly axis: number;
  /** 2 with one threshold only. */
  readonly step: 1 | 2;
  /** A whole number. */
  readonly offset: number;
}

/**
 * What numbers are made of, when each is a sum of planes: `Σ coefficient · plane + constant` in float32, in this order
 * and rounded after every addition (src/graph/planes.ts). ReBNet, ABC-Net, LQ-Nets and least squares are of this form.
 */
export interface Planes {
  /** The numbers of a plane: −1 and +1, or 0 and 1. */
  readonly alphabet: "signs" | "bits";
  /** [L], of the first plane to the last. */
  readonly coefficients: FloatTensor;
  readonly constant: number;
}

/**
 * Any numbers between thresholds: `y = values[n]`, where n is the number of thresholds t with `x ≥ t`, as in
 * `ThresholdQuantizer`. They need not rise.
 */
export interface LevelsQuantizer {
  readonly kind: "levels";
  readonly thresholds: FloatTensor;
  readonly axis: number;
  /** One more than a row has thresholds. */
  readonly values: FloatTensor;
  /** Present where every value is a sum of planes; the first plane is the most significant of the L bits of a code. */
  readonly planes?: Planes & { readonly codes: Int32Array };
}

/** Quantizers that count the thresholds that a number reaches. */
export type CountingQuantizer = ThresholdQuantizer | LevelsQuantizer;

export type Quantizer = ScaledQuantizer | CountingQuantizer;

/** Division is none of them: nothing is known of a computed divisor, which may be 0. */
export type PairwiseOperator = "add" | "subtract" | "multiply";

export type ArithmeticOperator = "add" | "subtract" | "multiply" | "divide";

/**
 * A window that slides over a map: sizes as [height, width]. Signals of rank 3, [1, C, length], are maps of
 * height 1. `pads` are [top, left, bottom, right].
 */
export interface Window {
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly dilation: readonly [number, number];
  readonly pads: readonly [number, number, number, number];
}

/** How a region head's numbers become boxes. Thresholds are float32. */
export interface Region {
  /** Width and height of each anchor, in cells, one anchor after another. */
  readonly anchors: Float32Array;
  readonly classes: number;
  readonly classScores: "softmax" | "sigmoid";
  /** Only greater scores (objectness times the class's) make boxes. */
  readonly scoreThreshold: number;
  /** A better box that overlaps by more than this, intersection over union, suppresses a box. */
  readonly iouThreshold: number;
  /** Whether boxes suppress those of their own class, as `do_nms_sort` does, or of any. */
  readonly suppression: "class" | "any";
  /** The most pairs of box and class that are compared; the best are. */
  readonly candidates: number;
}

/**
 * One operation in float semantics. Shapes of operands broadcast as in numpy. Values of rank 4 are
 * [1, C, H, W], of rank 3 [1, C, length]: importers of channels-last formats put transposes around.
 */
export type GraphOp =
  | { readonly kind: "quantize"; readonly quantizer: Quantizer }
  /** `y[..., n] = Σ_k x[..., k] · weights[k, n]`; weights are [K, N]. */
  | { readonly kind: "dense"; readonly weights: WeightTensor }
  /**
   * Convolution without bias (a bias is an `add` after it), over the last one or two axes; weights are
   * [N, C / groups, kernel height, kernel width]. Taps outside the map have the value `padValue`.
   */
  | {
      readonly kind: "conv";
      readonly weights: WeightTensor;
      readonly window: Window;
      readonly groups: number;
      readonly padValue: number;
    }
  /** Greatest element of each window; taps outside the map do not take part. */
  | { readonly kind: "max-pool"; readonly window: Window }
  /**
   * Mean of each window: the sum, divided once by the number of taps, all of the kernel's when `countPads`,
   * else those inside the map. Global pooling has a window of the map's size.
   */
  | { readonly kind: "average-pool"; readonly window: Window; readonly countPads: boolean }
  /** Sum of two values of one shape. */
  | { readonly kind: "sum" }
  /** All inputs one after another along `axis`. */
  | { readonly kind: "concat"; readonly axis: number }
  /** `y[i] = x[starts + i · steps]` on every axis; positive steps. The output value has the size. */
  | { readonly kind: "slice"; readonly starts: readonly number[]; readonly steps: readonly number[] }
  /** Elements of `value` before and after each axis. */
  | {
      readonly kind: "pad";
      readonly before: readonly number[];
      readonly after: readonly number[];
      readonly value: number;
    }
  /** Axis i of the output is axis `permutation[i]` of the input. */
  | { readonly kind: "transpose"; readonly permutation: readonly number[] }
  /** `x ≥ 0 ? x : rounded(slope · x)`, the slope broadcast: PRelu and LeakyRelu. */
  | { readonly kind: "prelu"; readonly slope: FloatTensor }
  /** `min(max(x, low), high)`. */
  | { readonly kind: "clip"; readonly low: number; readonly high: number }
  /** `x ∘ operand`, or `operand ∘ x` when `reversed`. */
  | {
      readonly kind: "arithmetic";
      readonly operator: ArithmeticOperator;
      readonly operand: FloatTensor;
      readonly reversed: boolean;
    }
  /** Inference-time batch normalization over axis 1; each constant has shape [C]. */
  | {
      readonly kind: "batch-normalization";
      readonly scale: FloatTensor;
      readonly bias: FloatTensor;
      readonly mean: FloatTensor;
      readonly variance: FloatTensor;
      readonly epsilon: number;
    }
  | { readonly kind: "relu" }
  /** `x > 0 ? x : 0 − x`: +0 for either zero. */
  | { readonly kind: "abs" }
  /** Of two values of one rank; each axis of both is the output's, or 1 and broadcast. Rounded once. */
  | { readonly kind: "pairwise"; readonly operator: PairwiseOperator }
  /**
   * Sum over axes, which stay with size 1: in float64, rounded once, since runtimes add in orders of their own. The mean
   * is that divided by the number of elements, rounded again.
   */
  | { readonly kind: "reduce"; readonly operator: "sum" | "mean"; readonly axes: readonly number[] }
  /**
   * Whole numbers times `multiplier · 2^(shift − 31)`, rounded to whole numbers in fixed point: see rescale.ts.
   * Both operands have one shape, which broadcasts. A quantizer stands behind it.
   */
  | {
      readonly kind: "rescale";
      readonly multiplier: IntTensor;
      readonly shift: IntTensor;
      /** Where the last right shift takes halves. */
      readonly halves: Halves;
    }
  /**
   * A whole number to another: `tables[index][x − low]`, numbers beyond a table taken as its ends. All tables have one
   * length, and each only rises or only falls; `index` broadcasts. Functions of one int8 number in TFLite. A quantizer
   * stands behind it.
   */
  | {
      readonly kind: "table";
      readonly low: number;
      readonly tables: readonly Int32Array[];
      readonly index: IntTensor;
    }
  /**
   * Sum, difference or product of two values of one shape, whole numbers, times a fixed-point factor and clamped to
   * `low … high`: TFLite's ADD, SUB and MUL on int8, see integer-arithmetic.ts.
   */
  | {
      readonly kind: "integer-arithmetic";
      readonly operator: "add" | "subtract" | "multiply";
      readonly terms: readonly [IntegerTerm, IntegerTerm];
      /** So many first elements, in the value's order, are computed in blocks, whose terms are rounded otherwise. */
      readonly inBlocks: number;
      readonly factor: FixedPoint;
      readonly low: number;
      readonly high: number;
    }
  /** Row-major reinterpretation, nothing moves. The target is the output value's shape. */
  | { readonly kind: "reshape" }
  /**
   * Boxes of a YOLO region head: [1, anchors · (5 + classes), H, W] to [1, boxes, 6], rows of x, y, width, height (of
   * the map's size), score and class, the best first, rows of 0 behind the last: darknet's region layer and its
   * non-maximum suppression.
   */
  | ({ readonly kind: "region" } & Region)
  /** With `integers` TFLite's on int8: whole numbers of steps `integers.step` to 0 … 255, see integer-softmax.ts. */
  | { readonly kind: "softmax"; readonly axis: number; readonly integers?: { readonly step: number } }
  /** Index of the maximum along `axis`; of equal maxima the first, or the last when `selectLast`. */
  | {
      readonly kind: "argmax";
      readonly axis: number;
      readonly keepDims: boolean;
      readonly selectLast: boolean;
    };

export interface GraphNode {
  /** Unique, printable; the file's own node name where it has one. */
  readonly name: string;
  readonly op: GraphOp;
  readonly inputs: readonly string[];
  readonly output: string;
}

/** A value computed at run time. */
export interface GraphValue {
  readonly name: string;
  readonly shape: Shape;
  readonly dtype: "float32" | "int64";
  /**
   * Set on inputs that the file stores as integers: the value is `stored − zero`, a whole number in float32. `step` is
   * what 1 in it stands for, where the file says so.
   */
  readonly stored?: { readonly type: "u8" | "i8"; readonly zero: number; readonly step?: number };
}

/** The file that a graph comes from: untrusted text, made printable. */
export interface Origin {
  /** E.g. `QONNX`, `TFLite with Larq Compute Engine`, `Larq (.h5)`. */
  readonly format: string;
  /** E.g. `opset 13`, `schema 3`; empty where the format has none. */
  readonly version: string;
  /** What wrote the file, e.g. `pytorch 1.7`; empty where the file does not say. */
  readonly producer: string;
}

export interface ModelGraph {
  /** Name of the graph in the file (untrusted text). */
  readonly name: string;
  readonly origin: Origin;
  /** In execution order. */
  readonly nodes: readonly GraphNode[];
  readonly values: ReadonlyMap<string, GraphValue>;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}
