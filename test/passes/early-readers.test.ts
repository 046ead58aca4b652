import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { earlyReaders } from "../../src/passes/early-readers.js";
import { netSeed } from "../support/random-graph.js";
import { randomProgram } from "../support/random-program.js";
import { expectSameProgram, outline, SmallProgram } from "../support/small-program.js";

describe("early-readers", () => {
  it("keeps the output of random programs, and their instructions", () => {
    let changed = 0;
    fc.assert(
      fc.property(netSeed, (seed) => {
        const program = randomProgram(seed, { channels: [1, 3, 5], maxSide: 4, inputType: "i8" });
        const early = earlyReaders(program);
        if (early !== program) changed++;
        expect(new Set(early.instructions)).toEqual(new Set(program.instructions));
        expectSameProgram(program, early, seed);
      }),
      { numRuns: 60 },
    );
    expect(changed).toBeGreaterThan(5);
  });

  /** Sums of two layers. */
  function layers(): { small: SmallProgram; a: number; b: number } {
    const small = new SmallProgram([4, 4, 2], "i8");
    const codes = small.threshold(0, [3]);
    return { small, a: small.conv(codes, 3, 1), b: small.conv(codes, 3, 2) };
  }

  it("thresholds sums right behind their layers", () => {
    const { small, a, b } = layers();
    small.concat(small.threshold(a), small.threshold(b));
    const kinds = earlyReaders(small.program).instructions.map((i) => i.kind);
    expect(kinds).toEqual(["threshold", "conv", "threshold", "conv", "threshold", "concat"]);
  });

  it("does all that is done to a float before it begins with the next", () => {
    const { small, a, b } = layers();
    const [x, y] = [small.scale(a), small.scale(b)];
    const [pooled, other] = [small.pool(x), small.pool(y)];
    small.add(small.scale(pooled, ["relu"]), small.scale(other, ["relu"]));
    const early = earlyReaders(small.program);
    const chain = ["scale f32 3", "pool f32 3", "scale f32 3"];
    expect(outline(early).slice(3)).toEqual([...chain, ...chain, "add f32 3"]);
  });

  it("leaves what two instructions read, and floats of integers, which take more room", () => {
    const { small, a, b } = layers();
    const both = small.concat(small.threshold(a), small.threshold(a, [1]));
    small.add(small.scale(small.conv(both, 3)), small.scale(b));
    expect(earlyReaders(small.program)).toBe(small.program);
  });
});
