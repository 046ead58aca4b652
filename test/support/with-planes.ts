/**
 * Graphs whose quantizers have levels of any distance and whose weights are sums of bases. All numbers are small multiples of
 * the scales that were there, so that float sums stay exact and both references must agree in every bit.
 */
import { planesValue, sumOfBases } from "../../src/graph/planes.js";
import { isCounting } from "../../src/graph/quantize.js";
import type {
  GraphNode,
  LevelsQuantizer,
  ModelGraph,
  Planes,
  Shape,
  WeightTensor,
} from "../../src/graph/types.js";
import { Random } from "./random-graph.js";

/** Most quantizers and weights of the graph; `seed` replays them. */
export function withPlanes(graph: ModelGraph, seed: number): ModelGraph {
  const random = new Random(seed);
  const levels = new Map<string, LevelsQuantizer>();
  const nodes = graph.nodes.map((node): GraphNode => {
    const changed = changedNode(graph, node, random);
    const { op } = changed;
    if (op.kind === "quantize" && op.quantizer.kind === "levels") levels.set(node.output, op.quantizer);
    // Numbers that were levels are none any more.
    if (op.kind === "pad") return { ...changed, op: { ...op, value: 0 } };
    if (op.kind !== "conv") return changed;
    const { data } = levels.get(node.inputs[0]!)?.values ?? { data: [0] };
    return { ...changed, op: { ...op, padValue: random.next() < 0.5 ? random.pick([...data]) : 0 } };
  });
  return { ...graph, nodes };
}

function changedNode(graph: ModelGraph, node: GraphNode, random: Random): GraphNode {
  const { op } = node;
  if (op.kind === "quantize" && random.next() < 0.75) {
    if (isCounting(op.quantizer)) return node;
    const unit = Math.abs(op.quantizer.scale.data[0]!);
    const quantizer = randomLevels(random, graph.values.get(node.output)!.shape, unit);
    return { ...node, op: { kind: "quantize", quantizer } };
  }
  if ((op.kind === "conv" || op.kind === "dense") && random.next() < 0.5)
    return { ...node, op: { ...op, weights: randomBases(random, op.weights) } };
  return node;
}

/** Multiples of 1/8 that are seldom equally spaced. */
function coefficient(random: Random): number {
  return (random.integer(1, 25) / 8) * (random.next() < 0.2 ? -1 : 1);
}

function randomLevels(random: Random, shape: Shape, unit: number): LevelsQuantizer {
  const bits = random.integer(1, 3);
  const planes: Planes = {
    alphabet: random.pick(["signs", "signs", "bits"]),
    coefficients: {
      shape: [bits],
      data: Float32Array.from({ length: bits }, () => unit * coefficient(random)),
    },
    constant: random.next() < 0.2 ? unit * coefficient(random) : 0,
  };
  const levels = random.integer(1, 2 ** bits + 1);
  const codes = Int32Array.from({ length: levels + 1 }, () => random.integer(0, 2 ** bits - 1));
  // Two different values at least.
  codes[0] = 0;
  codes[1] = 2 ** bits - 1;
  if (random.next() < 0.5) codes.sort((a, b) => planesValue(planes, a) - planesValue(planes, b));
  const values = Float32Array.from(codes, (code) => planesValue(planes, code));
  const rows = random.next() < 0.5 || shape.length < 2 ? 1 : shape[1]!;
  const row = (): Float32Array =>
    Float32Array.from({ length: levels }, () => Math.round(random.normal() * unit * 16) / 8).sort();
  const thresholds = Float32Array.from(Array.from({ length: rows }, () => [...row()]).flat());
  const hasPlanes = random.next() < 0.85;
  if (values.every((v) => v === values[0])) values[1] = values[0]! + unit;
  const isSum = values.every((v, i) => planesValue(planes, codes[i]!) === v);
  return {
    kind: "levels",
    thresholds: { shape: [rows, levels], data: thresholds },
    axis: shape.length < 2 ? 0 : 1,
    values: { shape: [levels + 1], data: values },
    ...(hasPlanes && isSum ? { planes: { ...planes, codes } } : {}),
  };
}

function randomBases(random: Random, { shape, data, quantized }: WeightTensor): WeightTensor {
  const scale = Math.abs(quantized?.scale.data[0] ?? 1);
  const axis = shape.length === 2 ? 1 : 0;
  const bases = Array.from({ length: random.integer(1, 3) }, () => {
    const outputs = random.next() < 0.5 ? shape[axis]! : 1;
    const codes = random.pick([
      () => (random.next() < 0.5 ? -1 : 1),
      () => random.integer(-1, 1),
      () => random.integer(0, 1),
    ]);
    return {
      codes: Int32Array.from(data, codes),
      coefficient: {
        shape: shape.map((_, i) => (i === axis ? outputs : 1)),
        data: Float32Array.from({ length: outputs }, () => scale * coefficient(random)),
      },
    };
  });
  return { shape, data: sumOfBases(bases, shape), bases };
}
