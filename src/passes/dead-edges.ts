import type { GraphNode, ModelGraph } from "../graph/types.js";

/** Operations that make 0 of 0, whatever their constants. Convolutions have no bias of their own. */
const KEEPING: ReadonlySet<string> = new Set([
  "abs",
  "average-pool",
  "max-pool",
  "prelu",
  "relu",
  "reshape",
  "slice",
  "transpose",
]);

/**
 * Sums with an edge that is always 0 (searched networks' Zeroise: a product with 0) become the other value, and what only led to
 * the edge is needed no more. Values are finite, so that the sum is the other value; of a sum −0 + 0 the sign is that of the value.
 */
export function withoutDeadEdges(graph: ModelGraph): ModelGraph {
  const zeros = new Set<string>();
  const instead = new Map<string, string>();
  const nodes: GraphNode[] = [];
  for (const original of graph.nodes) {
    const node = { ...original, inputs: original.inputs.map((name) => instead.get(name) ?? name) };
    if (isZero(node, zeros)) zeros.add(node.output);
    const live = liveInput(graph, node, zeros);
    if (live === undefined) nodes.push(node);
    else instead.set(node.output, live);
  }
  return instead.size === 0 ? graph : { ...graph, nodes };
}

function isZero({ op, inputs }: GraphNode, zeros: ReadonlySet<string>): boolean {
  const isOfZeros = inputs.every((name) => zeros.has(name));
  if (op.kind === "arithmetic" && op.operator === "multiply")
    return isOfZeros || op.operand.data.every((x) => x === 0);
  if (op.kind === "conv") return isOfZeros && op.padValue === 0;
  return isOfZeros && (KEEPING.has(op.kind) || op.kind === "sum");
}

/** The one input of a sum that is not always 0, if it is all that the sum is. The graph's outputs stay. */
function liveInput(
  { values, outputs }: ModelGraph,
  { op, inputs, output }: GraphNode,
  zeros: ReadonlySet<string>,
): string | undefined {
  const isSum = op.kind === "sum" || (op.kind === "pairwise" && op.operator === "add");
  if (!isSum || outputs.includes(output)) return undefined;
  const [live, ...others] = inputs.filter((name) => !zeros.has(name));
  if (live === undefined || others.length > 0 || inputs.length < 2) return undefined;
  const [from, to] = [values.get(live)!, values.get(output)!];
  const isSame = from.dtype === "float32" && to.dtype === "float32" && from.shape.join() === to.shape.join();
  return isSame ? live : undefined;
}
