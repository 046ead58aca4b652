import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BitloomError } from "../../src/diagnostics/diagnostic.js";
import type { ModelGraph } from "../../src/graph/types.js";
import { lowerGraph } from "../../src/passes/registry.js";
import { type DeviceProgram, elementCount, inDeviceOrder, inModelOrder } from "../../src/program/index.js";
import { compileDevice } from "../../src/reference/device-fast.js";
import { compileModel } from "../../src/reference/model-fast.js";
import { netSeed } from "../support/random-graph.js";
import { randomMaps } from "../support/random-maps.js";

describe("any graph of operations on maps", () => {
  it("is lowered to what the model computes, or refused by the name of a node with a remedy", () => {
    let lowered = 0;
    fc.assert(
      fc.property(netSeed, (seed) => {
        const graph = randomMaps(seed, true);
        const program = lowerOrRefusal(graph);
        if (program === undefined) return;
        lowered++;
        const count = elementCount(program.tensors[program.input.tensor]!);
        const input = Float32Array.from({ length: count }, (_, i) => (((i * 37 + (seed % 97)) % 17) - 8) / 4);
        const output = inModelOrder(program, compileDevice(program)(inDeviceOrder(program, input)));
        const expected = compileModel(graph)(input);
        // A division by the taps of an average makes numbers whose later sums are rounded.
        output.forEach((y, i) => {
          expect(Math.abs(y - expected[i]!)).toBeLessThanOrEqual(1e-5 * Math.abs(expected[i]!) + 1e-6);
        });
      }),
      { numRuns: 600 },
    );
    expect(lowered).toBeGreaterThan(60);
  });
});

function lowerOrRefusal(graph: ModelGraph): DeviceProgram | undefined {
  try {
    return lowerGraph(graph, { input: { type: "f32" }, output: "float32" }).program;
  } catch (problem) {
    if (!(problem instanceof BitloomError)) throw problem;
    for (const { code, where, remedy } of problem.diagnostics) {
      expect(code).toMatch(/^lowering\//);
      expect(where).toBeDefined();
      expect(remedy).toBeDefined();
    }
    return undefined;
  }
}
