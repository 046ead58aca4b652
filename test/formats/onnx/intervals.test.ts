import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Interval, intervalAfter } from "../../../src/formats/onnx/intervals.js";
import type { GraphOp } from "../../../src/graph/types.js";
import { runModel } from "../../../src/reference/model.js";

const number = fc.float({ min: -100, max: 100, noNaN: true });
const one = (x: number): { shape: number[]; data: Float32Array } => ({ shape: [], data: Float32Array.of(x) });
const op: fc.Arbitrary<GraphOp> = fc.oneof(
  fc.constant<GraphOp>({ kind: "relu" }),
  fc
    .tuple(number, number)
    .map(([a, b]): GraphOp => ({ kind: "clip", low: Math.min(a, b), high: Math.max(a, b) })),
  number.map((slope): GraphOp => ({ kind: "prelu", slope: one(Math.abs(slope)) })),
  fc
    .tuple(fc.constantFrom("add", "subtract", "multiply", "divide"), number, fc.boolean())
    .filter(([operator, c, reversed]) => operator !== "divide" || (!reversed && c !== 0))
    .map(([operator, c, reversed]): GraphOp => ({ kind: "arithmetic", operator, operand: one(c), reversed })),
  fc
    .tuple(
      number,
      fc.integer({ min: -8, max: 0 }),
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: -3, max: 3 }),
    )
    .filter(([s]) => s !== 0)
    .map(([s, qmin, qmax, z]): GraphOp => {
      const bounds = { qmin, qmax, rounding: "half-even" } as const;
      return {
        kind: "quantize",
        quantizer: { kind: "uniform", scale: one(s), zeroPoint: one(z), ...bounds },
      };
    }),
  number
    .filter((s) => s !== 0)
    .map(
      (s): GraphOp => ({ kind: "quantize", quantizer: { kind: "bipolar", scale: one(s), signOfZero: 1 } }),
    ),
);

/** One number through one operation, as the model's reference computes it. */
function through(node: GraphOp, x: number): number {
  const value = (name: string) => [name, { name, shape: [1, 1], dtype: "float32" }] as const;
  const graph = {
    name: "test",
    origin: { format: "ONNX", version: "", producer: "" },
    nodes: [{ name: "node", op: node, inputs: ["x"], output: "y" }],
    values: new Map([value("x"), value("y")]),
    inputs: ["x"],
    outputs: ["y"],
  } as const;
  return runModel(graph, Float32Array.of(x))[0]!;
}

describe("intervals", () => {
  it("hold every number that an operation makes of numbers in its input's interval", () => {
    fc.assert(
      fc.property(op, number, number, fc.float({ min: 0, max: 1, noNaN: true }), (node, a, b, t) => {
        const [low, high] = [Math.min(a, b), Math.max(a, b)];
        const x = Math.min(Math.max(Math.fround(low + t * (high - low)), low), high);
        const interval = intervalAfter(node, [[low, high]]);
        const y = through(node, x);
        expect(interval![0]).toBeLessThanOrEqual(y);
        expect(interval![1]).toBeGreaterThanOrEqual(y);
      }),
      { numRuns: 500 },
    );
  });

  it("are open where nothing is known", () => {
    const shift: GraphOp = { kind: "arithmetic", operator: "add", operand: one(3), reversed: false };
    expect(intervalAfter(shift, [undefined])).toBeUndefined();
    expect(intervalAfter({ kind: "relu" }, [undefined])).toEqual([0, Infinity]);
    expect(intervalAfter(shift, [[0, Infinity]])).toEqual([3, Infinity]);
    const inverse: GraphOp = { kind: "arithmetic", operator: "divide", operand: one(1), reversed: true };
    expect(intervalAfter(inverse, [[-1, 1]])).toBeUndefined();
    expect(intervalAfter(inverse, [[2, 4]])).toEqual([0.25, 0.5]);
    expect(intervalAfter({ kind: "prelu", slope: one(-1) }, [[-1, 1]])).toBeUndefined();
  });

  it("of several inputs are those of their sum, or hold all of them", () => {
    const parts: Interval[] = [
      [0, 1],
      [-3, 2],
    ];
    expect(intervalAfter({ kind: "sum" }, parts)).toEqual([-3, 3]);
    expect(intervalAfter({ kind: "concat", axis: 1 }, parts)).toEqual([-3, 2]);
    expect(intervalAfter({ kind: "concat", axis: 1 }, [[0, 1], undefined])).toBeUndefined();
    expect(intervalAfter({ kind: "pad", before: [0], after: [1], value: -1 }, [[0, 1]])).toEqual([-1, 1]);
  });

  it("do not change where elements are moved, and are lost in layers", () => {
    const window = { kernel: [2, 2], stride: [1, 1], dilation: [1, 1], pads: [0, 0, 0, 0] } as const;
    expect(intervalAfter({ kind: "max-pool", window }, [[0, 1]])).toEqual([0, 1]);
    expect(intervalAfter({ kind: "reshape" }, [[0, 1]])).toEqual([0, 1]);
    expect(intervalAfter({ kind: "average-pool", window, countPads: true }, [[0, 1]])).toBeUndefined();
  });
});
