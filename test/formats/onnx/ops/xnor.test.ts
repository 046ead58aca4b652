import { expect, test } from "vitest";
import { floats, node, problemOf, run } from "../../../support/onnx.js";

const bits = [1, 0, 0, 1, 1, 1, 0, 0];

test("XnorPopcountMatMul counts equal bits of rows and columns", () => {
  for (let input = 0; input < 16; input++) {
    const x = [0, 1, 2, 3].map((k) => (input >> k) & 1);
    const equal = (n: number): number => x.filter((bit, k) => bit === bits[k * 2 + n]).length;
    const spec = { nodes: [node("XnorPopcountMatMul", "x w")], constants: { w: floats([4, 2], bits) } };
    expect(run(spec, x)).toEqual([equal(0), equal(1)]);
  }
});

test("XnorPopcountMatMul refuses weights that are no bits, and that do not fit", () => {
  const of = (shape: number[], data: number[]) =>
    problemOf({ nodes: [node("XnorPopcountMatMul", "x w")], constants: { w: floats(shape, data) } });
  expect(of([4, 1], [1, 0, 0.5, 1])).toMatch(/weights are not 0 and 1.*MatMul for weights of −1 and \+1/);
  expect(of([2, 2], [1, 0, 0, 1])).toMatch(/1×4 does not fit weights of shape 2×2/);
});

test.each(["Im2Col", "FloatQuant", "MVAU"])("%s is refused with what helps", (op) => {
  const nodes = [{ ...node(op, "x"), domain: "qonnx.custom_op.general" }];
  expect(problemOf({ nodes })).toMatch(
    /is not supported.*(save the model before|quantize to integers with Quant)/,
  );
});
