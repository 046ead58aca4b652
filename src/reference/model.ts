/**
 * Executes a ModelGraph as the framework that wrote it does: float32, one rounding after each operation,
 * node by node. Readable rather than fast; `model-fast.ts` equals it bit for bit.
 */
import { fail } from "../diagnostics/diagnostic.js";
import { integerArithmetic } from "../graph/integer-arithmetic.js";
import { isCounting, quantize } from "../graph/quantize.js";
import { rescale } from "../graph/rescale.js";
import type {
  CountingQuantizer,
  FloatTensor,
  GraphNode,
  GraphOp,
  IntTensor,
  ModelGraph,
  Shape,
} from "../graph/types.js";
import { integerSoftmax } from "./integer-softmax.js";
import * as maps from "./model-maps.js";
import { regionBoxes } from "./region.js";

/**
 * Every value of the graph for one input, by name, flattened row-major. Class indices are whole numbers in
 * float32, which holds them exactly up to 2^24.
 */
export function traceModel(graph: ModelGraph, input: Float32Array): Map<string, Float32Array> {
  checkInput(graph, input.length);
  const values = new Map([[graph.inputs[0]!, input]]);
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((name) => values.get(name)!);
    values.set(node.output, execute(node, graph, inputs));
  }
  return values;
}

/** The graph's (first) output for one input, flattened row-major; class indices as in `traceModel`. */
export function runModel(graph: ModelGraph, input: Float32Array): Float32Array {
  return traceModel(graph, input).get(graph.outputs[0]!)!;
}

/** The references run graphs with one input, of the size that the graph states. */
export function checkInput(graph: ModelGraph, elements: number): void {
  const expected = (graph.values.get(graph.inputs[0] ?? "")?.shape ?? []).reduce((a, b) => a * b, 1);
  if (graph.inputs.length !== 1) {
    throw fail("reference/inputs", `the model has ${graph.inputs.length} inputs; one is supported`, {
      where: graph.name,
    });
  }
  if (elements === expected) return;
  throw fail("reference/input-size", `the input has ${elements} numbers where the model takes ${expected}`, {
    where: graph.name,
  });
}

function execute(node: GraphNode, graph: ModelGraph, inputs: readonly Float32Array[]): Float32Array {
  const [x, second] = inputs as [Float32Array, Float32Array];
  const shape = graph.values.get(node.output)!.shape;
  const inputShapes = node.inputs.map((name) => graph.values.get(name)!.shape);
  const inputShape = inputShapes[0]!;
  const { op } = node;
  switch (op.kind) {
    case "conv":
      return maps.conv(op, x, inputShape, shape);
    case "max-pool":
      return maps.maxPool(op, x, inputShape, shape);
    case "average-pool":
      return maps.averagePool(op, x, inputShape, shape);
    case "sum":
      return x.map((v, i) => v + second[i]!);
    case "integer-arithmetic":
      return x.map((v, i) => integerArithmetic(op, v, second[i]!, i < op.inBlocks));
    case "table":
      return x.map((v, i) => entryOf(op, v, broadcast(op.index, shape, i)));
    case "concat":
      return maps.concat(
        op.axis,
        inputs.map((data, i) => ({ data, shape: inputShapes[i]! })),
        shape,
      );
    case "slice":
      return maps.slice(op, x, inputShape, shape);
    case "pad":
      return maps.pad(op, x, inputShape, shape);
    case "transpose":
      return maps.transpose(op, x, inputShape, shape);
    case "prelu":
      return x.map((v, i) => (v >= 0 ? v : v * broadcast(op.slope, shape, i)));
    case "clip":
      return x.map((v) => Math.min(Math.max(v, op.low), op.high));
    case "reshape":
      return x;
    case "rescale":
      return x.map((v, i) =>
        rescale(v, broadcast(op.multiplier, shape, i), broadcast(op.shift, shape, i), op.halves),
      );
    case "relu":
      return x.map((v) => (v > 0 ? v : 0));
    case "abs":
      return x.map((v) => Math.abs(v));
    case "pairwise":
      return maps.pairwise(
        op,
        inputs.map((data, i) => ({ data, shape: inputShapes[i]! })),
        shape,
      );
    case "reduce":
      return maps.reduce(op, x, inputShape, shape);
    case "quantize":
      return x.map((v, i) => {
        if (isCounting(op.quantizer)) return reached(op.quantizer, v, channelOf(shape, i, op.quantizer.axis));
        const scale = broadcast(op.quantizer.scale, shape, i);
        const zeroPoint = op.quantizer.kind === "uniform" ? broadcast(op.quantizer.zeroPoint, shape, i) : 0;
        return quantize(op.quantizer, v, scale, zeroPoint);
      });
    case "dense":
      return dense(op.weights, x);
    case "arithmetic":
      return x.map((v, i) => arithmetic(op, v, broadcast(op.operand, shape, i)));
    case "batch-normalization":
      return x.map((v, i) => batchNormalization(op, v, channelOf(shape, i)));
    case "softmax":
      return alongAxis(x, inputShape, op.axis, (line) =>
        op.integers === undefined ? softmax(line) : integerSoftmax(line, op.integers.step),
      );
    case "region":
      return region(op, x, inputShape, shape);
    case "argmax":
      return alongAxis(x, inputShape, op.axis, (line) => [indexOfGreatest(line, op.selectLast)]);
  }
}

/**
 * Float32 operands, products summed in float64, rounded once: what every summation order of the framework
 * approaches, and equal to all of them where operands are small integers times powers of two.
 */
