import { describe, expect, it } from "vitest";
import { type FileSpec, floats, graphOf, ints, node, problemOf, run, scalar } from "../../../support/onnx.js";

const x = [-2, 0.25, 1.5, 9];
const constants = { low: scalar(-1), high: scalar(2), higher: scalar(3), list: floats([4], [1, 2, 3, 4]) };
const spec = (...nodes: FileSpec["nodes"]): FileSpec => ({ nodes, constants });

describe("Max and Min", () => {
  it("with numbers cut a computed value", () => {
    expect(run(spec(node("Max", "x high low")), x)).toEqual([2, 2, 2, 9]);
    expect(run(spec(node("Min", "higher x high")), x)).toEqual([-2, 0.25, 1.5, 2]);
    expect(graphOf(spec(node("Max", "x high low"))).nodes).toHaveLength(1);
    expect(graphOf(spec(node("Max", "x", {}, "m"), node("Relu", "m"))).nodes).toHaveLength(1);
  });

  it("of constants are folded, element by element", () => {
    expect(run(spec(node("Min", "list high", {}, "m"), node("Add", "x m")), x)).toEqual([-1, 2.25, 3.5, 11]);
    expect(run(spec(node("Max", "list high", {}, "m"), node("Add", "x m")), x)).toEqual([0, 2.25, 4.5, 13]);
  });

  it("of two computed values, of different bounds and of integers are refused", () => {
    expect(problemOf(spec(node("Relu", "x", {}, "r"), node("Max", "x r")))).toMatch(/compares two computed/);
    expect(problemOf(spec(node("Max", "x list")))).toMatch(/bound differs between elements/);
    expect(problemOf({ nodes: [node("Min", [])] })).toMatch(/no inputs/);
    const nodes = [node("Max", "i list", {}, "m"), node("Add", "x m")];
    expect(problemOf({ nodes, constants: { ...constants, i: ints(1, 2, 3, 4) } })).toMatch(/mixes/);
  });
});

describe("HardSigmoid", () => {
  it("is a product, a sum and a clip, rounded each", () => {
    const [alpha, beta] = [Math.fround(1 / 6), 0.5];
    const nodes = [node("HardSigmoid", "x", { alpha: { float: 1 / 6 } })];
    const graph = graphOf({ nodes });
    expect(graph.nodes.map((n) => n.op.kind)).toEqual(["arithmetic", "arithmetic", "clip"]);
    expect(graph.outputs).toEqual(["y"]);
    const wanted = x.map((v) => Math.min(Math.max(Math.fround(Math.fround(v * alpha) + beta), 0), 1));
    expect(run({ nodes }, x)).toEqual(wanted);
  });

  it("has ONNX's defaults, and no other attributes", () => {
    const wanted = x.map((v) =>
      Math.min(Math.max(Math.fround(Math.fround(v * Math.fround(0.2)) + 0.5), 0), 1),
    );
    expect(run({ nodes: [node("HardSigmoid", "x")] }, x)).toEqual(wanted);
    expect(problemOf({ nodes: [node("HardSigmoid", "x", { gamma: { float: 1 } })] })).toMatch(
      /"gamma" is not known/,
    );
  });
});

it.each(["Elu", "Gelu", "Softplus", "HardSwish", "Sigmoid", "Mod"])("%s is refused with what helps", (op) => {
  expect(problemOf({ nodes: [node(op, "x")] })).toMatch(
    /is not supported.* — .*(train again|Round, Floor or Ceil)/,
  );
});
