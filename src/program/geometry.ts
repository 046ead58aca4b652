/** Where the windows of convolutions and pools lie, along one axis at a time. */
import type { Window } from "./types.js";

/** 0 for rows (y), 1 for columns (x). */
export type Axis = 0 | 1;

/** Pixels from the first to the last tap of a kernel, both included. */
export function kernelSpan({ kernel, dilation }: Window, axis: Axis): number {
  return (kernel[axis] - 1) * dilation[axis] + 1;
}

/** Padding before and after the map. */
export function padsOf({ pads }: Window, axis: Axis): readonly [before: number, after: number] {
  return [pads[axis], pads[axis + 2]!];
}

/** Output size when only windows that lie wholly in the padded map count; 0 or less if none does. */
export function outputSize(input: number, window: Window, axis: Axis): number {
  const [before, after] = padsOf(window, axis);
  return Math.floor((input + before + after - kernelSpan(window, axis)) / window.stride[axis]) + 1;
}

/** Input position of tap `tap` for output position `output`; outside the map if negative or too large. */
export function tapPosition(window: Window, axis: Axis, output: number, tap: number): number {
  return output * window.stride[axis] - window.pads[axis] + tap * window.dilation[axis];
}

/**
 * Whether a map can have this output size: all windows that lie wholly in the padded map, and perhaps one more
 * that starts in it and hangs over its end (ceiling mode of frameworks).
 */
export function isOutputSize(input: number, output: number, window: Window, axis: Axis): boolean {
  const [before, after] = padsOf(window, axis);
  const padded = input + before + after;
  const most = Math.ceil((padded - kernelSpan(window, axis)) / window.stride[axis]) + 1;
  const startsInside = (output - 1) * window.stride[axis] < padded;
  return output >= 1 && output >= outputSize(input, window, axis) && output <= most && startsInside;
}

/** Whether every window has at least one tap inside the map. */
export function everyWindowHasTap(input: number, output: number, window: Window, axis: Axis): boolean {
  for (let position = 0; position < output; position++) {
    let inside = false;
    for (let tap = 0; tap < window.kernel[axis] && !inside; tap++) {
      const at = tapPosition(window, axis, position, tap);
      inside = at >= 0 && at < input;
    }
    if (!inside) return false;
  }
  return true;
}
