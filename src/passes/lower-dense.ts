/** A dense layer to exact integer sums. */
import { shapeText } from "../diagnostics/text.js";
import type { CodesDomain } from "../program/types.js";
import type { ChainStep } from "./chain.js";
import { addTensor, type Codes, isBipolar, type Layer, type Lowering } from "./lowering.js";
import type { Segment } from "./segments.js";
import { accumulatorRange, lowerWeights } from "./weights.js";

/** The dense instruction of a segment; undefined after a reported error. */
export function lowerDense(context: Lowering, segment: Segment, codes: Codes | undefined): Layer | undefined {
  const { node, op } = segment.dense!;
  const weights = lowerWeights(op.weights, node.name, context.diagnostics);
  if (weights === undefined || codes === undefined) return undefined;
  const { matrix } = weights;
  if (context.tensors[codes.tensor]!.shape[2] !== matrix.inputs) {
    context.diagnostics.error(
      "lowering/size",
      `expects ${matrix.inputs} inputs but gets ${shapeText(context.tensors[codes.tensor]!.shape)}`,
      { where: node.name, remedy: "dense layers on more than one row of values are not supported" },
    );
    return undefined;
  }
  const ranges = Array.from({ length: matrix.outputs }, (_, n) =>
    accumulatorRange(matrix, n, codes.least, codes.greatest),
  );
  if (ranges.some(([low, high]) => low <= -(2 ** 30) || high >= 2 ** 30)) {
    context.diagnostics.error("lowering/overflow", "the integer sums of this layer do not fit 31 bits", {
      where: node.name,
    });
    return undefined;
  }
  const output = addTensor(context, node.name, matrix.outputs, { kind: "scalar", type: "i32" });
  context.instructions.push({ kind: "dense", input: codes.tensor, output, weights: matrix });
  const product = weights.scale.map((s) => Math.fround(s * codes.scale));
  const scaleSteps: ChainStep[] = product.every((c) => c === 1)
    ? []
    : [{ kind: "scale", step: { operator: "multiply", operand: product }, node: node.name }];
  const exactInFloat = [...weights.scale, codes.scale].every(isPowerOfTwo);
  const magnitude = ranges.map(([low, high]) => Math.max(Math.abs(low), Math.abs(high)));
  const domain = context.tensors[codes.tensor]!.domain as CodesDomain;
  return {
    output,
    ranges,
    stride: isBipolar(domain) && isBipolar(matrix) ? 2 : 1,
    steps: [...scaleSteps, ...segment.steps],
    // A float32 sum of K rounded products is off by at most about (K + 1) · 2^-24 of the sum of magnitudes.
    uncertainty: (n) => (exactInFloat ? 0 : (matrix.inputs + 1) * 2 ** -24 * magnitude[n]!),
  };
}

function isPowerOfTwo(x: number): boolean {
  const exponent = Math.log2(Math.abs(x));
  return Number.isInteger(exponent);
}
