import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { narrowSums } from "../../src/passes/narrow-sums.js";
import { netSeed } from "../support/random-graph.js";
import { type ProgramOptions, randomProgram } from "../support/random-program.js";
import { expectSameProgram, outline, SmallProgram } from "../support/small-program.js";

const SUMS: ProgramOptions = {
  kinds: ["threshold", "conv", "conv", "add", "concat", "select", "pad", "pool", "gather", "scale"],
  channels: [1, 2, 5],
  inputType: "i8",
  maxSide: 4,
  instructions: 10,
};

/** A layer whose sums two later layers threshold, of so many input channels. */
function keptSums(channels: number): { small: SmallProgram; sums: number } {
  const small = new SmallProgram([2, 2, channels], "i8");
  const sums = small.conv(small.threshold(0, [3]), 3);
  return { small, sums };
}

describe("narrow-sums", () => {
  it("keeps the output of random programs", () => {
    let changed = 0;
    fc.assert(
      fc.property(netSeed, (seed) => {
        const program = randomProgram(seed, SUMS);
        const narrow = narrowSums(program);
        if (narrow !== program) changed++;
        expectSameProgram(program, narrow, seed);
      }),
      { numRuns: 150 },
    );
    expect(changed).toBeGreaterThan(10);
  });

  it("narrows sums that are read later than at once, if 16 bits hold them", () => {
    const outlineOf = (channels: number): readonly string[] => {
      const { small, sums } = keptSums(channels);
      const next = small.conv(small.threshold(sums, [1]), 3);
      small.concat(small.threshold(sums, [5]), small.threshold(next, [2]));
      const narrow = narrowSums(small.program);
      if (channels < 100) expectSameProgram(small.program, narrow);
      return outline(narrow).slice(1, 3);
    };
    expect(outlineOf(4)).toEqual(["conv i32 3", "narrow i16 3"]);
    // 9 · 3640 is the greatest sum of 16 bits.
    expect(outlineOf(3640)).toEqual(["conv i32 3", "narrow i16 3"]);
    expect(outlineOf(3641)).toEqual(["conv i32 3", "threshold codes 3"]);
  });

  it("leaves sums that the next instruction alone reads, and the output", () => {
    const { small, sums } = keptSums(4);
    small.threshold(sums);
    expect(narrowSums(small.program)).toBe(small.program);
    const scores = keptSums(4);
    scores.small.threshold(scores.sums);
    scores.small.add(scores.sums, scores.sums);
    expect(narrowSums(scores.small.program)).toBe(scores.small.program);
  });

  it("narrows both sides of a sum and the sum, or none", () => {
    const sumOf = (channels: number): readonly string[] => {
      const { small, sums } = keptSums(channels);
      const next = small.conv(small.threshold(sums, [1]), 3);
      const sum = small.add(sums, next);
      small.concat(small.threshold(sum, [4]), small.threshold(sum, [5]));
      return outline(narrowSums(small.program)).filter((line) => /narrow|add/.test(line));
    };
    expect(sumOf(4)).toEqual(["narrow i16 3", "narrow i16 3", "add i16 3"]);
    expect(sumOf(3640)).toEqual(["add i32 3"]);
  });
});
