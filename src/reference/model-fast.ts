/**
 * The model reference for many inputs: constants are broadcast and folded once, dense layers keep several
 * sums in registers. Bit for bit equal to `runModel`, since no operation's operands and no order of sums
 * change.
 */
import { fail } from "../diagnostics/diagnostic.js";
import { broadcastPositions } from "../graph/broadcast.js";
import { integerArithmetic } from "../graph/integer-arithmetic.js";
import { isCounting, quantize } from "../graph/quantize.js";
import { rescale } from "../graph/rescale.js";
import type {
  CountingQuantizer,
  FloatTensor,
  GraphNode,
  GraphOp,
  ModelGraph,
  PairwiseOperator,
  Quantizer,
  Shape,
} from "../graph/types.js";
import { checkInput, entryOf, traceModel } from "./model.js";
import {
  compileConcat,
  compileConv,
  compilePad,
  compilePool,
  compileSlice,
  compileTranspose,
} from "./model-fast-maps.js";
import { multiply } from "./tiles.js";

/** From `count` inputs, one after another, to as many outputs. */
type Layer = (x: Float32Array, count: number) => Float32Array;
/** The same with several values per input. */
type Join = (values: readonly Float32Array[], count: number) => Float32Array;

/**
 * Inputs that are computed together: enough for the dense loops, few enough to stay in the cache, fewer where
 * values are large.
 */
const CHUNK = 16;
const CHUNK_NUMBERS = 1 << 20;

/**
 * A function from a batch of inputs, one after another in one array, to their outputs, one after another and
 * each flattened row-major. A single input is a batch of one. Throws a BitloomError where the length is no
 * multiple of the model's input.
 */
export function compileModel(graph: ModelGraph): (inputs: Float32Array) => Float32Array {
  const size = elementsOf(graph, graph.inputs[0] ?? "");
  checkInput(graph, size);
  const chunk = compileChunk(graph);
  const largest = Math.max(...[...graph.values.keys()].map((name) => elementsOf(graph, name)));
  const together = Math.max(1, Math.min(CHUNK, Math.floor(CHUNK_NUMBERS / largest)));
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
    for (let first = 0; first < count; first += together) {
      const some = Math.min(together, count - first);
      outputs.set(chunk(inputs.subarray(first * size, (first + some) * size), some), first * outputSize);
    }
    return outputs;
  };
}

/** Values in slots, so that nodes may read any earlier value; each is dropped after its last reader. */
function compileChunk(graph: ModelGraph): Layer {
  const slots = new Map<string, number>();
  const slotOf = (name: string): number => {
    const slot = slots.get(name) ?? slots.size;
    slots.set(name, slot);
    return slot;
  };
  const inputSlot = slotOf(graph.inputs[0]!);
  const steps = graph.nodes.map((node) => ({
    from: node.inputs.map(slotOf),
    to: slotOf(node.output),
    join: compileNode(graph, node),
  }));
  const outputSlot = slotOf(graph.outputs[0]!);
  const lastReader = new Map(steps.flatMap(({ from }, i) => from.map((slot) => [slot, i] as const)));
  return (x, count) => {
    const values: Float32Array[] = [];
    values[inputSlot] = x;
    for (const [i, { from, to, join }] of steps.entries()) {
      values[to] = join(
        from.map((slot) => values[slot]!),
        count,
      );
      for (const slot of from) if (lastReader.get(slot) === i && slot !== outputSlot) delete values[slot];
    }
    return values[outputSlot]!;
  };
}

function compileNode(graph: ModelGraph, node: GraphNode): Join {
  const { op } = node;
  if (op.kind === "sum") return ([a, b]) => a!.map((v, i) => v + b![i]!);
  if (op.kind === "integer-arithmetic") {
    const size = elementsOf(graph, node.output);
    return ([a, b]) => a!.map((v, i) => integerArithmetic(op, v, b![i]!, i % size < op.inBlocks));
  }
  if (op.kind === "pairwise") return compilePairwise(graph, node, op.operator);
  if (op.kind === "concat") {
    return compileConcat(
      op.axis,
      node.inputs.map((name) => graph.values.get(name)!.shape),
    );
  }
  const layer = compileLayer(graph, node);
  return ([x], count) => layer(x!, count);
}

