import { describe, expect, it } from "vitest";
import {
  type DeviceProgram,
  type Domain,
  type Instruction,
  isOutputSize,
  type ProgramTensor,
  printProgram,
  tensorRanges,
  verifyProgram,
  type Window,
} from "../../src/program/index.js";
import { randomProgram } from "../support/random-program.js";

type Shape = ProgramTensor["shape"];

const bits: Domain = { kind: "codes", bits: 1, step: 2, offset: -1 };
const scalar = (type: "u8" | "i8" | "i16" | "i32" | "f32"): Domain => ({ kind: "scalar", type });
const window = (kernel: number, stride = 1, pad = 0): Window => ({
  kernel: [kernel, kernel],
  stride: [stride, stride],
  dilation: [1, 1],
  pads: [pad, pad, pad, pad],
});

/** Two channels of one row from columns 0 and 1 of a map of two rows. */
function gathers(more: object): DeviceProgram {
  const lists = { rows: Int32Array.of(0, 1), columns: Int32Array.of(0, 0), channels: Int32Array.of(0, 0) };
  const type = scalar("f32");
  return program([[2, 2, 1], type], [[1, 2, 2], type], { kind: "gather", step: 1, ...lists, ...more });
}

function boxes(more: object): DeviceProgram {
  const type = scalar("f32");
  return program([[2, 1, 7], type], [[1, 2, 6], type], {
    kind: "region",
    anchors: Float32Array.of(1, 2),
    classes: 2,
    classScores: "softmax",
    scoreThreshold: 0.5,
    iouThreshold: 0.5,
    suppression: "any",
    candidates: 3,
    ...more,
  });
}

function program(
  from: readonly [Shape, Domain],
  to: readonly [Shape, Domain],
  instruction: object,
): DeviceProgram {
  return {
    name: "p",
    tensors: [
      { name: "x", shape: from[0], domain: from[1] },
      { name: "y", shape: to[0], domain: to[1] },
    ],
    instructions: [{ input: 0, output: 1, ...instruction } as Instruction],
    input: { tensor: 0, modelShape: [1, ...from[0]] },
    output: {
      tensor: 1,
      affine: [],
      order: { kind: "scores" },
      omitted: [],
      modelShape: [1, ...to[0]],
    },
  };
}

const weights = (outputs: number, inputs: number) => ({
  outputs,
  inputs,
  bits: 1,
  step: 2,
  offset: -1,
  codes: new Uint8Array(outputs * inputs),
});
const conv = {
  kind: "conv",
  weights: weights(4, 18),
  window: window(3),
  groups: 1,
  padValue: 0,
  inputOffset: 0,
};
const sums: readonly [Shape, Domain] = [[3, 3, 4], scalar("i32")];
const map: readonly [Shape, Domain] = [[5, 5, 2], bits];
const floatSums: readonly [Shape, Domain] = [[3, 3, 4], scalar("f32")];
const pool = { kind: "pool", operator: "maximum", window: window(2, 2) };
const select = { kind: "select", top: 1, left: 0, steps: [2, 1], channels: Int32Array.of(1, 0) };
const byteMap: readonly [Shape, Domain] = [[5, 5, 2], scalar("u8")];
const combine = {
  kind: "combine",
  operator: "add",
  inputs: [0, 0],
  tables: [new Int32Array(256), new Int32Array(256)],
  multiplier: 2 ** 30,
  shift: 0,
  low: 0,
  high: 255,
};
const fixedMap: readonly [Shape, Domain] = [[5, 5, 2], scalar("i16")];
const fixedLine = { multiplier: Int32Array.of(3), bias: Int32Array.of(1) };
const requantize = {
  ...{ kind: "requantize", line: fixedLine, below: fixedLine },
  ...{ biasShift: 2, right: 4, low: -32768, high: 32767 },
};
const fixedSum = { kind: "add-fixed", inputs: [0, 0], shifts: [0, 13], right: 13 };
const floats: readonly [Shape, Domain] = [[5, 5, 2], scalar("f32")];
const extent = (sides: Shape) => ({
  kind: "scale",
  steps: [{ operator: "add", operand: new Float32Array(sides[0] * sides[1] * sides[2]), extent: sides }],
});
const product = { kind: "pairwise", operator: "multiply", inputs: [0, 0] };
const sum = { kind: "reduce", over: "channels" };
const shorts: readonly [Shape, Domain] = [[5, 5, 2], scalar("i16")];
const bytes: readonly [Shape, Domain] = [[5, 5, 2], scalar("u8")];
const pad = { kind: "pad", pads: [1, 0, 0, 2], channels: [0, 1], fill: 1 };

