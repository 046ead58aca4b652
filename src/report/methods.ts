/** How each layer with weights was quantized, in the words of the papers, as far as its numbers show it. */
import type { GraphOp, ModelGraph } from "../graph/types.js";
import { activationLevels, codesOfValues, type Levels, weightLevels } from "./levels.js";

export interface LayerMethod {
  readonly layer: string;
  readonly op: "conv" | "dense";
  readonly weights: string;
  readonly activations: string;
  /** Bits of weights and activations as papers write them: W1A2; 32 stands for float. */
  readonly bits: string;
  readonly method: string;
}

/** One entry per convolution and dense layer, in order; sums that importers write as layers of ones have no weights. */
export function layerMethods(graph: ModelGraph): readonly LayerMethod[] {
  const codes = codesOfValues(graph);
  return graph.nodes.flatMap(({ name, op, inputs }): LayerMethod[] => {
    if ((op.kind !== "conv" && op.kind !== "dense") || isSum(op)) return [];
    const weights = weightLevels(op.weights);
    const activations = activationLevels(codes.get(inputs[0]!));
    return [
      {
        layer: name,
        op: op.kind,
        weights: weights.text,
        activations: activations.text,
        bits: `W${weights.bits}A${activations.bits}`,
        method: methodName(weights, activations),
      },
    ];
  });
}

/** Whether every output is the plain sum of its channel's window, as of a mean. */
function isSum(op: GraphOp): boolean {
  if (op.kind !== "conv" || op.groups !== op.weights.shape[0] || op.weights.shape[1] !== 1) return false;
  return op.weights.quantized !== undefined && op.weights.data.every((w) => w === 1);
}

/** The first paper that has this combination; later ones that differ in training only share its arithmetic. */
function methodName(weights: Levels & { readonly isScaled: boolean }, activations: Levels): string {
  const isFloat = activations.kind === "float" || activations.kind === "input";
  switch (weights.kind) {
    case "levels":
      return isFloat
        ? "weights of several bases"
        : "sums of planes by bases (ABC-Net, LQ-Nets, least squares)";
    case "binary":
      if (activations.kind === "levels") return "binary weights, activations of levels (ReBNet, HWGQ)";
      if (isFloat)
        return weights.isScaled ? "BWN: binary weights with scales" : "BinaryConnect: binary weights";
      if (activations.kind === "binary")
        return weights.isScaled ? "XNOR-Net: binary, with scales of the weights" : "BNN: binary";
      if (activations.kind === "ternary") return "TBN: binary weights, ternary activations";
      return "DoReFa: binary weights, low-bit activations";
    case "ternary":
      if (isFloat) return "TWN: ternary weights";
      return activations.kind === "ternary" ? "TNN: ternary" : "ternary weights, low-bit activations";
    case "powers-of-two":
      return "INQ: weights are powers of two";
    case "float":
      return "float weights";
    default:
      if (weights.bits === 8 && activations.bits === 8) return "int8";
      return isFloat ? "low-bit weights" : "uniform quantization (DoReFa, PACT, LSQ)";
  }
}
