import type { NodeProto } from "./onnx_pb.js";

export interface Ordered {
  /** Nodes that the outputs need, each after the nodes that it reads. */
  readonly nodes: readonly NodeProto[];
  /** Nodes that wait for each other in a circle, if there are any. */
  readonly cycle: readonly NodeProto[];
}

/** Sorts the nodes that lead to the outputs by what they read; a circle is found, not followed. Linear time. */
export function orderNodes(nodes: readonly NodeProto[], outputs: readonly string[]): Ordered {
  const producer = new Map(nodes.flatMap((node) => node.output.map((name) => [name, node] as const)));
  // Absent optional inputs and outputs are written as empty names; they do not belong together.
  producer.delete("");
  const state = new Map<NodeProto, "open" | "done">();
  const ordered: NodeProto[] = [];
  for (const root of outputs.flatMap((name) => producer.get(name) ?? [])) {
    // Depth first without recursion: chains in hostile files may be deeper than the call stack.
    const path: { node: NodeProto; next: number }[] = [];
    const open = (node: NodeProto): void => {
      state.set(node, "open");
      path.push({ node, next: 0 });
    };
    if (!state.has(root)) open(root);
    while (path.length > 0) {
      const top = path.at(-1)!;
      const name = top.node.input[top.next++];
      if (name === undefined) {
        state.set(top.node, "done");
        ordered.push(top.node);
        path.pop();
        continue;
      }
      const source = producer.get(name);
      if (source === undefined || state.get(source) === "done") continue;
      if (state.get(source) === "open") {
        return { nodes: [], cycle: path.slice(path.findIndex((p) => p.node === source)).map((p) => p.node) };
      }
      open(source);
    }
  }
  return { nodes: ordered, cycle: [] };
}
