/** Which nodes a program is made of: those that the output needs, without what only ends the model. */
import type { Diagnostics } from "../diagnostics/diagnostic.js";
import type { GraphNode, ModelGraph } from "../graph/types.js";

export function hasTwoEnds(graph: ModelGraph, diagnostics: Diagnostics): boolean {
  if (graph.inputs.length === 1 && graph.outputs.length === 1) return true;
  diagnostics.error(
    "lowering/several-ends",
    `the graph has ${graph.inputs.length} inputs and ${graph.outputs.length} outputs; one of each is supported`,
    { where: graph.name, remedy: "export the part of the model between one input and one output" },
  );
  return false;
}

/** A model may end in softmax, in argmax, or in argmax of softmax: the value before them, and they. */
export function cutTail(graph: ModelGraph): { readonly end: string; readonly tail: readonly GraphNode[] } {
  const tail: GraphNode[] = [];
  let end = graph.outputs[0]!;
  for (const kind of ["argmax", "softmax"]) {
    const node = graph.nodes.find((n) => n.output === end);
    if (node?.op.kind !== kind) continue;
    tail.unshift(node);
    end = node.inputs[0]!;
  }
  return { end, tail };
}

/** The nodes that a value depends on, in the graph's order. */
export function neededNodes(graph: ModelGraph, end: string): readonly GraphNode[] {
  const needed = new Set([end]);
  for (const node of [...graph.nodes].reverse()) {
    if (needed.has(node.output)) for (const input of node.inputs) needed.add(input);
  }
  return graph.nodes.filter((n) => needed.has(n.output));
}
