import { describe, expect, it } from "vitest";
import { runModel } from "../../../../src/reference/model.js";
import { type FileSpec, floats, graphOf, node, problemOf } from "../../../support/onnx.js";

const constants = {
  scale: floats([2], [1.5, -0.7]),
  bias: floats([2], [0.1, 0.2]),
  mean: floats([2], [0.3, -0.4]),
  variance: floats([2], [2, 0.5]),
};
const inputs = { x: [1, 2] };
const bn = (attributes = {}) => node("BatchNormalization", "x scale bias mean variance", attributes);

describe("BatchNormalization", () => {
  it("is within a float32 rounding of the exact formula", () => {
    const y = runModel(
      graphOf({ nodes: [bn({ epsilon: { float: 1e-3 } })], constants, inputs }),
      Float32Array.of(3, 5),
    );
    const exact = [
      ((3 - 0.3) / Math.sqrt(2 + 1e-3)) * 1.5 + 0.1,
      ((5 + 0.4) / Math.sqrt(0.5 + 1e-3)) * -0.7 + 0.2,
    ];
    for (const [c, v] of y.entries())
      expect(Math.abs(v - exact[c]!)).toBeLessThan(2 ** -22 * Math.abs(exact[c]!));
  });

  it("works per channel of axis 1", () => {
    const graph = graphOf({ nodes: [bn()], constants, inputs: { x: [1, 2, 3] } });
    const y = runModel(graph, Float32Array.of(3, 3, 3, 5, 5, 5));
    expect(new Set(y.slice(0, 3)).size + new Set(y.slice(3)).size).toBe(2);
    const flat = graphOf({ nodes: [bn()], constants, inputs });
    expect([y[0], y[3]]).toEqual([...runModel(flat, Float32Array.of(3, 5))]);
  });

  it.each<[string, FileSpec, RegExp]>([
    ["training mode", { nodes: [bn({ training_mode: 1 })], constants, inputs }, /training mode.*model.eval/],
    ["spatial 0", { nodes: [bn({ spatial: 0 })], constants, inputs }, /every element on its own/],
    [
      "other channel counts",
      { nodes: [bn()], constants, inputs: { x: [1, 3] } },
      /2 elements for 3 channels/,
    ],
    ["rank 1", { nodes: [bn()], constants, inputs: { x: [2] } }, /2 elements for no channels/],
    [
      "negative variances",
      { nodes: [bn()], constants: { ...constants, variance: floats([2], [-1, 1]) }, inputs },
      /not positive/,
    ],
    [
      "factors that overflow",
      {
        nodes: [bn({ epsilon: { float: 0 } })],
        constants: { ...constants, scale: floats([2], [1, 3e38]), variance: floats([2], [1, 1e-30]) },
        inputs,
      },
      /overflows on channel 1/,
    ],
    [
      "computed parameters",
      { nodes: [node("BatchNormalization", "x x x x x")], inputs },
      /scale is not a float/,
    ],
  ])("refuses %s", (_, spec, message) => {
    expect(problemOf(spec)).toMatch(message);
  });
});