/** One plane by one basis. */
const convBases = {
  kind: "conv-bases",
  planes: { step: 2, offset: -1 },
  bases: [weights(4, 18)],
  coefficients: new Float32Array(4).fill(1),
  window: window(3),
  groups: 1,
};
const oneThreshold = {
  kind: "threshold",
  levels: 1,
  thresholds: Int32Array.of(0),
  flipped: new Uint8Array(1),
};

describe("verifyProgram", () => {
  it("accepts what is consistent", () => {
    verifyProgram(program(map, sums, conv));
    verifyProgram(program(map, [[2, 2, 2], bits], pool));
    verifyProgram(program(map, [[3, 3, 2], bits], pool));
    verifyProgram(program(map, [[2, 5, 2], bits], select));
    verifyProgram(program(map, [[6, 7, 3], bits], pad));
    verifyProgram(program(byteMap, byteMap, combine));
    verifyProgram(program(byteMap, fixedMap, requantize));
    verifyProgram(program(fixedMap, fixedMap, fixedSum));
    for (const sides of [
      [5, 1, 1],
      [1, 5, 2],
      [5, 5, 1],
    ] as const)
      verifyProgram(program(floats, floats, extent(sides)));
    verifyProgram(program(floats, floats, product));
    verifyProgram(program(floats, [[5, 5, 1], scalar("f32")], sum));
    for (let seed = 1; seed < 50; seed++) verifyProgram(randomProgram(seed));
  });

  it.each<[string, DeviceProgram, RegExp]>([
    ["narrow floats", program(floats, shorts, { kind: "narrow" }), /not i32/],
    ["narrow to bytes", program([[5, 5, 2], scalar("i32")], bytes, { kind: "narrow" }), /not i16/],
    [
      "sums that 16 bits do not hold",
      program([[5, 5, 2], scalar("i32")], shorts, { kind: "narrow" }),
      /16 bits/,
    ],
    [
      "short sums that do not fit",
      program(shorts, shorts, { kind: "add", inputs: [0, 0] }),
      /beyond 16 bits/,
    ],
    ["a conv of another size", program(map, [[4, 3, 4], scalar("i32")], conv), /cannot have 4×3×4/],
    ["groups that do not divide", program(map, sums, { ...conv, groups: 3 }), /groups/],
    ["groups that do not fit the weights", program(map, sums, { ...conv, groups: 2 }), /weights/],
    ["a conv of floats", program([[5, 5, 2], scalar("f32")], sums, conv), /reads neither/],
    ["an input offset for codes", program(map, sums, { ...conv, inputOffset: 1 }), /input offset/],
    ["a fractional padding", program(map, sums, { ...conv, padValue: 0.5 }), /not an integer/],
    ["sums beyond int32", program(map, sums, { ...conv, padValue: 2 ** 28 }), /beyond 32 bits/],
    ["a pool of another size", program(map, [[4, 4, 2], bits], pool), /cannot have/],
    [
      "a pool window without taps",
      program(map, [[4, 4, 2], bits], { ...pool, window: window(2, 2, 2) }),
      /without a tap/,
    ],
    ["a pool that changes the domain", program(map, [[2, 2, 2], scalar("u8")], pool), /wrong domain/],
    ["a sum in codes", program(map, [[2, 2, 2], bits], { ...pool, operator: "sum" }), /wrong domain/],
    ["a selection outside the map", program(map, [[3, 5, 2], bits], select), /outside/],
    [
      "a selection of missing channels",
      program(map, [[2, 5, 2], bits], { ...select, channels: Int32Array.of(0, 2) }),
      /does not exist/,
    ],
    ["a fill that codes cannot hold", program(map, [[6, 7, 3], bits], { ...pad, fill: 2 }), /fill/],
    ["a padded map of another size", program(map, [[6, 7, 2], bits], pad), /cannot have/],
    [
      "a lookup of codes into bytes",
      program(map, [[5, 5, 2], scalar("u8")], { kind: "lookup", table: new Uint8Array(2) }),
      /no codes/,
    ],
    [
      "a lookup of codes with a byte's table",
      program(map, map, { kind: "lookup", table: new Uint8Array(256) }),
      /one entry per code/,
    ],
    [
      "a lookup to codes that do not fit",
      program(map, map, { kind: "lookup", table: Uint8Array.of(0, 2) }),
      /beyond its bits/,
    ],
    ["a lookup of a sum", program(sums, sums, { kind: "lookup", table: new Uint8Array(256) }), /nor codes/],
    [
      "a table of thresholds that is too short",
      program(sums, [sums[0], bits], { ...oneThreshold, table: Uint8Array.of(1) }),
      /one code per level/,
    ],
    [
      "a table of thresholds beyond the codes",
      program(sums, [sums[0], bits], { ...oneThreshold, table: Uint8Array.of(1, 2) }),
      /exceed the codes/,
    ],
    [
      "values for fewer codes",
      program(map, [map[0], scalar("f32")], { kind: "decode", values: Float32Array.of(1) }),
      /one value per code/,
    ],
    ["bases of bytes", program(byteMap, floatSums, convBases), /no codes/],
    ["bases with integer sums", program(map, sums, convBases), /not f32/],
    [
      "bases without coefficients",
      program(map, floatSums, { ...convBases, coefficients: new Float32Array(3) }),
      /number of coefficients/,
    ],
    ["bases that pad with no code", program(map, floatSums, { ...convBases, padCode: 2 }), /does not exist/],
    [
      "planes of one number",
      program(map, floatSums, { ...convBases, planes: { step: 0, offset: 1 } }),
      /mean the same/,
    ],
    [
      "bases beyond float32",
      program(map, floatSums, { ...convBases, coefficients: new Float32Array(4).fill(3e38) }),
      /beyond float32/,
    ],
    ["fixed point of floats", program(floats, fixedMap, requantize), /no integers/],
    ["fixed point into bytes", program(byteMap, byteMap, requantize), /not i16/],
    [
      "two lines of different lengths",
      program(byteMap, fixedMap, {
        ...requantize,
        below: { multiplier: new Int32Array(2), bias: new Int32Array(2) },
      }),
      /one factor nor one per channel/,
    ],
    [
      "three factors for two channels",
      program(byteMap, fixedMap, {
        ...requantize,
        ...{ line: { multiplier: new Int32Array(3), bias: new Int32Array(3) }, below: undefined },
      }),
      /one factor nor one per channel/,
    ],
    ["no right shift", program(byteMap, fixedMap, { ...requantize, right: 0 }), /impossible right shift/],
    ["a shift of 31 bits", program(byteMap, fixedMap, { ...requantize, biasShift: 31 }), /shift of its bias/],
    ["ends that 16 bits lack", program(byteMap, fixedMap, { ...requantize, high: 32768 }), /range/],
    ["a sum of bytes in fixed point", program(byteMap, fixedMap, fixedSum), /not i16/],
    ["a sum beyond 31 bits", program(fixedMap, fixedMap, { ...fixedSum, shifts: [14, 0] }), /beyond/],
    ["a combination of codes", program(map, [[5, 5, 2], scalar("u8")], combine), /no bytes/],
    ["a combination into codes", program(byteMap, map, combine), /not u8/],
    [
      "a combination with a short table",
      program(byteMap, byteMap, { ...combine, tables: [new Int32Array(255), new Int32Array(256)] }),
      /without 256 entries/,
    ],
    [
      "a combination beyond 32 bits",
      program(byteMap, byteMap, {
        ...combine,
        tables: [new Int32Array(256).fill(2 ** 30), new Int32Array(256).fill(2 ** 30)],
      }),
      /beyond 32 bits/,
    ],
    [
      "a combination to too many numbers",
      program(byteMap, byteMap, { ...combine, high: 256 }),
      /factor or range/,
    ],
    [
      "a combination with a tail outside",
      program(byteMap, byteMap, { ...combine, tail: { first: 50, tables: combine.tables } }),
      /tail outside/,
    ],
    [
      "a sum of two shapes",
      program([[1, 1, 3], scalar("f32")], [[1, 1, 4], scalar("f32")], { kind: "add", inputs: [0, 0] }),
      /changes the shape/,
    ],
    [
      "a concatenation with too few channels",
      program(map, [[5, 5, 3], bits], { kind: "concat", inputs: [0, 0] }),
      /has not the channels/,
    ],
    ["a place that does not exist", gathers({ rows: Int32Array.of(0, 2) }), /reaches outside the map/],
    ["a place too few", gathers({ channels: Int32Array.of(0) }), /not one place for each row and channel/],
    ["columns that end early", gathers({ columns: Int32Array.of(1, 0) }), /reaches outside the map/],
    ["a head of other anchors", boxes({ classes: 3 }), /does not fit its anchors/],
    ["an anchor without a width", boxes({ anchors: Float32Array.of(0, 1) }), /impossible anchors/],
    ["a threshold of 1", boxes({ iouThreshold: 1 }), /no float32 from 0 to 1/],
    ["more boxes than candidates", boxes({ candidates: 1 }), /no list of boxes/],
    [
      "a scale with an operand beside the map",
      program(floats, floats, extent([5, 4, 1])),
      /does not fit 5×5×2/,
    ],
    ["a scale with an extent of channels", program(floats, floats, extent([1, 1, 2])), /does not fit 5×5×2/],
    [
      "a scale with too few numbers",
      program(floats, floats, {
        kind: "scale",
        steps: [{ ...extent([5, 1, 1]).steps[0], operand: new Float32Array(4) }],
      }),
      /operand of length 4/,
    ],
    [
      "an absolute value with an operand",
      program(floats, floats, { kind: "scale", steps: [{ operator: "abs", operand: new Float32Array(1) }] }),
      /abs operand of length 1/,
    ],
    ["a product that does not broadcast", program(floats, [[5, 6, 2], scalar("f32")], product), /broadcast/],
    ["a product of integers", program(byteMap, byteMap, product), /not f32/],
    [
      "a sum of bytes over channels",
      program(byteMap, [[5, 5, 1], scalar("i32")], sum),
      /neither i32 nor f32/,
    ],
    ["a sum over channels that keeps them", program(floats, floats, sum), /cannot have 5×5×2/],
    [
      "a sum over channels beyond int32",
      program([[5, 5, 2], scalar("i32")], [[5, 5, 1], scalar("i32")], sum),
      /beyond 32 bits/,
    ],
    [
      "a softmax of a map",
      program([[2, 1, 3], scalar("f32")], [[2, 1, 3], scalar("f32")], { kind: "softmax" }),
      /more than one pixel/,
    ],
  ])("refuses %s", (_, broken, problem) => {
    expect(() => verifyProgram(broken)).toThrow(problem);
  });
});

