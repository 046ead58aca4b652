/** The arithmetic of a layer: exact integer sums where both operands have codes, float32 sums elsewhere. */
import type { GraphNode } from "../graph/types.js";
import { powerRange } from "../program/powers.js";
import type { CodeMatrix } from "../program/types.js";
import type { ChainStep } from "./chain.js";
import { type Integers, integersOf } from "./codes.js";
import type { Layer } from "./layer.js";
import { lowerBases } from "./lower-bases.js";
import { isBipolar, type Lowering } from "./lowering.js";
import { selected } from "./select.js";
import { lastQuantizer, settleFloat } from "./settle.js";
import { emit, F32, I32, padded } from "./sources.js";
import type { Range, Source, Value } from "./values.js";
import { accumulatorRange, floatWeights, type LoweredWeights, lowerWeights } from "./weights.js";

const NO_PADS = [0, 0, 0, 0] as const;

export function lowerLayer(context: Lowering, layer: Layer): Value | undefined {
  const { node, weights, order } = layer;
  const matrix = lowerWeights(weights, order, layer.outputAxis);
  const integers = typeof matrix === "string" ? matrix : integersOf(context, layer.input);
  if (integers === undefined) return undefined;
  if (typeof integers === "string" || typeof matrix === "string") {
    const sums = lowerBases(context, layer, (source) => partOfSource(context, layer, source));
    if (typeof sums === "object") return { source: sums, steps: [], shape: layer.shape, view: layer.view };
    if (sums === undefined) return undefined;
    const hasBases = weights.bases !== undefined && weights.quantized === undefined;
    return lowerFloatLayer(context, layer, hasBases ? sums : String(integers));
  }
  const hasPads = layer.window.pads.some((n) => n > 0);
  const padValue = hasPads ? integerPad(layer.padValue, integers.factor) : 0;
  if (padValue === undefined) {
    context.diagnostics.error(
      "lowering/pad-value",
      `pads with ${layer.padValue}, which is no multiple of the input's step ${integers.factor}`,
      { where: node.name, remedy: "pad with 0 or with a value that the input's quantizer has" },
    );
    return undefined;
  }
  return lowerIntegerLayer(context, layer, matrix, integers, padValue, hasPads);
}

/** The integer whose product with the factor is the value in float32. */
function integerPad(padValue: number, factor: number): number | undefined {
  const units = padValue === 0 ? 0 : Math.round(padValue / factor);
  const isSame = Math.fround(units * factor) === Math.fround(padValue);
  return isSame && Math.abs(units) < 2 ** 15 ? units : undefined;
}

function lowerIntegerLayer(
  context: Lowering,
  layer: Layer,
  { matrix, rest, scale }: LoweredWeights,
  integers: Integers,
  padValue: number,
  hasPads: boolean,
): Value | undefined {
  const { node, window, groups } = layer;
  const least = hasPads ? Math.min(integers.least, padValue) : integers.least;
  const greatest = hasPads ? Math.max(integers.greatest, padValue) : integers.greatest;
  const rangesOf = (part: CodeMatrix): Range[] =>
    Array.from({ length: part.outputs }, (_, n) => accumulatorRange(part, n, least, greatest));
  const restRanges = rest === undefined ? [] : rangesOf(rest);
  const ranges = rangesOf(matrix).map(
    ([low, high], n): Range => [low + (restRanges[n]?.[0] ?? 0), high + (restRanges[n]?.[1] ?? 0)],
  );
  if (ranges.some(([low, high]) => low <= -(2 ** 30) || high >= 2 ** 30)) {
    context.diagnostics.error("lowering/overflow", "the integer sums of this layer do not fit 31 bits", {
      where: node.name,
    });
    return undefined;
  }
  const source = partOfSource(context, layer, integers.source);
  const bipolar = source.domain.kind === "codes" && isBipolar(source.domain) && isBipolar(matrix);
  const inputOffset = source.domain.kind === "codes" ? 0 : integers.offset;
  const sumsWith = (part: CodeMatrix, name: string, known: Partial<Source>): Source =>
    emit(context, name, layer.shape, { domain: I32, ...known }, (output) => ({
      kind: "conv",
      input: source.tensor,
      output,
      weights: part,
      window,
      groups,
      padValue,
      inputOffset,
    }));
  const known = {
    ranges,
    stride: bipolar && (!hasPads || Math.abs(padValue) === 1) ? 2 : 1,
    uncertainty: floatError(matrix.inputs, ranges, [...scale, integers.factor]),
  };
  const sums =
    rest === undefined
      ? sumsWith(matrix, node.name, known)
      : added(context, node.name, known, [
          sumsWith(matrix, `${node.name} bytes`, { ranges: rangesOf(matrix) }),
          sumsWith(rest, `${node.name} rest`, { ranges: restRanges }),
        ]);
  return {
    source: sums,
    steps: productSteps(scale, integers.factor, node),
    shape: layer.shape,
    view: layer.view,
  };
}

