/** Sums, differences and products of two computed values, where one may broadcast: float32, rounded once. */
import type { GraphNode, GraphOp } from "../graph/types.js";
import { floatOf, inOneOrder, settleAll } from "./lower-merge.js";
import type { Lowering } from "./lowering.js";
import { reportLayout } from "./problems.js";
import { arranged } from "./select.js";
import type { Settled } from "./settle.js";
import { emit, F32 } from "./sources.js";
import { count, type MapShape, type Value, type View } from "./values.js";
import { mapView } from "./views.js";

type Pairwise = Extract<GraphOp, { kind: "pairwise" }>;

export function lowerPairwise(
  context: Lowering,
  node: GraphNode,
  { operator }: Pairwise,
  values: readonly Value[],
): Value | undefined {
  const settled = settleAll(context, values);
  if (settled === undefined) return undefined;
  const placed = inPlace(context, node, settled);
  if (placed === undefined) return reportLayout(context, node, values[0]!.view.shape);
  const [a, b] = placed.pair.map((value) => floatOf(context, value, node).tensor) as [number, number];
  const source = emit(context, node.name, placed.shape, { domain: F32 }, (output) => ({
    kind: "pairwise",
    operator,
    inputs: [a, b],
    output,
  }));
  return { source, steps: [], shape: source.shape, view: placed.view };
}

interface Placed {
  readonly pair: readonly Settled[];
  /** Of the result's tensor. */
  readonly shape: MapShape;
  readonly view: View;
}

/** Both values in tensors of which each side is the same or 1, with equal elements in equal places. */
function inPlace(context: Lowering, node: GraphNode, pair: readonly Settled[]): Placed | undefined {
  const { shape } = context.graph.values.get(node.output)!;
  if (pair.every(({ view }) => view.shape.every((n, axis) => n === shape[axis]))) {
    const same = inOneOrder(context, node, pair);
    return same && { pair: same, shape: same[0]!.shape, view: same[0]!.view };
  }
  for (const axis of [1, shape.length - 1]) {
    const maps = pair.map((v) => arranged(context, v, axis, `${node.name} selection`));
    if (maps.includes(undefined)) continue;
    const joined = joinedShape(maps as Settled[]);
    if (joined !== undefined && count(joined) === count(shape))
      return { pair: maps as Settled[], shape: joined, view: mapView(shape, axis) };
  }
  return withNumber(pair);
}

/** A value in any order, and one number. */
function withNumber(pair: readonly Settled[]): Placed | undefined {
  const number = pair.find((v) => count(v.shape) === 1);
  const value = pair.find((v) => v !== number)!;
  return number && { pair, shape: value.shape, view: value.view };
}

function joinedShape(maps: readonly Settled[]): MapShape | undefined {
  const [height, width, channels] = [0, 1, 2].map((axis) => Math.max(...maps.map((m) => m.shape[axis]!)));
  const joined = [height!, width!, channels!] as const;
  const fits = maps.every(({ shape }) => shape.every((n, axis) => n === 1 || n === joined[axis]));
  return fits ? joined : undefined;
}
