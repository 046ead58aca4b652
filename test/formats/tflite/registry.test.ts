/** Every operator by itself: what it computes, worked out by hand, and what it refuses. */
import { describe, expect, test } from "vitest";
import { tfliteOps } from "../../../src/formats/tflite/registry.js";
import {
  type Fields,
  type FileSpec,
  type OperatorSpec,
  outputOf,
  refusalOf,
  type TensorSpec,
} from "../../support/tflite.js";

interface Case {
  readonly good: FileSpec;
  readonly x: readonly number[];
  readonly y: readonly number[];
  /** Files that are refused, with what the message says. */
  readonly bad: readonly (readonly [FileSpec, RegExp])[];
}

const ints = (...data: number[]): TensorSpec => ({ shape: [data.length], type: "int32", data });
const floats = (...data: number[]): TensorSpec => ({ shape: [data.length], data });
const scalar = (x: number): TensorSpec => ({ shape: [], data: [x] });
const map = (...shape: number[]): TensorSpec => ({ shape: [1, ...shape] });
const int8 = (scale: number, zero: number, ...shape: number[]): TensorSpec => ({
  shape: [1, ...shape],
  type: "int8",
  scale: [scale],
  zero: [zero],
});

const uint8 = (...shape: number[]): TensorSpec => ({ ...int8(0.5, 100, ...shape), type: "uint8" });
/** An int8 constant; `shape` without a batch. */
const int8Constant = (scale: number, zero: number, ...data: number[]): TensorSpec => ({
  shape: [data.length],
  type: "int8",
  scale: [scale],
  zero: [zero],
  data,
});

/** One operator from `x` (and constants) to `y`. */
function file(
  op: string,
  tensors: FileSpec["tensors"],
  more: Partial<OperatorSpec> & { readonly constants?: readonly string[] } = {},
): FileSpec {
  const constants = more.constants ?? Object.keys(tensors).filter((name) => name !== "x" && name !== "y");
  return { tensors, operators: [{ op, in: ["x", ...constants], out: "y", ...more }] };
}

/** The same, and an LceQuantize before or an LceDequantize behind it. */
function onBits(x: TensorSpec, inner: FileSpec, end: TensorSpec): FileSpec {
  const words = (tensor: TensorSpec): TensorSpec => ({
    shape: [...tensor.shape.slice(0, -1), Math.ceil(tensor.shape.at(-1)! / 32)],
    type: "int32",
  });
  const { tensors, operators } = inner;
  const isBits = tensors.y!.type === "int32";
  return {
    tensors: { ...tensors, x: words(x), in: x, ...(isBits ? { y: words(end), out: end } : {}) },
    operators: [
      { op: "LceQuantize", in: ["in"], out: "x" },
      ...operators,
      ...(isBits ? [{ op: "LceDequantize", in: ["y"], out: "out" }] : []),
    ],
    inputs: ["in"],
    outputs: [isBits ? "out" : "y"],
  };
}

const options = (list: Fields): Pick<OperatorSpec, "options"> => ({ options: list });
const relu = (field: number, number = 1): Pick<OperatorSpec, "options"> =>
  options({ [field]: { i8: number } });
const pool = (padding: number, activation = 0): Pick<OperatorSpec, "options"> =>
  options({
    0: { i8: padding },
    1: { i32: 2 },
    2: { i32: 2 },
    3: { i32: 2 },
    4: { i32: 2 },
    5: { i8: activation },
  });
const slides = (activation: number, field: number): Pick<OperatorSpec, "options"> =>
  options({ 0: { i8: 1 }, 1: { i32: 1 }, 2: { i32: 1 }, [field]: { i8: activation } });

const kernel = (...data: number[]): TensorSpec => ({ shape: [1, 1, 2, data.length / 2], data });
const conv = (tensors: FileSpec["tensors"], activation = 0): FileSpec =>
  file("CONV_2D", tensors, slides(activation, 3));
const int8Conv = {
  x: int8(0.5, 1, 1, 3, 2),
  w: { ...kernel(3, -5, 7, 9), type: "int8", scale: [0.25] },
  b: ints(-4),
  y: int8(2, -3, 1, 2, 1),
} as const;

const bconv = {
  channels_in: 3,
  stride_height: 1,
  stride_width: 1,
  dilation_height_factor: 1,
  dilation_width_factor: 1,
  padding: 0,
  pad_values: 1,
  fused_activation_function: 0,
};
const without = (key: string): Record<string, number> =>
  Object.fromEntries(Object.entries(bconv).filter(([name]) => name !== key));

