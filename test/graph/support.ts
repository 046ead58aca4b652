import type {
  FloatTensor,
  GraphNode,
  GraphOp,
  GraphValue,
  ModelGraph,
  Shape,
} from "../../src/graph/types.js";

export function tensor(shape: Shape, data: readonly number[]): FloatTensor {
  return { shape, data: Float32Array.from(data) };
}

/** A chain of operations on one input; every step gives its op and the shape of its output. */
export function chain(
  inputShape: Shape,
  ...steps: readonly (readonly [GraphOp, Shape] | readonly [GraphOp])[]
): ModelGraph {
  const values = new Map<string, GraphValue>([["x", { name: "x", shape: inputShape, dtype: "float32" }]]);
  const nodes: GraphNode[] = [];
  let current = "x";
  let shape = inputShape;
  steps.forEach(([op, next], i) => {
    const output = `v${i}`;
    shape = next ?? shape;
    const dtype = op.kind === "argmax" ? "int64" : values.get(current)!.dtype;
    nodes.push({ name: `${op.kind}_${i}`, op, inputs: [current], output });
    values.set(output, { name: output, shape, dtype });
    current = output;
  });
  return {
    name: "chain",
    origin: { format: "test", version: "", producer: "" },
    nodes,
    values,
    inputs: ["x"],
    outputs: [current],
  };
}

/** The graph with one node changed. */
export function withNode(graph: ModelGraph, index: number, change: Partial<GraphNode>): ModelGraph {
  return { ...graph, nodes: graph.nodes.map((n, i) => (i === index ? { ...n, ...change } : n)) };
}

/** The graph with one value changed. */
export function withValue(graph: ModelGraph, name: string, change: Partial<GraphValue>): ModelGraph {
  const values = new Map(graph.values);
  values.set(name, { ...graph.values.get(name)!, ...change });
  return { ...graph, values };
}
