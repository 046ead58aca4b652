/** The last value to what the device returns. */

import { shapeText } from "../diagnostics/text.js";
import type { GraphNode } from "../graph/types.js";
import type { DeviceProgram, OutputOrder, ScaleStep, TensorId } from "../program/types.js";
import type { Lowering } from "./lowering.js";
import { addTensor } from "./lowering.js";
import { outputOrder, type ScoreRange } from "./output-order.js";
import { arranged } from "./select.js";
import { type Settled, settle } from "./settle.js";
import { emit, F32, floatSteps, I32, scaled, widened } from "./sources.js";
import { count, isFloat, rangeOf, type Source, type Value } from "./values.js";
import { isIdentity } from "./views.js";

type Output = Omit<DeviceProgram["output"], "modelShape">;

/** Ends the program: scores with their affine, float outputs, or the index that the model itself returns. */
export function lowerOutput(context: Lowering, value: Value, tail: readonly GraphNode[]): Output | undefined {
  const settled = settle(context, value);
  const scores = settled && inOutputOrder(context, settled);
  if (scores === undefined) return settled && reportOrder(context, value);
  const argmax = tail.find((n) => n.op.kind === "argmax");
  const softmax = tail.find((n) => n.op.kind === "softmax");
  for (const node of [argmax, softmax]) if (node && !isVector(context, node, scores)) return undefined;
  const isInteger = softmax?.op.kind === "softmax" && softmax.op.integers !== undefined;
  if (isInteger && (argmax !== undefined || context.options.output === "float32"))
    return reportIntegerSoftmax(context, softmax, argmax !== undefined);
  // Softmax keeps the order, so an argmax after it needs no exponential.
  if (argmax?.op.kind === "argmax") return classOf(context, scores, argmax.op.selectLast);
  return context.options.output === "float32" || isDecoded(scores) || isFloat(scores.source)
    ? floatOutput(context, scores, softmax && (isInteger ? "omitted" : "computed"))
    : integerOutput(context, scores, softmax !== undefined);
}

/** Channels on axis 1, or innermost; a flattened map in the tensor's own order. */
function inOutputOrder(context: Lowering, settled: Settled): Settled | undefined {
  if (isIdentity(settled.view.map, count(settled.shape))) return settled;
  const { shape } = settled.view;
  const rank = shape.length;
  // Channels on axis 1 are in front of all pixels only where nothing stands before them.
  const isFirst = rank > 1 && shape[0] === 1;
  for (const axis of isFirst ? [1, rank - 1] : [rank - 1]) {
    const scores = arranged(context, settled, axis, "output selection");
    if (scores !== undefined) return scores;
  }
  return undefined;
}

function reportOrder(context: Lowering, value: Value): undefined {
  context.diagnostics.error(
    "lowering/output-order",
    `the model's output (${shapeText(value.view.shape)}) is no map with channels in front or innermost`,
    {
      where: context.graph.outputs[0]!,
      remedy: "end the exported model before its last reshapes and transposes",
    },
  );
  return undefined;
}

function isVector(context: Lowering, node: GraphNode, { shape }: Settled): boolean {
  if (shape[0] * shape[1] === 1) return true;
  context.diagnostics.error(
    "lowering/map-output",
    `${node.op.kind} over each pixel of a map is not supported`,
    {
      where: node.name,
      remedy: "end the exported model before it and take it from the scores of each pixel",
    },
  );
  return false;
}

function integerOutput(context: Lowering, scores: Settled, softmax: boolean): Output {
  const source = widened(context, scores.source);
  const affine = floatSteps(context, source, scores.steps);
  return {
    tensor: source.tensor,
    affine,
    order: orderOf(source, affine),
    omitted: softmax ? ["softmax"] : [],
    ...layoutOf(scores),
  };
}

/** Its probabilities have 256 steps: scores that differ can be equal behind it. */
function reportIntegerSoftmax(context: Lowering, node: GraphNode, hasArgmax: boolean): undefined {
  context.diagnostics.error(
    "lowering/integer-softmax",
    hasArgmax
      ? "the model takes the greatest of int8 probabilities, which can be equal where scores are not"
      : "the model's softmax is on int8, and the device has one on float32 only",
    {
      where: node.name,
      remedy: hasArgmax
        ? "take the maximum of the scores: leave the softmax out"
        : "leave out --output float32: the scores have the same order; or convert the model without the softmax",
    },
  );
  return undefined;
}

function floatOutput(
  context: Lowering,
  scores: Settled,
  softmax: "computed" | "omitted" | undefined,
): Output {
  const floats = scaled(context, scores.source, scores.steps, "float scores");
  const final =
    softmax === "computed"
      ? emit(context, "probabilities", floats.shape, { domain: F32 }, (output) => ({
          kind: "softmax",
          input: floats.tensor,
          output,
        }))
      : floats;
  return {
    tensor: final.tensor,
    affine: [],
    omitted: softmax === "omitted" ? ["softmax"] : [],
    order: { kind: "float" },
    ...layoutOf(scores),
  };
}

function classOf(context: Lowering, scores: Settled, selectLast: boolean): Output {
  const input = comparable(context, scores);
  const tensor = addTensor(context, "class", [1, 1, 1], I32);
  context.instructions.push({ kind: "argmax", input, output: tensor, selectLast });
  return { tensor, affine: [], omitted: [], order: { kind: "float" } };
}

/** A tensor whose greatest element is the model's greatest output: integers where that is proven. */
function comparable(context: Lowering, scores: Settled): TensorId {
  if (isFloat(scores.source) || isDecoded(scores))
    return scaled(context, scores.source, scores.steps, "float scores").tensor;
  const source = widened(context, scores.source);
  const order = orderOf(source, floatSteps(context, source, scores.steps));
  if (order.kind === "scores") return source.tensor;
  if (order.kind === "float") return scaled(context, source, scores.steps, "float scores").tensor;
  const { slope, offset } = order;
  return emit(context, "ranks", source.shape, { domain: I32 }, (output) => ({
    kind: "rank",
    input: source.tensor,
    output,
    slope,
    offset,
  })).tensor;
}

/** Whether integers stand for anything but multiples. */
function isDecoded({ steps }: Settled): boolean {
  return steps[0]?.kind === "decode";
}

/** How outputs compare; scores of a map's pixels are no alternatives to each other. */
function orderOf(source: Source, steps: readonly ScaleStep[]): OutputOrder {
  const [height, width, channels] = source.shape;
  if (height * width > 1) return { kind: "float" };
  const { stride } = source;
  const ranges = Array.from({ length: channels }, (_, c): ScoreRange => {
    const [low, high] = rangeOf(source, c);
    return { low, high, stride };
  });
  return outputOrder(steps, ranges);
}

/** Elements of a map with several channels are not in the model's order. */
function layoutOf({ view }: Settled): { readonly layout?: "nhwc" } {
  return isIdentity(view.map) ? {} : { layout: "nhwc" };
}
