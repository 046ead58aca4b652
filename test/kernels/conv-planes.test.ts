/**
 * `conv_planes` on host and cores equals the definition, on random convolutions of codes and ways to cut the work; what
 * fails names its seed.
 */
import { describe, expect, it } from "vitest";
import { convPlanes, convPlanesChoice } from "../../src/kernels/conv-planes.js";
import type { KernelChoice } from "../../src/kernels/types.js";
import { findCpu } from "../../src/targets/index.js";
import { bareTargets, type KernelCase, runInQemu, runOnHost } from "../support/kernel-cases.js";
import { type ConvShape, convCase, outputSize, pixelUnits, Random } from "../support/random-conv.js";

const cpu = findCpu("cortex-m4");

/** Shape `i`: of 20 in a row, 16 have all numbers of bits from 1 to 4 of weights and inputs, and 4 ternary weights. */
function randomShape(random: Random, i: number): ConvShape {
  for (;;) {
    const groups = random.pick([1, 1, 1, 2, 3]);
    const kernel = random.pick([
      [1, 1],
      [3, 3],
      [3, 3],
      [5, 5],
      [1, 5],
      [4, 1],
      [2, 3],
    ] as const);
    const width = random.pick([random.int(1, 12), random.int(1, 40), random.int(30, 70), 16, 32]);
    const pad = (size: number): number => (random.int(0, 2) === 0 ? 0 : random.int(0, size));
    const window = {
      kernel,
      stride: [random.int(1, 2), random.pick([1, 1, 1, 2, 3])],
      dilation: [random.pick([1, 1, 2]), random.pick([1, 1, 2])],
      pads: [pad(kernel[0]), pad(kernel[1]), pad(kernel[0]), pad(kernel[1])],
    } as const;
    const isTernary = i % 5 === 4;
    const weightBits = isTernary ? 2 : 1 + (i % 5);
    const inputBits = 1 + (Math.floor(i / 5) % 4);
    const offset = random.int(-3, 3);
    const step = random.int(1, 2);
    const shape: ConvShape = {
      input: [random.int(1, 8), width, groups * random.pick([1, 3, 4, 5, 8, 12, 16, 21, 32])],
      outputs: groups * random.int(1, 9),
      window,
      groups,
      padValue: random.pick([offset, offset, 0, 1]),
      inputDomain: { kind: "codes", bits: inputBits, step: random.int(1, 3), offset },
      inputOffset: 0,
      weights: isTernary
        ? { bits: 2, step, offset: -step, values: 3 }
        : {
            bits: weightBits,
            ...random.pick([
              { step: 2, offset: 1 - 2 ** weightBits },
              { step: 1, offset: -(2 ** (weightBits - 1)) },
              { step: 1, offset: random.int(-3, 1) },
            ]),
          },
    };
    if (outputSize(shape.input[0], window, 0) >= 1 && outputSize(width, window, 1) >= 1) return shape;
  }
}

function cases(shape: ConvShape, random: Random, name: string): KernelCase[] {
  const bits = random.int(1, 4);
  const data = convCase(shape, random, { bits, levels: random.int(1, 2 ** bits - 1) });
  const { program } = data;
  const input = program.tensors[0]!;
  const output = program.tensors[2]!;
  const tiling = {
    scheme: random.pick(["rows", "tiles"] as const),
    block: random.int(1, shape.outputs / shape.groups),
    piece: random.pick([2, 4, 6, 8]),
  };
  const forced = convPlanesChoice(program, 0, tiling, cpu);
  const offered = convPlanes.match(program, 0, cpu);
  const choices: KernelChoice[] = [
    ...(offered.length === 0 ? [] : [random.pick(offered)]),
    ...(forced ? [forced] : []),
  ];
  return choices.map((choice) => ({
    name: `${name} ${JSON.stringify(choice.call.fields.slice(3).map(([, value]) => value))}`,
    choice,
    input: pixelUnits(input, data.inputValues),
    inputRows: shape.input[0],
    reads: {
      stride: shape.window.stride[0],
      pad: shape.window.pads[0],
      rows: (shape.window.kernel[0] - 1) * shape.window.dilation[0] + 1,
    },
    expected: pixelUnits(output, data.bits),
    outputRows: output.shape[0],
  }));
}

function randomCases(seed: number, count: number): KernelCase[] {
  return Array.from({ length: count }, (_, i) => {
    const random = new Random(seed * 1000 + i);
    return cases(randomShape(random, i), random, `seed ${seed * 1000 + i}`);
  }).flat();
}

describe("conv_planes equals the definition", () => {
  it("on the host, seeds from 1000", { timeout: 120_000 }, async () => {
    const all = randomCases(1, 60);
    // What the kernel refuses (more planes than there are) is the exception.
    expect(all.length).toBeGreaterThan(100);
    expect(await runOnHost(all)).toBe("all equal");
  });

  const onCores = randomCases(2, 30);
  it.each(bareTargets)("on $name, seeds from 2000", { timeout: 120_000 }, async (target) => {
    expect((await runInQemu(onCores, target)).trim()).toBe("all equal");
  });
});
