/** Windows of convolutions and pools, as PyTorch places them. */
import { shapeText } from "../../diagnostics/text.js";
import type { Shape, Window } from "../../graph/types.js";
import { everyWindowTouches, type MapSize, mapShape, windowPositions } from "../../graph/window.js";
import { checkComputed } from "../common/limits.js";
import { Rejection } from "../common/rejection.js";
import type { BundleValue } from "./call.js";

type Pair = readonly [height: number, width: number];
/** What fields hold: one number for all axes, or a list. */
type PerAxis = number | readonly number[];

/** Height and width. Signals are maps of height 1, for which the neutral number stands. */
export function pair(value: PerAxis, axes: 1 | 2, neutral: number): Pair {
  const list = typeof value === "number" ? new Array<number>(axes).fill(value) : value;
  return axes === 1 ? [neutral, list[0]!] : [list[0]!, list[1]!];
}

/** [top, left, bottom, right] from one number, from one per axis, or from one per side. */
export function pads(value: PerAxis, axes: 1 | 2): Window["pads"] {
  if (typeof value !== "number" && axes === 1) return [0, value[0]!, 0, value[1]!];
  if (typeof value !== "number" && value.length === 4) return [value[0]!, value[1]!, value[2]!, value[3]!];
  const [height, width] = pair(value, axes, 0);
  return [height, width, height, width];
}

/**
 * ceil_mode: the last window may reach beyond the pads, but starts inside the map or the pads before it
 * (aten/src/ATen/native/Pool.h, pooling_output_shape). Written as pads at the end.
 */
export function roundedUp(window: Window, { height, width }: MapSize): Window {
  const { kernel, stride, dilation } = window;
  const beyond = ([0, 1] as const).map((axis) => {
    const size = [height, width][axis]!;
    const span = (kernel[axis] - 1) * dilation[axis] + 1;
    const padded = size + window.pads[axis] + window.pads[axis + 2]!;
    const last = Math.ceil((padded - span) / stride[axis]);
    const isInside = last * stride[axis] < size + window.pads[axis];
    return Math.max(0, (isInside ? last : last - 1) * stride[axis] + span - padded);
  });
  const [top, left, bottom, right] = window.pads;
  return { ...window, pads: [top, left, bottom + beyond[0]!, right + beyond[1]!] };
}

/** The shape of what a window computes: `channels` maps. Throws a Rejection where the window does not fit. */
export function windowedShape(input: BundleValue & MapSize, window: Window, channels: number): Shape {
  const height = windowPositions(window, input.height, 0);
  const width = windowPositions(window, input.width, 1);
  if (height >= 1 && width >= 1) {
    const shape = mapShape(input.shape.length, { channels, height, width });
    checkComputed(shape);
    return shape;
  }
  throw new Rejection(
    `a kernel of ${shapeText(window.kernel)} does not fit into ${shapeText(input.shape)}`,
    "enlarge the input or the pads",
  );
}

/** Pools have no value for a window without an element of the map. */
export function checkTouches(input: MapSize, window: Window): void {
  if (everyWindowTouches(window, input.height, 0) && everyWindowTouches(window, input.width, 1)) return;
  throw new Rejection("one of its windows lies outside the map", "use smaller pads");
}
