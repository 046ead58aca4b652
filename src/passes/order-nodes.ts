/** Which nodes a program is made of: those that the output needs, without what only ends the model. */
import type { Diagnostics } from "../diagnostics/diagnostic.js";
import type { GraphNode, ModelGraph } from "../graph/types.js";

export function hasTwoEnds(graph: ModelGraph, diagnostics: Diagnostics): boolean {
  if (graph.inputs.length === 1 && graph.outputs.length === 1) return true;
  diagnostics.error(
    "lowering/several-ends",
    `the graph has ${number(graph.inputs, "input")} and ${number(graph.outputs, "output")}; one of each is supported`,
    { where: graph.name, remedy: "export the part of the model between one input and one output" },
  );
  return false;
}

function number({ length }: readonly string[], what: string): string {
  return `${length} ${what}${length === 1 ? "" : "s"}`;
}

/** A model may end in softmax, in argmax, or in argmax of softmax: the value before them, and they. */
export function cutTail(graph: ModelGraph): { readonly end: string; readonly tail: readonly GraphNode[] } {
  const tail: GraphNode[] = [...integerEnd(graph, graph.outputs[0]!)];
  let end = tail[0]?.inputs[0] ?? graph.outputs[0]!;
  for (const kind of ["argmax", "softmax"]) {
    const node = graph.nodes.find((n) => n.output === end);
    if (node?.op.kind !== kind) continue;
    tail.unshift(node);
    end = node.inputs[0]!;
  }
  return { end, tail };
}

/** What stands behind a softmax on int8 and keeps its order: the output's zero point, or steps that become real. */
function integerEnd(graph: ModelGraph, output: string): readonly GraphNode[] {
  const producer = (value: string): GraphNode | undefined => graph.nodes.find((n) => n.output === value);
  const behind: GraphNode[] = [];
  for (let node = producer(output); node !== undefined; node = producer(node.inputs[0]!)) {
    if (node.op.kind === "softmax") return node.op.integers === undefined ? [] : behind;
    if (!isRising(node)) return [];
    behind.unshift(node);
  }
  return [];
}

function isRising({ op }: GraphNode): boolean {
  if (op.kind !== "arithmetic" || op.operand.data.length !== 1 || op.reversed) return false;
  return op.operator === "add" || op.operator === "subtract" || op.operand.data[0]! > 0;
}

/** The nodes that a value depends on, in the graph's order. */
export function neededNodes(graph: ModelGraph, end: string): readonly GraphNode[] {
  const needed = new Set([end]);
  for (const node of [...graph.nodes].reverse()) {
    if (needed.has(node.output)) for (const input of node.inputs) needed.add(input);
  }
  return graph.nodes.filter((n) => needed.has(n.output));
}
