import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { foldFlips } from "../../src/passes/fold-flips.js";
import { lower } from "../../src/passes/lower.js";
import { traceDevice } from "../../src/reference/device.js";
import { layeredNet, netSeed, randomFloats } from "../support/random-graph.js";

describe("fold-flips", () => {
  it("keeps every code and output, and leaves no flip where weights can be negated", () => {
    let flips = 0;
    fc.assert(
      fc.property(netSeed, fc.constantFrom(1, 2, 3), (seed, bits) => {
        const { program } = lower(layeredNet(seed, [37, 20, 11], bits));
        const folded = foldFlips(program);
        const input = randomFloats(seed, 37);
        const before = traceDevice(program, input);
        const after = traceDevice(folded, input);
        program.tensors.forEach((tensor, id) => {
          if (tensor.domain.kind === "codes" || id === program.output.tensor)
            expect(after[id]).toEqual(before[id]);
        });
        for (const [i, instruction] of folded.instructions.entries()) {
          if (i === 0 || instruction.kind !== "threshold") continue;
          expect(instruction.flipped.includes(1)).toBe(false);
          const original = program.instructions[i]!;
          if (original.kind === "threshold") flips += original.flipped.reduce((a, b) => a + b, 0);
        }
      }),
      { numRuns: 60 },
    );
    expect(flips).toBeGreaterThan(0);
  });
});
