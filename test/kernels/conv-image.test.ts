/** `conv_image` on host and cores equals the definition, on random first layers; its output has the layout `pixels`. */
import { describe, expect, it } from "vitest";
import { convImage } from "../../src/kernels/conv-image.js";
import { layoutBytes, rowBytes, unitBytes } from "../../src/kernels/layout.js";
import type { ProgramTensor } from "../../src/program/types.js";
import { findCpu } from "../../src/targets/index.js";
import { bareTargets, type KernelCase, mveTarget, runInQemu, runOnHost } from "../support/kernel-cases.js";
import { type ConvShape, caseOf, convCase, outputSize, Random } from "../support/random-conv.js";

function randomShape(random: Random): ConvShape {
  for (;;) {
    const window = {
      kernel: [random.int(1, 5), random.int(1, 8)],
      stride: [random.int(1, 3), random.pick([1, 1, 2, 2, 3])],
      dilation: [random.int(1, 2), random.int(1, 2)],
      pads: [random.int(0, 2), random.int(0, 3), random.int(0, 2), random.int(0, 2)],
    } as const;
    const kind = random.pick([
      { type: "u8", offset: 0 },
      { type: "u8", offset: -128 },
      { type: "u8", offset: 7 },
      { type: "i8", offset: 3 },
    ] as const);
    const shape: ConvShape = {
      input: [random.int(1, 7), random.pick([5, 8, 9, 16, 17, 20, 28, 32, 33, 40, 70]), random.int(1, 4)],
      outputs: random.pick([1, 3, 10, 33, 64, 200]),
      window,
      groups: 1,
      padValue: random.pick([-1, 0, 1, 77]),
      inputDomain: { kind: "scalar", type: kind.type },
      inputOffset: kind.offset,
      weights: { bits: 1, step: 2, offset: -1 },
    };
    const sizes = [outputSize(shape.input[0], window, 0), outputSize(shape.input[1], window, 1)];
    if (sizes.every((s) => s >= 1)) return shape;
  }
}

/** The layout `pixels` of a tensor of bits, from its definition. */
function pixelsBytes(tensor: ProgramTensor, bits: Int32Array): Uint8Array {
  const [height, width, channels] = tensor.shape;
  const bytes = new Uint8Array(layoutBytes(tensor, "pixels"));
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < channels; c++) {
        const at = y * rowBytes(tensor, "pixels") + c * unitBytes(width) + (x >> 3);
        bytes[at]! |= bits[(y * width + x) * channels + c]! << (x & 7);
      }
  return bytes;
}

function cases(shape: ConvShape, random: Random, name: string): KernelCase[] {
  const data = convCase(shape, random);
  const offered = convImage.match(data.program, 0, findCpu("cortex-m4"));
  const ways = offered.length === 0 ? [] : [random.pick(offered), offered.at(-1)!];
  return ways.map((choice) =>
    caseOf(name, choice, shape, data, pixelsBytes(data.program.tensors[2]!, data.bits)),
  );
}

function randomCases(seed: number, count: number): KernelCase[] {
  const random = new Random(seed);
  return Array.from({ length: count }, (_, i) =>
    cases(randomShape(random), random, `seed ${seed} case ${i}`),
  ).flat();
}

describe("conv_image equals the definition", () => {
  it("on the host, seed 1", { timeout: 120_000 }, async () => {
    const list = randomCases(1, 80);
    expect(list.length).toBeGreaterThan(40);
    expect(await runOnHost(list)).toBe("all equal");
  });

  it.each([...bareTargets, mveTarget])("on $name, seed 2", { timeout: 120_000 }, async (target) => {
    const list = randomCases(2, 40);
    expect(list.length).toBeGreaterThan(20);
    expect((await runInQemu(list, target)).trim()).toBe("all equal");
  });
});
