/** Pools: the greatest waits for a better place, the mean is a sum and one division. */
import type { GraphNode, GraphOp, Shape, Window } from "../graph/types.js";
import { onlyMultiplies } from "./codes.js";
import { gathered } from "./gather.js";
import { mapShape } from "./lower-conv.js";
import type { Lowering } from "./lowering.js";
import { reportLayout } from "./problems.js";
import { arrangedMap, mapPartOf } from "./select.js";
import { type Settled, settle } from "./settle.js";
import { scaled, summed } from "./sources.js";
import { isFloat, type Step, type Value, withStep } from "./values.js";
import { isIdentity, mapView, perPosition } from "./views.js";

export function lowerMaxPool(
  context: Lowering,
  node: GraphNode,
  window: Window,
  value: Value,
): Value | undefined {
  const map = asMap(context, node, value);
  if (map === undefined) return undefined;
  const graphShape = context.graph.values.get(node.output)!.shape;
  const [height, width] = mapShape(graphShape);
  const channels = map.shape[2];
  const channelOf = mapPartOf(map.view, 1, map.shape)!.channels;
  const natural = mapView(graphShape, 1).map;
  const shown = channelOf.length;
  const positions = natural.map((i) => Math.floor(i / shown) * channels + channelOf[i % shown]!);
  const shape = [height, width, channels] as const;
  return {
    ...withStep(map, { kind: "pool", window, shape, node: node.name }),
    shape,
    view: { shape: graphShape, map: positions },
  };
}

/** The value with all pixels of its tensor in their order; channels may lie anyhow. */
function asMap(context: Lowering, node: GraphNode, value: Value): Value | undefined {
  const part = mapPartOf(value.view, 1, value.shape);
  const [height, width] = value.shape;
  if (part !== undefined && isIdentity(part.pixels, height * width)) return value;
  const settled = settle(context, value);
  return settled && mapOf(context, node, settled);
}

/** A settled value as a map of its own. */
function mapOf(context: Lowering, node: GraphNode, settled: Settled): Settled | undefined {
  const name = `${node.name} selection`;
  const map = arrangedMap(context, settled, 1, name) ?? gathered(context, settled, 1, name);
  return map ?? reportLayout(context, node, settled.view.shape);
}

type AveragePool = Extract<GraphOp, { kind: "average-pool" }>;

/** On integers the sum is exact and is divided once, after the value's own factors; else floats are summed. */
export function lowerAveragePool(
  context: Lowering,
  node: GraphNode,
  op: AveragePool,
  value: Value,
): Value | undefined {
  const settled = settle(context, value);
  const map = settled && mapOf(context, node, settled);
  if (map === undefined) return undefined;
  const shape = context.graph.values.get(node.output)!.shape;
  const [height, width] = mapShape(shape);
  const inside = insideCounts(op.window, map.shape, [height, width]);
  const taps = [Math.min(...inside), Math.max(...inside)] as const;
  const division = divisionBy(node, op, inside, shape);
  const pool = { window: op.window, shape: [height, width, map.shape[2]] as const, node: node.name };
  const { source, steps } = canSumIntegers(map, taps)
    ? { source: map.source, steps: map.steps }
    : { source: scaled(context, map.source, map.steps, `${node.name} input`), steps: [] };
  return {
    source: summed(context, source, pool, taps),
    steps: division === undefined ? steps : [...steps, division],
    shape: pool.shape,
    view: mapView(shape, 1),
  };
}

/** By the window's size, or by the elements inside the map where pads do not count; undefined where that is 1. */
function divisionBy(
  node: GraphNode,
  { window: { kernel }, countPads }: AveragePool,
  inside: readonly number[],
  shape: Shape,
): Step | undefined {
  const first = countPads ? kernel[0] * kernel[1] : inside[0]!;
  if (countPads || inside.every((n) => n === first)) {
    const step = { operator: "divide", operand: Float32Array.of(first) } as const;
    return first === 1 ? undefined : { kind: "scale", step, node: node.name };
  }
  const view = mapView(shape, 1);
  const counts = { shape: shape.map((n, axis) => (axis < 2 ? 1 : n)), data: Float32Array.from(inside) };
  const [height, width] = mapShape(shape);
  const step = { operator: "divide", ...perPosition(counts, view, [height, width, shape[1]!]) } as const;
  return { kind: "positional", step, node: node.name };
}

/** Whether the sum of a value's integers stands for the sum of the value; `taps` are the least and most that are added. */
export function canSumIntegers(
  { source, steps }: Pick<Settled, "source" | "steps">,
  taps: readonly [number, number],
): boolean {
  if (isFloat(source)) return false;
  if (source.offset !== 0 && taps[0] !== taps[1]) return false;
  const [first, ...rest] = steps;
  const isScaledInput = first?.kind === "affine" && first.affine.zero === 0;
  return onlyMultiplies(isScaledInput ? rest : steps);
}

/** How many of a window's taps lie inside the map, at every position of the output. */
function insideCounts(
  window: Window,
  [height, width]: readonly [number, number, number],
  [rows, columns]: readonly [number, number],
): number[] {
  const across = insideAlong(window, 1, width, columns);
  return insideAlong(window, 0, height, rows).flatMap((n) => across.map((m) => n * m));
}

function insideAlong(
  { kernel, stride, dilation, pads }: Window,
  axis: 0 | 1,
  size: number,
  outputs: number,
): number[] {
  return Array.from({ length: outputs }, (_, y) => {
    let inside = 0;
    for (let k = 0; k < kernel[axis]; k++) {
      const at = y * stride[axis] - pads[axis] + k * dilation[axis];
      if (at >= 0 && at < size) inside++;
    }
    return inside;
  });
}
