import type { DeviceProgram, TensorId, Window } from "../program/types.js";
import type { DescriptorField } from "./types.js";

/** The fields of a descriptor's `bitloom_window`: `runtime-c/bitloom_window.h`. */
export function windowFields(
  program: DeviceProgram,
  layer: { readonly input: TensorId; readonly output: TensorId; readonly window: Window },
): readonly DescriptorField[] {
  const [height, width] = program.tensors[layer.input]!.shape;
  return [
    ["window.height", height],
    ["window.width", width],
    ["window.output_width", program.tensors[layer.output]!.shape[1]],
    ...windowSizes(layer.window, "window."),
  ];
}

/** The fields of a window alone, in descriptors that have them under `prefix`. */
export function windowSizes(
  { kernel, stride, dilation, pads }: Window,
  prefix = "",
): readonly DescriptorField[] {
  return [
    [`${prefix}kernel_height`, kernel[0]],
    [`${prefix}kernel_width`, kernel[1]],
    [`${prefix}stride_y`, stride[0]],
    [`${prefix}stride_x`, stride[1]],
    [`${prefix}dilation_y`, dilation[0]],
    [`${prefix}dilation_x`, dilation[1]],
    [`${prefix}pad_top`, pads[0]],
    [`${prefix}pad_left`, pads[1]],
  ];
}

/** Whether its sizes fit the fields. */
export function fitsWindowFields({ kernel, stride, dilation, pads }: Window): boolean {
  return [...kernel, ...stride, ...dilation, ...pads].every((n) => n <= 65535);
}

/**
 * Whether along one axis no window reads what lies before its own number, of `output` windows: results may be written over
 * the map, one after the other.
 */
export function staysAhead({ stride, pads }: Window, axis: 0 | 1, output: number): boolean {
  return output === 1 || pads[axis] < stride[axis];
}

/** Along one axis: taps inside the map, summed over the output, and output positions whose taps all are. */
export function insideAlong(
  { kernel, stride, dilation, pads }: Window,
  axis: 0 | 1,
  input: number,
  output: number,
): { readonly taps: number; readonly whole: number } {
  let taps = 0;
  let whole = 0;
  for (let i = 0; i < output; i++) {
    let inside = 0;
    for (let k = 0; k < kernel[axis]; k++) {
      const at = i * stride[axis] - pads[axis] + k * dilation[axis];
      if (at >= 0 && at < input) inside++;
    }
    taps += inside;
    if (inside === kernel[axis]) whole++;
  }
  return { taps, whole };
}
