/** TFLite's windows: SAME and VALID, strides and dilations. */
import { shapeText } from "../../diagnostics/text.js";
import type { Shape, Window } from "../../graph/types.js";
import { windowPositions } from "../../graph/window.js";
import { checkComputed } from "../common/limits.js";
import { damaged, Rejection } from "../common/rejection.js";
import { mapOf } from "./layout.js";
import type { RuntimeValue } from "./node.js";

/** Larger kernels, strides and dilations than this are no layer of a microcontroller. */
const LARGEST = 1 << 16;

export type Pair = readonly [height: number, width: number];

/**
 * The window over a map. `padding` is the schema's number: SAME (0) makes ceil(size / stride) positions with the
 * smaller half of the pads in front, VALID (1) has no pads.
 */
export function windowOf(
  input: RuntimeValue,
  padding: number,
  kernel: Pair,
  stride: Pair,
  dilation: Pair = [1, 1],
): Window {
  for (const [name, sizes] of [
    ["kernel", kernel],
    ["strides", stride],
    ["dilations", dilation],
  ] as const) {
    if (!sizes.every((n) => Number.isInteger(n) && n >= 1 && n <= LARGEST))
      throw new Rejection(`its ${name} are ${sizes.join(", ")}`, damaged);
  }
  if (padding !== 0 && padding !== 1) throw new Rejection(`its padding has the number ${padding}`, damaged);
  const { height, width } = mapOf(input);
  const pads = (size: number, axis: 0 | 1): Pair =>
    padding === 1 ? [0, 0] : samePads(size, kernel[axis], stride[axis], dilation[axis]);
  const [top, bottom] = pads(height, 0);
  const [left, right] = pads(width, 1);
  return { kernel, stride, dilation, pads: [top, left, bottom, right] };
}

function samePads(size: number, kernel: number, stride: number, dilation: number): Pair {
  const span = (kernel - 1) * dilation + 1;
  const total = Math.max(0, (Math.ceil(size / stride) - 1) * stride + span - size);
  return [Math.floor(total / 2), Math.ceil(total / 2)];
}

/** The file's shape of what the window computes. Throws a Rejection where it does not fit. */
export function windowedShape(input: RuntimeValue, window: Window, channels: number): Shape {
  const size = mapOf(input);
  const [height, width] = [windowPositions(window, size.height, 0), windowPositions(window, size.width, 1)];
  if (height < 1 || width < 1) {
    throw new Rejection(
      `a kernel of ${shapeText(window.kernel)} does not fit into maps of ${size.height}×${size.width}`,
      "enlarge the input, or use SAME padding",
    );
  }
  const shape = [1, height, width, channels];
  checkComputed(shape);
  return shape;
}
