import { printable, shapeText, shortName } from "../diagnostics/text.js";
import type {
  FixedPoint,
  FloatTensor,
  GraphOp,
  LevelsQuantizer,
  ModelGraph,
  Origin,
  Quantizer,
  WeightTensor,
  Window,
} from "./types.js";

/** Quantizers of as many levels are there to round. */
const WIDEST = 2 ** 32;
/** So many of a node's inputs are named. */
const NAMES_SHOWN = 4;

/**
 * The graph as text, one line per node: what `bitloom inspect` and `--print-after import` show. Names are
 * escaped and shortened, so that the text is safe to print whatever the file contains. What a node reads is
 * told where it is not the value of the line before.
 */
export function printGraph(graph: ModelGraph): string {
  const shape = (name: string): string => shapeText(graph.values.get(name)?.shape ?? []);
  const value = (name: string): string =>
    `${shortName(name)} ${shape(name)} ${graph.values.get(name)?.dtype ?? ""}`.trimEnd();
  const rows = graph.nodes.map((node, i) => {
    const before = graph.nodes[i - 1]?.output ?? graph.inputs[0];
    const isChain = node.inputs.length === 1 && node.inputs[0] === before;
    const from = isChain ? "" : ` of ${listText(node.inputs)}`;
    return [shortName(node.name), shape(node.output), opText(node.op) + from];
  });
  const widths = [0, 1].map((column) => rows.reduce((most, r) => Math.max(most, r[column]!.length), 0));
  return [
    `${printable(graph.name)} (${printable(originText(graph.origin), 200)})`,
    `  input ${graph.inputs.map(value).join(", ")}`,
    ...rows.map(
      ([name, size, text]) => `  ${name!.padEnd(widths[0]!)}  ${size!.padEnd(widths[1]!)}  ${text}`,
    ),
    `  output ${graph.outputs.map(value).join(", ")}`,
    "",
  ].join("\n");
}

/** Format, version and producer, as far as they are known. */
export function originText({ format, version, producer }: Origin): string {
  return [format, version, producer && `by ${producer}`].filter((part) => part !== "").join(", ");
}

function listText(names: readonly string[]): string {
  const shown = names.slice(0, NAMES_SHOWN).map(shortName).join(", ");
  return names.length <= NAMES_SHOWN ? shown : `${shown} and ${names.length - NAMES_SHOWN} more`;
}

function opText(op: GraphOp): string {
  switch (op.kind) {
    case "quantize":
      return `quantize ${quantizerText(op.quantizer)}`;
    case "dense":
      return `dense ${shapeText(op.weights.shape)}, ${weightsText(op.weights)}`;
    case "conv": {
      const groups = op.groups === 1 ? "" : `, ${op.groups} groups`;
      const value = op.padValue === 0 ? "" : `, padding ${numberText(op.padValue)}`;
      const weights = `${shapeText(op.weights.shape)}${windowText(op.window)}${groups}${value}`;
      return `conv ${weights}, ${weightsText(op.weights)}`;
    }
    case "max-pool":
      return `max pool ${shapeText(op.window.kernel)}${windowText(op.window)}`;
    case "average-pool":
      return `average pool ${shapeText(op.window.kernel)}${windowText(op.window)}${op.countPads ? ", pads counted" : ""}`;
    case "concat":
      return `concat along axis ${op.axis}`;
    case "slice":
      return `slice from ${shapeText(op.starts)}${op.steps.every((s) => s === 1) ? "" : `, steps ${shapeText(op.steps)}`}`;
    case "pad":
      return `pad ${shapeText(op.before)} before, ${shapeText(op.after)} after, with ${numberText(op.value)}`;
    case "transpose":
      return `transpose to axes ${op.permutation.join(", ")}`;
    case "prelu":
      return `prelu, slope ${constantText(op.slope)}`;
    case "clip":
      return `clip to ${numberText(op.low)}…${numberText(op.high)}`;
    case "rescale":
      return `rescale by ${constantText(factorsOf(op))} in fixed point, halves ${op.halves}`;
    case "table":
      return `table of ${op.tables[0]!.length}${op.tables.length === 1 ? "" : ` (${op.tables.length} of them)`}`;
    case "integer-arithmetic": {
      const terms =
        op.operator === "multiply"
          ? ""
          : ` of terms by ${op.terms.map((t) => numberText(realOf(t.factor!))).join(" and ")},`;
      return `${op.operator} in fixed point,${terms} by ${numberText(realOf(op.factor))}, to ${numberText(op.low)}…${numberText(op.high)}`;
    }
    case "arithmetic":
      return `${op.operator} ${constantText(op.operand)}${op.reversed ? " (constant on the left)" : ""}`;
    case "pairwise":
      return `${op.operator} two values`;
    case "reduce":
      return `${op.operator} over ${op.axes.length === 1 ? "axis" : "axes"} ${op.axes.join(", ")}`;
    case "batch-normalization":
      return `batch normalization, ${op.scale.data.length} channels, epsilon ${numberText(op.epsilon)}`;
    case "softmax":
      return `softmax over axis ${op.axis}${op.integers === undefined ? "" : ` of steps of ${numberText(op.integers.step)}, in 256 steps`}`;
    case "region": {
      const suppressed = `suppressed within ${op.suppression === "any" ? "all" : "a class"} at an overlap of ${numberText(op.iouThreshold)}`;
      return `region of ${op.anchors.length / 2} anchors, ${op.classScores} of ${op.classes} classes, scores above ${numberText(op.scoreThreshold)}, ${suppressed}`;
    }
    case "argmax":
      return `argmax over axis ${op.axis}, ${op.selectLast ? "last" : "first"} of equals`;
    default:
      return op.kind;
  }
}

