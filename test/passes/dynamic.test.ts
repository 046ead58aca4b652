/** Operands that differ between positions, products of two values, and sums over channels or everything. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { FloatTensor, GraphOp, Shape } from "../../src/graph/types.js";
import { lowerGraph } from "../../src/passes/registry.js";
import type { DeviceProgram, Instruction } from "../../src/program/index.js";
import { errorsOf } from "../support/errors.js";
import { netSeed, Random } from "../support/random-graph.js";
import { BYTES, expectSameOutputs, FLOATS } from "../support/same-outputs.js";
import { SmallGraph, single } from "../support/small-graph.js";

function kinds({ instructions }: DeviceProgram): readonly string[] {
  return instructions.map((i) => i.kind);
}

function extents({ instructions }: DeviceProgram): readonly unknown[] {
  const scales = instructions.filter((i): i is Extract<Instruction, { kind: "scale" }> => i.kind === "scale");
  return scales.flatMap(({ steps }) => steps.flatMap(({ extent }) => (extent === undefined ? [] : [extent])));
}

/** Powers of two, so that every product is exact; `sign` says which are negative. */
function powers(shape: Shape, sign: (i: number) => number = () => 1): FloatTensor {
  const length = shape.reduce((a, b) => a * b, 1);
  return { shape, data: Float32Array.from({ length }, (_, i) => sign(i) * 2 ** ((i * 5) % 4)) };
}

const multiply = (operand: FloatTensor): GraphOp => ({
  kind: "arithmetic",
  operator: "multiply",
  operand,
  reversed: false,
});

/** Sign, convolution, what `middle` adds, sign, convolution. */
function between(middle: (g: SmallGraph) => void, input: Shape = [1, 2, 5, 6]): SmallGraph {
  const g = new SmallGraph(input);
  g.sign();
  g.conv(3);
  middle(g);
  g.sign();
  g.conv(2);
  return g;
}

const alternating = (i: number): number => (i % 3 === 0 ? -1 : 1);

describe("operands that differ between positions", () => {
  it.each<[string, Shape, Shape]>([
    ["rows", [1, 1, 5, 1], [5, 1, 1]],
    ["columns", [6], [1, 6, 1]],
    ["positions", [5, 6], [5, 6, 1]],
    ["elements", [3, 5, 6], [5, 6, 3]],
    ["rows of each channel", [3, 5, 1], [5, 1, 3]],
  ])("per %s are steps of that extent, and thresholds are of floats", (_, shape, extent) => {
    const program = expectSameOutputs(between((g) => g.add(multiply(powers(shape, alternating)))).graph);
    expect(kinds(program)).toEqual(["threshold", "conv", "scale", "threshold", "conv"]);
    expect(extents(program)).toEqual([extent]);
  });

  it("are one scale with what stands before them, in order", () => {
    const graph = between((g) => {
      g.multiply([2, -1, 0.5]);
      g.add(multiply(powers([5, 1], alternating)));
      g.add({ kind: "relu" });
      g.add(multiply(powers([6], alternating)));
      g.multiply([1, 2, -1]);
    }).graph;
    const program = expectSameOutputs(graph);
    expect(kinds(program)).toEqual(["threshold", "conv", "scale", "threshold", "conv"]);
    const [scale] = program.instructions.filter((i) => i.kind === "scale");
    expect(scale?.steps.map((s) => [s.operator, s.extent])).toEqual([
      ["multiply", undefined],
      ["multiply", [5, 1, 1]],
      ["relu", undefined],
      ["multiply", [1, 6, 1]],
    ]);
  });

  it("are applied on the right side of a pool", () => {
    for (const isBefore of [true, false]) {
      const graph = between((g) => {
        if (isBefore) g.add(multiply(powers([5, 6], alternating)));
        g.maxPool(2);
        if (!isBefore) g.add(multiply(powers([2, 3], alternating)));
      }).graph;
      expect(extents(expectSameOutputs(graph))).toEqual([isBefore ? [5, 6, 1] : [2, 3, 1]]);
    }
  });

  it("that equal per channel, or are one number, stay as they are", () => {
    const operand = { shape: [3, 5, 6], data: Float32Array.from({ length: 90 }, (_, i) => (i < 30 ? 2 : 4)) };
    const program = expectSameOutputs(between((g) => g.add(multiply(operand))).graph);
    expect(kinds(program)).toEqual(["threshold", "conv", "threshold", "conv"]);
  });

  it("behind a quantizer make the next layer float", () => {
    const g = new SmallGraph([1, 2, 5, 6]);
    g.sign();
    g.add(multiply(powers([5, 6])));
    g.conv(2);
    const program = expectSameOutputs(g.graph);
    expect(kinds(program)).toEqual(["threshold", "scale", "conv-float"]);
  });

  it("on a wide quantizer's input keep its bounds", () => {
    const wide = { kind: "uniform", scale: single(1), zeroPoint: single(0), rounding: "half-even" } as const;
    const g = new SmallGraph([1, 2, 5, 6]);
    g.sign();
    g.conv(3);
    g.add(multiply(powers([5, 6])));
    g.add({ kind: "quantize", quantizer: { ...wide, qmin: -(2 ** 20), qmax: 2 ** 20 } });
    g.conv(2);
    const { graph } = g;
    expect(errorsOf(() => lowerGraph(graph, BYTES)).map((e) => e.code)).toContain(
      "lowering/activation-codes",
    );
  });

  it("at the end make the output float", () => {
    const g = new SmallGraph([1, 2, 5, 6]);
    g.sign();
    g.conv(3);
    g.add(multiply(powers([5, 6], alternating)));
    expect(kinds(expectSameOutputs(g.graph))).toEqual(["threshold", "conv", "scale"]);
  });
});

