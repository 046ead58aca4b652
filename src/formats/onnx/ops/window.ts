/** The window of convolutions and pools, from a node's attributes. */
import { printable, shapeText } from "../../../diagnostics/text.js";
import type { Shape, Window } from "../../../graph/types.js";
import {
  everyWindowTouches,
  type MapSize,
  mapShape,
  mapSize,
  windowPositions,
} from "../../../graph/window.js";
import { checkComputed } from "../../common/limits.js";
import { damaged, listText, Rejection } from "../../common/rejection.js";
import { intAttribute, intsAttribute, textAttribute } from "../attributes.js";
import type { OnnxNode, RuntimeValue } from "../node.js";

/** Larger kernels, strides, dilations and pads than this are no layer of a microcontroller. */
const LARGEST = 1 << 16;

/** A computed value as maps, rank 3 or 4. */
export function mapsOf(input: RuntimeValue): MapSize {
  const size = mapSize(input.shape);
  if (size !== undefined) return size;
  throw new Rejection(
    `its input has the shape ${shapeText(input.shape)}`,
    "maps of shape 1×channels×height×width or signals of shape 1×channels×length are expected",
  );
}

/** A window of the given kernel, one or two sizes, as the node slides it over the input. */
export function slidingWindow(node: OnnxNode, input: RuntimeValue, kernelShape: readonly number[]): Window {
  const { height, width } = mapsOf(input);
  const axes = input.shape.length - 2;
  const kernel = pair("kernel_shape", kernelShape, axes, 1);
  const stride = pair("strides", intsAttribute(node.attributes, "strides"), axes, 1);
  const dilation = pair("dilations", intsAttribute(node.attributes, "dilations"), axes, 1);
  const window: Window = { kernel, stride, dilation, pads: [0, 0, 0, 0] };
  const sizes = [height, width] as const;
  return roundUp(node, { ...window, pads: padsOf(node, window, sizes, axes) }, sizes);
}

/** A list of one number per axis; signals get a first axis of height 1. */
function pair(
  name: string,
  list: readonly number[] | undefined,
  axes: number,
  least: number,
): [number, number] {
  const values = list ?? new Array<number>(axes).fill(1);
  checkSizes(name, values, axes, least);
  return axes === 1 ? [1, values[0]!] : [values[0]!, values[1]!];
}

function checkSizes(name: string, values: readonly number[], count: number, least: number): void {
  if (values.length !== count)
    throw new Rejection(`its ${name} has ${values.length} numbers where ${count} are expected`, damaged);
  if (values.every((n) => n >= least && n <= LARGEST)) return;
  throw new Rejection(
    `its ${name} is ${listText(values)}`,
    least === 0 && values.some((n) => n < 0)
      ? "cut the input with Slice in place of negative pads"
      : `numbers from ${least} to ${LARGEST} are supported`,
  );
}

type Pads = Window["pads"];

function padsOf(node: OnnxNode, window: Window, sizes: readonly [number, number], axes: number): Pads {
  const mode = textAttribute(node.attributes, "auto_pad", "NOTSET");
  const given = intsAttribute(node.attributes, "pads");
  if (given !== undefined) checkSizes("pads", given, 2 * axes, 0);
  if (mode === "NOTSET") {
    if (given === undefined) return [0, 0, 0, 0];
    return axes === 1 ? [0, given[0]!, 0, given[1]!] : [given[0]!, given[1]!, given[2]!, given[3]!];
  }
  if (given?.some((n) => n !== 0))
    throw new Rejection(`it has both pads and auto_pad ${printable(mode, 20)}`, "remove one of them");
  if (mode === "VALID") return [0, 0, 0, 0];
  if (mode !== "SAME_UPPER" && mode !== "SAME_LOWER") {
    throw new Rejection(
      `auto_pad "${printable(mode, 20)}" is not known`,
      "use NOTSET, VALID, SAME_UPPER or SAME_LOWER",
    );
  }
  const [top, bottom] = samePads(window, sizes[0], 0, mode === "SAME_LOWER");
  const [left, right] = samePads(window, sizes[1], 1, mode === "SAME_LOWER");
  return [top, left, bottom, right];
}

/** As many pads as make ceil(size / stride) positions; of an odd number the larger half goes to the end, or to the start. */
function samePads(
  { kernel, stride, dilation }: Window,
  size: number,
  axis: 0 | 1,
  isLower: boolean,
): [number, number] {
  const positions = Math.ceil(size / stride[axis]);
  const span = (kernel[axis] - 1) * dilation[axis] + 1;
  const total = Math.max(0, (positions - 1) * stride[axis] + span - size);
  const [small, large] = [Math.floor(total / 2), Math.ceil(total / 2)];
  return isLower ? [large, small] : [small, large];
}

/**
 * ceil_mode: the last window may reach beyond the pads, unless it would start there. Written as pads at the
 * end, so that the size follows from the window.
 */
function roundUp(node: OnnxNode, window: Window, sizes: readonly [number, number]): Window {
  if (intAttribute(node.attributes, "ceil_mode", 0) === 0) return window;
  const excess = ([0, 1] as const).map((axis) => {
    const { kernel, stride, dilation, pads } = window;
    const span = (kernel[axis] - 1) * dilation[axis] + 1;
    const padded = sizes[axis] + pads[axis] + pads[axis + 2]!;
    let last = Math.ceil((padded - span) / stride[axis]);
    if (last * stride[axis] >= sizes[axis] + pads[axis]) last--;
    return Math.max(0, last * stride[axis] + span - padded);
  });
  const [top, left, bottom, right] = window.pads;
  return { ...window, pads: [top, left, bottom + excess[0]!, right + excess[1]!] };
}

/** The shape of what a window computes: `channels` maps. Throws a Rejection where the window does not fit. */
export function windowedShape(input: RuntimeValue, window: Window, channels: number): Shape {
  const { height, width } = mapsOf(input);
  const size = {
    channels,
    height: windowPositions(window, height, 0),
    width: windowPositions(window, width, 1),
  };
  if (size.height < 1 || size.width < 1) {
    throw new Rejection(
      `a kernel of ${shapeText(window.kernel)} does not fit into maps of ${height}×${width}`,
      "enlarge the input or the pads",
    );
  }
  const shape = mapShape(input.shape.length, size);
  checkComputed(shape);
  return shape;
}

/** Pools have no value for a window without an element. Called after the output's size has been checked. */
export function checkTouches(input: RuntimeValue, window: Window): void {
  const { height, width } = mapsOf(input);
  if (everyWindowTouches(window, height, 0) && everyWindowTouches(window, width, 1)) return;
  throw new Rejection("one of its windows lies outside the map", "use smaller pads");
}
