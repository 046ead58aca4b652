/** A segment's float operations and quantizer to thresholds. */
import type { Diagnostics } from "../diagnostics/diagnostic.js";
import type { Quantizer } from "../graph/types.js";
import type { CodesDomain, TensorId } from "../program/types.js";
import { quantizerLevels } from "./chain.js";
import { addTensor, type Codes, type Layer, type Lowering } from "./lowering.js";
import { requireSingleScale, type Segment } from "./segments.js";
import { countNearTies, findThresholds, type KeySource } from "./thresholds.js";

/** The sums of a hidden layer to the codes that the next one reads; undefined after a reported error. */
export function lowerHiddenCodes(context: Lowering, segment: Segment, layer: Layer): Codes | undefined {
  if (segment.quantizer === undefined) {
    context.diagnostics.error(
      "lowering/float-activations",
      "the activations after this layer are not quantized",
      {
        where: segment.dense!.node.name,
        remedy: "put an activation quantizer (BipolarQuant or Quant) between this layer and the next",
      },
    );
    return undefined;
  }
  const source: KeySource = {
    rows: layer.ranges.length,
    range: (channel) => layer.ranges[channel]!,
    valueOf: (key) => Math.fround(key),
  };
  return lowerThreshold(context, { ...segment, steps: layer.steps }, layer.output, source, layer.uncertainty);
}

/** Thresholds over any keys; undefined after a reported error. */
export function lowerThreshold(
  context: Lowering,
  segment: Segment,
  input: TensorId,
  source: KeySource,
  uncertainty: (channel: number) => number,
): Codes | undefined {
  const { node, quantizer } = segment.quantizer!;
  const domain = codesDomain(quantizer, node.name, context.diagnostics);
  requireSingleScale(node, quantizer, context.diagnostics);
  if (domain === undefined) return undefined;
  const table = findThresholds(source, segment.steps, quantizer, node.name, context.diagnostics);
  reportNearTies(context, segment, source, table, uncertainty);
  const output = addTensor(context, node.name, context.tensors[input]!.shape[2], domain);
  context.instructions.push({ kind: "threshold", input, output, ...table });
  const scale = Math.fround(quantizer.scale.data[0]! * segment.factor);
  const greatest = domain.step * quantizerLevels(quantizer) + domain.offset;
  return { tensor: output, scale, least: domain.offset, greatest };
}

function reportNearTies(
  context: Lowering,
  segment: Segment,
  source: KeySource,
  table: ReturnType<typeof findThresholds>,
  uncertainty: (channel: number) => number,
): void {
  const { node, quantizer } = segment.quantizer!;
  const ties = countNearTies(source, segment.steps, quantizer, table, uncertainty);
  if (ties === 0) return;
  context.diagnostics.note(
    "lowering/near-tie",
    `${ties} of ${table.thresholds.length} decisions lie within the rounding error of the framework's float32 sum; bitloom decides them by the exact integer sum`,
    { where: node.name, remedy: "scales that are powers of two make the framework's sums exact" },
  );
}

function codesDomain(quantizer: Quantizer, where: string, diagnostics: Diagnostics): CodesDomain | undefined {
  if (quantizer.kind === "bipolar") return { kind: "codes", bits: 1, step: 2, offset: -1 };
  const zero = quantizer.zeroPoint.data[0]!;
  const bits = Math.ceil(Math.log2(quantizer.qmax - quantizer.qmin + 1));
  if (!Number.isInteger(zero) || bits > 8 || bits < 1) {
    const problem = Number.isInteger(zero) ? `${bits} bits of activation` : `the zero point ${zero}`;
    diagnostics.error("lowering/activation-codes", `${problem} is not supported`, {
      where,
      remedy: "use 1 to 8 bits and an integer zero point",
    });
    return undefined;
  }
  return { kind: "codes", bits, step: 1, offset: quantizer.qmin - zero };
}
