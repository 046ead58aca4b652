import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { lowerGraph } from "../../../../src/passes/registry.js";
import { runDevice } from "../../../../src/reference/device.js";
import { type FileSpec, floats, graphOf, node, problemOf, run, scalar } from "../../../support/onnx.js";

/** `low + Σ step · [x > threshold]`, as code writes it that counts comparisons. */
function stairs(thresholds: readonly number[], step: number, low: number): FileSpec {
  const nodes = thresholds.flatMap((_, i) => [
    node(i % 2 === 0 ? "Greater" : "GreaterOrEqual", `x t${i}`, {}, `b${i}`),
    node("Cast", `b${i}`, { to: 1 }, `f${i}`),
    ...(i === 0 ? [] : [node("Add", [i === 1 ? "f0" : `s${i - 1}`, `f${i}`], {}, `s${i}`)]),
  ]);
  const last = thresholds.length === 1 ? "f0" : `s${thresholds.length - 1}`;
  return {
    nodes: [
      ...nodes,
      node("Mul", `${last} step`, {}, "m"),
      node("Add", "m low", {}, "a"),
      node("Transpose", "a"),
    ],
    constants: {
      step: scalar(step),
      low: scalar(low),
      ...Object.fromEntries(thresholds.map((t, i) => [`t${i}`, scalar(t)])),
    },
  };
}

function stair(thresholds: readonly number[], step: number, low: number, x: number): number {
  const reached = thresholds.filter((t, i) => (i % 2 === 0 ? x > t : x >= t)).length;
  return Math.fround(Math.fround(reached * Math.fround(step)) + Math.fround(low));
}

describe("functions with few values", () => {
  const quarter = fc.integer({ min: -20, max: 20 }).map((n) => n / 4);

  it("compute what their comparisons do, with any number of thresholds", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(quarter, { minLength: 1, maxLength: 6 }),
        fc.constantFrom(1, -0.5, 2),
        fc.constantFrom(0, -1, 0.5),
        fc.array(quarter, { minLength: 4, maxLength: 4 }),
        (thresholds, step, low, x) => {
          const wanted = x.map((v) => stair(thresholds, step, low, v) + 0);
          expect(run(stairs(thresholds, step, low), x).map((v) => v + 0)).toEqual(wanted);
        },
      ),
    );
  });

  it.each([
    ["two levels", [0.5], 1, 0, 1],
    ["two levels with a sign", [0], 2, -1, 1],
    ["three levels around 0", [-0.75, 0.75], 1, -1, 2],
    ["four levels", [-1, 0.25, 2], 1, 0, 2],
    ["five levels", [-1, 0, 0.25, 2], 0.5, -1, 3],
  ])("%s reach the next layer as codes", (_, thresholds, step, low, bits) => {
    const spec = stairs(thresholds, step, low);
    const graph = graphOf({
      nodes: [...spec.nodes.slice(0, -1), node("MatMul", "a w")],
      constants: { ...spec.constants, w: floats([4, 2], [1, -1, -1, 1, 1, 1, -1, -1]) },
    });
    const { program, diagnostics } = lowerGraph(graph);
    expect(diagnostics.all.map((d) => d.code)).not.toContain("lowering/float-layer");
    const layer = program.instructions.at(-1)!;
    expect(layer.kind).toBe("conv");
    const { domain } = program.tensors[layer.kind === "conv" ? layer.input : 0]!;
    expect(domain).toMatchObject({ kind: "codes", bits });
    const x = Float32Array.of(-1, 0.5, 0.75, 3);
    const levels = Array.from(x, (v) => stair(thresholds, step, low, v));
    const [a, b, c, d] = levels as [number, number, number, number];
    const scores = Array.from(runDevice(program, x));
    const affine = program.output.affine.reduce(
      (all, { operator, operand }) =>
        all.map((s) => (operator === "multiply" ? s * operand[0]! : Number.NaN)),
      scores,
    );
    expect(affine).toEqual([a - b + c - d, -a + b + c - d]);
  });

  it("three levels around 0 are one quantizer, from the threshold on or above it", () => {
    const threshold = Math.fround(0.7);
    const above = threshold + 2 ** -24;
    const x = [threshold, -threshold, above, -above];
    const of = (high: string, low: string): FileSpec => ({
      nodes: [
        node(high, "x t", {}, "h"),
        node(low, "x m", {}, "l"),
        node("Where", "l minus zero", {}, "inner"),
        node("Where", "h one inner"),
      ],
      constants: {
        t: scalar(threshold),
        m: scalar(-threshold),
        one: scalar(1),
        minus: scalar(-1),
        zero: scalar(0),
      },
    });
    for (const [spec, y] of [
      [of("Greater", "Less"), [0, 0, 1, -1]],
      [of("GreaterOrEqual", "LessOrEqual"), [1, -1, 1, -1]],
    ] as const) {
      expect(run(spec, x).map((v) => v + 0)).toEqual(y);
      expect(graphOf(spec).nodes.filter((n) => n.op.kind === "quantize")).toHaveLength(1);
    }
    // Only one side counts its threshold: two quantizers.
    expect(run(of("GreaterOrEqual", "Less"), x).map((v) => v + 0)).toEqual([1, 0, 1, -1]);
  });

  it("of levels that are not equally spaced are refused", () => {
    const spec = stairs([0, 1], 1, 0);
    const nodes = [...spec.nodes.slice(0, -3), node("Where", "b0 s1 w", {}, "z"), node("Transpose", "z")];
    expect(problemOf({ nodes, constants: { ...spec.constants, w: scalar(-5) } })).toMatch(
      /chooses among 3 values that do not rise or fall in equal steps/,
    );
  });
});