describe("positive factors in front of a sign", () => {
  const isDropped = (middle: (g: SmallGraph) => void): boolean => {
    return !kinds(expectSameOutputs(between(middle).graph)).includes("scale");
  };
  const divide = (operand: FloatTensor): GraphOp => ({ ...multiply(operand), operator: "divide" }) as GraphOp;

  it("are dropped, one or several, products or quotients, behind other operations", () => {
    expect(isDropped((g) => g.add(multiply(powers([5, 6]))))).toBe(true);
    expect(
      isDropped((g) => {
        g.multiply([0.25, -1, 3]);
        g.add({ ...multiply(single(0.5)), operator: "add" } as GraphOp);
        g.add(multiply(powers([5, 1])));
        g.add(divide(powers([6])));
      }),
    ).toBe(true);
    const behindPool = (g: SmallGraph): void => {
      g.maxPool(2);
      g.add(multiply(powers([2, 3])));
    };
    expect(isDropped(behindPool)).toBe(true);
  });

  it("are kept where one is negative or 0, or something stands between", () => {
    expect(isDropped((g) => g.add(multiply(powers([5, 6], alternating))))).toBe(false);
    expect(isDropped((g) => g.add(multiply(powers([5, 6], (i) => (i === 7 ? 0 : 1)))))).toBe(false);
    expect(
      isDropped((g) => {
        g.add(multiply(powers([5, 6])));
        g.add({ ...multiply(single(1)), operator: "add" } as GraphOp);
      }),
    ).toBe(false);
  });

  it("are kept where a product could be rounded to 0, which has another sign than its factor", () => {
    const tiny = (x: number): FloatTensor => ({
      shape: [5, 6],
      data: Float32Array.from({ length: 30 }, (_, i) => (i === 3 ? x : 1)),
    });
    // Sums are even: the least magnitude but 0 is 2.
    expect(isDropped((g) => g.add(multiply(tiny(2 ** -149))))).toBe(true);
    const scaled = (g: SmallGraph): void => {
      g.multiply([2 ** -3]);
      g.add(multiply(tiny(2 ** -149)));
    };
    expect(isDropped(scaled)).toBe(false);
  });

  it("of floats are dropped only if they shrink nothing to 0", () => {
    const program = (factor: number): DeviceProgram => {
      const g = new SmallGraph([1, 2, 5, 6]);
      const data = Float32Array.from({ length: 30 }, (_, i) => factor + (i % 2));
      g.add(multiply({ shape: [5, 6], data }));
      g.sign();
      g.conv(2);
      return expectSameOutputs(g.graph, FLOATS);
    };
    expect(kinds(program(1))).toEqual(["threshold", "conv"]);
    expect(kinds(program(0.5))).toEqual(["scale", "threshold", "conv"]);
  });
});

