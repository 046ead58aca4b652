/** Operations on maps in both model references: small cases by hand, and the two against each other. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { GraphOp, Shape, Window } from "../../src/graph/types.js";
import { verifyGraph } from "../../src/graph/verify.js";
import { runModel } from "../../src/reference/model.js";
import { compileModel } from "../../src/reference/model-fast.js";
import { chain, tensor } from "../graph/support.js";
import { netSeed, randomFloats } from "../support/random-graph.js";
import { randomMaps } from "../support/random-maps.js";

const plain: Window = { kernel: [2, 2], stride: [1, 1], dilation: [1, 1], pads: [0, 0, 0, 0] };

function apply(op: GraphOp, input: Shape, output: Shape, x: readonly number[]): number[] {
  const graph = chain(input, [op, output]);
  verifyGraph(graph);
  const naive = runModel(graph, Float32Array.from(x));
  expect(compileModel(graph)(Float32Array.from([...x, ...x]))).toEqual(
    Float32Array.from([...naive, ...naive]),
  );
  return [...naive];
}

const nine = [1, 2, 3, 4, 5, 6, 7, 8, 9];
const map = [1, 1, 3, 3];

describe("conv", () => {
  const conv = (data: number[], window: Partial<Window> = {}, padValue = 0): GraphOp => ({
    kind: "conv",
    weights: tensor([1, 1, ...(window.kernel ?? plain.kernel)], data),
    window: { ...plain, ...window },
    groups: 1,
    padValue,
  });

  it("correlates, it does not flip the kernel", () => {
    expect(apply(conv([1, 10, 100, 1000]), map, [1, 1, 2, 2], nine)).toEqual([5421, 6532, 8754, 9865]);
  });

  it("takes pads, strides and dilations per side and axis", () => {
    const top = conv([1, 10, 100, 1000], { pads: [1, 0, 0, 0] });
    expect(apply(top, map, [1, 1, 3, 2], nine)).toEqual([2100, 3200, 5421, 6532, 8754, 9865]);
    const right = conv([1, 10, 100, 1000], { pads: [0, 0, 0, 2], stride: [2, 3] });
    expect(apply(right, map, [1, 1, 1, 2], nine)).toEqual([5421, 0]);
    const wide = conv([1, 10, 100, 1000], { dilation: [2, 1] });
    expect(apply(wide, map, [1, 1, 1, 2], nine)).toEqual([8721, 9832]);
  });

  it("takes the padding value for taps outside", () => {
    expect(
      apply(conv([1, 10, 100, 1000], { pads: [1, 1, 0, 0], stride: [9, 9] }, -1), map, [1, 1, 1, 1], nine),
    ).toEqual([1000 - 111]);
  });

  it("keeps groups apart, outputs of a group together", () => {
    const op: GraphOp = {
      kind: "conv",
      weights: tensor([4, 1, 1, 1], [1, 10, 100, 1000]),
      window: { ...plain, kernel: [1, 1] },
      groups: 2,
      padValue: 0,
    };
    expect(apply(op, [1, 2, 1], [1, 4, 1], [3, 7])).toEqual([3, 30, 700, 7000]);
  });

  it("sums in float64 and rounds once", () => {
    const op: GraphOp = {
      kind: "conv",
      weights: tensor([1, 3, 1, 1], [2 ** 24, 1, 1]),
      window: { ...plain, kernel: [1, 1] },
      groups: 1,
      padValue: 0,
    };
    expect(apply(op, [1, 3, 1], [1, 1, 1], [1, 1, 1])).toEqual([2 ** 24 + 2]);
  });
});

describe("pools", () => {
  const padded: Window = { ...plain, stride: [2, 2], pads: [1, 1, 0, 0] };

  it("the greatest of what lies inside the map", () => {
    expect(apply({ kind: "max-pool", window: plain }, map, [1, 1, 2, 2], nine)).toEqual([5, 6, 8, 9]);
    const negative = nine.map((v) => -v);
    expect(apply({ kind: "max-pool", window: padded }, map, [1, 1, 2, 2], negative)).toEqual([
      -1, -2, -4, -5,
    ]);
  });

  it("the mean over taps inside, or over all", () => {
    const pool = (countPads: boolean): GraphOp => ({ kind: "average-pool", window: padded, countPads });
    expect(apply(pool(false), map, [1, 1, 2, 2], nine)).toEqual([1, 2.5, 5.5, 7]);
    expect(apply(pool(true), map, [1, 1, 2, 2], nine)).toEqual([0.25, 1.25, 2.75, 7]);
  });

  it("the mean adds in float32, row by row, and divides once", () => {
    const window: Window = { ...plain, kernel: [1, 3] };
    const pool: GraphOp = { kind: "average-pool", window, countPads: false };
    const f = Math.fround;
    expect(apply(pool, [1, 1, 3], [1, 1, 1], [2 ** 24, 1, 1])).toEqual([f(2 ** 24 / 3)]);
    expect(apply(pool, [1, 1, 3], [1, 1, 1], [1, 1, 2 ** 24])).toEqual([f((2 ** 24 + 2) / 3)]);
    expect(apply(pool, [1, 1, 3], [1, 1, 1], [1, 0, 0])).toEqual([f(1 / 3)]);
  });
});

describe("data that move", () => {
  it("slice, pad and transpose", () => {
    const slice: GraphOp = { kind: "slice", starts: [0, 0, 2, 0], steps: [1, 1, 1, 2] };
    expect(apply(slice, map, [1, 1, 1, 2], nine)).toEqual([7, 9]);
    const pad: GraphOp = { kind: "pad", before: [0, 1], after: [1, 0], value: -1 };
    expect(apply(pad, [1, 2], [2, 3], [5, 6])).toEqual([-1, 5, 6, -1, -1, -1]);
    const transpose: GraphOp = { kind: "transpose", permutation: [2, 0, 1] };
    expect(apply(transpose, [1, 2, 3], [3, 1, 2], [1, 2, 3, 4, 5, 6])).toEqual([1, 4, 2, 5, 3, 6]);
  });

  it("sum and concat of a value with itself and another", () => {
    const graph = chain(
      [1, 2],
      [{ kind: "clip", low: 0, high: 2 }],
      [{ kind: "sum" }],
      [{ kind: "concat", axis: 1 }, [1, 6]],
    );
    const nodes = graph.nodes.map((n, i) =>
      i === 0 ? n : { ...n, inputs: i === 1 ? ["v0", "x"] : ["v1", "x", "v1"] },
    );
    const branched = { ...graph, nodes };
    verifyGraph(branched);
    expect([...runModel(branched, Float32Array.of(-3, 5))]).toEqual([-3, 7, -3, 5, -3, 7]);
    expect([...compileModel(branched)(Float32Array.of(-3, 5, 0, 1))]).toEqual([
      -3, 7, -3, 5, -3, 7, 0, 2, 0, 1, 0, 2,
    ]);
  });
});

it("prelu and clip round once", () => {
  const f = Math.fround;
  const prelu: GraphOp = { kind: "prelu", slope: tensor([2, 1], [0.1, -0.5]) };
  expect(apply(prelu, [1, 2, 2], [1, 2, 2], [3, -0.3, -2, 4])).toEqual([3, f(f(0.1) * f(-0.3)), 1, 4]);
  expect(apply({ kind: "clip", low: -1, high: 6 }, [3], [3], [-2, 0.5, 7])).toEqual([-1, 0.5, 6]);
});

it("the fast reference equals the naive one in every bit on random graphs with branches", () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(netSeed, fc.integer({ min: 1, max: 20 }), (seed, count) => {
      const graph = randomMaps(seed);
      verifyGraph(graph);
      for (const node of graph.nodes) seen.add(node.op.kind);
      if (graph.nodes.length === 0) return;
      const size = graph.values.get("x")!.shape.reduce((a, b) => a * b, 1);
      const x = randomFloats(seed ^ 1, size * count);
      const naive = Array.from({ length: count }, (_, i) => [
        ...runModel(graph, x.subarray(i * size, (i + 1) * size)),
      ]);
      const bits = (values: Float32Array): Int32Array => new Int32Array(values.buffer);
      expect(bits(compileModel(graph)(x))).toEqual(bits(Float32Array.from(naive.flat())));
    }),
    { numRuns: 400 },
  );
  expect(seen.size).toBe(14);
});
