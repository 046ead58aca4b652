import { describe, expect, test } from "vitest";
import { readModel } from "../../../../src/formats/index.js";
import { outputShape, rejected, run } from "../../../support/import.js";
import { type Attributes, type ModelParts, node, onnxFile } from "../../../support/onnx-builder.js";

function ending(op: string, attributes: Attributes, input: readonly number[], opset = 13): ModelParts {
  return { nodes: [node(op, ["x"], ["y"], attributes)], input, opset };
}

describe("Softmax", () => {
  const x = [1, 2, 3, 4];
  const sum = x.reduce((a, v) => a + Math.exp(v), 0);

  test.each([
    [11, [1, 4], {}],
    [13, [1, 4], {}],
    [13, [1, 4], { axis: { int: -1 } }],
    [13, [1, 4, 1], { axis: { int: 1 } }],
    [9, [1, 4, 1, 1], {}],
    [11, [1, 1, 4], { axis: { int: 2 } }],
    [13, [1, 1, 4], {}],
  ])("opset %i on %j with %j is over the four classes", (opset, shape, attributes) => {
    const y = run(ending("Softmax", attributes, shape, opset), x);
    for (const [i, v] of x.entries()) expect(y[i]).toBeCloseTo(Math.exp(v) / sum, 6);
  });

  // Over an axis of one element every output would be 1; over one of several rows there is no single classifier.
  test.each([
    [13, [1, 4, 1], {}],
    [13, [1, 4], { axis: { int: 0 } }],
    [13, [1, 2, 2], { axis: { int: 2 } }],
    [13, [1, 2, 2], { axis: { int: 1 } }],
  ])("opset %i on %j with %j is refused", (opset, shape, attributes) => {
    expect(rejected(ending("Softmax", attributes, shape, opset))[0]!.message).toMatch(/axis/);
  });
});

describe("ArgMax", () => {
  test.each([
    [{ axis: { int: 1 } }, [1, 1]],
    [{ axis: { int: -1 } }, [1, 1]],
    [{ axis: { int: 1 }, keepdims: { int: 0 } }, [1]],
  ])("%j gives an index of shape %j", (attributes, shape) => {
    const graph = readModel(onnxFile(ending("ArgMax", attributes, [1, 4])), "m.onnx");
    expect(outputShape(graph)).toEqual(shape);
    expect(graph.values.get(graph.outputs[0]!)!.dtype).toBe("int64");
  });

  test.each([
    [0, 1],
    [1, 3],
  ])("select_last_index %i takes index %i of equals", (last, index) => {
    const parts = ending("ArgMax", { axis: { int: 1 }, select_last_index: { int: last } }, [1, 5]);
    expect(run(parts, [0, 9, 3, 9, -1])).toEqual([index]);
  });

  test("its default axis is 0, which is not the class axis of a batch", () => {
    expect(rejected(ending("ArgMax", {}, [1, 4]))[0]!.message).toMatch(/axis 0/);
    expect(run(ending("ArgMax", {}, [4]), [1, 2, 9, 3])).toEqual([2]);
  });
});
