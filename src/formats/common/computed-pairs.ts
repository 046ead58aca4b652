/** What importers say of two computed values that are joined, and of sums over axes of one. */
import { shapeText } from "../../diagnostics/text.js";
import type { GraphOp, Shape } from "../../graph/types.js";
import { broadcastShapes } from "./constant.js";
import { listText, Rejection } from "./rejection.js";

/** The shape of two computed values joined element by element. Throws a Rejection where they do not broadcast. */
export function pairShape(a: Shape, b: Shape): Shape {
  const shape = broadcastShapes(a, b);
  if (shape !== undefined) return shape;
  throw new Rejection(
    `it joins the shapes ${shapeText(a)} and ${shapeText(b)}`,
    "along each axis both must have one size, or one of them the size 1",
  );
}

/** Why two computed values are not divided. */
export function computedDivisor(): Rejection {
  return new Rejection(
    "it divides by a computed value",
    "nothing is known of that value, which may be 0: multiply, or divide by constants",
  );
}

export type Reduction = Extract<GraphOp, { readonly kind: "reduce" }>;

/** A sum or mean of a computed value: over its channels, or over all of it. Throws a Rejection for other axes. */
export function reductionOver(
  operator: Reduction["operator"],
  axes: readonly number[],
  shape: Shape,
): Reduction {
  const sorted = [...new Set(axes)].sort((a, b) => a - b);
  const long = shape.flatMap((n, axis) => (n > 1 ? [axis] : []));
  const reduced = long.filter((axis) => sorted.includes(axis));
  if (sorted.length > 0 && (reduced.length <= 1 || reduced.length === long.length))
    return { kind: "reduce", operator, axes: sorted };
  throw new Rejection(
    `it works on axes ${listText(sorted, ", ")} of ${shapeText(shape)}`,
    "take means over height and width, or sums and means over the channels or over all axes",
  );
}

/** A shape behind a reduction that keeps its axes. */
export function reducedShape(shape: Shape, { axes }: Reduction): Shape {
  return shape.map((n, axis) => (axes.includes(axis) ? 1 : n));
}
