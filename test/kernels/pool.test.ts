/** Pools of codes in both layouts equal the definition, on host and cores, for every way that matches. */
import { describe, expect, it } from "vitest";
import { layoutBytes, rowBytes, unitBytes } from "../../src/kernels/layout.js";
import { pool } from "../../src/kernels/pool.js";
import { canonicalBytes } from "../../src/program/canonical.js";
import type { DeviceProgram, Instruction, ProgramTensor, Window } from "../../src/program/types.js";
import { findCpu } from "../../src/targets/index.js";
import { bareTargets, type KernelCase, runInQemu, runOnHost } from "../support/kernel-cases.js";
import { outputSize, Random } from "../support/random-conv.js";

type Pool = Extract<Instruction, { kind: "pool" }>;

interface PoolShape {
  readonly input: readonly [number, number, number];
  readonly bits: number;
  readonly window: Window;
  readonly operator: "maximum" | "minimum";
}

/** Half of them are the usual 2×2 with stride 2. */
function randomShape(random: Random): PoolShape {
  for (;;) {
    const isUsual = random.int(0, 1) === 0;
    const kernel = isUsual
      ? ([random.int(1, 2), 2] as const)
      : ([random.int(1, 3), random.int(1, 3)] as const);
    const shape: PoolShape = {
      input: [
        random.int(1, 6),
        random.pick([2, 5, 6, 7, 8, 9, 10, 14, 16, 17, 18, 28, 31, 32, 33, 34, 40, 63, 64, 70, 128]),
        random.pick([1, 2, 3, 4, 5, 33]),
      ],
      bits: random.pick([1, 1, 1, 2, 3]),
      window: {
        kernel,
        stride: isUsual ? [random.int(1, 2), 2] : [random.int(1, 3), random.int(1, 3)],
        dilation: isUsual ? [1, 1] : [1, random.int(1, 2)],
        pads: [
          random.int(0, kernel[0] - 1),
          isUsual ? 0 : random.int(0, kernel[1] - 1),
          random.int(0, kernel[0] - 1),
          random.int(0, kernel[1] - 1),
        ],
      },
      operator: random.pick(["maximum", "minimum"] as const),
    };
    const sizes = [outputSize(shape.input[0], shape.window, 0), outputSize(shape.input[1], shape.window, 1)];
    if (sizes.every((s) => s >= 1)) return shape;
  }
}

function programOf({ input, bits, window, operator }: PoolShape): DeviceProgram {
  const domain = { kind: "codes", bits, step: 1, offset: 0 } as const;
  const output = [outputSize(input[0], window, 0), outputSize(input[1], window, 1), input[2]] as const;
  return {
    name: "pool",
    tensors: [
      { name: "input", shape: input, domain },
      { name: "output", shape: output, domain },
    ],
    instructions: [{ kind: "pool", operator, input: 0, output: 1, window }],
    input: { tensor: 0, modelShape: [1, ...input], order: "nhwc" },
    output: {
      tensor: 1,
      affine: [],
      order: { kind: "scores" },
      omitted: [],
      modelShape: [1, ...output],
      layout: "nhwc",
    },
  };
}

/** The definition, window by window. */
function pooled(program: DeviceProgram, codes: Int32Array): Int32Array {
  const [height, width, channels] = program.tensors[0]!.shape;
  const [outputHeight, outputWidth] = program.tensors[1]!.shape;
  const { window, operator } = program.instructions[0] as Pool;
  const best = operator === "maximum" ? Math.max : Math.min;
  const output: number[] = [];
  for (let y = 0; y < outputHeight; y++)
    for (let x = 0; x < outputWidth; x++)
      for (let c = 0; c < channels; c++) {
        const taps: number[] = [];
        for (let ky = 0; ky < window.kernel[0]; ky++)
          for (let kx = 0; kx < window.kernel[1]; kx++) {
            const row = y * window.stride[0] - window.pads[0] + ky * window.dilation[0];
            const column = x * window.stride[1] - window.pads[1] + kx * window.dilation[1];
            if (row >= 0 && row < height && column >= 0 && column < width)
              taps.push(codes[(row * width + column) * channels + c]!);
          }
        output.push(best(...taps));
      }
  return Int32Array.from(output);
}

