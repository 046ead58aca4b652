/** Graphs whose quantizers became counts of thresholds with as many levels, times the scale that they had. */
import { isCounting } from "../../src/graph/quantize.js";
import type { GraphNode, GraphValue, ModelGraph, Shape, ThresholdQuantizer } from "../../src/graph/types.js";
import { Random } from "./random-graph.js";

/** Most quantizers of the graph with random thresholds in their stead, in common or per channel of axis 1. */
export function withThresholds(graph: ModelGraph, seed: number): ModelGraph {
  const random = new Random(seed);
  const values = new Map<string, GraphValue>(graph.values);
  const nodes = graph.nodes.flatMap((node): readonly GraphNode[] => {
    const replaced = replacement(node, values.get(node.output)!.shape, random);
    if (replaced === undefined) return [node];
    const count = `${node.output} count`;
    values.set(count, { ...values.get(node.output)!, name: count });
    const { quantizer, scale } = replaced;
    return [
      { ...node, op: { kind: "quantize", quantizer }, output: count },
      {
        name: `${node.name} scaled`,
        op: { kind: "arithmetic", operator: "multiply", operand: scale, reversed: false },
        inputs: [count],
        output: node.output,
      },
    ];
  });
  return { ...graph, nodes, values };
}

type Scale = { readonly shape: Shape; readonly data: Float32Array };

function replacement(
  { op }: GraphNode,
  shape: Shape,
  random: Random,
): { readonly quantizer: ThresholdQuantizer; readonly scale: Scale } | undefined {
  if (op.kind !== "quantize" || isCounting(op.quantizer) || random.next() < 0.25) return undefined;
  const { scale } = op.quantizer;
  const [step, levels, offset] =
    op.quantizer.kind === "bipolar"
      ? ([2, 1, -1] as const)
      : ([
          1,
          op.quantizer.qmax - op.quantizer.qmin,
          op.quantizer.qmin - op.quantizer.zeroPoint.data[0]!,
        ] as const);
  const rows = random.next() < 0.4 || shape.length < 2 ? 1 : shape[1]!;
  const spread = Math.max(Math.abs(scale.data[0]!) * levels, 0.5);
  const row = (): Float32Array =>
    Float32Array.from({ length: levels }, () => random.normal() * spread).sort();
  const data = Float32Array.from(Array.from({ length: rows }, () => [...row()]).flat());
  const quantizer: ThresholdQuantizer = {
    kind: "thresholds",
    thresholds: { shape: [rows, levels], data },
    axis: shape.length < 2 ? 0 : 1,
    step,
    offset,
  };
  return { quantizer, scale };
}