function dense({ shape, data }: FloatTensor, x: Float32Array): Float32Array {
  const [inputs, outputs] = shape as [number, number];
  const rows = x.length / inputs;
  const y = new Float32Array(rows * outputs);
  for (let row = 0; row < rows; row++) {
    for (let n = 0; n < outputs; n++) {
      let sum = 0;
      for (let k = 0; k < inputs; k++) sum += x[row * inputs + k]! * data[k * outputs + n]!;
      y[row * outputs + n] = sum;
    }
  }
  return y;
}

function arithmetic(op: Extract<GraphOp, { kind: "arithmetic" }>, x: number, c: number): number {
  const [a, b] = op.reversed ? [c, x] : [x, c];
  if (op.operator === "add") return Math.fround(a + b);
  if (op.operator === "subtract") return Math.fround(a - b);
  return Math.fround(op.operator === "multiply" ? a * b : a / b);
}

/**
 * The order of ONNX Runtime (core/providers/cpu/nn/batch_norm.h) and PyTorch (aten/native/cpu/
 * batch_norm_kernel.cpp) at inference: factor and shift from the constants first, then one product, one sum.
 */
function batchNormalization(
  op: Extract<GraphOp, { kind: "batch-normalization" }>,
  x: number,
  c: number,
): number {
  const deviation = Math.fround(Math.sqrt(Math.fround(op.variance.data[c]! + Math.fround(op.epsilon))));
  const factor = Math.fround(op.scale.data[c]! * Math.fround(1 / deviation));
  const shift = Math.fround(op.bias.data[c]! - Math.fround(op.mean.data[c]! * factor));
  return Math.fround(Math.fround(x * factor) + shift);
}

/** A whole number's entry in a table, that of the nearest end for numbers beyond it. */
export function entryOf(
  { low, tables }: Extract<GraphOp, { kind: "table" }>,
  x: number,
  index: number,
): number {
  const table = tables[index]!;
  return table[Math.min(Math.max(x - low, 0), table.length - 1)]!;
}

function softmax(line: readonly number[]): number[] {
  const greatest = greatestOf(line);
  const powers = line.map((v) => Math.fround(Math.exp(Math.fround(v - greatest))));
  const sum = powers.reduce((a, b) => Math.fround(a + b), 0);
  return powers.map((p) => Math.fround(p / sum));
}

/** Darknet computes its sigmoid and the boxes' sizes in double, and rounds them once. */
function region(
  op: Extract<GraphOp, { kind: "region" }>,
  data: Float32Array,
  input: Shape,
  output: Shape,
): Float32Array {
  const [, , height, width] = input as [number, number, number, number];
  const functions = {
    sigmoid: (x: number) => Math.fround(1 / (1 + Math.exp(-x))),
    size: (t: number, anchor: number, cells: number) => Math.fround((Math.exp(t) * anchor) / cells),
    softmax,
  };
  const at = (channel: number, y: number, x: number): number => data[(channel * height + y) * width + x]!;
  return regionBoxes(op, { height, width, at }, functions, output[1]!);
}

function indexOfGreatest(line: readonly number[], selectLast: boolean): number {
  const greatest = greatestOf(line);
  return selectLast ? line.lastIndexOf(greatest) : line.indexOf(greatest);
}

function greatestOf(line: readonly number[]): number {
  return line.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
}

/** Applies a function to every line along an axis; all lines of the result have the function's length. */
function alongAxis(
  x: Float32Array,
  shape: Shape,
  axis: number,
  apply: (line: readonly number[]) => readonly number[],
): Float32Array {
  const size = shape[axis]!;
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const outer = x.length / (size * inner);
  const result: number[] = [];
  for (let o = 0; o < outer; o++) {
    const lines = Array.from({ length: inner }, (_, i) =>
      apply(Array.from({ length: size }, (_, s) => x[(o * size + s) * inner + i]!)),
    );
    for (let s = 0; s < lines[0]!.length; s++) for (const line of lines) result.push(line[s]!);
  }
  return Float32Array.from(result);
}

/** Counts the channel's thresholds that a number reaches: qonnx's `count_nonzero(v >= thresholds)` (multithreshold.py). */
function reached(quantizer: CountingQuantizer, x: number, channel: number): number {
  const [rows, levels] = quantizer.thresholds.shape as [number, number];
  const start = rows === 1 ? 0 : channel * levels;
  const row = quantizer.thresholds.data.subarray(start, start + levels);
  const count = row.filter((t) => x >= t).length;
  return quantizer.kind === "levels"
    ? quantizer.values.data[count]!
    : quantizer.step * count + quantizer.offset;
}

/** Channel of a flat index; channels stand on axis 1 unless told. */
function channelOf(shape: Shape, index: number, axis = 1): number {
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  return Math.floor(index / inner) % shape[axis]!;
}

/** The element of a constant that numpy broadcasting pairs with a flat index of `shape`. */
function broadcast(constant: FloatTensor | IntTensor, shape: Shape, index: number): number {
  const missing = shape.length - constant.shape.length;
  let rest = index;
  let position = 0;
  let stride = 1;
  for (let axis = shape.length - 1; axis >= Math.max(missing, 0); axis--) {
    const size = constant.shape[axis - missing]!;
    if (size > 1) position += (rest % shape[axis]!) * stride;
    rest = Math.floor(rest / shape[axis]!);
    stride *= size;
  }
  return constant.data[position]!;
}
