import { quantize } from "../graph/quantize.js";
import type { ModelGraph } from "../graph/types.js";
import { broadcast, traceModel } from "./model.js";

type Layer = (x: Float32Array) => Float32Array;

/**
 * The model reference for many inputs: constants are broadcast and folded once, dense layers walk weights in
 * memory order. Bit for bit equal to `runModel`, since no operation's operands or order of sums change.
 */
export function compileModel(graph: ModelGraph): (input: Float32Array) => Float32Array {
  const layers = graph.nodes.map((_, i) => compileNode(graph, i));
  return (input) => layers.reduce((x, layer) => layer(x), input);
}

function compileNode(graph: ModelGraph, index: number): Layer {
  const node = graph.nodes[index]!;
  const shape = graph.values.get(node.output)!.shape;
  const elements = shape.reduce((a, b) => a * b, 1);
  const spread = (constant: Parameters<typeof broadcast>[0]): Float32Array =>
    Float32Array.from({ length: elements }, (_, i) => broadcast(constant, shape, i));
  const { op } = node;
  switch (op.kind) {
    case "reshape":
      return (x) => x;
    case "quantize": {
      const scale = spread(op.quantizer.scale);
      const zeroPoint =
        op.quantizer.kind === "uniform" ? spread(op.quantizer.zeroPoint) : new Float32Array(elements);
      const { quantizer } = op;
      return (x) => mapElements(x, (v, i) => quantize(quantizer, v, scale[i]!, zeroPoint[i]!));
    }
    case "arithmetic": {
      const c = spread(op.operand);
      if (op.operator === "add") return (x) => mapElements(x, (v, i) => v + c[i]!);
      if (op.operator === "multiply") return (x) => mapElements(x, (v, i) => v * c[i]!);
      if (op.operator === "subtract")
        return (x) => mapElements(x, (v, i) => (op.reversed ? c[i]! - v : v - c[i]!));
      return (x) => mapElements(x, (v, i) => (op.reversed ? c[i]! / v : v / c[i]!));
    }
    case "batch-normalization":
      return compileBatchNormalization(graph, index);
    case "dense":
      return compileDense(op.weights.shape[0]!, op.weights.shape[1]!, op.weights.data);
    default:
      return (x) => traceModel({ ...graph, inputs: node.inputs, nodes: [node] }, x).get(node.output)!;
  }
}

/** The store into a Float32Array is the rounding after the operation. */
function mapElements(x: Float32Array, apply: (v: number, i: number) => number): Float32Array {
  const y = new Float32Array(x.length);
  for (let i = 0; i < x.length; i++) y[i] = apply(x[i]!, i);
  return y;
}

function compileBatchNormalization(graph: ModelGraph, index: number): Layer {
  const node = graph.nodes[index]!;
  if (node.op.kind !== "batch-normalization") throw new Error("not a batch normalization");
  const { scale, bias, mean, variance, epsilon } = node.op;
  const shape = graph.values.get(node.output)!.shape;
  const inner = shape.slice(2).reduce((a, b) => a * b, 1);
  const f = Math.fround;
  const factor = scale.data.map((s, c) => s * f(1 / f(Math.sqrt(f(variance.data[c]! + f(epsilon))))));
  const shift = bias.data.map((b, c) => b - f(mean.data[c]! * factor[c]!));
  const channels = factor.length;
  return (x) =>
    mapElements(x, (v, i) => {
      const c = Math.floor(i / inner) % channels;
      return f(v * factor[c]!) + shift[c]!;
    });
}

function compileDense(inputs: number, outputs: number, weights: Float32Array): Layer {
  const sums = new Float64Array(outputs);
  return (x) => {
    const rows = x.length / inputs;
    const y = new Float32Array(rows * outputs);
    for (let row = 0; row < rows; row++) {
      sums.fill(0);
      for (let k = 0; k < inputs; k++) {
        const v = x[row * inputs + k]!;
        const base = k * outputs;
        for (let n = 0; n < outputs; n++) sums[n]! += v * weights[base + n]!;
      }
      y.set(sums, row * outputs);
    }
    return y;
  };
}