/** The layout `pixels` of a tensor of codes, from its definition. */
function pixelsBytes(tensor: ProgramTensor, codes: Int32Array): Uint8Array {
  const [height, width, channels] = tensor.shape;
  const planes = tensor.domain.kind === "codes" ? tensor.domain.bits : 0;
  const bytes = new Uint8Array(layoutBytes(tensor, "pixels"));
  for (let y = 0; y < height; y++)
    for (let plane = 0; plane < planes; plane++)
      for (let c = 0; c < channels; c++)
        for (let x = 0; x < width; x++) {
          const unit = y * rowBytes(tensor, "pixels") + (plane * channels + c) * unitBytes(width);
          bytes[unit + (x >> 3)]! |= ((codes[(y * width + x) * channels + c]! >> plane) & 1) << (x & 7);
        }
  return bytes;
}

/** Every window reaches the map: what a pool of nothing is, no instruction says. */
function reachesMap(program: DeviceProgram): boolean {
  return pooled(program, new Int32Array(program.tensors[0]!.shape.reduce((a, b) => a * b))).every(
    Number.isFinite,
  );
}

function cases(shape: PoolShape, random: Random, name: string): KernelCase[] {
  const program = programOf(shape);
  if (!reachesMap(program)) return [];
  const [input, output] = program.tensors as [ProgramTensor, ProgramTensor];
  const greatest = 2 ** shape.bits - 1;
  const codes = Int32Array.from({ length: input.shape.reduce((a, b) => a * b) }, () =>
    random.int(0, greatest),
  );
  const expected = pooled(program, codes);
  return pool.match(program, 0, findCpu("cortex-m4")).map((choice) => ({
    name: `${name} ${choice.kernel} ${JSON.stringify(shape).replaceAll('"', "")}`,
    choice,
    input: (choice.inputLayouts[0] === "pixels" ? pixelsBytes : canonicalBytes)(input, codes),
    inputRows: shape.input[0],
    reads: {
      stride: shape.window.stride[0],
      pad: shape.window.pads[0],
      rows: (shape.window.kernel[0] - 1) * shape.window.dilation[0] + 1,
    },
    expected: (choice.outputLayout === "pixels" ? pixelsBytes : canonicalBytes)(output, expected),
    outputRows: output.shape[0],
  }));
}

function randomCases(seed: number, count: number): KernelCase[] {
  const random = new Random(seed);
  return Array.from({ length: count }, (_, i) =>
    cases(randomShape(random), random, `seed ${seed} case ${i}`),
  ).flat();
}

/** Units of one byte hold windows at their even pixels only: of a fifth output they have no bit. */
const fiveOfEight: PoolShape = {
  input: [4, 8, 5],
  bits: 1,
  window: { kernel: [3, 2], stride: [1, 2], dilation: [1, 1], pads: [0, 1, 0, 1] },
  operator: "maximum",
};

describe("pools of codes equal the definition", () => {
  it("where padding makes an output more than half the columns", async () => {
    const list = cases(fiveOfEight, new Random(3), "five of eight");
    expect(list.map((c) => c.choice.kernel)).toEqual(["pool_codes", "pool_pixels"]);
    expect(await runOnHost(list)).toBe("all equal");
  });

  it("on the host, seed 1", { timeout: 120_000 }, async () => {
    const list = randomCases(1, 150);
    expect(list.filter((c) => c.choice.kernel === "pool_halve").length).toBeGreaterThan(25);
    expect(await runOnHost(list)).toBe("all equal");
  });

  it.each(bareTargets)("on $name, seed 2", { timeout: 120_000 }, async (target) => {
    const list = randomCases(2, 60);
    expect(list.length).toBeGreaterThan(120);
    expect((await runInQemu(list, target)).trim()).toBe("all equal");
  });
});
