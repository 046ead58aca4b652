/** How each layer with weights was quantized, in the words of the papers, as far as its numbers show it. */
import type { ModelGraph } from "../graph/types.js";
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

/** One entry per convolution and dense layer, in order. */
export function layerMethods(graph: ModelGraph): readonly LayerMethod[] {
  const codes = codesOfValues(graph);
  return graph.nodes.flatMap(({ name, op, inputs }): LayerMethod[] => {
    if (op.kind !== "conv" && op.kind !== "dense") return [];
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

/** The first paper that has this combination; later ones that differ in training only share its arithmetic. */
function methodName(weights: Levels & { readonly isScaled: boolean }, activations: Levels): string {
  const isFloat = activations.kind === "float" || activations.kind === "input";
  switch (weights.kind) {
    case "binary":
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
      if (isFloat) return "low-bit weights";
      return weights.bits === 8 && activations.bits === 8
        ? "int8"
        : "uniform quantization (DoReFa, PACT, LSQ)";
  }
}
