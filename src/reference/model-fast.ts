/**
 * The model reference for many inputs: constants are broadcast and folded once, dense layers keep several
 * sums in registers. Bit for bit equal to `runModel`, since no operation's operands and no order of sums
 * change.
 */
import { fail } from "../diagnostics/diagnostic.js";
import { quantize } from "../graph/quantize.js";
import type { GraphNode, GraphOp, ModelGraph, Quantizer, Shape } from "../graph/types.js";
import { broadcast, checkInput, traceModel } from "./model.js";

/** From `count` inputs, one after another, to as many outputs. */
type Layer = (x: Float32Array, count: number) => Float32Array;

/** Inputs that are computed together: enough for the dense loops, few enough to stay in the cache. */
const CHUNK = 16;

/**
 * A function from a batch of inputs, one after another in one array, to their outputs, one after another and
 * each flattened row-major. A single input is a batch of one. Throws a BitloomError where the length is no
 * multiple of the model's input.
 */
export function compileModel(graph: ModelGraph): (inputs: Float32Array) => Float32Array {
  const size = elementsOf(graph, graph.inputs[0] ?? "");
  checkInput(graph, size);
  const chunk = compileChunk(graph);
  const outputSize = elementsOf(graph, graph.outputs[0]!);
  return (inputs) => {
    const count = inputs.length / size;
    if (!Number.isInteger(count)) {
      throw fail(
        "reference/input-size",
        `${inputs.length} numbers are no batch of inputs of ${size} numbers`,
        { where: graph.name },
      );
    }
    const outputs = new Float32Array(count * outputSize);
    for (let first = 0; first < count; first += CHUNK) {
      const some = Math.min(CHUNK, count - first);
      outputs.set(chunk(inputs.subarray(first * size, (first + some) * size), some), first * outputSize);
    }
    return outputs;
  };
}

/** Values in slots, so that nodes may read any earlier value. */
function compileChunk(graph: ModelGraph): Layer {
  const slots = new Map<string, number>();
  const slotOf = (name: string): number => {
    const slot = slots.get(name) ?? slots.size;
    slots.set(name, slot);
    return slot;
  };
  const inputSlot = slotOf(graph.inputs[0]!);
  const steps = graph.nodes.map((node) => ({
    from: slotOf(node.inputs[0]!),
    to: slotOf(node.output),
    layer: compileNode(graph, node),
  }));
  const outputSlot = slotOf(graph.outputs[0]!);
  return (x, count) => {
    const values: Float32Array[] = [];
    values[inputSlot] = x;
    for (const { from, to, layer } of steps) values[to] = layer(values[from]!, count);
    return values[outputSlot]!;
  };
}

function compileNode(graph: ModelGraph, node: GraphNode): Layer {
  const { shape } = graph.values.get(node.output)!;
  const { op } = node;
  switch (op.kind) {
    case "reshape":
      return (x) => x;
    case "relu":
      return (x) => x.map((v) => (v > 0 ? v : 0));
    case "quantize":
      return compileQuantizer(op.quantizer, shape);
    case "arithmetic":
      return compileArithmetic(op, shape);
    case "batch-normalization":
      return compileBatchNormalization(op, shape);
    case "dense":
      return compileDense(op.weights.shape[0]!, op.weights.shape[1]!, op.weights.data);
    default:
      return oneByOne(graph, node);
  }
}

/** Operators at the end of a model are few and short: the naive reference runs them. */
function oneByOne(graph: ModelGraph, node: GraphNode): Layer {
  const alone: ModelGraph = { ...graph, inputs: node.inputs, nodes: [node], outputs: [node.output] };
  const size = elementsOf(graph, node.inputs[0]!);
  const outputSize = elementsOf(graph, node.output);
  return (x, count) => {
    const y = new Float32Array(count * outputSize);
    for (let i = 0; i < count; i++) {
      y.set(traceModel(alone, x.subarray(i * size, (i + 1) * size)).get(node.output)!, i * outputSize);
    }
    return y;
  };
}

function compileQuantizer(quantizer: Quantizer, shape: Shape): Layer {
  const scale = spread(quantizer.scale, shape);
  if (quantizer.kind === "bipolar") {
    const { signOfZero } = quantizer;
    return elementwise(scale.length, (v, i) => {
      const positive = v === 0 ? signOfZero > 0 : v > 0;
      return positive ? scale[i]! : -scale[i]!;
    });
  }
  const zeroPoint = spread(quantizer.zeroPoint, shape);
  return elementwise(scale.length, (v, i) => quantize(quantizer, v, scale[i]!, zeroPoint[i]!));
}

