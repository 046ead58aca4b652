/**
 * Straight-through estimators leave their arithmetic in exported files: `x + (q - x).detach()` is q in training's
 * forward pass, and Sub and Add in the file. Here the sum is read as q, so that whatever was subtracted and added
 * again (a polynomial with the gradient that its author wanted) need not be understood, nor computed.
 */
import { create } from "@bufbuild/protobuf";
import { type NodeProto, NodeProtoSchema } from "./onnx_pb.js";

/**
 * The nodes with q in place of every `(q - x) + x` and `(x - x) + q`. Both must depend on the model's input, or both
 * be constants: a constant that is added again to a computed value is arithmetic. `nodes` stand in an order in which
 * they can be executed. Linear time.
 */
export function withoutGradients(
  nodes: readonly NodeProto[],
  inputs: Iterable<string>,
): readonly NodeProto[] {
  const makers = new Map<string, NodeProto>();
  const computed = new Set(inputs);
  const kept = (difference: string, added: string): string | undefined => {
    const sub = makers.get(difference);
    if (sub === undefined || !isPlain(sub, "Sub")) return undefined;
    const [minuend, subtrahend] = sub.input as [string, string];
    const result = minuend === subtrahend ? added : subtrahend === added ? minuend : undefined;
    return result !== undefined && computed.has(result) === computed.has(subtrahend) ? result : undefined;
  };
  return nodes.map((node) => {
    const [a = "", b = ""] = node.input;
    const result = isPlain(node, "Add") ? (kept(a, b) ?? kept(b, a)) : undefined;
    for (const name of node.output) makers.set(name, node);
    if (node.input.some((name) => computed.has(name))) for (const name of node.output) computed.add(name);
    if (result === undefined) return node;
    const { name, output } = node;
    return create(NodeProtoSchema, { name, opType: "Identity", input: [result], output: [...output] });
  });
}

function isPlain(node: NodeProto, op: string): boolean {
  const isOnnx = node.domain === "" || node.domain === "ai.onnx";
  return isOnnx && node.opType === op && node.input.length === 2 && node.output.length === 1;
}
