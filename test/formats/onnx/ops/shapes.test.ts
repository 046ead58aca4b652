import { describe, expect, test } from "vitest";
import { readModel } from "../../../../src/formats/index.js";
import { outputShape, rejected, run } from "../../../support/import.js";
import {
  type Attributes,
  floats,
  ints,
  type ModelParts,
  node,
  onnxFile,
} from "../../../support/onnx-builder.js";

function shapeOf(parts: ModelParts): readonly number[] {
  return outputShape(readModel(onnxFile(parts), "m.onnx"));
}

/** An operator on x alone, axes as attribute or (opset 13) as an input. */
function on(
  input: readonly (number | string)[],
  op: string,
  axes: readonly number[] | undefined,
  asInput: boolean,
): ModelParts {
  const attributes: Attributes = axes === undefined || asInput ? {} : { axes: { ints: axes } };
  const constants = axes !== undefined && asInput ? [ints("a", [axes.length], axes)] : [];
  return {
    input,
    opset: asInput ? 13 : 11,
    constants,
    nodes: [node(op, ["x", ...constants.map((c) => c.name)], ["y"], attributes)],
  };
}

describe.each([false, true])("axes as an input: %s", (asInput) => {
  test.each([
    [[1, 4], [0], [1, 1, 4]],
    [[1, 4], [-1], [1, 4, 1]],
    [
      [1, 4],
      [3, 0],
      [1, 1, 4, 1],
    ],
    [
      [1, 4],
      [1, -1],
      [1, 1, 4, 1],
    ],
  ])("Unsqueeze %j by %j", (input, axes, expected) => {
    expect(shapeOf(on(input, "Unsqueeze", axes, asInput))).toEqual(expected);
  });

  test.each([
    [[1, 1, 4, 1], [1], [1, 4, 1]],
    [
      [1, 1, 4, 1],
      [-1, 1],
      [1, 4],
    ],
    [[1, 1, 4, 1], undefined, [4]],
  ])("Squeeze %j by %j", (input, axes, expected) => {
    expect(shapeOf(on(input, "Squeeze", axes, asInput))).toEqual(expected);
  });

  test.each([
    ["Unsqueeze", [0, 0]],
    ["Unsqueeze", [4]],
    ["Unsqueeze", [1, -3]],
    ["Unsqueeze", undefined],
    ["Squeeze", [1]],
    ["Squeeze", [7]],
  ])("%s by %j is refused", (op, axes) => {
    expect(rejected(on([1, 4], op, axes, asInput))[0]!.code).toBe("onnx/node");
  });
});

test.each([
  [[1, 2, 3, 4], undefined, [1, 24]],
  [[1, 2, 3, 4], 0, [1, 24]],
  [[1, 2, 3, 4], 2, [2, 12]],
  [[1, 2, 3, 4], 4, [24, 1]],
  [[1, 2, 3, 4], -1, [6, 4]],
  [["batch", 2, 3], 1, [1, 6]],
  [["batch"], 1, [1, 1]],
])("Flatten %j at %s", (input, axis, expected) => {
  const attributes: Attributes = axis === undefined ? {} : { axis: { int: axis } };
  expect(shapeOf({ input, nodes: [node("Flatten", ["x"], ["y"], attributes)] })).toEqual(expected);
});

test.each([
  [
    [1, 2, 3],
    [1, 6],
    [1, 6],
  ],
  [
    [1, 2, 3],
    [0, -1],
    [1, 6],
  ],
  [
    [1, 2, 3],
    [-1, 3],
    [2, 3],
  ],
  [
    [1, 2, 3],
    [0, 0, 0],
    [1, 2, 3],
  ],
  [
    ["N", 2, 3],
    [-1, 6],
    [1, 6],
  ],
])("Reshape %j to %j", (input, target, expected) => {
  const t = ints("t", [target.length], target);
  expect(shapeOf({ input, constants: [t], nodes: [node("Reshape", ["x", "t"], ["y"])] })).toEqual(expected);
});

test.each([
  [[5]],
  [[-1, 4]],
  [[-1, -1]],
  [[-2, -3]],
  [[0, 0, 0, 0]],
  [[2 ** 40, 0]],
  [[]],
])("Reshape 1×2×3 to %j is refused", (target) => {
  const t = ints("t", [target.length], target);
  const parts = { input: [1, 2, 3], constants: [t], nodes: [node("Reshape", ["x", "t"], ["y"])] };
  expect(rejected(parts)[0]!.message).toMatch(/cannot become|more than one/);
});

test("a zero in Reshape's target is a real zero where allowzero says so, and then impossible", () => {
  const t = ints("t", [2], [0, 6]);
  const nodes = [node("Reshape", ["x", "t"], ["y"], { allowzero: { int: 1 } })];
  expect(rejected({ input: [1, 6], constants: [t], nodes, opset: 14 })).toHaveLength(1);
});

test("Shape of opset 15 may take a part of the sizes", () => {
  const parts: ModelParts = {
    input: ["N", 2, 3],
    opset: 15,
    constants: [ints("front", [1], [1])],
    nodes: [
      node("Shape", ["x"], ["s"], { start: { int: -2 }, end: { int: 3 } }),
      node("Concat", ["front", "s"], ["t"], { axis: { int: 0 } }),
      node("Reshape", ["x", "t"], ["y"]),
    ],
  };
  expect(shapeOf(parts)).toEqual([1, 2, 3]);
});

test("Transpose of weights moves them; of computed values only where nothing moves", () => {
  const parts: ModelParts = {
    input: [1, 2],
    constants: [floats("w", [3, 2], [1, -1, -1, 1, 1, 1])],
    nodes: [node("Transpose", ["w"], ["t"]), node("MatMul", ["x", "t"], ["y"])],
  };
  expect(run(parts, [1, 10])).toEqual([1 - 10, -1 + 10, 1 + 10]);
  const still = { input: [1, 3, 1], nodes: [node("Transpose", ["x"], ["y"], { perm: { ints: [0, 2, 1] } })] };
  expect(shapeOf(still)).toEqual([1, 1, 3]);
  for (const perm of [[0, 0], [0], [0, 1, 2], [-1, 0]])
    expect(rejected({ nodes: [node("Transpose", ["x"], ["y"], { perm: { ints: perm } })] })).toHaveLength(1);
});

test("Gather takes negative indices and refuses those beyond the end", () => {
  const parts = (index: number): ModelParts => ({
    input: [1, 2, 3],
    constants: [ints("i", [1], [index]), ints("rest", [1], [-1])],
    nodes: [
      node("Shape", ["x"], ["s"]),
      node("Gather", ["s", "i"], ["n"]),
      node("Concat", ["rest", "n"], ["t"], { axis: { int: 0 } }),
      node("Reshape", ["x", "t"], ["y"]),
    ],
  });
  expect(shapeOf(parts(-1))).toEqual([2, 3]);
  expect(shapeOf(parts(1))).toEqual([3, 2]);
  expect(rejected(parts(3))[0]!.message).toMatch(/axis 3|index 3/);
});

test("Cast of a computed value to a type with other numbers is refused", () => {
  for (const to of [3, 6, 7, 9, 10, 11, 16])
    expect(rejected({ nodes: [node("Cast", ["x"], ["y"], { to: { int: to } })] })).toHaveLength(1);
});
