import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { FloatTensor, GraphOp, ModelGraph } from "../../src/graph/types.js";
import { verifyGraph } from "../../src/graph/verify.js";
import { runModel, traceModel } from "../../src/reference/model.js";
import { compileModel } from "../../src/reference/model-fast.js";
import { chain, tensor } from "../graph/support.js";
import { netSeed, Random, randomFloats, randomNet } from "../support/random-graph.js";

describe("the model reference", () => {
  it("computes small cases as done by hand", () => {
    const weights = tensor([2, 3], [1, 2, 3, 4, 5, 6]);
    const graph = chain([2, 2], [{ kind: "dense", weights }, [2, 3]], [{ kind: "relu" }]);
    expect([...runModel(graph, Float32Array.of(1, 1, -1, 0))]).toEqual([5, 7, 9, 0, 0, 0]);
  });

  it("keeps every value by name", () => {
    const graph = chain([2], [{ kind: "relu" }], [arithmetic("multiply", tensor([], [2]))]);
    expect(traceModel(graph, Float32Array.of(-1, 3))).toEqual(
      new Map([
        ["x", Float32Array.of(-1, 3)],
        ["v0", Float32Array.of(0, 3)],
        ["v1", Float32Array.of(0, 6)],
      ]),
    );
  });

  it("rounds a sum of products once", () => {
    // In float32 steps 2^24 + 1 + 1 would stay 2^24.
    const graph = chain([1, 3], [{ kind: "dense", weights: tensor([3, 1], [2 ** 24, 1, 1]) }, [1, 1]]);
    expect([...runModel(graph, Float32Array.of(1, 1, 1))]).toEqual([2 ** 24 + 2]);
  });

  it("normalizes in the order factor, shift, product, sum", () => {
    const f = Math.fround;
    const number = fc.float({ min: -100, max: 100, noNaN: true });
    fc.assert(
      fc.property(
        number,
        number,
        number,
        number,
        fc.float({ min: 0, max: 100, noNaN: true }),
        (x, s, b, m, v) => {
          const one = (value: number): FloatTensor => tensor([1], [value]);
          const graph = chain(
            [1, 1],
            [
              {
                kind: "batch-normalization",
                scale: one(s),
                bias: one(b),
                mean: one(m),
                variance: one(v),
                epsilon: f(1e-5),
              },
            ],
          );
          // Each line is one float32 instruction of ONNX Runtime's kernel.
          const steps = Float32Array.of(v, s, b, m, x, 0, 0, 0);
          steps[5] = steps[0]! + f(1e-5);
          steps[5] = Math.sqrt(steps[5]!);
          steps[5] = 1 / steps[5]!;
          steps[5] = steps[5]! * steps[1]!;
          steps[6] = steps[3]! * steps[5]!;
          steps[6] = steps[2]! - steps[6]!;
          steps[7] = steps[4]! * steps[5]!;
          steps[7] = steps[7]! + steps[6]!;
          expect(runModel(graph, Float32Array.of(x))[0]).toBe(steps[7]);
        },
      ),
    );
  });

  it("broadcasts constants as numpy does", () => {
    const x = Float32Array.from({ length: 12 }, (_, i) => i);
    const sum = (operand: FloatTensor) => [...runModel(chain([2, 3, 2], [arithmetic("add", operand)]), x)];
    expect(sum(tensor([2], [10, 20]))).toEqual([10, 21, 12, 23, 14, 25, 16, 27, 18, 29, 20, 31]);
    expect(sum(tensor([3, 1], [10, 20, 30]))).toEqual([10, 11, 22, 23, 34, 35, 16, 17, 28, 29, 40, 41]);
    expect(sum(tensor([2, 1, 1], [10, 20]))).toEqual([10, 11, 12, 13, 14, 15, 26, 27, 28, 29, 30, 31]);
  });

  it("refuses inputs of another size and graphs with several inputs", () => {
    const graph = chain([2], [{ kind: "relu" }]);
    expect(() => runModel(graph, new Float32Array(3))).toThrow(/3 numbers where the model takes 2/);
    expect(() => compileModel(graph)(new Float32Array(3))).toThrow(/3 numbers are no batch of inputs of 2/);
    expect(() => runModel({ ...graph, inputs: ["x", "v0"] }, new Float32Array(2))).toThrow(/2 inputs/);
  });
});

describe("the fast reference equals the naive one in every bit", () => {
  it("for batches of random nets", () => {
    fc.assert(
      fc.property(netSeed, fc.integer({ min: 1, max: 37 }), (seed, count) => {
        const graph = randomNet(seed, { exactScales: false });
        expectEqual(graph, seed, count);
      }),
      { numRuns: 150 },
    );
  });

  it("for random chains of every operation, with constants along every axis", () => {
    fc.assert(
      fc.property(netSeed, fc.integer({ min: 1, max: 5 }), (seed, count) => {
        const graph = randomChain(new Random(seed));
        verifyGraph(graph);
        expectEqual(graph, seed, count);
      }),
      { numRuns: 300 },
    );
  });

  it("for nodes that read earlier values", () => {
    const graph = chain(
      [2],
      [arithmetic("add", tensor([], [1]))],
      [{ kind: "relu" }],
      [arithmetic("add", tensor([], [5]))],
    );
    const branched: ModelGraph = {
      ...graph,
      nodes: graph.nodes.map((n, i) => (i === 2 ? { ...n, inputs: ["v0"] } : n)),
    };
    const x = Float32Array.of(-3, 1);
    expect([...runModel(branched, x)]).toEqual([3, 7]);
    expect([...compileModel(branched)(x)]).toEqual([3, 7]);
    expect([...compileModel({ ...branched, outputs: ["v1"] })(x)]).toEqual([0, 2]);
  });

  it("for an empty batch", () => {
    expect(compileModel(chain([2], [{ kind: "relu" }]))(new Float32Array(0))).toEqual(new Float32Array(0));
  });
});

