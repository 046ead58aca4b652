/**
 * Values of formats that keep channels innermost, in a graph whose maps have channels in front. A value is kept in
 * the order in which it was computed; who needs the other order asks for it, and the transpose that makes it is
 * shared. Transposes cost the device nothing, and the graph that is printed has few of them. The graph's input and
 * output keep the format's order, so that arrays given to `run` are in the model's own.
 */
import type { Shape } from "../../graph/types.js";

/** `last`: [1, H, W, C] or [1, length, C], as the format has it. `first`: [1, C, H, W] or [1, C, length]. */
export type Layout = "first" | "last";

/** A computed value: its shape in the format's order, and the graph values that hold it, in one order or both. */
export interface ChannelsLastValue {
  readonly shape: Shape;
  /** The order that a transpose makes is added. */
  readonly names: { [layout in Layout]?: string };
}

/** Adds what changes the order of axes to the graph, and returns the name of its output, which has the shape. */
export type EmitTranspose = (input: string, permutation: readonly number[], shape: Shape) => string;

/** Whether a value has two orders: maps and signals. */
export function hasLayouts(shape: Shape): boolean {
  return shape.length === 3 || shape.length === 4;
}

/** The graph value that holds `value` in the wanted order. */
export function nameIn(value: ChannelsLastValue, wanted: Layout, transpose: EmitTranspose): string {
  const { shape, names } = value;
  const layout = hasLayouts(shape) ? wanted : "last";
  names[layout] ??= transpose(
    names[layout === "first" ? "last" : "first"]!,
    layout === "first" ? toFirst(shape.length) : toLast(shape.length),
    graphShape(shape, layout),
  );
  return names[layout];
}

/** The order in which the value is there already; maps that are there in both are taken as the graph has them. */
export function presentLayout({ names }: ChannelsLastValue): Layout {
  return names.first === undefined ? "last" : "first";
}

/** The shape of a graph value that holds a value of the given shape; any list of one number per axis. */
export function graphShape(shape: Shape, layout: Layout): Shape {
  return layout === "last" || !hasLayouts(shape) ? shape : toFirst(shape.length).map((axis) => shape[axis]!);
}

/** Where axis `axis` of the format stands in the graph value. */
export function graphAxis(axis: number, rank: number, layout: Layout): number {
  if (layout === "last" || (rank !== 3 && rank !== 4)) return axis;
  return toFirst(rank).indexOf(axis);
}

/** One number per channel, shaped so that it broadcasts along the channels of a value of this rank. */
export function channelShape(channels: number, rank: number, layout: Layout): Shape {
  return layout === "last" || rank < 3 ? [channels] : [channels, ...new Array<number>(rank - 2).fill(1)];
}

/** [1, H, W, C] read as [1, C, H, W]. */
export function toFirst(rank: number): readonly number[] {
  return [0, rank - 1, ...Array.from({ length: rank - 2 }, (_, i) => i + 1)];
}

function toLast(rank: number): readonly number[] {
  return [0, ...Array.from({ length: rank - 2 }, (_, i) => i + 2), 1];
}