describe("products of two values", () => {
  const pairwise = (operator: "add" | "subtract" | "multiply"): GraphOp => ({ kind: "pairwise", operator });

  /** A convolution's map beside a value of the given part of the channels and positions. */
  function pair(operator: "add" | "subtract" | "multiply", part: Shape, swapped: boolean): SmallGraph {
    const g = new SmallGraph([1, 2, 4, 4]);
    const bits = g.sign();
    const map = g.conv(4, { from: bits });
    const starts = [0, 0, 0, 0];
    const slice: GraphOp = { kind: "slice", starts, steps: [1, 1, 1, 1] };
    const other = g.add(slice, part, [map]);
    g.add(pairwise(operator), [1, 4, 4, 4], swapped ? [other, map] : [map, other]);
    return g;
  }

  it.each<[string, Shape]>([
    ["a map", [1, 4, 4, 4]],
    ["one channel", [1, 1, 4, 4]],
    ["one pixel", [1, 4, 1, 1]],
    ["one row", [1, 4, 1, 4]],
    ["one number", [1, 1, 1, 1]],
  ])("and sums and differences, with %s", (_, part) => {
    for (const operator of ["add", "subtract", "multiply"] as const)
      for (const swapped of [false, true])
        expect(kinds(expectSameOutputs(pair(operator, part, swapped).graph))).toContain("pairwise");
  });

  it("of a row and a column are a map", () => {
    const g = new SmallGraph([1, 2, 4, 4]);
    const map = g.conv(2, { from: g.sign() });
    const slice: GraphOp = { kind: "slice", starts: [0, 0, 0, 0], steps: [1, 1, 1, 1] };
    const row = g.add(slice, [1, 2, 1, 4], [map]);
    const column = g.add(slice, [1, 1, 4, 1], [map]);
    g.add(pairwise("multiply"), [1, 2, 4, 4], [row, column]);
    expectSameOutputs(g.graph);
  });

  it("with channels innermost, and of flattened maps", () => {
    const g = new SmallGraph([1, 2, 4, 4]);
    g.conv(4, { from: g.sign() });
    const last = g.transpose([0, 2, 3, 1]);
    const weights = g.add({ kind: "reduce", operator: "mean", axes: [3] }, [1, 4, 4, 1], [last]);
    const scaled = g.add(pairwise("multiply"), [1, 4, 4, 4], [last, weights]);
    const flat = g.add({ kind: "reshape" }, [1, 64], [scaled]);
    const total = g.add({ kind: "reduce", operator: "sum", axes: [1] }, [1, 1], [flat]);
    g.add(pairwise("subtract"), [1, 64], [flat, total]);
    expectSameOutputs(g.graph);
  });

  it("that would need elements in two orders are refused", () => {
    const g = new SmallGraph([1, 4, 4, 4]);
    const map = g.conv(4, { from: g.sign() });
    const turned = g.add({ kind: "transpose", permutation: [0, 1, 3, 2] }, [1, 4, 4, 4], [map]);
    const slice: GraphOp = { kind: "slice", starts: [0, 0, 0, 0], steps: [1, 1, 1, 1] };
    const plane = g.add(slice, [1, 1, 4, 4], [map]);
    g.add(pairwise("multiply"), [1, 4, 4, 4], [turned, plane]);
    expect(errorsOf(() => lowerGraph(g.graph, BYTES)).map((e) => e.code)).toEqual(["lowering/layout"]);
  });
});

