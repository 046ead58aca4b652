/**
 * Values of formats that keep channels innermost, in a graph whose maps have channels in front. A value is named in
 * the format's own order, in the graph's order, or in both: whoever needs the other order gets a transpose, once.
 * The graph's input keeps the format's order, so that arrays given to `run` are in the model's own.
 */
import type { Shape } from "../../graph/types.js";

/** `last`: [1, H, W, C] or [1, length, C], as the format has it. `first`: [1, C, H, W] or [1, C, length]. */
export type Layout = "first" | "last";

/** A computed value: its shape in the format's order, and the graph values that hold it. */
export interface ChannelsLastValue {
  readonly shape: Shape;
  readonly names: { readonly [layout in Layout]?: string };
}

/** Adds a transpose to the graph and returns the name of its output. */
export type EmitTranspose = (input: string, permutation: readonly number[], shape: Shape) => string;

/** Whether a value has two orders: maps and signals. */
export function hasLayouts(shape: Shape): boolean {
  return shape.length === 3 || shape.length === 4;
}

/** Hands out the graph values that hold a value; those made by a transpose are remembered. */
export class Layouts {
  readonly #made = new Map<string, string>();
  readonly #transpose: EmitTranspose;

  constructor(transpose: EmitTranspose) {
    this.#transpose = transpose;
  }

  /** The graph value that holds `value` in the wanted order. */
  nameOf(value: ChannelsLastValue, wanted: Layout): string {
    const layout = hasLayouts(value.shape) ? wanted : "last";
    const known = value.names[layout];
    if (known !== undefined) return known;
    const other = value.names[layout === "first" ? "last" : "first"]!;
    const made = this.#made.get(other);
    if (made !== undefined) return made;
    const permutation = layout === "first" ? toFirst(value.shape.length) : toLast(value.shape.length);
    const name = this.#transpose(other, permutation, graphShape(value.shape, layout));
    this.#made.set(other, name);
    return name;
  }
}

/** The order in which the value is there already; maps that are there in both are taken as the graph has them. */
export function presentLayout({ names }: ChannelsLastValue): Layout {
  return names.first === undefined ? "last" : "first";
}

/** The shape of a graph value that holds a value of the given shape. */
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
function toFirst(rank: number): readonly number[] {
  return [0, rank - 1, ...Array.from({ length: rank - 2 }, (_, i) => i + 1)];
}

function toLast(rank: number): readonly number[] {
  return [0, ...Array.from({ length: rank - 2 }, (_, i) => i + 2), 1];
}