/** A 1 × 3 kernel over one row of three pixels with three channels; filters + + − and − + +. */
function binaryConv(
  custom: Readonly<Record<string, number>>,
  y: TensorSpec,
  more: FileSpec["tensors"] = {},
  channels = 3,
  inputs = ["x", "w", "m", "b", "-"],
): FileSpec {
  const w = { shape: [2, 1, 3, 1], type: "int32", data: [4, 4, 4, 1, 1, 1] } as const;
  const tensors = { x: map(1, 3, 3), w, m: floats(0.5, 2), b: floats(1, -1), y, ...more };
  const inner = { tensors, operators: [{ op: "LceBconv2d", in: inputs, out: "y", custom }] };
  return onBits(map(1, 3, channels), inner, map(1, 3, 2));
}

const pixels = [1, 1, -1, -1, 1, -1, 1, -1, 1];
const binary = { shape: [1, 1, 3, 1], type: "int32" } as const;
const withThresholds = ["x", "w", "-", "-", "t"];

const pair = { x: map(2), y: map(2) };
const x22 = { x: map(2, 2, 1), y: map(1, 1, 1) };
const unary = (op: string, x: number[], y: number[]): Case => ({
  good: file(op, { x: map(x.length), y: map(x.length) }),
  x,
  y,
  bad: [
    [file(op, { x: uint8(2), y: uint8(2) }), /computes with uint8 integers/],
    [file(op, { x: int8(0.5, 0, 2), y: map(2) }), /output is float32 where its input is int8/],
    [file(op, { x: int8(1, 0, 2), y: int8(2 ** -60, 0, 2) }), /output scale is too small/],
  ],
});
const withConstant = (op: string, x: number[], c: number[], y: number[], bad: Case["bad"]): Case => ({
  good: file(op, { ...pair, c: floats(...c) }),
  x,
  y,
  bad,
});
const misfit = (op: string): Case["bad"][number] => [
  file(op, { ...pair, c: floats(1, 2, 3) }),
  /a constant of shape 3 does not fit 1×2/,
];
const tanh = (op: string): Case["bad"][number] => [
  file(op, { ...pair, c: floats(1, 2) }, relu(0, 4)),
  /fused activation is TANH/,
];
const joined = (op: string): FileSpec => ({
  tensors: { ...pair, c: scalar(2), z: map(2) },
  operators: [
    { op: "MUL", in: ["x", "c"], out: "z" },
    { op, in: ["x", "z"], out: "y" },
  ],
});
const bits = (op: string, more: FileSpec["tensors"] = {}): Case["bad"][number] => [
  onBits(map(2, 2, 2), file(op, { x: map(2, 2, 2), ...more, y: map(2, 2, 2) }), map(2, 2, 2)),
  /bits/,
];

/** [2, 3] put together from the sizes of `x`: 2 is its last. */
const shapeParts = {
  from: ints(2),
  to: ints(3),
  step: ints(1),
  last: { shape: [], type: "int32" },
  three: { shape: [], type: "int32", data: [3] },
  target: { shape: [2], type: "int32" },
} as const;
const dynamicReshape: readonly OperatorSpec[] = [
  { op: "SHAPE", in: ["x"], out: "sizes" },
  { op: "STRIDED_SLICE", in: ["sizes", "from", "to", "step"], out: "last", options: { 4: { i32: 1 } } },
  { op: "PACK", in: ["last", "three"], out: "target" },
  { op: "RESHAPE", in: ["x", "target"], out: "y" },
];

