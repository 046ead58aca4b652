import fc from "fast-check";
import { describe, it } from "vitest";
import { randomConvNet } from "../support/random-conv-net.js";
import { netSeed } from "../support/random-graph.js";
import { BYTES, expectSameOutputs, FLOATS } from "../support/same-outputs.js";

describe("convolutional nets", () => {
  it("device and model references give equal outputs where float sums are exact", () => {
    fc.assert(
      fc.property(netSeed, fc.boolean(), fc.boolean(), (seed, bytes, floats) => {
        const options = { ...(bytes ? BYTES : FLOATS), output: floats ? "float32" : "scores" } as const;
        expectSameOutputs(randomConvNet(seed), options, seed);
      }),
      { numRuns: 300 },
    );
  });
});