function compileLayer(graph: ModelGraph, node: GraphNode): Layer {
  const { shape } = graph.values.get(node.output)!;
  const input = graph.values.get(node.inputs[0]!)!.shape;
  const { op } = node;
  switch (op.kind) {
    case "reshape":
      return (x) => x;
    case "relu":
      return (x) => x.map((v) => (v > 0 ? v : 0));
    case "abs":
      return (x) => x.map((v) => Math.abs(v));
    case "quantize":
      return compileQuantizer(op.quantizer, shape);
    case "arithmetic":
      return compileArithmetic(op, shape);
    case "batch-normalization":
      return compileBatchNormalization(op, shape);
    case "conv":
      return compileConv(op, input, shape);
    case "max-pool":
    case "average-pool":
      return compilePool(op, input, shape);
    case "slice":
      return compileSlice(op, input, shape);
    case "pad":
      return compilePad(op, input, shape);
    case "transpose":
      return compileTranspose(op, input, shape);
    case "prelu": {
      const slope = spread(op.slope, shape);
      return elementwise(slope.length, (v, i) => (v >= 0 ? v : v * slope[i]!));
    }
    case "rescale": {
      const positions = broadcastPositions(op.multiplier.shape, shape);
      const [multiplier, shift] = [op.multiplier.data, op.shift.data];
      return elementwise(positions.length, (v, i) =>
        rescale(v, multiplier[positions[i]!]!, shift[positions[i]!]!, op.halves),
      );
    }
    case "table": {
      const positions = broadcastPositions(op.index.shape, shape);
      return elementwise(positions.length, (v, i) => entryOf(op, v, op.index.data[positions[i]!]!));
    }
    case "clip":
      return (x) => x.map((v) => Math.min(Math.max(v, op.low), op.high));
    case "dense":
      return compileDense(op.weights.shape[0]!, op.weights.shape[1]!, op.weights.data);
    default:
      return oneByOne(graph, node);
  }
}

function compilePairwise(graph: ModelGraph, node: GraphNode, operator: PairwiseOperator): Join {
  const { shape } = graph.values.get(node.output)!;
  const sizes = node.inputs.map((name) => elementsOf(graph, name));
  const [left, right] = node.inputs.map((name) => broadcastPositions(graph.values.get(name)!.shape, shape));
  const size = left!.length;
  const apply = pairOperators[operator];
  return ([a, b], count) => {
    const y = new Float32Array(count * size);
    for (let k = 0; k < count; k++) {
      const [from, other] = [k * sizes[0]!, k * sizes[1]!];
      for (let i = 0; i < size; i++) y[k * size + i] = apply(a![from + left![i]!]!, b![other + right![i]!]!);
    }
    return y;
  };
}

const pairOperators: Readonly<Record<PairwiseOperator, (a: number, b: number) => number>> = {
  add: (a, b) => a + b,
  subtract: (a, b) => a - b,
  multiply: (a, b) => a * b,
};

/** Operators that are few and short: the naive reference runs them. */
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
  if (isCounting(quantizer)) return compileThresholds(quantizer, shape);
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

/** Rows rise, so the number of thresholds that are reached is where the row first exceeds the number. */
function compileThresholds(quantizer: CountingQuantizer, shape: Shape): Layer {
  const { thresholds, axis } = quantizer;
  const [rows, levels] = thresholds.shape as [number, number];
  const { data } = thresholds;
  const perAxis = shape.map((n, i) => (i === axis && rows > 1 ? n : 1));
  const values = Float32Array.from({ length: levels + 1 }, (_, n) =>
    quantizer.kind === "levels" ? quantizer.values.data[n]! : quantizer.step * n + quantizer.offset,
  );
  const starts = broadcastPositions(perAxis, shape).map((row) => row * levels);
  return elementwise(starts.length, (v, i) => {
    let [low, high] = [0, levels];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (v >= data[starts[i]! + middle]!) low = middle + 1;
      else high = middle;
    }
    return values[low]!;
  });
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

function compileDense(inputs: number, outputs: number, weights: Float32Array): Layer {
  const columns = transposedColumns(inputs, outputs, weights);
  return (x) => {
    const rows = x.length / inputs;
    const y = new Float32Array(rows * outputs);
    multiply({ data: Float64Array.from(x), rows }, columns, inputs, 0, outputs, (row, n, sum) => {
      y[row * outputs + n] = sum;
    });
    return y;
  };
}

/** Weights [K, N] as N columns of K numbers. */
function transposedColumns(inputs: number, outputs: number, weights: Float32Array): Float64Array {
  const columns = new Float64Array(weights.length);
  for (let k = 0; k < inputs; k++) {
    for (let n = 0; n < outputs; n++) columns[n * inputs + k] = weights[k * outputs + n]!;
  }
  return columns;
}

function spread(constant: FloatTensor, shape: Shape): Float32Array {
  return Float32Array.from(broadcastPositions(constant.shape, shape), (position) => constant.data[position]!);
}

function elementsOf(graph: ModelGraph, name: string): number {
  return (graph.values.get(name)?.shape ?? []).reduce((a, b) => a * b, 1);
}