const cases: Readonly<Record<string, Case>> = {
  LceQuantize: {
    good: {
      tensors: { x: map(4), b: { shape: [1, 1], type: "int32" }, y: map(4) },
      operators: [
        { op: "LceQuantize", in: ["x"], out: "b" },
        { op: "LceDequantize", in: ["b"], out: "y" },
      ],
    },
    x: [0, -0, -1e-30, 3],
    y: [1, 1, -1, 1],
    bad: [[onBits(map(4), file("LceQuantize", { x: map(1), y: map(1) }), map(4)), /binarizes bits/]],
  },
  LceDequantize: {
    // 1 / 0.1875 is nearest to 5; +1 is cut off at 127.
    good: onBits(
      map(2),
      { tensors: { y: int8(0.1875, 125, 2) }, operators: [{ op: "LceDequantize", in: ["x"], out: "y" }] },
      map(2),
    ),
    x: [-2, 5],
    y: [120, 127],
    bad: [
      [file("LceDequantize", pair), /takes bits, not float32 integers|takes bits/],
      [
        onBits(
          map(2),
          { tensors: { y: map(3) }, operators: [{ op: "LceDequantize", in: ["x"], out: "y" }] },
          map(2),
        ),
        /unpacks 1×2 bits to the shape 1×3/,
      ],
      [
        onBits(
          map(2),
          {
            tensors: { y: { shape: [1, 2], type: "bool" } },
            operators: [{ op: "LceDequantize", in: ["x"], out: "y" }],
          },
          map(2),
        ),
        /unpacks bits to bool/,
      ],
    ],
  },
  LceBconv2d: {
    // Sums with +1 beside the row: [5, 1], [3, −1], [1, 1]; ReLU, halved or doubled, and shifted.
    good: binaryConv({ ...bconv, fused_activation_function: 1 }, map(1, 3, 2)),
    x: pixels,
    y: [3.5, 1, 2.5, -1, 1.5, 1],
    bad: [
      [binaryConv({ ...bconv, channels_in: 4 }, map(1, 3, 2)), /takes 4 channels where its input has 3/],
      [binaryConv({ ...bconv, pad_values: 2 }, map(1, 3, 2)), /pad_values is 2/],
      [binaryConv({ ...bconv, padding: 7 }, map(1, 3, 2)), /padding has the number 7/],
      [binaryConv({ ...bconv, stride_width: 0 }, map(1, 3, 2)), /strides are 1, 0/],
      [binaryConv({ ...bconv, fused_activation_function: 4 }, map(1, 3, 2)), /fused activation is TANH/],
      [binaryConv(without("pad_values"), map(1, 3, 2)), /option pad_values is missing/],
      [binaryConv(bconv, { ...map(1, 3, 2), type: "int16" }), /output is int16/],
      [binaryConv(bconv, { ...map(1, 3, 2), type: "int8" }), /int8 tensor has no scale/],
      [binaryConv(bconv, map(1, 3, 2), { m: floats(1) }), /multiplier has the shape 1 for 2 outputs/],
      [binaryConv(bconv, binary, {}, 3, withThresholds.with(4, "-")), /input 4 is missing/],
      [binaryConv(bconv, binary, { t: ints(1) }, 3, withThresholds), /thresholds are not 2 integers/],
      [
        binaryConv({ ...bconv, pad_values: 0, fused_activation_function: 1 }, map(1, 3, 2)),
        /pads an odd number of channels with 0/,
      ],
      [
        binaryConv({ ...bconv, padding: 1, channels_in: 40 }, map(1, 1, 2), {}, 40),
        /does not fit 40 channels/,
      ],
    ],
  },
  LceBMaxPool2d: {
    good: onBits(
      map(2, 3, 1),
      file(
        "LceBMaxPool2d",
        { x: map(2, 3, 1), y: { shape: [1, 1, 2, 1], type: "int32" } },
        { custom: { padding: 0, filter_height: 2, filter_width: 2, stride_height: 2, stride_width: 2 } },
      ),
      map(1, 2, 1),
    ),
    x: [-1, -2, -1, -3, -1, 2],
    y: [-1, 1],
    bad: [
      [
        onBits(
          map(2, 3, 1),
          file(
            "LceBMaxPool2d",
            { x: map(2, 3, 1), y: { shape: [1, 1, 1, 1], type: "int32" } },
            { custom: { padding: 1, filter_height: 3, filter_width: 2, stride_height: 2, stride_width: 2 } },
          ),
          map(1, 1, 1),
        ),
        /kernel of 3×2 does not fit into maps of 2×3/,
      ],
      [
        onBits(
          map(2, 3, 1),
          file("LceBMaxPool2d", { x: map(2, 3, 1), y: { shape: [1, 1, 1, 1], type: "int32" } }),
          map(1, 1, 1),
        ),
        /option padding is missing/,
      ],
    ],
  },
  CONV_2D: {
    good: conv({ x: map(1, 3, 2), w: kernel(1, 2, 3, -1), b: floats(0.5), y: map(1, 2, 1) }, 1),
    x: [1, 2, 3, 4, -5, -6],
    y: [1 + 4 + 9 - 4 + 0.5, 3 + 8 - 15 + 6 + 0.5],
    bad: [
      [
        conv({ x: map(1, 3, 2), w: { shape: [1, 1, 2, 3], data: [1, 2, 3, 4, 5, 6] }, y: map(1, 2, 1) }),
        /weights of shape 1×1×2×3 do not fit an input of shape 1×1×3×2/,
      ],
      [conv({ ...int8Conv, y: map(1, 2, 1) }), /makes float32 of int8 integers/],
      [conv({ ...int8Conv, x: map(1, 3, 2), y: map(1, 2, 1) }), /weights are integers beside float32 inputs/],
      [conv({ ...int8Conv, w: { ...int8Conv.w, zero: [1] } }), /no scale per tensor or per output/],
      [conv({ ...int8Conv, w: kernel(1, 2, 3, 4) }), /weights are no int8 constant/],
      [conv({ ...int8Conv, b: ints(2 ** 24) }), /can reach 16780312, and only sums below 2\^24/],
      [conv({ ...int8Conv, b: floats(1) }), /bias is no integer constant/],
      [conv({ ...int8Conv, y: { ...int8Conv.y, scale: [-1] } }), /scale -1 .* impossible/],
      [
        file(
          "CONV_2D",
          { x: map(1, 3, 2), w: kernel(1, 2, 3, 4), y: map(1, 2, 1) },
          { ...slides(0, 3), optionsType: 5 },
        ),
        /options of another operator/,
      ],
      [
        conv({ x: map(1, 3, 2), w: kernel(1, 2, 3, 4), b: floats(1, 2), y: map(1, 2, 1) }),
        /bias of shape 2 does not fit 1 outputs/,
      ],
      [conv({ x: map(6), w: kernel(1, 2, 3, 4), y: map(1, 2, 1) }), /its input has the shape 1×6/],
    ],
  },
  DEPTHWISE_CONV_2D: {
    good: file(
      "DEPTHWISE_CONV_2D",
      { x: map(1, 2, 2), w: { shape: [1, 1, 2, 4], data: [1, 2, 3, 4, 5, 6, 7, 8] }, y: map(1, 1, 4) },
      slides(0, 4),
    ),
    x: [1, 10, 2, 20],
    y: [1 + 10, 2 + 12, 30 + 140, 40 + 160],
    bad: [
      [
        file(
          "DEPTHWISE_CONV_2D",
          { x: map(1, 2, 2), w: { shape: [1, 1, 2, 3], data: [1, 2, 3, 4, 5, 6] }, y: map(1, 1, 3) },
          slides(0, 4),
        ),
        /do not fit an input/,
      ],
    ],
  },
  FULLY_CONNECTED: {
    good: file(
      "FULLY_CONNECTED",
      { x: map(2, 1, 2), w: { shape: [1, 2], data: [1, -2] }, b: floats(1), y: { shape: [2, 1] } },
      relu(0),
    ),
    x: [5, 1, 1, 2],
    y: [4, 0],
    bad: [
      [
        file("FULLY_CONNECTED", { x: map(3), w: { shape: [1, 2], data: [1, -2] }, y: map(1) }),
        /do not fit an input/,
      ],
      [
        file(
          "FULLY_CONNECTED",
          { x: map(2), w: { shape: [1, 2], data: [1, -2] }, y: map(1) },
          options({ 1: { i8: 1 } }),
        ),
        /weights are shuffled/,
      ],
      [
        file("FULLY_CONNECTED", {
          x: int8(1, 0, 2),
          w: { shape: [1, 2], type: "int8", data: [1, -2] },
          y: map(1),
        }),
        /makes float32 of int8 integers/,
      ],
    ],
  },
  MAX_POOL_2D: {
    good: file("MAX_POOL_2D", { x: int8(0.5, 3, 2, 3, 1), y: int8(0.5, 3, 1, 2, 1) }, pool(0, 3)),
    // Integers less the zero point 3; 6 is 12 steps. The output has its zero point again.
    x: [1, 2, -5, 40, 3, -7],
    y: [15, 3],
    bad: [
      [
        file(
          "MAX_POOL_2D",
          x22,
          options({ 0: { i8: 1 }, 1: { i32: 0 }, 2: { i32: 1 }, 3: { i32: 1 }, 4: { i32: 1 } }),
        ),
        /strides are 1, 0/,
      ],
      [file("MAX_POOL_2D", { x: map(4), y: map(1) }, pool(0)), /its input has the shape 1×4/],
      bits("MAX_POOL_2D"),
    ],
  },
  AVERAGE_POOL_2D: {
    // Means of the integers themselves, zero point 1 included: 2.5, 3 and −2.5 away from zero.
    good: file("AVERAGE_POOL_2D", { x: int8(0.5, 1, 2, 6, 1), y: int8(0.5, 1, 1, 3, 1) }, pool(1)),
    x: [1, 2, 1, 2, -3, -4, 1, 2, 2, 3, -4, -3],
    y: [3, 3, -3],
    bad: [
      [file("AVERAGE_POOL_2D", { ...x22, x: map(1, 1, 1) }, pool(1)), /does not fit into maps/],
      [file("AVERAGE_POOL_2D", x22, pool(0, 5)), /SIGN_BIT/],
    ],
  },
  MEAN: {
    good: file("MEAN", { x: map(2, 2, 2), a: ints(1, -2), y: map(2) }),
    x: [1, 10, 2, 20, 3, 30, 6, 40],
    y: [3, 25],
    bad: [
      [file("MEAN", { x: map(2, 2, 2), a: ints(3), y: map(2, 2) }), /mean over axes 3/],
      [
        file("MEAN", { x: int8(1, 0, 2, 2, 2), a: ints(1), y: int8(1, 0, 2, 2) }),
        /mean of int8 integers over one axis/,
      ],
    ],
  },
  ADD: withConstant(
    "ADD",
    [1, -2],
    [3, 0.5],
    [4, -1.5],
    [
      misfit("ADD"),
      tanh("ADD"),
      [file("ADD", { x: int8(1, 0, 2), c: floats(1, 2), y: int8(1, 0, 2) }), /constant is not int8/],
      [file("ADD", { x: int8(1, 0, 2), c: int8Constant(1, 0, 1), y: map(2) }), /output is float32/],
      [file("ADD", { x: uint8(2), c: int8Constant(1, 0, 1), y: uint8(2) }), /computes with uint8/],
      [
        file("ADD", { x: int8(1, 0, 2), c: int8Constant(1, 0, 1), y: int8(2 ** -20, 0, 2) }),
        /output scale is too small/,
      ],
      [
        file("ADD", {
          x: int8(1, 0, 2, 3),
          c: { ...int8Constant(1, 0, 1, 2), shape: [2, 1] },
          y: int8(1, 0, 2, 3),
        }),
        /constant of shape 2×1 is joined with 1×2×3/,
      ],
      [file("ADD", { ...pair, c: ints(1, 2) }), /constant are integers/],
    ],
  ),
  SUB: {
    good: joined("SUB"),
    x: [3, -1],
    y: [-3, 1],
    bad: [misfit("SUB")],
  },
  MUL: withConstant(
    "MUL",
    [3, -1],
    [2, 4],
    [6, -4],
    [
      misfit("MUL"),
      [
        {
          tensors: { ...pair, z: map(4) },
          operators: [
            { op: "CONCATENATION", in: ["x", "x"], out: "z", ...options({ 0: { i32: -1 } }) },
            { op: "MUL", in: ["x", "z"], out: "y" },
          ],
        },
        /joins the shapes 1×2 and 1×4/,
      ],
      [
        file("MUL", { x: int8(1, 0, 2), c: int8Constant(1, 0, 100), y: int8(0.25, 0, 2) }),
        /products leave 16 bits/,
      ],
    ],
  ),
  DIV: withConstant(
    "DIV",
    [3, -1],
    [2, 4],
    [1.5, -0.25],
    [
      [file("DIV", { ...pair, c: floats(1, 0) }), /divides by 0/],
      [joined("DIV"), /divides by a computed value/],
      [
        file("DIV", { x: int8(1, 0, 2), c: int8Constant(1, 0, 1), y: int8(1, 0, 2) }),
        /computes with int8 integers/,
      ],
    ],
  ),
  MINIMUM: withConstant(
    "MINIMUM",
    [3, -1],
    [2],
    [2, -1],
    [
      [file("MINIMUM", { ...pair, c: floats(1, 2) }), /bound has 2 numbers/],
      [
        file("MINIMUM", { x: int8(1, 0, 2), c: int8Constant(2, 0, 1), y: int8(1, 0, 2) }),
        /have different scales/,
      ],
      [
        file("MINIMUM", { x: int8(1, 0, 2), c: int8Constant(1, 0, 1, 2), y: int8(1, 0, 2) }),
        /bound has several numbers/,
      ],
    ],
  ),
  MAXIMUM: withConstant(
    "MAXIMUM",
    [3, -1],
    [2],
    [3, 2],
    [[file("MAXIMUM", { ...pair, c: floats(1, 2) }), /bound has 2 numbers/]],
  ),
  RELU: unary("RELU", [-1, 2], [0, 2]),
  RELU6: unary("RELU6", [-1, 2, 7], [0, 2, 6]),
  RELU_N1_TO_1: unary("RELU_N1_TO_1", [-2, 0.5, 7], [-1, 0.5, 1]),
  PRELU: withConstant(
    "PRELU",
    [-2, -4],
    [0.5, 0.25],
    [-1, -1],
    [
      misfit("PRELU"),
      [file("PRELU", { x: int8(1, 0, 2), c: floats(1), y: int8(1, 0, 2) }), /slopes are not int8/],
    ],
  ),
  // Of 0 a half and 0: 128 and 0 steps. Very negative and positive numbers are at the ends of the range.
  LOGISTIC: {
    good: file("LOGISTIC", { x: int8(0.5, 3, 3), y: int8(1 / 256, -128, 3) }),
    x: [0, -120, 100],
    y: [0, -128, 127],
    bad: [
      [file("LOGISTIC", pair), /LOGISTIC is not supported on float32/],
      [file("LOGISTIC", { x: int8(0.5, 0, 2), y: int8(0.5, 0, 2) }), /output has the scale 0.5/],
      [file("LOGISTIC", { x: uint8(2), y: uint8(2) }), /computes with uint8/],
    ],
  },
  TANH: {
    good: file("TANH", { x: int8(0.5, 3, 3), y: int8(1 / 128, 0, 3) }),
    x: [0, -120, 100],
    y: [0, -128, 127],
    bad: [
      [file("TANH", pair), /TANH is not supported on float32/],
      [file("TANH", { x: int8(0.5, 0, 2), y: int8(1 / 128, 1, 2) }), /zero point 1/],
    ],
  },
  LEAKY_RELU: {
    good: file("LEAKY_RELU", pair, options({ 0: { f32: 0.25 } })),
    x: [-2, 3],
    y: [-0.5, 3],
    bad: [
      [file("LEAKY_RELU", pair, options({ 0: { f32: Number.NaN } })), /slope is not finite/],
      [
        file("LEAKY_RELU", { x: int8(1, 0, 2), y: int8(1, 0, 2) }, options({ 0: { f32: -1 } })),
        /negative slope/,
      ],
    ],
  },
  QUANTIZE: {
    // 0.25 and −0.25 are half a step: away from zero. The output is the file's own integers.
    good: file("QUANTIZE", { x: map(4), y: int8(0.5, -3, 4) }),
    x: [0.25, -0.25, 1000, -7],
    y: [-2, -4, 127, -17],
    bad: [
      [
        file("QUANTIZE", { x: map(2), y: { shape: [1, 2], type: "int16", scale: [1] } }),
        /quantizes to int16/,
      ],
      [file("QUANTIZE", { x: int8(1, 0, 2), y: uint8(2) }), /rescales int8 integers to uint8/],
      [file("QUANTIZE", { x: int8(1, 0, 2), y: int8(2 ** -60, 0, 2) }), /output scale is too small/],
      [file("QUANTIZE", { x: map(2), y: { ...int8(1, 0, 2), scale: [1, 2] } }), /2 scales/],
      [file("QUANTIZE", { x: map(2), y: int8(0, 0, 2) }), /scale 0.*impossible/],
    ],
  },
  DEQUANTIZE: {
    good: file("DEQUANTIZE", { x: { ...int8(0.5, 7, 2), type: "uint8" }, y: map(2) }),
    x: [2, -3],
    y: [1, -1.5],
    bad: [
      [file("DEQUANTIZE", pair), /dequantizes float32/],
      [file("DEQUANTIZE", { x: int8(1, 0, 2), y: int8(1, 0, 2) }), /dequantizes to int8/],
    ],
  },
  PAD: {
    good: file("PAD", {
      x: map(1, 2, 1),
      p: { shape: [4, 2], type: "int32", data: [0, 0, 1, 0, 0, 1, 0, 0] },
      y: map(2, 3, 1),
    }),
    x: [1, 2],
    y: [0, 0, 0, 1, 2, 0],
    bad: [
      [file("PAD", { x: map(2), p: ints(0, 0, 1, 1), y: map(4) }), /two numbers for each axis/],
      bits("PAD", { p: { shape: [4, 2], type: "int32", data: [0, 0, 1, 0, 0, 1, 0, 0] } }),
    ],
  },
  PADV2: {
    good: file("PADV2", {
      x: map(2),
      p: { shape: [2, 2], type: "int32", data: [0, 0, 1, 0] },
      v: scalar(9),
      y: map(3),
    }),
    x: [1, 2],
    y: [9, 1, 2],
    bad: [
      [
        file("PADV2", {
          x: map(2),
          p: { shape: [2, 2], type: "int32", data: [0, 0, 1, 0] },
          v: floats(1, 2),
          y: map(3),
        }),
        /padding value/,
      ],
    ],
  },
  CONCATENATION: {
    good: file("CONCATENATION", { ...pair, y: map(4) }, { in: ["x", "x"], ...options({ 0: { i32: -1 } }) }),
    x: [1, 2],
    y: [1, 2, 1, 2],
    bad: [
      [file("CONCATENATION", { ...pair, c: floats(1) }, options({ 0: { i32: 1 } })), /works on a constant/],
      [file("CONCATENATION", pair, options({ 0: { i32: 4 } })), /axis 4 does not exist/],
      [file("CONCATENATION", pair, options({ 0: { i32: 1 }, 1: { i8: 1 } })), /fused activation/],
    ],
  },
  SLICE: {
    good: file("SLICE", { x: map(4), b: ints(0, 1), s: ints(1, -1), y: map(3) }),
    x: [1, 2, 3, 4],
    y: [2, 3, 4],
    bad: [
      [
        file("SLICE", { x: map(4), b: ints(0, 1), s: ints(1, 4), y: map(4) }),
        /takes 1×4 elements from 0, 1 of 1×4/,
      ],
      [file("SLICE", { x: map(4), b: ints(1), s: ints(1), y: map(4) }), /a start and a size for each axis/],
    ],
  },
  STRIDED_SLICE: {
    good: file(
      "STRIDED_SLICE",
      { x: map(5, 2), b: ints(0, -4, 1), e: ints(0, 9, 2), s: ints(1, 2, 1), y: map(2) },
      options({ 1: { i32: 1 }, 4: { i32: 4 } }),
    ),
    x: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    y: [3, 7],
    bad: [
      [
        file("STRIDED_SLICE", { x: map(5), b: ints(0, 4), e: ints(1, 0), s: ints(1, -1), y: map(4) }),
        /strides are 1, -1/,
      ],
      [
        file("STRIDED_SLICE", { x: map(5), b: ints(0, 4), e: ints(1, 2), s: ints(1, 1), y: map(1) }),
        /takes 1×-2 elements/,
      ],
      [
        file(
          "STRIDED_SLICE",
          { x: map(5), b: ints(0, 1), e: ints(1, 2), s: ints(1, 1), y: map(1) },
          options({ 2: { i32: 1 } }),
        ),
        /ellipsis/,
      ],
    ],
  },
  TRANSPOSE: {
    good: file("TRANSPOSE", { x: map(2, 3), p: ints(0, 2, 1), y: map(3, 2) }),
    x: [1, 2, 3, 4, 5, 6],
    y: [1, 4, 2, 5, 3, 6],
    bad: [
      [file("TRANSPOSE", { x: map(2, 3), p: ints(0, 1, 1), y: map(3, 2) }), /no order of 3 axes/],
      bits("TRANSPOSE", { p: ints(0, 2, 1, 3) }),
    ],
  },
  RESHAPE: {
    good: file("RESHAPE", { x: map(2, 3), s: ints(3, -1), y: { shape: [3, 2] } }),
    x: [1, 2, 3, 4, 5, 6],
    y: [1, 2, 3, 4, 5, 6],
    bad: [
      [file("RESHAPE", { x: map(2, 3), s: ints(4, -1), y: { shape: [4, 2] } }), /1×2×3 cannot become 4×-1/],
      [file("RESHAPE", { x: map(2, 3), s: ints(-1, -1), y: { shape: [4, 2] } }), /more than one size/],
      bits("RESHAPE", { s: ints(1, -1) }),
    ],
  },
  SQUEEZE: {
    good: file("SQUEEZE", { x: map(1, 2), y: map(2) }, options({ 0: { ints: [1] } })),
    x: [1, 2],
    y: [1, 2],
    bad: [
      [
        file("SQUEEZE", { x: map(1, 2), y: map(2) }, options({ 0: { ints: [2] } })),
        /axis whose size is not 1/,
      ],
    ],
  },
  EXPAND_DIMS: {
    good: file("EXPAND_DIMS", { x: map(2), a: ints(-1), y: map(2, 1) }),
    x: [1, 2],
    y: [1, 2],
    bad: [[file("EXPAND_DIMS", { x: map(2), a: ints(1, 2), y: map(2, 1) }), /does not name one axis/]],
  },
  SHAPE: {
    good: {
      tensors: { x: map(3, 2), y: { shape: [2, 3] }, sizes: { shape: [3], type: "int32" }, ...shapeParts },
      operators: dynamicReshape,
    },
    x: [1, 2, 3, 4, 5, 6],
    y: [1, 2, 3, 4, 5, 6],
    bad: [
      [
        onBits(map(2), file("SHAPE", { x: map(2), y: { shape: [2], type: "int32" } }), map(2)),
        /words of bits/,
      ],
    ],
  },
  PACK: {
    good: {
      tensors: { x: map(3, 2), y: { shape: [2, 3] }, sizes: { shape: [3], type: "int32" }, ...shapeParts },
      operators: dynamicReshape,
    },
    x: [1, 2, 3, 4, 5, 6],
    y: [1, 2, 3, 4, 5, 6],
    bad: [[file("PACK", pair), /stacks computed values/]],
  },
  CAST: {
    good: {
      tensors: { ...pair, c: ints(2, -3), f: map(2) },
      operators: [
        { op: "CAST", in: ["c"], out: "f" },
        { op: "ADD", in: ["x", "f"], out: "y" },
      ],
    },
    x: [0.5, 0.5],
    y: [2.5, -2.5],
    bad: [
      [
        file("CAST", { ...pair, y: { shape: [1, 2], type: "int32" } }),
        /casts float32 integers to int32|casts/,
      ],
    ],
  },
  SOFTMAX: {
    good: file("SOFTMAX", pair, options({ 0: { f32: 1 } })),
    x: [3, 3],
    y: [0.5, 0.5],
    bad: [
      [
        file("SOFTMAX", { x: map(2, 2), y: map(2, 2) }, options({ 0: { f32: 1 } })),
        /softmax over axis 2 of 1×2×2/,
      ],
      [file("SOFTMAX", pair, options({ 0: { f32: -1 } })), /beta is -1/],
      [
        file("SOFTMAX", { x: int8(1, 0, 2), y: int8(1, 0, 2) }, options({ 0: { f32: 1 } })),
        /output is no int8 in steps of 1\/256/,
      ],
    ],
  },
  ARG_MAX: {
    good: file("ARG_MAX", { x: map(3), a: ints(-1), y: { shape: [1], type: "int32" } }),
    x: [1, 5, 5],
    y: [1],
    bad: [
      [
        file("ARG_MAX", { x: map(3, 2), a: ints(-1), y: { shape: [1, 3], type: "int32" } }),
        /maximum over axis 2/,
      ],
    ],
  },
};

