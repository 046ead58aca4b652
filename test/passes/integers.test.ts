/** int8 arithmetic between layers: what it lowers to, and the same bits in both references. */
import { describe, expect, it } from "vitest";
import { fixedPoint } from "../../src/formats/tflite/quantized.js";
import type { GraphOp, IntTensor, Quantizer } from "../../src/graph/types.js";
import { lowerGraph } from "../../src/passes/registry.js";
import type { DeviceProgram, Instruction } from "../../src/program/index.js";
import { errorsOf } from "../support/errors.js";
import { BYTES, expectSameOutputs, FLOATS } from "../support/same-outputs.js";
import { SmallGraph, single } from "../support/small-graph.js";

type Operator = "add" | "subtract" | "multiply";
type Arithmetic = Extract<GraphOp, { kind: "integer-arithmetic" }>;

const [LEAST, GREATEST] = [-125, 130];

function int8(qmin = LEAST, qmax = GREATEST): GraphOp {
  const scale = single(1);
  const zeroPoint = single(0);
  const quantizer: Quantizer = { kind: "uniform", scale, zeroPoint, qmin, qmax, rounding: "half-away" };
  return { kind: "quantize", quantizer };
}

/** Sums of scales 0.0235 and 0.0176 in steps of 0.0314: some of them are close to halves. */
function arithmetic(operator: Operator, inBlocks = 0): Arithmetic {
  const [a, b, result] = [0.02352941, 0.01764706, 0.03137255].map(Math.fround) as [number, number, number];
  const term = { least: LEAST, greatest: GREATEST };
  const rest = { kind: "integer-arithmetic", operator, inBlocks, low: -100, high: 90 } as const;
  if (operator === "multiply") return { ...rest, terms: [term, term], factor: fixedPoint((a * b) / result) };
  return {
    ...rest,
    terms: [
      { ...term, factor: fixedPoint(a / (2 * a)) },
      { ...term, factor: fixedPoint(b / (2 * a)) },
    ],
    factor: fixedPoint((2 * a) / (2 ** 20 * result)),
  };
}

function table(low: number, index: IntTensor, ...entries: readonly ((x: number) => number)[]): GraphOp {
  const tables = entries.map((entry) => Int32Array.from({ length: 256 }, (_, i) => entry(low + i)));
  return { kind: "table", low, tables, index };
}

const only: IntTensor = { shape: [], data: Int32Array.of(0) };
const kinds = (program: DeviceProgram): readonly string[] => program.instructions.map((i) => i.kind);
const combineOf = (program: DeviceProgram): Extract<Instruction, { kind: "combine" }> =>
  program.instructions.find((i) => i.kind === "combine") as Extract<Instruction, { kind: "combine" }>;

/** Bits, two convolutions whose sums become int8, and what `join` makes of them. */
function joined(join: (g: SmallGraph, a: string, b: string) => void, channels = 6): SmallGraph {
  const g = new SmallGraph([1, 2, 5, 5]);
  const x = g.sign();
  const layer = (factor: number): string => {
    g.conv(channels, { from: x, window: { kernel: [3, 3] } });
    g.multiply([factor]);
    return g.add(int8());
  };
  join(g, layer(13.7), layer(-9.1));
  return g;
}

describe("sums and products of two int8 values", () => {
  it.each<Operator>(["add", "subtract", "multiply"])("%s bytes through tables", (operator) => {
    const { graph } = joined((g, a, b) => g.add(arithmetic(operator), undefined, [a, b]));
    const program = expectSameOutputs(graph);
    expect(kinds(program).filter((k) => k !== "pool")).toEqual([
      ...["threshold", "conv", "threshold", "conv", "threshold", "combine"],
    ]);
    expect(combineOf(program).operator).toBe(operator === "multiply" ? "multiply" : "add");
  });

  it.each([0, 16, 48, 54])("round the first %d of 54 elements in blocks", (inBlocks) => {
    // Blocks count pixels with channels innermost.
    const { graph } = joined((g, a, b) => {
      const last = [a, b].map((v) => {
        g.add({ kind: "transpose", permutation: [0, 2, 3, 1] }, [1, 3, 3, 6], [v]);
        return g.last;
      });
      g.add(arithmetic("add", inBlocks), undefined, last);
    });
    const { tail } = combineOf(expectSameOutputs(graph));
    expect(tail?.first).toBe(inBlocks === 0 || inBlocks === 54 ? undefined : inBlocks);
  });

  it("are refused where blocks do not end in the tensor's own order", () => {
    const { graph } = joined((g, a, b) => g.add(arithmetic("add", 16), undefined, [a, b]));
    expect(errorsOf(() => lowerGraph(graph, BYTES)).map((e) => e.code)).toEqual(["lowering/layout"]);
  });

  it("read the model's own bytes, of a sign or none, and codes of few levels", () => {
    for (const type of ["u8", "i8", "f32"] as const) {
      const g = new SmallGraph([1, 3, 4, 4]);
      const x = g.add(int8());
      const bits = g.sign(x);
      g.conv(3, { from: bits });
      const few = g.add(int8(-3, 3));
      g.add(arithmetic("add"), undefined, [x, few]);
      g.add(arithmetic("multiply"), undefined, [g.last, bits]);
      g.sign();
      g.conv(2);
      const affine = { numerator: 1, denominator: 1, zero: type === "u8" ? 128 : 0 };
      const program = lowerGraph(g.graph, { input: type === "f32" ? { type } : { type, affine } }).program;
      expect(kinds(program).filter((k) => k === "combine").length).toBe(2);
      if (type !== "i8") expectSameOutputs(g.graph, type === "f32" ? FLOATS : BYTES);
    }
  });

  it("let pools, slices and other readers follow", () => {
    const { graph } = joined((g, a, b) => {
      const sum = g.add(arithmetic("add"), undefined, [a, b]);
      g.maxPool(2, sum);
      g.sign();
      g.conv(4);
      g.add({ kind: "slice", starts: [0, 1, 0, 0], steps: [1, 1, 1, 1] }, [1, 4, 1, 1], [g.maxPool(3, sum)]);
    });
    expectSameOutputs(graph);
  });
});

