import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { lowerGraph } from "../../src/passes/registry.js";
import { runDevice } from "../../src/reference/device.js";
import { compileDevice } from "../../src/reference/device-fast.js";
import { runModel } from "../../src/reference/model.js";
import { compileModel } from "../../src/reference/model-fast.js";
import { netSeed, randomFloats, randomNet } from "../support/random-graph.js";

describe("the fast references equal the naive ones", () => {
  it("model, bit for bit, on random nets", () => {
    fc.assert(
      fc.property(netSeed, netSeed, (seed, inputSeed) => {
        const graph = randomNet(seed, { exactScales: false });
        const input = randomFloats(inputSeed, graph.values.get("input")!.shape[1]!);
        expect(bits(compileModel(graph)(input))).toEqual(bits(runModel(graph, input)));
      }),
      { numRuns: 200 },
    );
  });

  it("device program, bit for bit, on random nets", () => {
    fc.assert(
      fc.property(netSeed, netSeed, fc.boolean(), (seed, inputSeed, floats) => {
        const graph = randomNet(seed, { exactScales: false });
        const { program } = lowerGraph(graph, { output: floats ? "float32" : "scores" });
        const input = randomFloats(inputSeed, graph.values.get("input")!.shape[1]!);
        expect(compileDevice(program)(input)).toEqual(runDevice(program, input));
      }),
      { numRuns: 200 },
    );
  });
});

function bits(values: Float32Array): Int32Array {
  return new Int32Array(values.buffer.slice(0));
}
