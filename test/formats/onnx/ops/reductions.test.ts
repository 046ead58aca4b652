import { describe, expect, it } from "vitest";
import { type FileSpec, floats, graphOf, node, problemOf, run } from "../../../support/onnx.js";

const data = [1, -2, 3, 4, 5, -6, 7, 8, -9, 10, 11, 12];
const sums = {
  ReduceSum: (v: number[]) => v.reduce((a, b) => a + b, 0),
  ReduceMean: (v: number[]) => v.reduce((a, b) => a + b, 0) / v.length,
  ReduceL1: (v: number[]) => v.reduce((a, b) => a + Math.abs(b), 0),
  ReduceL2: (v: number[]) => Math.sqrt(v.reduce((a, b) => a + b * b, 0)),
  ReduceMax: (v: number[]) => Math.max(...v),
  ReduceMin: (v: number[]) => Math.min(...v),
} as const;

describe.each(Object.entries(sums))("%s of a constant", (op, apply) => {
  const folded = (attributes: Record<string, number | number[]>, x: readonly number[]): FileSpec => ({
    nodes: [node(op, "c", attributes, "f"), node("Add", "x f")],
    constants: { c: floats([2, 3, 2], data) },
    inputs: { x },
  });
  const zeros = (count: number): number[] => new Array<number>(count).fill(0);
  const group = (of: (i: number, j: number, k: number) => number, count: number): number[] =>
    Array.from({ length: count }, (_, g) =>
      Math.fround(apply(data.filter((_, n) => of(Math.floor(n / 6), Math.floor(n / 2) % 3, n % 2) === g))),
    );

  it("goes over the axes that it names, whose sizes become 1 or vanish", () => {
    expect(run(folded({ axes: [1, -1] }, [1, 2, 1, 1]), zeros(2))).toEqual(group((i) => i, 2));
    expect(run(folded({ axes: [0, 2], keepdims: 0 }, [1, 3]), zeros(3))).toEqual(group((_, j) => j, 3));
    expect(run(folded({ axes: [1] }, [1, 2, 1, 2]), zeros(4))).toEqual(group((i, _, k) => 2 * i + k, 4));
  });

  it("goes over all axes if it names none, unless it says that it does nothing then", () => {
    expect(run(folded({ keepdims: 0 }, [1]), [0])).toEqual([Math.fround(apply(data))]);
    expect(run(folded({ noop_with_empty_axes: 1 }, [1, 2, 3, 2]), zeros(12))).toEqual(data);
  });

  it("takes axes as an input", () => {
    const spec = folded({}, [1, 2, 1, 1]);
    const axes = { dims: [2n], dataType: 7, int64Data: [1n, 2n] };
    const nodes = [node(op, "c axes", {}, "f"), node("Add", "x f")];
    expect(run({ ...spec, nodes, constants: { ...spec.constants, axes } }, zeros(2))).toEqual(
      group((i) => i, 2),
    );
  });

  it("is refused of integers and over axes that do not exist", () => {
    const whole = { dims: [2n], dataType: 7, int64Data: [1n, 2n] };
    expect(problemOf({ ...folded({}, [1]), constants: { c: whole } })).toMatch(/reduces integers/);
    expect(problemOf(folded({ axes: [3] }, [1]))).toMatch(/axis 3 does not exist/);
  });
});

it("sums are rounded once, whatever order a runtime adds in", () => {
  const many = Array.from({ length: 1000 }, (_, i) => Math.fround(0.1 + i / 7));
  const spec = {
    nodes: [node("ReduceSum", "c", { keepdims: 0 }, "f"), node("Add", "x f")],
    constants: { c: floats([1000], many) },
    inputs: { x: [1] },
  };
  expect(run(spec, [0])).toEqual([Math.fround(many.reduce((a, b) => a + b, 0))]);
});

describe("of computed values", () => {
  const inputs = { x: [1, 3, 2, 2] };
  const x = Float32Array.from(data);
  const channels = (op: (v: number[]) => number): number[] =>
    [0, 1, 2, 3].map((p) => op([data[p]!, data[p + 4]!, data[p + 8]!]));

  it.each([
    ["ReduceMean", sums.ReduceMean],
    ["ReduceSum", sums.ReduceSum],
  ])("%s goes over channels, or over all", (op, apply) => {
    const reduce = (attributes: Record<string, number | number[]>): number[] =>
      run({ nodes: [node(op, "x", attributes)], inputs }, x);
    expect(reduce({ axes: [1] })).toEqual(channels(apply).map(Math.fround));
    expect(reduce({ axes: [-3], keepdims: 0 })).toEqual(channels(apply).map(Math.fround));
    expect(reduce({})).toEqual([Math.fround(apply(data))]);
    expect(reduce({ axes: [1, 2, 3], keepdims: 0 })).toEqual([Math.fround(apply(data))]);
    expect(reduce({ noop_with_empty_axes: 1 })).toEqual(data);
    const shapeOf = (attributes: Record<string, number | number[]>) =>
      graphOf({ nodes: [node(op, "x", attributes)], inputs }).values.get("y")?.shape;
    expect([shapeOf({ axes: [1], keepdims: 0 }), shapeOf({ keepdims: 0 })]).toEqual([[1, 2, 2], []]);
  });

  it("other axes are refused", () => {
    expect(problemOf({ nodes: [node("ReduceSum", "x", { axes: [2, 3] })], inputs })).toMatch(
      /works on axes 2, 3 of 1×3×2×2 .* — take means over height and width/,
    );
  });
});

it("reductions that overflow, and those of computed values, are refused", () => {
  const nodes = [node("ReduceSum", "c", { keepdims: 0 }, "f"), node("Add", "x f")];
  expect(problemOf({ nodes, constants: { c: floats([2], [3e38, 3e38]) } })).toMatch(
    /gives a NaN or an infinity/,
  );
  expect(problemOf({ nodes: [node("ReduceL1", "x")] })).toMatch(/constants only/);
});
