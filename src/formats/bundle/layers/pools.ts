/** Pools: windows that slide, and whole maps. */
import type { GraphOp, Window } from "../../../graph/types.js";
import { Rejection } from "../../common/rejection.js";
import { type BundleValue, type LayerCall, mapInput, onlyInput } from "../call.js";
import { flag, padding, sizes } from "../fields.js";
import { layer } from "../layer.js";
import { checkTouches, pads, pair, roundedUp, windowedShape } from "../window.js";

type Pool = Extract<GraphOp, { kind: "max-pool" | "average-pool" }>;

const windowFields = (axes: 1 | 2) => ({
  kernel_size: sizes(axes, "size of the window"),
  stride: sizes(axes, "steps of the window; without it, its size").optional(),
  padding: padding(axes).default(0),
  ceil_mode: flag("true or false: whether the last window may hang over the map").default(false),
});

export const maxpool1d = maxPool("maxpool1d", 1);
export const maxpool2d = maxPool("maxpool2d", 2);
export const avgpool1d = averagePool("avgpool1d", 1);
export const avgpool2d = averagePool("avgpool2d", 2);

function maxPool(type: string, axes: 1 | 2) {
  const fields = {
    ...windowFields(axes),
    dilation: sizes(axes, "distance of the window's taps").default(1),
  };
  const notes = "pads do not take part";
  return layer(type, notes, fields, (call, settings) => {
    const dilation = pair(settings.dilation, axes, 1);
    return pooled(
      call,
      axes,
      { kind: "max-pool", window: { ...windowOf(settings, axes), dilation } },
      settings,
    );
  });
}

function averagePool(type: string, axes: 1 | 2) {
  const fields = {
    ...windowFields(axes),
    count_include_pad: flag(
      "true or false: whether pads count in the mean; needed where padding is not 0 (PyTorch's default is true, ONNX' false)",
    ).optional(),
  };
  const notes = "ceil_mode or counted pads, not both at once";
  return layer(type, notes, fields, (call, settings) => {
    const window = windowOf(settings, axes);
    const countPads = countsPads(window, settings);
    return pooled(call, axes, { kind: "average-pool", window, countPads }, settings);
  });
}

interface WindowSettings {
  readonly kernel_size: number | readonly number[];
  readonly stride?: number | readonly number[] | undefined;
  readonly padding: number | readonly number[];
  readonly ceil_mode: boolean;
}

function windowOf(settings: WindowSettings, axes: 1 | 2): Window {
  return {
    kernel: pair(settings.kernel_size, axes, 1),
    stride: pair(settings.stride ?? settings.kernel_size, axes, 1),
    dilation: [1, 1],
    pads: pads(settings.padding, axes),
  };
}

/** What ceil_mode adds beyond the pads never counts, so a window that has both would need a count of its own. */
function countsPads(
  { pads: sides }: Window,
  {
    count_include_pad: counted,
    ceil_mode: ceil,
  }: { count_include_pad?: boolean | undefined; ceil_mode: boolean },
): boolean {
  if (sides.every((n) => n === 0)) return false;
  if (counted === undefined) {
    throw new Rejection(
      "it pads, but does not say whether pads count",
      'add "count_include_pad": true, PyTorch\'s default, or false',
    );
  }
  if (counted && ceil) {
    throw new Rejection(
      "with ceil_mode its last windows can reach beyond the pads that it counts",
      "use ceil_mode false, or count_include_pad false",
    );
  }
  return counted;
}

function pooled(call: LayerCall, axes: 1 | 2, op: Pool, { ceil_mode: ceil }: WindowSettings): BundleValue {
  const input = mapInput(call, axes);
  const window = ceil ? roundedUp(op.window, input) : op.window;
  const shape = windowedShape(input, window, input.channels);
  checkTouches(input, window);
  return call.emit({ ...op, window }, [input], shape);
}

export const globalAvgpool = globalPool("global_avgpool", "average-pool");
export const globalMaxpool = globalPool("global_maxpool", "max-pool");

/** One number per channel, of maps and of signals. */
function globalPool(type: string, kind: Pool["kind"]) {
  const fields = {
    keepdim: flag("true or false: whether axes of size 1 stay, as in AdaptiveAvgPool2d(1)").default(true),
  };
  return layer(type, "of maps and signals", fields, (call, settings) => {
    const input = mapInput(call, onlyInput(call).shape.length === 3 ? 1 : 2);
    const { channels, height, width } = input;
    const window: Window = { kernel: [height, width], stride: [1, 1], dilation: [1, 1], pads: [0, 0, 0, 0] };
    const op: Pool = kind === "max-pool" ? { kind, window } : { kind, window, countPads: false };
    const shape = [1, channels, ...input.shape.slice(2).map(() => 1)];
    if (settings.keepdim) return call.emit(op, [input], shape);
    return call.emit({ kind: "reshape" }, [call.emit(op, [input], shape, { part: "map" })], [1, channels]);
  });
}