it("prints moves and heads in a line", () => {
  expect(printProgram(gathers({}))).toContain("%1 = gather %0 column step 1 channels 0,0 : 1×2×2 f32");
  const rule = "1 anchors, softmax of 2 classes, score > 0.5, overlap 0.5 within all, 3 candidates";
  expect(printProgram(boxes({}))).toContain(`%1 = region %0 ${rule} : 1×2×6 f32`);
});

describe("geometry", () => {
  it("allows the floor of the size and windows that start in the padded map", () => {
    const sizes = (input: number, w: Window) =>
      Array.from({ length: 12 }, (_, n) => n).filter((n) => isOutputSize(input, n, w, 0));
    expect(sizes(5, window(2, 2))).toEqual([2, 3]);
    expect(sizes(4, window(2, 2))).toEqual([2]);
    expect(sizes(7, window(3, 3))).toEqual([2, 3]);
    expect(sizes(2, window(3, 2))).toEqual([1]);
    expect(sizes(5, window(3, 1, 1))).toEqual([5]);
    expect(sizes(5, window(1, 2))).toEqual([3]);
  });
});

describe("ranges", () => {
  it("bound the sums of a convolution by its weights and padding", () => {
    expect(tensorRanges(program(map, sums, conv))[1]).toEqual({ low: -18, high: 18 });
    expect(tensorRanges(program(map, sums, { ...conv, padValue: 3 }))[1]).toEqual({ low: -54, high: 18 });
  });
});

describe("printProgram", () => {
  it("shows geometry only where it differs from the plain case", () => {
    const text = printProgram(program(map, sums, { ...conv, window: { ...window(3, 2, 1) }, padValue: -1 }));
    expect(text).toContain("conv %0 weights 4×18 ±1, kernel 3×3 stride 2 pads 1,1,1,1 of -1 : 3×3×4 i32");
    expect(printProgram(program(map, [[2, 5, 2], bits], select))).toContain("from 1,0 step 2,1 channels 1,0");
    expect(printProgram(program(floats, floats, extent([5, 1, 1])))).toContain(
      "scale %0 add [5×1×1] : 5×5×2 f32",
    );
    expect(printProgram(program(floats, floats, product))).toContain("pairwise %0, %0 multiply");
    expect(printProgram(program(floats, [[5, 5, 1], scalar("f32")], sum))).toContain(
      "reduce %0 sum over channels",
    );
  });
});