describe.each(tfliteOps.map((entry) => entry.op))("%s", (op) => {
  test("has a case here", () => expect(Object.keys(cases)).toContain(op));

  test("computes what it is defined to compute", () => {
    const { good, x, y } = cases[op]!;
    expect(outputOf(good, x).map((v) => v + 0)).toEqual(y);
  });

  test("is refused where it cannot be imported, in the user's words", () => {
    const { bad } = cases[op]!;
    for (const [spec, message] of bad) {
      const [first, ...rest] = refusalOf(spec);
      expect(rest).toEqual([]);
      expect(first!.message).toMatch(message);
      expect(first!.message).toMatch(/^[a-z][^\n]{15,}$/);
      expect(first!.message).toContain(`(${op}, inputs `);
      expect(first!.remedy).toMatch(/^[a-z\d`(A-Z].{10,}/);
      expect(first!.where).toMatch(/^[xyf]$/);
    }
  });
});

test("products of two values repeat one along axes of the other", () => {
  const spec: FileSpec = {
    tensors: { x: map(2, 1, 2), a: ints(1, 2), m: map(1, 1, 2), y: map(2, 1, 2) },
    operators: [
      { op: "MEAN", in: ["x", "a"], out: "m", ...options({ 0: { i8: 1 } }) },
      { op: "MUL", in: ["x", "m"], out: "y" },
    ],
  };
  expect(outputOf(spec, [1, 2, 3, 6])).toEqual([2, 8, 6, 24]);
});

test("int8 convolutions round as the engine's interpreter does, halves up", () => {
  // Sums of integers less the zero point, and −4; times 0.5 · 0.25 / 2 = 1/16, rounded to 1/8 first; the output's own integers have its −3.
  const sums = (x: readonly number[]): number[] =>
    [0, 2].map((i) => 3 * x[i]! - 5 * x[i + 1]! + 7 * x[i + 2]! + 9 * x[i + 3]! - 4);
  for (const x of [
    [1, -5, 0, 0, 4, 4],
    [-4, 0, 0, 1, -1, -2],
    [4, 0, 0, 0, 100, 120],
  ]) {
    expect(outputOf(conv(int8Conv), x)).toEqual(
      sums(x).map((sum) =>
        Math.min(127, Math.max(-128, Math.floor((Math.floor(sum / 2 + 0.5) + 4) / 8) - 3)),
      ),
    );
  }
});

test("QUANTIZE from uint8 to int8 with zero points 128 apart keeps what the integers stand for", () => {
  const x = { ...int8(0.5, 130, 2), type: "uint8" } as const;
  const spec = file("QUANTIZE", { x, y: int8(0.5, 2, 2) });
  expect(outputOf(spec, [0, -7])).toEqual([2, -5]);
});

const whole = (x: TensorSpec): readonly number[] => Array.from({ length: x.shape.at(-1)! }, (_, i) => i - 60);

test("MUL of int8 takes halves away from zero", () => {
  // (x − 3) · (c + 7), c of zero point −7, times 0.25 · 0.25 / 0.5 = 1/8.
  const x = int8(0.25, 3, 120);
  const spec = file("MUL", { x, c: int8Constant(0.25, -7, -5), y: int8(0.5, 2, 120) });
  const away = (v: number): number => Math.sign(v) * Math.floor(Math.abs(v) + 0.5);
  const stored = whole(x);
  expect(outputOf(spec, stored)).toEqual(stored.map((v) => away((v * 2) / 8) + 2));
});

test("MAXIMUM of int8 compares integers, and PAD puts the zero point around", () => {
  const x = int8(0.5, 3, 4);
  const bound = file("MAXIMUM", { x, c: int8Constant(0.5, 3, 5), y: x });
  expect(outputOf(bound, [-4, 0, 2, 9])).toEqual([5, 5, 5, 12]);
  const paddings = { shape: [2, 2], type: "int32", data: [0, 0, 1, 0] } as const;
  const pad = file("PAD", { x, p: paddings, y: int8(0.5, 3, 5) });
  expect(outputOf(pad, [-4, 0, 2, 9])).toEqual([3, -1, 3, 5, 12]);
});

test("ARG_MAX of int8 gives the first of the greatest", () => {
  const spec = file("ARG_MAX", { x: int8(0.5, 3, 4), a: ints(-1), y: { shape: [1], type: "int32" } });
  expect(outputOf(spec, [-4, 9, 2, 9])).toEqual([1]);
});
