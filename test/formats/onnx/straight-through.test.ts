import { describe, expect, it } from "vitest";
import { graphOf, node, run, scalar } from "../../support/onnx.js";

const x = [-2, 0.25, 0.5, 3];
const constants = { low: scalar(-1), high: scalar(1), c: scalar(0.1) };
const sign = [node("GreaterOrEqual", "x zero", {}, "b"), node("Where", "b high low", {}, "q")];
const all = { ...constants, zero: scalar(0) };

describe("straight-through sums", () => {
  it.each([
    ["(q − g) + g", [node("Sub", "q g", {}, "d"), node("Add", "d g")]],
    ["g + (q − g)", [node("Sub", "q g", {}, "d"), node("Add", "g d")]],
    ["(g − g) + q", [node("Sub", "g g", {}, "d"), node("Add", "d q")]],
  ])("%s is q, whatever g is", (_, sum) => {
    // What was taken away and added again is not in the graph.
    const nodes = [...sign, node("Mul", "x x", {}, "g"), ...sum];
    expect(run({ nodes, constants: all }, x)).toEqual([-1, 1, 1, 1]);
    expect(graphOf({ nodes, constants: all }).nodes).toHaveLength(1);
  });

  it("with the model's input is q too", () => {
    const nodes = [...sign, node("Sub", "q x", {}, "d"), node("Add", "d x")];
    expect(run({ nodes, constants: all }, x)).toEqual([-1, 1, 1, 1]);
  });

  it("of constants are the quantized constants", () => {
    const nodes = [
      node("Sign", "w", {}, "s"),
      node("Sub", "s w", {}, "d"),
      node("Add", "d w", {}, "q"),
      node("Mul", "x q"),
    ];
    expect(run({ nodes, constants: { w: scalar(0.3) } }, x)).toEqual(x);
  });

  it("are arithmetic where a constant is taken away from a computed value and added again", () => {
    const nodes = [node("Sub", "x c", {}, "d"), node("Add", "d c")];
    expect(graphOf({ nodes, constants }).nodes).toHaveLength(2);
  });

  it("are none where what is added is another value", () => {
    const nodes = [...sign, node("Relu", "x", {}, "r"), node("Sub", "q r", {}, "d"), node("Add", "d x")];
    expect(graphOf({ nodes, constants: all }).nodes.map((n) => n.op.kind)).toContain("pairwise");
  });
});
