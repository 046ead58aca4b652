import { describe, expect, it } from "vitest";
import { type FileSpec, floats, graphOf, node, problemOf, run, scalar } from "../../../support/onnx.js";

describe("Softmax", () => {
  it("is within a few float32 roundings of the exact function, and sums to 1", () => {
    const x = [1, 2, -1, 90];
    const y = run({ nodes: [node("Softmax", "x")] }, x);
    const sum = x.reduce((a, v) => a + Math.exp(v - 90), 0);
    for (const [i, p] of y.entries()) expect(Math.abs(p - Math.exp(x[i]! - 90) / sum)).toBeLessThan(1e-7);
  });

  it("takes axis 1 by default before opset 13 and the last axis since", () => {
    const axis = (opset: number): unknown => {
      const x = opset < 13 ? [1, 4, 1] : [1, 1, 4];
      const [only] = graphOf({ nodes: [node("Softmax", "x")], inputs: { x }, opset }).nodes;
      return only?.op.kind === "softmax" && only.op.axis;
    };
    expect([axis(11), axis(12), axis(13), axis(23)]).toEqual([1, 1, 2, 2]);
  });

  it.each<[number, number[], Record<string, number>]>([
    [13, [1, 4], { axis: -1 }],
    [13, [1, 4, 1], { axis: 1 }],
    [9, [1, 4, 1, 1], {}],
    [11, [1, 1, 4], { axis: 2 }],
    [13, [1, 1, 4], {}],
  ])("is over the four classes in opset %d on %j with %j", (opset, shape, attributes) => {
    const x = [1, 2, 3, 4];
    const sum = x.reduce((a, v) => a + Math.exp(v), 0);
    const y = run({ nodes: [node("Softmax", "x", attributes)], inputs: { x: shape }, opset }, x);
    for (const [i, v] of x.entries()) expect(y[i]).toBeCloseTo(Math.exp(v) / sum, 6);
  });

  it.each<[string, FileSpec, RegExp]>([
    // Over one element every output would be 1; over one of several rows there is no single classifier.
    ["one element", { nodes: [node("Softmax", "x")], inputs: { x: [1, 4, 1] } }, /axis 2 of 1×4×1/],
    ["one of two rows", { nodes: [node("Softmax", "x")], inputs: { x: [1, 2, 2] } }, /axis 2 of 1×2×2/],
    [
      "one of two columns",
      { nodes: [node("Softmax", "x", { axis: 1 })], inputs: { x: [1, 2, 2] } },
      /axis 1 of 1×2×2/,
    ],
    ["other axes", { nodes: [node("Softmax", "x", { axis: 0 })] }, /works on axis 0 of 1×4/],
    [
      "axes that do not exist",
      { nodes: [node("Softmax", "x", { axis: 2 })] },
      /axis 2 does not exist.*rank 2/,
    ],
    // Before opset 13 the input was a matrix from `axis` on, so this softmax spans two axes.
    [
      "two axes at once",
      { nodes: [node("Softmax", "x")], opset: 9, inputs: { x: [1, 2, 2] } },
      /works on axis 1 of 1×2×2/,
    ],
  ])("refuses %s", (_, spec, message) => {
    expect(problemOf(spec)).toMatch(message);
  });
});

describe("ArgMax", () => {
  const index = (attributes: Record<string, number>, x: number[]): number[] =>
    run({ nodes: [node("ArgMax", "x", { axis: 1, ...attributes })] }, x);

  it("finds the first, or the last, of equal maxima", () => {
    expect(index({}, [1, 5, 5, 2])).toEqual([1]);
    expect(index({ select_last_index: 1 }, [1, 5, 5, 2])).toEqual([2]);
    expect(index({ axis: -1 }, [-3, -2, -1, -9])).toEqual([2]);
    expect(run({ nodes: [node("ArgMax", "x")], inputs: { x: [4] } }, [1, 2, 9, 3])).toEqual([2]);
  });

  it("gives int64 of the right shape, also through Squeeze, Reshape and Cast to int", () => {
    const shapeOf = (...nodes: FileSpec["nodes"]) => graphOf({ nodes }).values.get("y");
    expect(shapeOf(node("ArgMax", "x", { axis: 1 }))).toMatchObject({ shape: [1, 1], dtype: "int64" });
    expect(shapeOf(node("ArgMax", "x", { axis: -1 }))).toMatchObject({ shape: [1, 1], dtype: "int64" });
    expect(shapeOf(node("ArgMax", "x", { axis: 1, keepdims: 0 }))).toMatchObject({
      shape: [1],
      dtype: "int64",
    });
    const squeezed = shapeOf(
      node("ArgMax", "x", { axis: -1 }, "i"),
      node("Cast", "i", { to: 7 }, "j"),
      node("Squeeze", "j"),
    );
    expect(squeezed).toMatchObject({ shape: [], dtype: "int64" });
  });

  it.each<[string, FileSpec, RegExp]>([
    ["the batch axis", { nodes: [node("ArgMax", "x")] }, /over axis 0 of 1×4/],
    [
      "arithmetic behind it",
      { nodes: [node("ArgMax", "x", { axis: 1 }, "i"), node("Mul", "i c")], constants: { c: scalar(2) } },
      /class index that ArgMax computes/,
    ],
    [
      "a layer behind it",
      {
        nodes: [node("ArgMax", "x", { axis: 1 }, "i"), node("MatMul", "i c")],
        constants: { c: floats([1, 1], [1]) },
      },
      /class index/,
    ],
    [
      "a cast to float behind it",
      { nodes: [node("ArgMax", "x", { axis: 1 }, "i"), node("Cast", "i", { to: 1 })] },
      /casts computed int64 to float32/,
    ],
  ])("refuses %s", (_, spec, message) => {
    expect(problemOf(spec)).toMatch(message);
  });
});
