import { describe, expect, it } from "vitest";
import { floats, graphOf, ints, node, problemOf, run } from "../../../support/onnx.js";

const zeros = new Array<number>(12).fill(0);

describe("Expand", () => {
  const of = (
    data: readonly number[],
    shape: readonly number[],
    target: readonly number[],
    x: readonly number[],
  ) => ({
    nodes: [node("Expand", "c target", {}, "e"), node("Add", "x e")],
    constants: { c: floats(shape, data), target: ints(...target) },
    inputs: { x },
  });

  it("repeats a constant as broadcasting does", () => {
    expect(run(of([1, 2], [2, 1], [1, 2, 3], [1, 2, 3]), zeros.slice(6))).toEqual([1, 1, 1, 2, 2, 2]);
    // Sizes of 1 in the target keep the constant's own.
    expect(run(of([1, 2, 3], [3], [2, 1], [1, 2, 3]), zeros.slice(6))).toEqual([1, 2, 3, 1, 2, 3]);
  });

  it("leaves a computed value that has the size, and refuses others", () => {
    const spec = { nodes: [node("Expand", "x target", {}, "e"), node("Relu", "e")] };
    expect(graphOf({ ...spec, constants: { target: ints(1, 4) } }).nodes).toHaveLength(1);
    expect(problemOf({ ...spec, constants: { target: ints(3, 4) } })).toMatch(/repeats a computed value/);
    expect(problemOf(of([1, 2], [2], [3], [1, 3]))).toMatch(/cannot be repeated/);
    expect(problemOf(of([1], [1], [100_000, 100_000], [1, 3]))).toMatch(/constant of 10000000000 elements/);
  });
});

describe("Tile", () => {
  const of = (shape: readonly number[], repeats: readonly number[], x: readonly number[]) => ({
    nodes: [node("Tile", "c repeats", {}, "t"), node("Add", "x t")],
    constants: { c: floats(shape, [1, 2, 3, 4]), repeats: ints(...repeats) },
    inputs: { x },
  });

  it("puts a constant beside itself along each axis", () => {
    expect(run(of([2, 2], [1, 2], [1, 2, 4]), zeros.slice(4))).toEqual([1, 2, 1, 2, 3, 4, 3, 4]);
    expect(run(of([2, 2], [2, 1], [1, 4, 2]), zeros.slice(4))).toEqual([1, 2, 3, 4, 1, 2, 3, 4]);
    expect(run(of([4], [3], [1, 12]), zeros)).toEqual([1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4]);
  });

  it("refuses other counts than axes, and computed values", () => {
    expect(problemOf(of([2, 2], [2], [1, 8]))).toMatch(/cannot be repeated/);
    expect(problemOf(of([4], [0], [1, 4]))).toMatch(/cannot be repeated/);
    const nodes = [node("Tile", "x repeats")];
    expect(problemOf({ nodes, constants: { repeats: ints(1, 2) } })).toMatch(/repeats a computed value/);
  });
});
