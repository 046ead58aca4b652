import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ModelGraph } from "../../src/graph/types.js";
import { verifyGraph } from "../../src/graph/verify.js";
import { type LoweringOptions, lowerGraph } from "../../src/passes/registry.js";
import { elementCount, inDeviceOrder, inModelOrder } from "../../src/program/index.js";
import { scoresAsFloat } from "../../src/reference/device.js";
import { compileDevice } from "../../src/reference/device-fast.js";
import { compileModel } from "../../src/reference/model-fast.js";
import { randomConvNet } from "../support/random-conv-net.js";
import { netSeed, Random } from "../support/random-graph.js";

/** Bytes that stand for multiples of 1/64 around zero, or floats of that kind. */
const BYTES: LoweringOptions = {
  input: { type: "u8", affine: { numerator: 1, denominator: 64, zero: 128 } },
};
const FLOATS: LoweringOptions = { input: { type: "f32" } };

describe("convolutional nets", () => {
  it("device and model references give equal outputs where float sums are exact", () => {
    fc.assert(
      fc.property(netSeed, fc.boolean(), fc.boolean(), (seed, bytes, floats) => {
        const graph = randomConvNet(seed);
        const options = { ...(bytes ? BYTES : FLOATS), output: floats ? "float32" : "scores" } as const;
        expectEqualOutputs(graph, options, seed);
      }),
      { numRuns: 300 },
    );
  });
});

function expectEqualOutputs(graph: ModelGraph, options: LoweringOptions, seed: number): void {
  verifyGraph(graph);
  const { program } = lowerGraph(graph, options);
  const device = compileDevice(program);
  const model = compileModel(graph);
  const count = elementCount(program.tensors[program.input.tensor]!);
  const random = new Random(seed + 1);
  for (let i = 0; i < 3; i++) {
    const bytes = Int32Array.from({ length: count }, () => (i === 2 ? 255 : random.integer(0, 255)));
    const real = Float32Array.from(bytes, (x) => (x - 128) / 64);
    const stored = options.input!.type === "u8" ? bytes : real;
    const output = device(inDeviceOrder(program, stored));
    const floats = output instanceof Float32Array ? output : scoresAsFloat(program, output);
    expect(Array.from(inModelOrder(program, floats), plainZero)).toEqual(Array.from(model(real), plainZero));
  }
}

/** −0 and 0 are equal numbers; vitest tells them apart. */
function plainZero(x: number): number {
  return x === 0 ? 0 : x;
}
