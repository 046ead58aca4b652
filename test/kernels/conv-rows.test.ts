/** `conv_rows` on host and cores equals the definition, on random convolutions; seeds are printed by the test names. */
import { describe, expect, it } from "vitest";
import { convRows } from "../../src/kernels/conv-rows.js";
import type { KernelChoice } from "../../src/kernels/types.js";
import { findCpu } from "../../src/targets/index.js";
import { bareTargets, type KernelCase, runInQemu, runOnHost } from "../support/kernel-cases.js";
import { type ConvShape, caseOf, convCase, outputSize, Random } from "../support/random-conv.js";

const bipolar = { bits: 1, step: 2, offset: -1 } as const;

function randomShape(random: Random): ConvShape {
  for (;;) {
    const groups = random.pick([1, 1, 1, 2, 3]);
    const window = {
      kernel: [random.int(1, 4), random.int(1, 4)],
      stride: [random.int(1, 3), random.int(1, 3)],
      dilation: [random.int(1, 2), random.int(1, 2)],
      pads: [random.int(0, 2), random.int(0, 3), random.int(0, 2), random.int(0, 2)],
    } as const;
    const shape: ConvShape = {
      input: [random.int(1, 6), random.int(1, 6), groups * random.pick([1, 2, 3, 12, 31, 32, 33, 64, 70])],
      outputs: groups * random.pick([1, 10, 31, 32, 33, 64, 70, 100, 256, 300]),
      window,
      groups,
      padValue: random.pick([-1, 0, 1]),
      inputDomain: { kind: "codes", ...bipolar },
      inputOffset: 0,
      weights: bipolar,
    };
    const sizes = [outputSize(shape.input[0], window, 0), outputSize(shape.input[1], window, 1)];
    if (sizes.every((s) => s >= 1) && sizes[0]! * sizes[1]! <= 30) return shape;
  }
}

/** A dense layer, a layer of more pairs than one list holds, and a kernel as large as its map. */
const special: readonly ConvShape[] = [
  dense(1024, 64),
  dense(4500, 40),
  { ...dense(32, 33), input: [4, 4, 32], window: { ...unitWindow(), kernel: [4, 4] } },
];

function unitWindow() {
  return { kernel: [1, 1], stride: [1, 1], dilation: [1, 1], pads: [0, 0, 0, 0] } as const;
}

function dense(inputs: number, outputs: number): ConvShape {
  return {
    input: [1, 1, inputs],
    outputs,
    window: unitWindow(),
    groups: 1,
    padValue: -1,
    inputDomain: { kind: "codes", ...bipolar },
    inputOffset: 0,
    weights: bipolar,
  };
}

function cases(shape: ConvShape, random: Random, name: string): KernelCase[] {
  const data = convCase(shape, random);
  // Of the lengths of lists one of each form, with and without thresholds.
  const ways = new Map<string, KernelChoice>();
  for (const choice of convRows.match(data.program, 0, findCpu("cortex-m4"))) {
    const key = `${choice.kernel} ${choice.covers}`;
    if (!ways.has(key) || random.int(0, 1) === 0) ways.set(key, choice);
  }
  return [...ways.values()].map((choice) =>
    caseOf(name, choice, shape, data, choice.covers.length === 2 ? data.bitsBytes : data.sumsBytes),
  );
}

function randomCases(seed: number, count: number): KernelCase[] {
  const random = new Random(seed);
  const shapes = [...Array.from({ length: count }, () => randomShape(random)), ...special];
  return shapes.flatMap((shape, i) => cases(shape, random, `seed ${seed} case ${i}`));
}

describe("conv_rows equals the definition", () => {
  it("on the host, seed 1", { timeout: 120_000 }, async () => {
    const list = randomCases(1, 60);
    expect(list.length).toBeGreaterThan(200);
    expect(await runOnHost(list)).toBe("all equal");
  });

  it.each(bareTargets)("on $name, seed 2", { timeout: 120_000 }, async (target) => {
    expect((await runInQemu(randomCases(2, 25), target)).trim()).toBe("all equal");
  });
});
