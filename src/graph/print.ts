import { printable, shapeText } from "../diagnostics/text.js";
import type { FloatTensor, GraphOp, ModelGraph, Quantizer, WeightTensor } from "./types.js";

/** The graph as text, one line per node: what `bitloom inspect` and `--print-after import` show. */
export function printGraph(graph: ModelGraph): string {
  const shape = (name: string): string => shapeText(graph.values.get(name)?.shape ?? []);
  const rows = graph.nodes.map((node) => [printable(node.name, 32), shape(node.output), opText(node.op)]);
  const widths = [0, 1].map((column) => Math.max(0, ...rows.map((r) => r[column]!.length)));
  const inputs = graph.inputs.map((name) => `${printable(name, 40)} ${shape(name)}`).join(", ");
  return [
    `${printable(graph.name)} (${graph.source})`,
    `  input ${inputs}`,
    ...rows.map(
      ([name, size, text]) => `  ${name!.padEnd(widths[0]!)}  ${size!.padEnd(widths[1]!)}  ${text}`,
    ),
    "",
  ].join("\n");
}

function opText(op: GraphOp): string {
  switch (op.kind) {
    case "quantize":
      return `quantize ${quantizerText(op.quantizer)}`;
    case "dense":
      return `dense ${shapeText(op.weights.shape)}, ${weightsText(op.weights)}`;
    case "arithmetic":
      return `${op.operator} ${constantText(op.operand)}${op.reversed ? " (constant on the left)" : ""}`;
    case "batch-normalization":
      return `batch normalization, ${op.scale.data.length} channels, epsilon ${Number(op.epsilon.toPrecision(6))}`;
    case "softmax":
      return `softmax over axis ${op.axis}`;
    case "argmax":
      return `argmax over axis ${op.axis}, ${op.selectLast ? "last" : "first"} of equals`;
    default:
      return op.kind;
  }
}

function quantizerText(quantizer: Quantizer): string {
  const scale = `scale ${constantText(quantizer.scale)}`;
  if (quantizer.kind === "bipolar")
    return `to ±1, ${scale}, sign(0) = ${quantizer.signOfZero > 0 ? "+1" : "−1"}`;
  const zero = quantizer.zeroPoint.data.every((z) => z === 0)
    ? ""
    : `, zero point ${constantText(quantizer.zeroPoint)}`;
  return `to ${quantizer.qmin}…${quantizer.qmax}, ${scale}${zero}, rounding ${quantizer.rounding}`;
}

function weightsText(weights: WeightTensor): string {
  if (weights.quantized === undefined) return "float weights (not quantized)";
  const { codes, scale } = weights.quantized;
  let least = codes[0] ?? 0;
  let greatest = least;
  for (const c of codes) {
    least = Math.min(least, c);
    greatest = Math.max(greatest, c);
  }
  const range = codes.every((c) => c === 1 || c === -1) ? "±1" : `${least}…${greatest}`;
  return `weights ${range}, scale ${constantText(scale)}`;
}

function constantText(tensor: FloatTensor): string {
  if (tensor.data.every((x) => x === tensor.data[0]))
    return String(Number((tensor.data[0] ?? 0).toPrecision(8)));
  return `[${tensor.data.length} numbers]`;
}
