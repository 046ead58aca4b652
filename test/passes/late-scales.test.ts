import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { lateScales } from "../../src/passes/late-scales.js";
import { splitConcats } from "../../src/passes/split-concats.js";
import type { DeviceProgram, ScaleStep } from "../../src/program/index.js";
import { traceDevice } from "../../src/reference/device.js";
import { netSeed, Random } from "../support/random-graph.js";
import { type ProgramOptions, randomProgram } from "../support/random-program.js";
import { expectSameProgram, outline, SmallProgram } from "../support/small-program.js";

const SCALED: ProgramOptions = {
  kinds: ["threshold", "conv", "scale", "scale", "scale", "pool", "add", "add", "concat", "threshold"],
  channels: [1, 2, 5],
  maxSide: 4,
  instructions: 12,
  exactScales: true,
};

type Step = readonly [ScaleStep["operator"], ...number[]];

/** Every integer of 16 bits in one channel, scaled and compared with a key. */
function allIntegers(key: number, isFlipped: boolean, steps: readonly Step[]): DeviceProgram {
  const small = new SmallProgram([256, 256, 1], "i16");
  small.threshold(small.scale(0, ...steps), [key], [isFlipped ? 1 : 0]);
  return small.program;
}

function randomSteps(random: Random): Step[] {
  const operators = ["add", "subtract", "multiply", "divide", "subtract-from", "minimum", "maximum"] as const;
  return Array.from({ length: random.integer(0, 3) }, (): Step => {
    if (random.next() < 0.2) return ["relu"];
    const operator = random.pick(operators);
    const c = random.pick([random.normal(), 1e-42 * random.normal(), 500 * random.normal(), 0, -0]);
    return [operator, operator === "divide" && Math.fround(c) === 0 ? -3 : c];
  });
}

describe("late-scales", () => {
  it("keeps the output of random programs", () => {
    let changed = 0;
    fc.assert(
      fc.property(netSeed, (seed) => {
        const program = splitConcats(randomProgram(seed, SCALED));
        const late = lateScales(program);
        if (late !== program) changed++;
        expectSameProgram(program, late, seed);
      }),
      { numRuns: 150 },
    );
    expect(changed).toBeGreaterThan(40);
  });

  it("finds thresholds that give the same code on every integer of 16 bits", () => {
    const integers = Int32Array.from({ length: 65536 }, (_, i) => i - 32768);
    let found = 0;
    fc.assert(
      fc.property(netSeed, (seed) => {
        const random = new Random(seed);
        // Keys of zeros of both signs, of subnormal and of larger numbers.
        const key = random.pick([0, -1, 1, random.integer(-(2 ** 31), 2 ** 31 - 1)]);
        const program = allIntegers(key, random.next() < 0.5, randomSteps(random));
        const late = lateScales(program);
        if (late !== program) found++;
        // What leaves float32 is refused at run time, by floats only.
        if (late === program) return;
        const [wanted, codes] = [program, late].map((p) => traceDevice(p, integers)[p.output.tensor]);
        expect(codes).toEqual(wanted);
      }),
      { numRuns: 40 },
    );
    expect(found).toBeGreaterThan(20);
  });

  it("keeps floats where −0 and +0 are told apart by steps that do not keep their order", () => {
    // Small negative numbers become −0, which is no less than 0; greater ones are lifted to +0.
    const mixed = allIntegers(0, false, [
      ["multiply", 1e-45],
      ["multiply", 0.25],
      ["maximum", 0],
    ]);
    expect(lateScales(mixed)).toBe(mixed);
  });

  /** Two maps of sums, of three channels. */
  function sums(): { small: SmallProgram; a: number; b: number } {
    const small = new SmallProgram([4, 4, 2], "i8");
    const codes = small.threshold(0, [3]);
    return { small, a: small.conv(codes, 3, 1), b: small.conv(codes, 3, 2) };
  }

  it("adds integers where nothing is rounded, and thresholds the sum", () => {
    const { small, a, b } = sums();
    const half: readonly Step[] = [
      ["add", 9],
      ["multiply", 0.5],
    ];
    small.threshold(small.add(small.scale(a, ...half), small.scale(b, ...half)), [0x40000000]);
    const late = lateScales(small.program);
    expectSameProgram(small.program, late);
    expect(outline(late).slice(1)).toEqual(["conv i32 3", "conv i32 3", "add i32 3", "threshold codes 3"]);
  });

  it.each<[string, Step, Step]>([
    ["a factor rounds", ["multiply", 0.1], ["multiply", 0.1]],
    ["factors differ", ["multiply", 0.5], ["multiply", 0.25]],
    ["a shift is no whole number", ["add", 0.5], ["add", 1]],
    ["a factor is negative", ["multiply", -1], ["multiply", -1]],
    ["channels differ", ["add", 1, 2, 3], ["add", 1, 2, 3]],
  ])("adds floats where %s", (_, first, second) => {
    const { small, a, b } = sums();
    small.add(small.scale(a, first), small.scale(b, second));
    expect(lateScales(small.program)).toBe(small.program);
  });

  it("takes the greatest of integers where all channels rise or all fall", () => {
    for (const [factors, operator] of [
      [[2, 0.1, 3], "maximum"],
      [[-2, -0.1, -3], "minimum"],
      [[2, -0.1, 3], undefined],
    ] as const) {
      const { small, a } = sums();
      small.pool(small.scale(a, ["multiply", ...factors], ["add", 1]));
      const late = lateScales(small.program);
      expectSameProgram(small.program, late);
      const pools = late.instructions.flatMap((i) =>
        i.kind === "pool" && late.tensors[i.input]!.name === "%2" ? [i.operator] : [],
      );
      expect(pools).toEqual(operator === undefined ? [] : [operator]);
    }
  });

  it("postpones a scale until its floats are needed", () => {
    const { small, a } = sums();
    const floats = small.scale(a, ["multiply", 0.1]);
    const next = small.conv(small.threshold(floats, [0x3f000000]), 3);
    small.add(floats, small.scale(next, ["multiply", 0.3]));
    const late = lateScales(small.program);
    expectSameProgram(small.program, late);
    const kinds = late.instructions.map((i) => i.kind);
    expect(kinds.slice(2)).toEqual(["threshold", "conv", "scale", "scale", "add"]);
  });
});
