import { expect, it } from "vitest";
import { withoutDeadEdges } from "../../src/passes/dead-edges.js";
import { lowerGraph } from "../../src/passes/registry.js";
import { expectSameOutputs } from "../support/same-outputs.js";
import { SmallGraph, windowOf } from "../support/small-graph.js";

const BYTES = { input: { type: "u8", affine: { numerator: 1, denominator: 8, zero: 128 } } } as const;
const by = (x: number) =>
  ({
    kind: "arithmetic",
    operator: "multiply",
    operand: { shape: [], data: Float32Array.of(x) },
    reversed: false,
  }) as const;

/** sign → conv, plus a branch of the same value: conv → relu → pool → times `factor`; then a sign and a layer. */
function twoEdges(factor: number): SmallGraph {
  const g = new SmallGraph([1, 3, 5, 5]);
  const signs = g.sign();
  const live = g.conv(4, { window: { pads: [1, 1, 1, 1] }, scale: 0.5 });
  g.conv(4, { window: { pads: [1, 1, 1, 1] }, from: signs });
  g.add(by(factor));
  g.add({ kind: "relu" });
  const window = windowOf({ kernel: [3, 3], pads: [1, 1, 1, 1] });
  const other = g.add({ kind: "average-pool", window, countPads: false });
  g.add({ kind: "sum" }, undefined, [live, other]);
  g.sign();
  g.conv(2);
  return g;
}

it("a sum with an edge that is always 0 is the other value, and what led to the edge is gone", () => {
  const program = expectSameOutputs(twoEdges(0).graph, BYTES);
  expect(program.instructions.map(({ kind }) => kind)).toEqual(["threshold", "conv", "threshold", "conv"]);
});

function expectKept({ graph }: SmallGraph): void {
  expect(withoutDeadEdges(graph)).toBe(graph);
}

it("other edges stay", () => {
  const { graph } = twoEdges(0.25);
  expect(withoutDeadEdges(graph)).toBe(graph);
  expect(lowerGraph(graph, BYTES).program.instructions.some(({ kind }) => kind === "add")).toBe(true);
});

it("a sum of two edges that are 0 stays, and so does a sum that is the output", () => {
  const both = new SmallGraph([1, 2, 3, 3]);
  const input = both.sign();
  const zeros = [both.add(by(0), undefined, [input]), both.add(by(-0), undefined, [input])];
  both.add({ kind: "sum" }, undefined, zeros);
  both.sign();
  both.conv(2);
  expectKept(both);

  const end = new SmallGraph([1, 2, 3, 3]);
  const signs = end.sign();
  const zero = end.add(by(0));
  end.add({ kind: "sum" }, undefined, [signs, zero]);
  expectKept(end);
});

it("0 that a sign is taken of is no dead edge: its sign is 1", () => {
  const g = new SmallGraph([1, 2, 3, 3]);
  const signs = g.sign();
  g.add(by(0));
  const one = g.sign();
  g.add({ kind: "sum" }, undefined, [signs, one]);
  g.sign();
  g.conv(2);
  expectKept(g);
});
