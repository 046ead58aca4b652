/** What a graph takes for granted where frameworks differ, and where it does. */
import type { GraphNode, ModelGraph, Quantizer } from "../graph/types.js";
import { type Codes, codesOfValues } from "./levels.js";

export interface Convention {
  readonly convention: string;
  readonly taken: string;
  /** Names of the nodes that it holds for. */
  readonly nodes: readonly string[];
}

/** Every convention taken, those of one kind together. */
export function conventionsOf(graph: ModelGraph): readonly Convention[] {
  const codes = codesOfValues(graph);
  const found = new Map<string, { convention: string; taken: string; nodes: string[] }>();
  for (const node of graph.nodes) {
    for (const [convention, taken] of conventionsOfNode(node, codes.get(node.inputs[0]!))) {
      const key = `${convention}: ${taken}`;
      const entry = found.get(key) ?? { convention, taken, nodes: [] };
      found.set(key, entry);
      entry.nodes.push(node.name);
    }
  }
  return [...found.values()].sort((a, b) => ORDER.indexOf(a.convention) - ORDER.indexOf(b.convention));
}

const SIGN = "sign of 0";
const PADDING = "padding";
const MAX_POOLS = "max pools";
const MEANS = "average pools";
const ROUNDING = "rounding";
const THRESHOLDS = "thresholds";
const TIES = "equal scores";
const ORDER: readonly string[] = [SIGN, PADDING, MAX_POOLS, MEANS, ROUNDING, THRESHOLDS, TIES];

function conventionsOfNode(
  { op }: GraphNode,
  codes: Codes | undefined,
): readonly (readonly [convention: string, taken: string])[] {
  switch (op.kind) {
    case "quantize":
      return conventionsOfQuantizer(op.quantizer);
    case "conv":
      return op.window.pads.some((n) => n > 0) ? [[PADDING, paddingText(op.padValue)]] : [];
    case "pad":
      return [[PADDING, paddingText(op.value)]];
    case "max-pool":
      return [
        [
          MAX_POOLS,
          codes !== undefined && "kind" in codes
            ? "after the quantizer, of its codes"
            : "before the next quantizer",
        ],
      ];
    case "average-pool":
      return op.window.pads.some((n) => n > 0)
        ? [[MEANS, op.countPads ? "pads are counted" : "pads are not counted"]]
        : [];
    case "rescale":
      return [[ROUNDING, `fixed point, halves ${op.halves === "up" ? "up" : "away from zero"}`]];
    case "integer-arithmetic":
      return [[ROUNDING, "fixed point, as TFLite's int8 kernels"]];
    case "argmax":
      return [[TIES, op.selectLast ? "the last is taken" : "the first is taken"]];
    default:
      return [];
  }
}

function conventionsOfQuantizer(quantizer: Quantizer): readonly (readonly [string, string])[] {
  switch (quantizer.kind) {
    case "bipolar":
      return [[SIGN, quantizer.signOfZero > 0 ? "+1" : "−1"]];
    case "uniform":
      return [[ROUNDING, quantizer.rounding]];
    case "levels":
    case "thresholds":
      return [[THRESHOLDS, "belong to the level above"]];
  }
}

function paddingText(value: number): string {
  if (value === 0) return "0, which adds nothing to a sum";
  return `${value > 0 ? "+" : "−"}${Math.abs(value)}`;
}