describe("functions of one int8 number", () => {
  it("become thresholds of the sums before them, one row per channel", () => {
    const g = joined(() => {}, 4);
    g.add(table(LEAST, only, (x) => Math.max(Math.floor(x / 3), -20)));
    g.add(int8());
    const index = { shape: [4, 1, 1], data: Int32Array.of(0, 1, 0, 1) };
    g.add(
      table(
        LEAST,
        index,
        (x) => 2 * x,
        (x) => 7 - x,
      ),
    );
    g.add(int8(-80, 90));
    expect(kinds(expectSameOutputs(g.graph)).slice(0, 3)).toEqual(["threshold", "conv", "threshold"]);
  });

  it.each([1, 48, 53])("that differ behind the first %d elements of a map have two tables", (first) => {
    const program = expectSameOutputs(twoTables((i) => (i < first ? 0 : 1)).graph);
    expect(combineOf(program).tail?.first).toBe(first);
  });

  it("that differ in other places are refused", () => {
    const errors = errorsOf(() => lowerGraph(twoTables((i) => (i % 5) % 2).graph, BYTES));
    expect(errors.map((e) => e.code)).toEqual(["lowering/positions"]);
  });

  /** A map of 3 × 3 × 6 with channels innermost, and a table for each element. */
  function twoTables(place: (i: number) => number): SmallGraph {
    const g = joined(() => {});
    g.add({ kind: "transpose", permutation: [0, 2, 3, 1] }, [1, 3, 3, 6]);
    const index = { shape: [1, 3, 3, 6], data: Int32Array.from({ length: 54 }, (_, i) => place(i)) };
    g.add(
      table(
        LEAST,
        index,
        (x) => Math.floor(x / 2),
        (x) => Math.ceil(x / 2),
      ),
    );
    return g;
  }
});

describe("concatenations of bytes", () => {
  it("count all of them from one number, some through a table", () => {
    const { graph } = joined((g, a, b) => {
      g.add(int8(-20, 60), undefined, [b]);
      const clamped = g.last;
      g.add({ kind: "concat", axis: 1 }, [1, 12, 3, 3], [a, clamped]);
      g.conv(2);
    });
    const program = expectSameOutputs(graph);
    expect(kinds(program).slice(-3)).toEqual(["lookup", "concat", "conv"]);
  });
});

describe("a softmax on int8", () => {
  const softmax: GraphOp = { kind: "softmax", axis: 1, integers: { step: 0.25 } };
  const scores = (): SmallGraph => {
    const g = new SmallGraph([1, 8]);
    g.sign();
    g.dense(3);
    g.add(int8());
    g.add(softmax);
    return g;
  };

  it("is left out with what stands behind it, since scores have its order", () => {
    const g = scores();
    g.add({ kind: "arithmetic", operator: "add", operand: single(-128), reversed: false });
    g.add({ kind: "arithmetic", operator: "multiply", operand: single(0.5), reversed: false });
    const { program } = lowerGraph(g.graph, BYTES);
    expect(program.output.omitted).toEqual(["softmax"]);
    expect(program.output.order.kind).toBe("scores");
  });

  it("is refused where its equal probabilities would decide, or floats are wanted", () => {
    const g = scores();
    expect(
      errorsOf(() => lowerGraph(g.graph, { ...BYTES, output: "float32" })).map((e) => e.message),
    ).toEqual([expect.stringMatching(/softmax is on int8/)]);
    const { graph } = g;
    const node = {
      name: "class",
      op: { kind: "argmax", axis: 1, keepDims: false, selectLast: false },
      inputs: graph.outputs,
      output: "class",
    } as const;
    const values = new Map([
      ...graph.values,
      ["class", { name: "class", shape: [1], dtype: "int64" }] as const,
    ]);
    const whole = { ...graph, nodes: [...graph.nodes, node], values, outputs: ["class"] };
    expect(errorsOf(() => lowerGraph(whole, BYTES)).map((e) => e.message)).toEqual([
      expect.stringMatching(/greatest of int8 probabilities/),
    ]);
  });

  it("is refused where a value falls behind it", () => {
    const g = scores();
    g.add({ kind: "arithmetic", operator: "multiply", operand: single(-1), reversed: false });
    expect(errorsOf(() => lowerGraph(g.graph, BYTES)).map((e) => e.code)).toEqual(["lowering/after-output"]);
  });
});