describe("sums and means", () => {
  function reduced(
    op: Partial<Extract<GraphOp, { kind: "reduce" }>>,
    shape: Shape,
    magnitude = false,
  ): SmallGraph {
    const g = new SmallGraph([1, 2, 4, 4]);
    g.conv(4, { from: g.sign() });
    if (magnitude) g.add({ kind: "abs" });
    g.add({ kind: "reduce", operator: "mean", axes: [1], ...op }, shape);
    return g;
  }
  const sumType = (program: DeviceProgram): unknown => {
    const reduce = program.instructions.find((i) => i.kind === "reduce")!;
    return program.tensors[reduce.output]!.domain;
  };

  it.each<[string, readonly number[], Shape]>([
    ["channels", [1], [1, 1, 4, 4]],
    ["all", [0, 1, 2, 3], [1, 1, 1, 1]],
  ])("over %s are exact on integers, float where something was folded over", (over, axes, shape) => {
    for (const operator of ["sum", "mean"] as const) {
      const onIntegers = expectSameOutputs(reduced({ axes, operator }, shape).graph);
      expect(sumType(onIntegers)).toEqual({ kind: "scalar", type: "i32" });
      const onFloats = expectSameOutputs(reduced({ axes, operator }, shape, true).graph);
      expect(sumType(onFloats)).toEqual({ kind: "scalar", type: "f32" });
      const [reduce] = onFloats.instructions.filter((i) => i.kind === "reduce");
      expect(reduce!.over).toBe(over);
    }
  });

  it("of the input's bytes are integers with its scale behind them", () => {
    const g = new SmallGraph([1, 4, 3, 3]);
    g.add({ kind: "reduce", operator: "mean", axes: [1] }, [1, 1, 3, 3]);
    g.sign();
    g.conv(2);
    const affine = { numerator: 1, denominator: 64, zero: 0 };
    const { program } = lowerGraph(g.graph, { input: { type: "u8", affine } });
    expect(kinds(program)).toEqual(["pool", "reduce", "threshold", "conv"]);
  });

  it("over one element are that element, and over rows and channels are refused", () => {
    const one = reduced({ axes: [0] }, [1, 4, 4, 4]);
    expect(kinds(expectSameOutputs(one.graph))).toEqual(["threshold", "conv"]);
    const odd = reduced({ axes: [1, 2] }, [1, 1, 1, 4]);
    expect(errorsOf(() => lowerGraph(odd.graph, BYTES)).map((e) => e.code)).toEqual(["lowering/reduce"]);
  });
});

describe("random nets of scales that depend on positions and inputs", () => {
  it("are lowered to what the model computes", () => {
    fc.assert(
      fc.property(netSeed, (seed) => {
        expectSameOutputs(randomNet(seed).graph, seed % 2 === 0 ? BYTES : FLOATS, seed);
      }),
      { numRuns: 60 },
    );
  });
});

/** Factors are powers of two, so that all sums are exact. */
function randomNet(seed: number): SmallGraph {
  const random = new Random(seed);
  const [channels, height, width] = [2 ** random.integer(0, 2), random.integer(1, 4), random.integer(1, 4)];
  const g = new SmallGraph([1, channels, height, width]);
  let value = "input";
  for (let i = 0; i < random.integer(1, 3); i++) {
    const map = g.conv(4, { from: g.sign(value) });
    const sides = [4, height, width].map((n) => random.pick([1, n]));
    const scaled = g.add(multiply(powers(sides, (k) => (random.next() < 0.5 || k > 0 ? 1 : -1))), undefined, [
      map,
    ]);
    const axes = random.pick([[1], [0, 1, 2, 3]]);
    const shape = axes.length === 1 ? [1, 1, height, width] : [1, 1, 1, 1];
    const size = random.next() < 0.5 ? g.add({ kind: "abs" }, undefined, [scaled]) : scaled;
    const sum = g.add({ kind: "reduce", operator: axes.length === 1 ? "mean" : "sum", axes }, shape, [size]);
    const operator = random.pick(["add", "subtract", "multiply"] as const);
    value = g.add({ kind: "pairwise", operator }, [1, 4, height, width], [scaled, sum]);
  }
  return g;
}
