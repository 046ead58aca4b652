/** The verifier finds each kind of damage in a graph that is right before. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { BitloomError } from "../../src/diagnostics/diagnostic.js";
import { readModel } from "../../src/formats/index.js";
import type { GraphNode, GraphOp, GraphValue, ModelGraph } from "../../src/graph/types.js";
import { verifyGraph } from "../../src/graph/verify.js";
import { smallNet } from "../support/onnx-builder.js";
import { netSeed, randomNet } from "../support/random-graph.js";

const graph = readModel(smallNet({ softmax: true }), "m.onnx");

function withNode(kind: GraphOp["kind"], change: (node: GraphNode) => GraphNode): ModelGraph {
  const at = graph.nodes.findIndex((n) => n.op.kind === kind);
  return { ...graph, nodes: graph.nodes.map((n, i) => (i === at ? change(n) : n)) };
}

function withOp<K extends GraphOp["kind"]>(
  kind: K,
  change: (op: Extract<GraphOp, { kind: K }>) => GraphOp,
): ModelGraph {
  return withNode(kind, (n) => ({ ...n, op: change(n.op as Extract<GraphOp, { kind: K }>) }));
}

function withValue(name: string, change: Partial<GraphValue>): ModelGraph {
  return { ...graph, values: new Map(graph.values).set(name, { ...graph.values.get(name)!, ...change }) };
}

const vector = (...data: number[]): { shape: number[]; data: Float32Array } => ({
  shape: [data.length],
  data: Float32Array.from(data),
});
const hidden = graph.nodes[1]!.output;

test("the graph itself is right", () => expect(() => verifyGraph(graph)).not.toThrow());

test("random nets are right", () => {
  fc.assert(
    fc.property(netSeed, (seed) => verifyGraph(randomNet(seed, { exactScales: false }))),
    { numRuns: 30 },
  );
});

test.each<[string, ModelGraph, RegExp]>([
  [
    "a value read before it is written",
    { ...graph, nodes: [...graph.nodes].reverse() },
    /before it is written/,
  ],
  ["an output that nothing writes", { ...graph, outputs: ["lost"] }, /never written/],
  ["two nodes of one name", withNode("dense", (n) => ({ ...n, name: graph.nodes[0]!.name })), /name/],
  ["a second writer", withNode("dense", (n) => ({ ...n, output: graph.nodes[0]!.output })), /second time/],
  ["an impossible shape", withValue(hidden, { shape: [1, 0] }), /shape/],
  ["a fractional shape", withValue(hidden, { shape: [1, 6.5] }), /shape/],
  ["a changed shape", withValue(hidden, { shape: [1, 7] }), /shape/],
  ["another rank", withValue(hidden, { shape: [6] }), /shape/],
  ["class indices in the middle", withValue(hidden, { dtype: "int64" }), /int64|indices/],
  [
    "a constant that is NaN",
    withOp("arithmetic", (op) => ({ ...op, operand: vector(0, Number.NaN, 0) })),
    /not finite/,
  ],
  [
    "a constant of another size",
    withOp("arithmetic", (op) => ({ ...op, operand: vector(1, 2) })),
    /constant/,
  ],
  [
    "data that do not fill a shape",
    withOp("arithmetic", (op) => ({ ...op, operand: { ...vector(1, 2, 3), shape: [2] } })),
    /fill/,
  ],
  ["too few channels", withOp("batch-normalization", (op) => ({ ...op, mean: vector(1) })), /channel/],
  ["an axis that does not exist", withOp("softmax", (op) => ({ ...op, axis: 2 })), /axis 2/],
  [
    "no levels",
    withOp("quantize", (op) => ({
      ...op,
      quantizer: {
        kind: "uniform",
        scale: vector(1),
        zeroPoint: vector(0),
        qmin: 1,
        qmax: 0,
        rounding: "floor",
      },
    })),
    /levels/,
  ],
  [
    "a scale of zero",
    withOp("quantize", (op) => ({ ...op, quantizer: { ...op.quantizer, scale: vector(0) } })),
    /scale/,
  ],
  [
    "weights that are not their codes",
    withOp("dense", (op) => ({
      ...op,
      weights: { ...op.weights, data: op.weights.data.map((w, i) => (i === 5 ? -w : w)) },
    })),
    /code times its scale, at 5/,
  ],
  [
    "too few codes",
    withOp("dense", (op) => ({
      ...op,
      weights: { ...op.weights, quantized: { ...op.weights.quantized!, codes: new Int32Array(3) } },
    })),
    /codes/,
  ],
])("%s is found", (_, damaged, message) => {
  let found: unknown;
  try {
    verifyGraph(damaged);
  } catch (error) {
    found = error;
  }
  expect(found).toBeInstanceOf(BitloomError);
  const { diagnostics } = found as BitloomError;
  expect(diagnostics.map((d) => d.code)).toContain("graph/invalid");
  expect(diagnostics.map((d) => d.message).join("\n")).toMatch(message);
});
