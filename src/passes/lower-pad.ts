/** Borders: part of the next convolution's own padding where they can be, else a tensor with a border. */
import type { GraphNode, GraphOp, ModelGraph, Shape } from "../graph/types.js";
import type { Window } from "../program/types.js";
import { onlyMultiplies } from "./codes.js";
import { type Lowering, once } from "./lowering.js";
import { reportLayout } from "./problems.js";
import { arrangedMap } from "./select.js";
import { type Settled, settle } from "./settle.js";
import { padded, scaled } from "./sources.js";
import { isFloat, type Source, type Value } from "./values.js";
import { mapView, movedView } from "./views.js";

type PadOp = Extract<GraphOp, { kind: "pad" }>;
type ConvOp = Extract<GraphOp, { kind: "conv" }>;
type Pads = Window["pads"];

/** A value with a border that no tensor has yet. */
export interface Padded {
  readonly kind: "padded";
  readonly inner: Value;
  readonly node: GraphNode;
  readonly op: PadOp;
  readonly shape: Shape;
}

export type Lowered = Value | Padded;

export function isPadded(lowered: Lowered): lowered is Padded {
  return "kind" in lowered;
}

/** The convolution's padding with the border in it; undefined if they do not go together. */
export function foldedPads(
  { inner, op }: Padded,
  conv: ConvOp,
): { readonly input: Value; readonly pads: Pads; readonly padValue: number } | undefined {
  const { before, after, value } = op;
  const own = conv.window.pads;
  const isSpatial = before[0] === 0 && after[0] === 0 && before[1] === 0 && after[1] === 0;
  if (!isSpatial || (own.some((n) => n > 0) && conv.padValue !== value)) return undefined;
  const border = spatialPads(op, 1);
  const pads: Pads = [border[0] + own[0], border[1] + own[1], border[2] + own[2], border[3] + own[3]];
  return { input: inner, pads, padValue: value };
}

/** Maps and signals with channels innermost, and back. */
const CHANNEL_MOVES = ["0,2,3,1", "0,3,1,2", "0,2,1"];

/**
 * The transpose of a value with a border, where it only moves the channels in front of the pixels or behind them and
 * nothing else reads the border: as TensorFlow's exporters put it between Pad and Conv. Undefined for others.
 */
export function turned(
  { nodes }: Pick<ModelGraph, "nodes">,
  lowered: Lowered,
  permutation: readonly number[],
  shape: Shape,
): Padded | undefined {
  if (!isPadded(lowered)) return undefined;
  const { inner, node, op } = lowered;
  const readers = nodes.filter((n) => n.inputs.includes(node.output)).length;
  if (!CHANNEL_MOVES.includes(permutation.join()) || readers !== 1) return undefined;
  const move = (amounts: readonly number[]): number[] => permutation.map((axis) => amounts[axis]!);
  const [starts, steps] = [shape.map(() => 0), shape.map(() => 1)];
  const view = movedView(inner.view, move(inner.view.shape), permutation, starts, steps);
  const moved = { ...op, before: move(op.before), after: move(op.after) };
  return { kind: "padded", inner: { ...inner, view }, node, op: moved, shape };
}

/** [top, left, bottom, right] of a map or signal with channels on `channelAxis`. */
function spatialPads({ before, after }: PadOp, channelAxis: number): Pads {
  const axes = before.map((_, axis) => axis).filter((axis) => axis > 0 && axis !== channelAxis);
  const [y, x] = axes.length === 2 ? axes : [undefined, axes[0]];
  const at = (amounts: readonly number[], axis: number | undefined): number =>
    axis === undefined ? 0 : amounts[axis]!;
  return [at(before, y), at(before, x), at(after, y), at(after, x)];
}

/** The value itself, with its border made; undefined after a reported error. */
export function resolve(context: Lowering, lowered: Lowered): Value | undefined {
  if (!isPadded(lowered)) return lowered;
  return once(context, lowered, "border", () => makeBorder(context, lowered));
}

function makeBorder(context: Lowering, { inner, node, op, shape }: Padded): Value | undefined {
  const settled = settle(context, inner);
  if (settled === undefined) return undefined;
  const placed = channelAxisOf(context, settled, node);
  const isBatch = op.before[0] !== 0 || op.after[0] !== 0;
  if (placed === undefined || isBatch) return reportLayout(context, node, inner.view.shape);
  const { map, axis } = placed;
  const { source, fill, steps } = withFill(context, map, op.value, node);
  const channels = [op.before[axis]!, op.after[axis]!] as const;
  const border = padded(context, source, { pads: spatialPads(op, axis), channels, fill }, node.name);
  return { source: border, steps, shape: border.shape, view: mapView(shape, axis) };
}

/** The value as a map with channels in front of the pixels or innermost. */
function channelAxisOf(
  context: Lowering,
  settled: Settled,
  node: GraphNode,
): { readonly map: Settled; readonly axis: number } | undefined {
  const rank = settled.view.shape.length;
  if (rank !== 3 && rank !== 4) return undefined;
  for (const axis of [1, rank - 1]) {
    const map = arrangedMap(context, settled, axis, `${node.name} selection`);
    if (map !== undefined) return { map, axis };
  }
  return undefined;
}

/** The tensor to put a border around, and the stored element that stands for the border's value. */
function withFill(
  context: Lowering,
  settled: Settled,
  value: number,
  node: GraphNode,
): { readonly source: Source; readonly fill: number; readonly steps: Settled["steps"] } {
  const fill = storedFill(settled, value);
  if (fill !== undefined) return { source: settled.source, fill, steps: settled.steps };
  const source = scaled(context, settled.source, settled.steps, `${node.name} input`);
  return { source, fill: Math.fround(value), steps: [] };
}

function storedFill({ source, steps }: Settled, value: number): number | undefined {
  const [first] = steps;
  if (first?.kind === "decode" && steps.length === 1) {
    const code = first.values.indexOf(Math.fround(value));
    return code < 0 ? undefined : code;
  }
  if (!onlyMultiplies(steps) || steps.some((s) => s.kind === "scale" && s.step.operand.length > 1))
    return undefined;
  let integer = value;
  for (const step of steps) {
    if (step.kind !== "scale") return undefined;
    const c = step.step.operand[0]!;
    if (integer !== 0) integer = step.step.operator === "multiply" ? integer / c : integer * c;
  }
  if (isFloat(source)) return steps.length === 0 ? Math.fround(value) : undefined;
  if (!Number.isInteger(integer)) return undefined;
  if (source.domain.kind === "scalar")
    return source.domain.type === "i32" ? integer - source.offset : undefined;
  const { bits, step, offset } = source.domain;
  const code = (integer - offset) / step;
  return Number.isInteger(code) && code >= 0 && code < 2 ** bits ? code : undefined;
}
