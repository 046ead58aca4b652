import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { DeviceProgram, Window } from "../../src/program/index.js";
import { runDevice, traceDevice } from "../../src/reference/device.js";
import { compileDevice, compileTrace } from "../../src/reference/device-fast.js";
import { Random } from "../support/random-graph.js";
import { randomProgram, randomValues } from "../support/random-program.js";

describe("the fast device reference", () => {
  it("equals the naive one in every tensor of random programs", () => {
    const kinds = new Set<string>();
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 31 - 1 }), (seed) => {
        const program = randomProgram(seed);
        for (const { kind } of program.instructions) kinds.add(kind);
        const input = randomValues(new Random(seed + 1), program.tensors[0]!);
        const fast = compileTrace(program)(input);
        expect(fast.map(bits)).toEqual(traceDevice(program, input).map(bits));
      }),
      { numRuns: 150 },
    );
    expect(kinds.size).toBe(20);
  });

  it("runs 60 million multiply-accumulates in a second or two", () => {
    const program = cifarNet();
    const run = compileDevice(program);
    const input = randomValues(new Random(1), program.tensors[0]!);
    run(input);
    const started = performance.now();
    run(input);
    const seconds = (performance.now() - started) / 1000;
    expect(seconds).toBeLessThan(4);
  });
});

