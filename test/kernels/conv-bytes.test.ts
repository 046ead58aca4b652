/** `conv_bytes` on host and cores equals the definition, on random convolutions of integers and codes. */
import { describe, expect, it } from "vitest";
import { convBytes } from "../../src/kernels/conv-bytes.js";
import type { KernelChoice } from "../../src/kernels/types.js";
import { type Goal, planProgram } from "../../src/plan/index.js";
import type { Domain } from "../../src/program/types.js";
import { findCpu } from "../../src/targets/index.js";
import { bareTargets, type KernelCase, runInQemu, runOnHost } from "../support/kernel-cases.js";
import { type ConvShape, caseOf, convCase, outputSize, Random } from "../support/random-conv.js";

/** Weights of every width: from 0 on, around 0, odd, and such that no int8 holds them. */
const weightKinds = [
  { bits: 1, step: 2, offset: -1 },
  { bits: 1, step: 1, offset: 0 },
  { bits: 2, step: 1, offset: -1 },
  { bits: 3, step: 1, offset: 0 },
  { bits: 3, step: 2, offset: -7 },
  { bits: 4, step: 1, offset: -8 },
  { bits: 5, step: 1, offset: -15 },
  { bits: 6, step: 2, offset: -63 },
  { bits: 7, step: 3, offset: 5 },
  { bits: 7, step: 1, offset: -64 },
  { bits: 8, step: 1, offset: -128 },
  { bits: 8, step: 2, offset: -255 },
] as const;

const inputKinds: readonly { readonly domain: Domain; readonly offset: number }[] = [
  { domain: { kind: "scalar", type: "u8" }, offset: 0 },
  { domain: { kind: "scalar", type: "u8" }, offset: -128 },
  { domain: { kind: "scalar", type: "i8" }, offset: 3 },
  { domain: { kind: "scalar", type: "i16" }, offset: 0 },
  { domain: { kind: "codes", bits: 1, step: 2, offset: -1 }, offset: 0 },
  { domain: { kind: "codes", bits: 3, step: 2, offset: -7 }, offset: 0 },
];

function randomShape(random: Random): ConvShape {
  for (;;) {
    const groups = random.pick([1, 1, 1, 2, 3, 33]);
    const window = {
      kernel: [random.int(1, 4), random.int(1, 4)],
      stride: [random.int(1, 3), random.int(1, 3)],
      dilation: [random.int(1, 2), random.int(1, 2)],
      pads: [random.int(0, 2), random.int(0, 3), random.int(0, 2), random.int(0, 2)],
    } as const;
    const kind = random.pick(inputKinds);
    const shape: ConvShape = {
      input: [random.int(1, 8), random.int(1, 8), groups * random.pick(groups > 3 ? [1, 2] : [1, 3, 4, 33])],
      outputs: groups * random.pick(groups > 3 ? [1, 2, 3] : [1, 2, 10, 33, 64]),
      window,
      groups,
      padValue: random.pick([-1, 0, 1, 77]),
      inputDomain: kind.domain,
      inputOffset: kind.offset,
      weights: random.pick(weightKinds),
    };
    const sizes = [outputSize(shape.input[0], window, 0), outputSize(shape.input[1], window, 1)];
    if (sizes.every((s) => s >= 1)) return shape;
  }
}

function cases(shape: ConvShape, random: Random, name: string): KernelCase[] {
  const data = convCase(shape, random);
  return convBytes
    .match(data.program, 0, findCpu("cortex-m4"))
    .map((choice) =>
      caseOf(name, choice, shape, data, choice.covers.length === 2 ? data.bitsBytes : data.sumsBytes),
    );
}

function randomCases(seed: number, count: number): KernelCase[] {
  const random = new Random(seed);
  return Array.from({ length: count }, (_, i) =>
    cases(randomShape(random), random, `seed ${seed} case ${i}`),
  ).flat();
}

/** How a choice stores its weights. */
function formOf({ call }: KernelChoice): string {
  const bits = call.fields.find(([name]) => name === "bits")?.[1] ?? 8;
  return `${call.constants[0]!.name} ${bits}`;
}

describe("conv_bytes equals the definition", () => {
  it("on the host, seed 1", { timeout: 120_000 }, async () => {
    const list = randomCases(1, 120);
    const forms = list.map(({ choice }) => formOf(choice));
    const packed = [1, 2, 3, 4, 5, 6, 7].flatMap((bits) => [`words ${bits}`, `stream ${bits}`]);
    expect([...new Set(forms)].sort()).toEqual([...packed, "weights 8"].sort());
    expect(await runOnHost(list)).toBe("all equal");
  });

  it.each(bareTargets)("on $name, seed 2", { timeout: 120_000 }, async (target) => {
    expect((await runInQemu(randomCases(2, 25), target)).trim()).toBe("all equal");
  });
});

describe("packed weights are the planner's choice", () => {
  const shape: ConvShape = {
    input: [6, 6, 64],
    outputs: 64,
    window: { kernel: [3, 3], stride: [1, 1], dilation: [1, 1], pads: [1, 1, 1, 1] },
    groups: 1,
    padValue: 0,
    inputDomain: { kind: "scalar", type: "u8" },
    inputOffset: 0,
    weights: { bits: 8, step: 1, offset: -128 },
  };
  const planned = (changes: Partial<ConvShape>, goal: Goal, cpu = "cortex-m4"): string => {
    const { program } = convCase({ ...shape, ...changes }, new Random(7));
    return formOf(planProgram(program, { cpu: findCpu(cpu), goal }).steps[0]!.choice);
  };
  const weights = (bits: number) => ({ weights: { bits, step: 1, offset: -1 } });

  it.each([1, 2, 3, 4, 5, 6, 7])("%i bits take no more flash where size counts", (bits) => {
    expect(planned(weights(bits), "size")).toBe(`words ${bits}`);
    const [first] = cases({ ...shape, ...weights(bits) }, new Random(7), "").filter(
      ({ choice }) => formOf(choice) === `words ${bits}`,
    );
    expect(4 * first!.choice.call.constants[0]!.values.length).toBe((576 * 64 * bits) / 8);
  });

  it("parts of one pass are as fast as bytes with the DSP extension, and slower without", () => {
    for (const bits of [1, 2, 4]) {
      expect(planned(weights(bits), "speed")).toBe(`words ${bits}`);
      expect(planned(weights(bits), "speed", "cortex-m3")).toBe("weights 8");
    }
    expect(planned(weights(3), "speed")).toBe("words 4");
    expect(planned(weights(6), "speed")).toBe("weights 8");
  });

  it("streams count as no slower where unpacking takes little of the work, and are left out where it takes much RAM", () => {
    const costs = (side: number, channels: number): number[] => {
      const depthwise = { input: [side, side, channels], outputs: channels, groups: channels } as const;
      const { program } = convCase({ ...shape, ...depthwise, ...weights(4) }, new Random(7));
      const alone = convBytes.match(program, 0, findCpu("cortex-m4")).filter((c) => c.covers.length === 1);
      return alone.map((c) => c.cost);
    };
    const [bytes, stream] = costs(14, 64);
    expect(stream).toBe(bytes);
    const [bytesOfFew, streamOfFew] = costs(3, 64);
    expect(streamOfFew).toBeGreaterThan(1.02 * bytesOfFew!);
    expect(costs(14, 600)).toHaveLength(1);
  });
});
