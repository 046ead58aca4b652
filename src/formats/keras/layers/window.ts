/** Windows of Keras' convolutions and pools, with TensorFlow's SAME padding. */
import { printable, shapeText } from "../../../diagnostics/text.js";
import type { Shape, Window } from "../../../graph/types.js";
import { windowPositions } from "../../../graph/window.js";
import type { ChannelsLastValue } from "../../common/channels-last.js";
import { checkComputed } from "../../common/limits.js";
import { Rejection } from "../../common/rejection.js";
import type { Settings } from "../settings.js";

type Pair = readonly [height: number, width: number];

/** Height and width of a map [1, H, W, C]; a signal [1, length, C] is a map of height 1. */
export function pixelsOf({ shape }: ChannelsLastValue): Pair {
  return shape.length === 3 ? [1, shape[1]!] : [shape[1]!, shape[2]!];
}

/** Numbers per axis as height and width: signals have one axis. */
export function asPair(sizes: readonly number[], neutral = 1): Pair {
  return sizes.length === 1 ? [neutral, sizes[0]!] : [sizes[0]!, sizes[1]!];
}

/** The window that slides over the input. `padding` is "valid", "same" or, for signals, "causal". */
export function slidingWindow(
  settings: Settings,
  input: ChannelsLastValue,
  kernel: Pair,
  stride: Pair,
  dilation: Pair = [1, 1],
): Window {
  const padding = settings.text("padding", "valid").toLowerCase();
  const size = pixelsOf(input);
  const along = (axis: 0 | 1): Pair => {
    const span = (kernel[axis] - 1) * dilation[axis] + 1;
    if (padding === "same") return samePads(size[axis], span, stride[axis]);
    return padding === "causal" && axis === 1 && input.shape.length === 3 ? [span - 1, 0] : [0, 0];
  };
  if (padding !== "same" && padding !== "valid" && !(padding === "causal" && input.shape.length === 3))
    throw new Rejection(`its padding is "${printable(padding, 20)}"`, 'use "valid" or "same"');
  const [top, bottom] = along(0);
  const [left, right] = along(1);
  return { kernel, stride, dilation, pads: [top, left, bottom, right] };
}

/** As many pads as make ceil(size / stride) positions; of an odd number the larger half goes to the end. */
function samePads(size: number, span: number, stride: number): Pair {
  const total = Math.max(0, (Math.ceil(size / stride) - 1) * stride + span - size);
  return [Math.floor(total / 2), Math.ceil(total / 2)];
}

/** The shape of what the window computes in Keras' order. Throws a Rejection where the window does not fit. */
export function windowedShape(input: ChannelsLastValue, window: Window, channels: number): Shape {
  const [height, width] = pixelsOf(input);
  const size = [windowPositions(window, height, 0), windowPositions(window, width, 1)] as const;
  if (size[0] < 1 || size[1] < 1) {
    throw new Rejection(
      `a kernel of ${shapeText(window.kernel)} does not fit into an input of ${shapeText(input.shape)}`,
      'enlarge the input, or use padding="same"',
    );
  }
  const shape = input.shape.length === 3 ? [1, size[1], channels] : [1, ...size, channels];
  checkComputed(shape);
  return shape;
}