describe("the device reference", () => {
  const same: Window = { kernel: [3, 3], stride: [1, 1], dilation: [1, 1], pads: [1, 1, 1, 1] };

  it("adds the padding value where a tap lies outside the map", () => {
    const program = conv([1, 1, 1], same, [0, 1, 1, 1, 1, 1, 1, 1, 1], 1);
    // Weights are ±1; the centre tap is +1 with input −1, seven others +1 and one −1 with padding +1.
    expect([...runDevice(program, Int32Array.of(0))]).toEqual([-1 + 7 - 1]);
  });

  it("orders taps as kernel row, kernel column, channel of the group", () => {
    const window: Window = { kernel: [2, 2], stride: [1, 1], dilation: [1, 1], pads: [0, 0, 0, 0] };
    const program = conv([2, 2, 2], window, [1, 0, 0, 0, 0, 0, 0, 0], 0);
    for (let hot = 0; hot < 8; hot++) {
      const input = Int32Array.from({ length: 8 }, (_, i) => (i === hot ? 1 : 0));
      // A match at tap 0 and matches of −1 with −1 elsewhere, or two mismatches.
      expect([...runDevice(program, input)]).toEqual([hot === 0 ? 8 : 4]);
    }
  });

  it("rounds halves up in fixed point, takes another line below 0, and saturates at its ends", () => {
    const tensors = [
      { name: "x", shape: [1, 1, 7], domain: { kind: "scalar", type: "i32" } },
      { name: "y", shape: [1, 1, 7], domain: { kind: "scalar", type: "i16" } },
    ] as const;
    const line = { multiplier: Int32Array.of(3), bias: Int32Array.of(1) };
    const below = { multiplier: Int32Array.of(-1), bias: Int32Array.of(0) };
    const run = (input: readonly number[], more: object): number[] => {
      const program: DeviceProgram = {
        name: "fixed",
        tensors,
        instructions: [
          {
            ...{
              kind: "requantize",
              input: 0,
              output: 1,
              line,
              biasShift: 0,
              right: 1,
              low: -32768,
              high: 32767,
            },
            ...more,
          },
        ],
        input: { tensor: 0, modelShape: [1, 7] },
        output: { tensor: 1, affine: [], order: { kind: "scores" }, omitted: [], modelShape: [1, 7] },
      };
      return [...runDevice(program, Int32Array.from(input))];
    };
    const x = [0, 1, 2, -1, -2, 2 ** 31 - 1, -(2 ** 31)];
    // (3x + 1) / 2
    expect(run(x, {})).toEqual([1, 2, 4, -1, -2, 32767, -32768]);
    // (3x + 8) / 2, −x / 2 where that is negative
    expect(run([-2, -3, -4, -5, 0, 1, 2], { biasShift: 3, below })).toEqual([1, 2, 2, 3, 4, 6, 7]);
    expect(run(x, { low: -1, high: 3 })).toEqual([1, 2, 3, -1, -1, 3, -1]);
    // One 2^60-th part of the greatest product of 64 bits.
    const widest = { multiplier: Int32Array.of(-(2 ** 31)), bias: Int32Array.of(0) };
    expect(run(x, { line: widest, right: 60 })).toEqual([0, 0, 0, 0, 0, -4, 4]);
  });

  it("adds in fixed point, with halves up, and saturates", () => {
    const run = (a: number, b: number, shifts: readonly [number, number], right: number): number => {
      const i16 = { domain: { kind: "scalar", type: "i16" } } as const;
      const program: DeviceProgram = {
        name: "sum",
        tensors: [
          { name: "x", shape: [1, 1, 2], ...i16 },
          { name: "a", shape: [1, 1, 1], ...i16 },
          { name: "b", shape: [1, 1, 1], ...i16 },
          { name: "y", shape: [1, 1, 1], ...i16 },
        ],
        instructions: [
          {
            kind: "select",
            ...{ input: 0, output: 1, top: 0, left: 0, steps: [1, 1], channels: Int32Array.of(0) },
          },
          {
            kind: "select",
            ...{ input: 0, output: 2, top: 0, left: 0, steps: [1, 1], channels: Int32Array.of(1) },
          },
          { kind: "add-fixed", inputs: [1, 2], output: 3, shifts, right },
        ],
        input: { tensor: 0, modelShape: [1, 2] },
        output: { tensor: 3, affine: [], order: { kind: "scores" }, omitted: [], modelShape: [1, 1] },
      };
      return runDevice(program, Int32Array.of(a, b))[0]!;
    };
    expect(run(3, 4, [0, 0], 0)).toBe(7);
    expect(run(3, 4, [0, 1], 1)).toBe(6);
    expect(run(-3, -4, [0, 1], 1)).toBe(-5);
    expect(run(32767, 1, [0, 0], 0)).toBe(32767);
    expect(run(-32768, -32768, [13, 13], 13)).toBe(-32768);
    expect(run(-32768, 32767, [13, 13], 13)).toBe(-1);
  });

  it("combines bytes by their tables, rounds twice, and has other tables for the tail", () => {
    const bytes = { shape: [1, 1, 6], domain: { kind: "scalar", type: "i8" } } as const;
    const codes = { name: "y", shape: [1, 1, 6], domain: { kind: "scalar", type: "u8" } } as const;
    const tables = (factor: number): readonly [Int32Array, Int32Array] => [
      Int32Array.from({ length: 256 }, (_, byte) => factor * ((byte << 24) >> 24)),
      new Int32Array(256).fill(1),
    ];
    const program: DeviceProgram = {
      name: "combine",
      tensors: [{ name: "x", ...bytes }, codes],
      instructions: [
        {
          ...{ kind: "combine", operator: "multiply", inputs: [0, 0], output: 1, tables: tables(1) },
          ...{ tail: { first: 5, tables: tables(10) }, multiplier: 2 ** 30, shift: -1, low: -9, high: 2 },
        },
      ],
      input: { tensor: 0, modelShape: [1, 6] },
      output: { tensor: 1, affine: [], order: { kind: "scores" }, omitted: [], modelShape: [1, 6] },
    };
    // Halved, halves up, and halved again, halves away from zero. −9 is code 0; of the last one ten times as much.
    const quarters = [1, 1, -1, 2, -9, -3];
    expect([...runDevice(program, Int32Array.of(2, 1, -2, 20, -128, -1))].map((code) => code - 9)).toEqual(
      quarters,
    );
  });

  it("repeats rows, columns and channels of 1 in operands and in joined values", () => {
    const f32 = { kind: "scalar", type: "f32" } as const;
    const base = cifarNet();
    const program: DeviceProgram = {
      ...base,
      tensors: [
        { name: "x", shape: [2, 2, 2], domain: f32 },
        { name: "scaled", shape: [2, 2, 2], domain: f32 },
        { name: "sums", shape: [2, 2, 1], domain: f32 },
        { name: "y", shape: [2, 2, 2], domain: f32 },
        { name: "total", shape: [1, 1, 1], domain: f32 },
        { name: "z", shape: [2, 2, 2], domain: f32 },
      ],
      instructions: [
        {
          ...{ kind: "scale", input: 0, output: 1 },
          steps: [
            { operator: "abs", operand: new Float32Array(0) },
            { operator: "multiply", operand: Float32Array.of(1, 10), extent: [2, 1, 1] },
            { operator: "add", operand: Float32Array.of(100, 200, 300, 400), extent: [1, 2, 2] },
          ],
        },
        { kind: "reduce", over: "channels", input: 1, output: 2 },
        { kind: "pairwise", operator: "subtract", inputs: [2, 1], output: 3 },
        { kind: "reduce", over: "all", input: 1, output: 4 },
        { kind: "pairwise", operator: "multiply", inputs: [3, 4], output: 5 },
      ],
      input: { tensor: 0, modelShape: [1, 2, 2, 2] },
    };
    const [, scaled, sums, y, total, z] = traceDevice(program, Float32Array.of(1, -2, -0, 4, -5, 6, 7, -8));
    expect([...scaled!]).toEqual([101, 202, 300, 404, 150, 260, 370, 480]);
    expect([...sums!]).toEqual([303, 704, 410, 850]);
    expect([...y!]).toEqual([202, 101, 404, 300, 260, 150, 480, 370]);
    expect([...total!]).toEqual([2267]);
    expect([...z!]).toEqual([202, 101, 404, 300, 260, 150, 480, 370].map((v) => v * 2267));
  });

  it("adds floats in the order of pixels and channels, rounded each time", () => {
    const tensors = [[1, 2, 2] as const, [1, 1, 1] as const].map((shape) => ({
      name: "t",
      shape,
      domain: { kind: "scalar", type: "f32" } as const,
    }));
    const program: DeviceProgram = {
      ...cifarNet(),
      tensors,
      instructions: [{ kind: "reduce", over: "all", input: 0, output: 1 }],
      output: { ...cifarNet().output, tensor: 1 },
    };
    expect([...runDevice(program, Float32Array.of(2 ** 24, 1, 1, -(2 ** 24)))]).toEqual([0]);
    expect([...runDevice(program, Float32Array.of(1, 1, 2 ** 24, -(2 ** 24)))]).toEqual([2]);
  });

  it("leaves taps outside the map out of pools", () => {
    const tensors = [
      { name: "x", shape: [2, 2, 1], domain: { kind: "scalar", type: "i8" } },
      { name: "y", shape: [1, 1, 1], domain: { kind: "scalar", type: "i8" } },
    ] as const;
    const window: Window = { kernel: [3, 3], stride: [3, 3], dilation: [1, 1], pads: [1, 1, 0, 0] };
    const pool: DeviceProgram = {
      ...conv([1, 1, 1], same, [0, 0, 0, 0, 0, 0, 0, 0, 0], 0),
      tensors,
      instructions: [{ kind: "pool", operator: "maximum", input: 0, output: 1, window }],
      output: { ...cifarNet().output, tensor: 1 },
    };
    expect([...runDevice(pool, Int32Array.of(-5, -7, -6, -9))]).toEqual([-5]);
  });
});