/** Sums of the two parts of weights. */
function added(
  context: Lowering,
  name: string,
  known: Partial<Source>,
  [a, b]: readonly [Source, Source],
): Source {
  return emit(context, name, a.shape, { domain: I32, ...known }, (output) => ({
    kind: "add",
    inputs: [a.tensor, b.tensor],
    output,
  }));
}

/** The product of the weights' and the codes' scales, on the sums; floats have codes' scales in them. */
function productSteps(scale: Float32Array, factor: number, node: GraphNode): readonly ChainStep[] {
  const operand = scale.map((s) => Math.fround(s * factor));
  if (operand.every((c) => c === 1)) return [];
  return [{ kind: "scale", step: { operator: "multiply", operand }, node: node.name }];
}

/** A float32 sum of K rounded products is off by at most about (K + 1) · 2^-24 of the sum of magnitudes. */
function floatError(
  inputs: number,
  ranges: readonly Range[],
  scales: readonly number[],
): (channel: number) => number {
  if (scales.every(isPowerOfTwo)) return () => 0;
  return (n) => (inputs + 1) * 2 ** -24 * Math.max(Math.abs(ranges[n]![0]), Math.abs(ranges[n]![1]));
}

function lowerFloatLayer(context: Lowering, layer: Layer, reason: string): Value | undefined {
  const { node, window, order } = layer;
  const { weights, scale } = floatWeights(layer.weights, order, layer.outputAxis);
  // Behind an error stands a value that is none, of which there is nothing to say; of fixed point, the pass that makes it speaks.
  if (!context.diagnostics.hasErrors && context.options.streams !== "q16") {
    const remedy = floatRemedy(context, layer);
    const work = powerRange(weights) === undefined ? "is computed in float32" : "adds and subtracts float32";
    const message = `this layer ${work}: ${reason}`;
    context.diagnostics.note("lowering/float-layer", message, { where: node.name, remedy });
  }
  const settled = settleFloat(context, layer.input, `${node.name} input`);
  if (settled === undefined) return undefined;
  let source = partOfSource(context, layer, settled.source);
  let { pads } = window;
  if (layer.padValue !== 0 && pads.some((n) => n > 0)) {
    source = padded(
      context,
      source,
      { pads, channels: [0, 0], fill: Math.fround(layer.padValue) },
      `${node.name} pads`,
    );
    pads = NO_PADS;
  }
  const result = emit(context, node.name, layer.shape, { domain: F32 }, (output) => ({
    kind: "conv-float",
    input: source.tensor,
    output,
    weights,
    window: { ...window, pads },
    groups: layer.groups,
  }));
  return { source: result, steps: productSteps(scale, 1, node), shape: layer.shape, view: layer.view };
}

/** What makes integers of the layer. */
function floatRemedy({ instructions }: Lowering, { weights, input }: Layer): string {
  if (weights.quantized === undefined && weights.bases === undefined)
    return "if it is to be integers: latent weights do not tell their quantizer, so export the model with it in the forward pass, or the quantized weights";
  if (lastQuantizer(input.steps) >= 0)
    return "move what stands between the quantizer and this layer (a normalization, say) in front of the quantizer, or quantize again behind it";
  return instructions.some((i) => i.output === input.source.tensor)
    ? "quantize its input too, to compute it on integers"
    : "give the model integers, e.g. --input-type i8 --input-scale 1/32 (the value of one step), or quantize its input";
}

function partOfSource(context: Lowering, layer: Layer, source: Source): Source {
  if (layer.part === undefined) return source;
  return selected(context, source, layer.part, `${layer.node.name} selection`);
}

function isPowerOfTwo(x: number): boolean {
  return Number.isInteger(Math.log2(Math.abs(x)));
}
