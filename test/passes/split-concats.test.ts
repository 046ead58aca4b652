import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { splitConcats } from "../../src/passes/split-concats.js";
import { netSeed } from "../support/random-graph.js";
import { type ProgramOptions, randomProgram } from "../support/random-program.js";
import { expectSameProgram, outline, SmallProgram } from "../support/small-program.js";

const JOINED: ProgramOptions = {
  kinds: ["concat", "concat", "scale", "pool", "select", "threshold", "add", "conv"],
  channels: [1, 3, 5, 33],
  maxSide: 5,
  instructions: 10,
};

/** Four and two channels of the input, and their concatenation. */
function joined(size: 1 | 4 = 4): { small: SmallProgram; b: number; all: number } {
  const small = new SmallProgram([size, size, 6], "f32");
  const a = small.select(0, [0, 1, 2, 3]);
  const b = small.select(0, [5, 4]);
  return { small, b, all: small.concat(a, b) };
}

describe("split-concats", () => {
  it("keeps the output of random programs", () => {
    let changed = 0;
    fc.assert(
      fc.property(netSeed, (seed) => {
        const program = randomProgram(seed, JOINED);
        const split = splitConcats(program);
        if (split !== program) changed++;
        expectSameProgram(program, split, seed);
      }),
      { numRuns: 120 },
    );
    expect(changed).toBeGreaterThan(20);
  });

  it("thresholds pieces, and puts codes together", () => {
    const { small, all } = joined();
    small.conv(small.threshold(all, [0, 1, -5, 7, 9, 2], [0, 1, 0, 0, 1, 0]), 3);
    const split = splitConcats(small.program);
    expectSameProgram(small.program, split);
    const wanted = ["select f32 4", "select f32 2", "threshold codes 4", "threshold codes 2"];
    expect(outline(split)).toEqual([...wanted, "concat codes 6", "conv i32 3"]);
    expect(split.tensors.map((t) => t.name)).toContain("%4 of %2");
  });

  it("scales and pools pieces", () => {
    const { small, all } = joined();
    small.pool(small.scale(all, ["multiply", 1, 2, 3, -4, 5, 6], ["add", 1]));
    const split = splitConcats(small.program);
    expectSameProgram(small.program, split);
    const both = (kind: string) => [`${kind} f32 4`, `${kind} f32 2`];
    expect(outline(split).slice(2)).toEqual([...both("scale"), ...both("pool"), "concat f32 6"]);
  });

  it("takes slices and concatenations of concatenations as pieces", () => {
    const { small, b, all } = joined();
    const own = small.select(all, [4, 5]);
    const sum = small.add(own, b);
    const kept = small.select(all, [0, 1, 2, 3]);
    small.threshold(small.concat(kept, sum));
    const split = splitConcats(small.program);
    expectSameProgram(small.program, split);
    expect(outline(split)).toEqual([
      ...["select f32 4", "select f32 2", "add f32 2", "threshold codes 4", "threshold codes 2"],
      "concat codes 6",
    ]);
  });

  it("leaves shuffles, single pixels, and what an instruction reads across channels", () => {
    const shuffle = joined();
    shuffle.small.scale(shuffle.small.select(shuffle.all, [0, 4, 1, 5, 2, 3]), ["relu"]);
    const shuffled = splitConcats(shuffle.small.program);
    expectSameProgram(shuffle.small.program, shuffled);
    expect(outline(shuffled).slice(2)).toEqual(["concat f32 6", "select f32 6", "scale f32 6"]);

    const pixel = joined(1);
    pixel.small.threshold(pixel.all);
    expect(splitConcats(pixel.small.program)).toBe(pixel.small.program);

    const residual = joined();
    residual.small.threshold(residual.all);
    residual.small.add(residual.all, 0);
    const { program } = residual.small;
    expect(splitConcats(program)).toBe(program);
  });
});