/** What is not the usual: strides, dilations and pads, each once where it is the same everywhere. */
function windowText({ stride, dilation, pads }: Window): string {
  const list = (name: string, values: readonly number[], usual: number): string => {
    if (values.every((v) => v === usual)) return "";
    return `, ${name} ${values.every((v) => v === values[0]) ? values[0] : values.join(" ")}`;
  };
  return list("stride", stride, 1) + list("dilation", dilation, 1) + list("pads", pads, 0);
}

function quantizerText(quantizer: Quantizer): string {
  if (quantizer.kind === "levels") return levelsText(quantizer);
  if (quantizer.kind === "thresholds") {
    const { thresholds, step, offset } = quantizer;
    const [, levels = 0] = thresholds.shape;
    const range = `${numberText(offset)}…${numberText(offset + step * levels)}`;
    const bits = bitsText(Math.ceil(Math.log2(levels + 1)));
    return `to ${bits} ${range}, ${thresholdsText(thresholds)}`;
  }
  const scale = `scale ${constantText(quantizer.scale)}`;
  if (quantizer.kind === "bipolar")
    return `to 1 bit ±1, ${scale}, sign(0) = ${quantizer.signOfZero > 0 ? "+1" : "−1"}`;
  const { qmin, qmax, zeroPoint, rounding } = quantizer;
  const zero = zeroPoint.data.every((z) => z === 0) ? "" : `, zero point ${constantText(zeroPoint)}`;
  if (qmax - qmin >= WIDEST) return `to whole numbers, ${scale}${zero}, rounding ${rounding}`;
  const bits = bitsText(Math.ceil(Math.log2(qmax - qmin + 1)));
  return `to ${bits} ${numberText(qmin)}…${numberText(qmax)}, ${scale}${zero}, rounding ${rounding}`;
}

function thresholdsText(thresholds: FloatTensor): string {
  const [rows = 1, levels = 0] = thresholds.shape;
  const [each, many] = [rows === 1 ? "" : " per channel", levels === 1 ? "threshold" : "thresholds"];
  return `${levels} ${many}${each}, ${constantText(thresholds)}`;
}

function levelsText({ thresholds, values, planes }: LevelsQuantizer): string {
  const text = `to ${values.data.length} levels ${rangeText(values.data)}, ${thresholdsText(thresholds)}`;
  if (planes === undefined) return text;
  const { alphabet, coefficients, constant } = planes;
  const numbers = [...coefficients.data, ...(constant === 0 ? [] : [constant])].map(numberText);
  return `${text}, planes of ${alphabet === "signs" ? "±1" : "0 and 1"} times ${numbers.join(", ")}`;
}

function weightsText(weights: WeightTensor): string {
  if (weights.quantized === undefined && weights.bases !== undefined) {
    const coefficients = weights.bases.map((b) => constantText(b.coefficient));
    return `weights of ${weights.bases.length} bases times ${coefficients.join(" and ")}`;
  }
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

function realOf({ multiplier, shift }: FixedPoint): number {
  return multiplier * 2 ** (shift - 31);
}

/** What fixed-point multipliers stand for. */
function factorsOf({ multiplier, shift }: Extract<GraphOp, { kind: "rescale" }>): FloatTensor {
  const data = Float32Array.from(multiplier.data, (m, i) => m * 2 ** (shift.data[i]! - 31));
  return { shape: multiplier.shape, data };
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