function compileArithmetic(op: Extract<GraphOp, { kind: "arithmetic" }>, shape: Shape): Layer {
  const c = spread(op.operand, shape);
  const n = c.length;
  if (op.operator === "add") return elementwise(n, (v, i) => v + c[i]!);
  if (op.operator === "multiply") return elementwise(n, (v, i) => v * c[i]!);
  if (op.operator === "subtract")
    return op.reversed ? elementwise(n, (v, i) => c[i]! - v) : elementwise(n, (v, i) => v - c[i]!);
  return op.reversed ? elementwise(n, (v, i) => c[i]! / v) : elementwise(n, (v, i) => v / c[i]!);
}

function compileBatchNormalization(
  op: Extract<GraphOp, { kind: "batch-normalization" }>,
  shape: Shape,
): Layer {
  const { scale, bias, mean, variance, epsilon } = op;
  const f = Math.fround;
  const factor = scale.data.map((s, c) => s * f(1 / f(Math.sqrt(f(variance.data[c]! + f(epsilon))))));
  const shift = bias.data.map((b, c) => b - f(mean.data[c]! * factor[c]!));
  const perChannel = [shape[1]!, ...shape.slice(2).map(() => 1)];
  const factors = spread({ shape: perChannel, data: factor }, shape);
  const shifts = spread({ shape: perChannel, data: shift }, shape);
  return elementwise(factors.length, (v, i) => f(v * factors[i]!) + shifts[i]!);
}

/** `apply` of every number and its index within its input. The store is the rounding after the operation. */
function elementwise(size: number, apply: (v: number, i: number) => number): Layer {
  return (x, count) => {
    const y = new Float32Array(count * size);
    for (let start = 0; start < y.length; start += size) {
      for (let i = 0; i < size; i++) y[start + i] = apply(x[start + i]!, i);
    }
    return y;
  };
}

/**
 * Products summed in float64 in the order of k, as the naive reference does: four rows of inputs by two
 * outputs at a time, so that each number loaded serves several sums. Missing rows repeat the last one.
 */
function compileDense(inputs: number, outputs: number, weights: Float32Array): Layer {
  const columns = transposedColumns(inputs, outputs, weights);
  return (x) => {
    const rows = x.length / inputs;
    const y = new Float32Array(rows * outputs);
    const wide = Float64Array.from(x);
    for (let row = 0; row < rows; row += 4) {
      const r = [0, 1, 2, 3].map((i) => Math.min(row + i, rows - 1));
      for (let n = 0; n < outputs; n += 2) {
        denseTile(wide, columns, y, inputs, outputs, n, r[0]!, r[1]!, r[2]!, r[3]!);
      }
    }
    return y;
  };
}

/** Sums of four rows with outputs n and n + 1 (or n alone at the end). */
function denseTile(
  x: Float64Array,
  columns: Float64Array,
  y: Float32Array,
  inputs: number,
  outputs: number,
  n: number,
  r0: number,
  r1: number,
  r2: number,
  r3: number,
): void {
  const second = Math.min(n + 1, outputs - 1);
  const [p0, p1, p2, p3] = [r0 * inputs, r1 * inputs, r2 * inputs, r3 * inputs];
  const [wa, wb] = [n * inputs, second * inputs];
  let [a0, a1, a2, a3] = [0, 0, 0, 0];
  let [b0, b1, b2, b3] = [0, 0, 0, 0];
  for (let k = 0; k < inputs; k++) {
    const a = columns[wa + k]!;
    const b = columns[wb + k]!;
    const x0 = x[p0 + k]!;
    a0 += x0 * a;
    b0 += x0 * b;
    const x1 = x[p1 + k]!;
    a1 += x1 * a;
    b1 += x1 * b;
    const x2 = x[p2 + k]!;
    a2 += x2 * a;
    b2 += x2 * b;
    const x3 = x[p3 + k]!;
    a3 += x3 * a;
    b3 += x3 * b;
  }
  y[r0 * outputs + n] = a0;
  y[r1 * outputs + n] = a1;
  y[r2 * outputs + n] = a2;
  y[r3 * outputs + n] = a3;
  y[r0 * outputs + second] = b0;
  y[r1 * outputs + second] = b1;
  y[r2 * outputs + second] = b2;
  y[r3 * outputs + second] = b3;
}

/** Weights [K, N] as N columns of K numbers. */
function transposedColumns(inputs: number, outputs: number, weights: Float32Array): Float64Array {
  const columns = new Float64Array(weights.length);
  for (let k = 0; k < inputs; k++) {
    for (let n = 0; n < outputs; n++) columns[n * inputs + k] = weights[k * outputs + n]!;
  }
  return columns;
}

function spread(constant: Parameters<typeof broadcast>[0], shape: Shape): Float32Array {
  const spreadOut = new Float32Array(shape.reduce((a, b) => a * b, 1));
  for (let i = 0; i < spreadOut.length; i++) spreadOut[i] = broadcast(constant, shape, i);
  return spreadOut;
}

function elementsOf(graph: ModelGraph, name: string): number {
  return (graph.values.get(name)?.shape ?? []).reduce((a, b) => a * b, 1);
}
