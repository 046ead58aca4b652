import { printable, shapeText } from "../diagnostics/text.js";
import type { FloatTensor, GraphOp, ModelGraph, Quantizer, WeightTensor } from "./types.js";

/** Longest name that is shown whole. Exporters put what tells nodes apart last, so the middle is left out. */
const NAME_WIDTH = 40;

/**
 * The graph as text, one line per node: what `bitloom inspect` and `--print-after import` show. Names are
 * escaped and shortened, so that the text is safe to print whatever the file contains.
 */
export function printGraph(graph: ModelGraph): string {
  const shape = (name: string): string => shapeText(graph.values.get(name)?.shape ?? []);
  const value = (name: string): string =>
    `${nameText(name)} ${shape(name)} ${graph.values.get(name)?.dtype ?? ""}`.trimEnd();
  const rows = graph.nodes.map((node) => [nameText(node.name), shape(node.output), opText(node.op)]);
  const widths = [0, 1].map((column) => rows.reduce((most, r) => Math.max(most, r[column]!.length), 0));
  return [
    `${printable(graph.name)} (${printable(graph.source, 200)})`,
    `  input ${graph.inputs.map(value).join(", ")}`,
    ...rows.map(
      ([name, size, text]) => `  ${name!.padEnd(widths[0]!)}  ${size!.padEnd(widths[1]!)}  ${text}`,
    ),
    `  output ${graph.outputs.map(value).join(", ")}`,
    "",
  ].join("\n");
}

function nameText(name: string): string {
  const text = printable(name, 200);
  if (text.length <= NAME_WIDTH) return text;
  return `${text.slice(0, 11)}…${text.slice(text.length - (NAME_WIDTH - 12))}`;
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
      return `batch normalization, ${op.scale.data.length} channels, epsilon ${numberText(op.epsilon)}`;
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
    return `to 1 bit ±1, ${scale}, sign(0) = ${quantizer.signOfZero > 0 ? "+1" : "−1"}`;
  const { qmin, qmax, zeroPoint, rounding } = quantizer;
  const zero = zeroPoint.data.every((z) => z === 0) ? "" : `, zero point ${constantText(zeroPoint)}`;
  const bits = bitsText(Math.ceil(Math.log2(qmax - qmin + 1)));
  return `to ${bits} ${numberText(qmin)}…${numberText(qmax)}, ${scale}${zero}, rounding ${rounding}`;
}

function weightsText(weights: WeightTensor): string {
  if (weights.quantized === undefined) return `float weights ${rangeText(weights.data)} (not quantized)`;
  const { codes, scale } = weights.quantized;
  const scaleText = `scale ${constantText(scale)}`;
  if (codes.every((c) => c === 1 || c === -1)) return `weights 1 bit ±1, ${scaleText}`;
  const [least, greatest] = rangeOf(codes);
  const bits = Math.max(1, Math.ceil(Math.log2(greatest - least + 1)));
  return `weights ${bitsText(bits)} ${rangeText(codes)}, ${scaleText}`;
}

function bitsText(bits: number): string {
  return bits === 1 ? "1 bit" : `${bits} bits`;
}

/** One number, or the range and count of several. */
function constantText({ data }: FloatTensor): string {
  if (data.every((x) => x === data[0])) return numberText(data[0] ?? 0);
  return `${rangeText(data)} (${data.length} numbers)`;
}

function rangeText(data: Float32Array | Int32Array): string {
  const [least, greatest] = rangeOf(data);
  return `${numberText(least)}…${numberText(greatest)}`;
}

function rangeOf(data: Float32Array | Int32Array): [number, number] {
  let least = data[0] ?? 0;
  let greatest = least;
  for (const x of data) {
    least = Math.min(least, x);
    greatest = Math.max(greatest, x);
  }
  return [least, greatest];
}

/** Seven digits: what a float32 holds. */
function numberText(x: number): string {
  return String(Number(x.toPrecision(7))).replaceAll("-", "−");
}
