/**
 * `conv_pairs` on host and cores equals the definition, on random convolutions and ways to cut the work; what fails
 * names its seed.
 */
import { describe, expect, it } from "vitest";
import { convPairs, convPairsChoice, convPairsShape } from "../../src/kernels/conv-pairs.js";
import type { ConvPairsShape } from "../../src/kernels/conv-pairs-shape.js";
import {
  type ConvPairsTiling,
  canUseRowsInPlace,
  MAX_RUN,
  sizesOf,
} from "../../src/kernels/conv-pairs-sizes.js";
import type { KernelChoice } from "../../src/kernels/types.js";
import { findCpu } from "../../src/targets/index.js";
import { bareTargets, type KernelCase, runInQemu, runOnHost } from "../support/kernel-cases.js";
import { type ConvShape, convCase, outputSize, pixelUnits, Random } from "../support/random-conv.js";

const bipolar = { bits: 1, step: 2, offset: -1 } as const;
const cpu = findCpu("cortex-m4");

function randomShape(random: Random): ConvShape {
  for (;;) {
    const groups = random.pick([1, 1, 1, 2, 3]);
    const kernel = random.pick([
      [1, 1],
      [3, 3],
      [3, 3],
      [5, 5],
      [7, 7],
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
    const shape: ConvShape = {
      input: [random.int(1, 10), width, groups * random.pick([1, 3, 4, 5, 8, 12, 16, 21, 32])],
      outputs: groups * random.int(1, 9),
      window,
      groups,
      padValue: random.pick([-1, 0, 1]),
      inputDomain: { kind: "codes", ...bipolar },
      inputOffset: 0,
      weights: bipolar,
    };
    if (outputSize(shape.input[0], window, 0) >= 1 && outputSize(width, window, 1) >= 1) return shape;
  }
}

/** A way to cut the work that the planner might not choose. */
function randomTiling(shape: ConvPairsShape, random: Random): ConvPairsTiling {
  for (;;) {
    const tiling: ConvPairsTiling = {
      scheme: random.pick(["window", "rows", "tiles"]),
      block: random.int(1, shape.outputs / shape.groups),
      piece: random.pick([1, 2, 3, 4, 5, 6, 7, 8, MAX_RUN]),
      lineSlots: canUseRowsInPlace(shape) && random.int(0, 1) === 0 ? 0 : random.pick([1, 2, 3, 8]),
    };
    const size = sizesOf(shape, tiling);
    const isPossible = tiling.scheme !== "window" || size.words <= MAX_RUN;
    if (isPossible && Number.isFinite(size.planes)) return tiling;
  }
}

function cases(shape: ConvShape, random: Random, name: string): KernelCase[] {
  const data = convCase(shape, random);
  const tiling = randomTiling(convPairsShape(data.program, data.conv)!, random);
  const forced: KernelChoice = convPairsChoice(data.program, 0, tiling, cpu)!;
  return [random.pick(convPairs.match(data.program, 0, cpu)), forced].map((choice) => ({
    name: `${name} ${JSON.stringify(choice.call.fields.slice(4).map(([, value]) => value))}`,
    choice,
    input: pixelUnits(data.program.tensors[0]!, data.inputValues),
    inputRows: shape.input[0],
    reads: {
      stride: shape.window.stride[0],
      pad: shape.window.pads[0],
      rows: (shape.window.kernel[0] - 1) * shape.window.dilation[0] + 1,
    },
    expected: pixelUnits(data.program.tensors[2]!, data.bits),
    outputRows: data.program.tensors[2]!.shape[0],
  }));
}

function randomCases(seed: number, count: number): KernelCase[] {
  return Array.from({ length: count }, (_, i) => {
    const random = new Random(seed * 1000 + i);
    return cases(randomShape(random), random, `seed ${seed * 1000 + i}`);
  }).flat();
}

describe("conv_pairs equals the definition", () => {
  it("on the host, seeds from 1000", { timeout: 120_000 }, async () => {
    expect(await runOnHost(randomCases(1, 80))).toBe("all equal");
  });

  const onCores = randomCases(2, 40);
  it.each(bareTargets)("on $name, seeds from 2000", { timeout: 120_000 }, async (target) => {
    expect((await runInQemu(onCores, target)).trim()).toBe("all equal");
  });
});