/** One ±1 convolution with a single output channel. */
function conv(
  shape: readonly [number, number, number],
  window: Window,
  codes: readonly number[],
  padValue: number,
): DeviceProgram {
  return {
    name: "conv",
    tensors: [
      { name: "x", shape, domain: { kind: "codes", bits: 1, step: 2, offset: -1 } },
      { name: "y", shape: [1, 1, 1], domain: { kind: "scalar", type: "i32" } },
    ],
    instructions: [
      {
        kind: "conv",
        input: 0,
        output: 1,
        weights: {
          outputs: 1,
          inputs: codes.length,
          bits: 1,
          step: 2,
          offset: -1,
          codes: Uint8Array.from(codes),
        },
        window,
        groups: 1,
        padValue,
        inputOffset: 0,
      },
    ],
    input: { tensor: 0, modelShape: [1, ...shape] },
    output: {
      tensor: 1,
      affine: [],
      order: { kind: "scores" },
      omitted: [],
      modelShape: [1, 1],
    },
  };
}

/** Six 3×3 convolutions with the shapes of the small CIFAR nets of the field: about 58 million products. */
function cifarNet(): DeviceProgram {
  const layers = [
    { side: 30, from: 3, to: 64 },
    { side: 28, from: 64, to: 64 },
    { side: 12, from: 64, to: 128 },
    { side: 10, from: 128, to: 128 },
    { side: 3, from: 128, to: 256 },
    { side: 1, from: 256, to: 256 },
  ];
  const bits = { kind: "codes", bits: 1, step: 2, offset: -1 } as const;
  const tensors: DeviceProgram["tensors"][number][] = [
    { name: "input", shape: [32, 32, 3], domain: { kind: "scalar", type: "u8" } },
  ];
  const instructions: DeviceProgram["instructions"][number][] = [];
  const valid = (kernel: number, stride: number): Window => ({
    kernel: [kernel, kernel],
    stride: [stride, stride],
    dilation: [1, 1],
    pads: [0, 0, 0, 0],
  });
  for (const { side, from, to } of layers) {
    while (tensors.at(-1)!.shape[0] !== side + 2) {
      const [h, w, c] = tensors.at(-1)!.shape;
      tensors.push({ name: "pool", shape: [Math.floor(h / 2), Math.floor(w / 2), c], domain: bits });
      const [input, output] = [tensors.length - 2, tensors.length - 1];
      instructions.push({ kind: "pool", operator: "maximum", input, output, window: valid(2, 2) });
    }
    const at = tensors.length;
    tensors.push({ name: "sums", shape: [side, side, to], domain: { kind: "scalar", type: "i32" } });
    tensors.push({ name: "signs", shape: [side, side, to], domain: bits });
    const codes = new Uint8Array(to * from * 9).map((_, i) => (i * 2654435761) & 1);
    instructions.push({
      kind: "conv",
      input: at - 1,
      output: at,
      weights: { outputs: to, inputs: from * 9, bits: 1, step: 2, offset: -1, codes },
      window: valid(3, 1),
      groups: 1,
      padValue: 0,
      inputOffset: 0,
    });
    const [thresholds, flipped] = [new Int32Array(to), new Uint8Array(to)];
    instructions.push({ kind: "threshold", input: at, output: at + 1, levels: 1, thresholds, flipped });
  }
  return {
    name: "cifar",
    tensors,
    instructions,
    input: { tensor: 0, modelShape: [1, 3, 32, 32] },
    output: {
      tensor: tensors.length - 1,
      affine: [],
      order: { kind: "scores" },
      omitted: [],
      modelShape: [1, 256],
    },
  };
}

function bits(values: Int32Array | Float32Array): Int32Array {
  return new Int32Array(values.buffer.slice(0));
}