function expectEqual(graph: ModelGraph, seed: number, count: number): void {
  const size = graph.values.get(graph.inputs[0]!)!.shape.reduce((a, b) => a * b, 1);
  const inputs = randomFloats(seed ^ 1, size * count);
  const all = compileModel(graph)(inputs);
  const width = all.length / count;
  for (let i = 0; i < count; i++) {
    const naive = runModel(graph, inputs.subarray(i * size, (i + 1) * size));
    expect(bits(all.slice(i * width, (i + 1) * width))).toEqual(bits(naive));
  }
}

function bits(values: Float32Array): Int32Array {
  return new Int32Array(values.slice().buffer);
}

function arithmetic(
  operator: "add" | "subtract" | "multiply" | "divide",
  operand: FloatTensor,
  reversed = false,
): GraphOp {
  return { kind: "arithmetic", operator, operand, reversed };
}

/** Up to eight operations on a tensor of rank 2 or 3. */
function randomChain(random: Random): ModelGraph {
  let shape = Array.from({ length: random.integer(2, 3) }, (_, i) => (i === 0 ? 1 : random.integer(1, 6)));
  const steps: [GraphOp, number[]][] = [];
  const length = random.integer(1, 8);
  for (let i = 0; i < length; i++) {
    const [op, next] = randomStep(random, shape);
    steps.push([op, next]);
    shape = next;
  }
  const first = steps.length === 0 ? shape : undefined;
  return chain(first ?? inputShapeOf(steps, random), ...steps);
}

/** The first operation is preceded by a reshape from a flat input, so that its shape is free. */
function inputShapeOf(steps: [GraphOp, number[]][], random: Random): number[] {
  const shape = stepInput(steps[0]!);
  steps.unshift([{ kind: "reshape" }, shape]);
  const count = shape.reduce((a, b) => a * b, 1);
  return random.next() < 0.5 ? [1, count] : [1, 1, count];
}

const inputShapes = new WeakMap<GraphOp, number[]>();

function stepInput([op]: [GraphOp, number[]]): number[] {
  return inputShapes.get(op)!;
}

function randomStep(random: Random, shape: number[]): [GraphOp, number[]] {
  const [op, next] = drawStep(random, shape);
  inputShapes.set(op, shape);
  return [op, next];
}

function drawStep(random: Random, shape: number[]): [GraphOp, number[]] {
  const constant = (draw: () => number): FloatTensor => {
    const kept = shape.slice(random.integer(0, shape.length)).map((n) => (random.next() < 0.5 ? 1 : n));
    return tensor(kept, Array.from({ length: kept.reduce((a, b) => a * b, 1) }, draw));
  };
  const positive = (): number => 0.05 + random.next();
  switch (random.integer(0, 6)) {
    case 0: {
      const outputs = random.integer(1, 7);
      const inputs = shape.at(-1)!;
      const data = Array.from({ length: inputs * outputs }, () => random.normal());
      return [{ kind: "dense", weights: tensor([inputs, outputs], data) }, [...shape.slice(0, -1), outputs]];
    }
    case 1: {
      const operator = random.pick(["add", "subtract", "multiply", "divide"] as const);
      return [arithmetic(operator, constant(positive), random.next() < 0.3), shape];
    }
    case 2: {
      const channels = shape[1]!;
      const draw = (make: () => number): FloatTensor =>
        tensor([channels], Array.from({ length: channels }, make));
      const [scale, bias, mean] = [0, 1, 2].map(() => draw(() => random.normal())) as [
        FloatTensor,
        FloatTensor,
        FloatTensor,
      ];
      return [
        { kind: "batch-normalization", scale, bias, mean, variance: draw(positive), epsilon: 1e-5 },
        shape,
      ];
    }
    case 3:
      return [{ kind: "relu" }, shape];
    case 4:
      return [
        {
          kind: "quantize",
          quantizer: { kind: "bipolar", scale: constant(positive), signOfZero: random.pick([1, -1]) },
        },
        shape,
      ];
    case 5:
      return [
        {
          kind: "quantize",
          quantizer: {
            kind: "uniform",
            scale: constant(positive),
            zeroPoint: constant(() => random.integer(-2, 2)),
            qmin: -8,
            qmax: 7,
            rounding: random.pick(["half-even", "half-up", "half-down", "floor", "ceil", "toward-zero"]),
          },
        },
        shape,
      ];
    default:
      return [{ kind: "softmax", axis: random.integer(0, shape.length - 1) }, shape];
  }
}
