/** Layers that move, cut and join values. */
import { shapeText } from "../../../diagnostics/text.js";
import type { Shape } from "../../../graph/types.js";
import {
  type ChannelsLastValue,
  graphAxis,
  graphShape,
  hasLayouts,
  presentLayout,
} from "../../common/channels-last.js";
import { checkComputed } from "../../common/limits.js";
import { damaged, listText, Rejection } from "../../common/rejection.js";
import { checkChannelsLast, type LayerCall, type LayerHandler, mapInput, onlyInput } from "../call.js";
import type { Settings } from "../settings.js";

/** Row by row, channels innermost. */
export const flatten: LayerHandler = (call) => {
  checkChannelsLast(call.settings);
  const input = onlyInput(call);
  return reshaped(call, input, [1, count(input.shape)]);
};

/** To a shape without the batch; one size may be −1. */
export const reshape: LayerHandler = (call) => {
  const input = onlyInput(call);
  // An operation of Keras 3 has its name.
  if (call.settings.raw("newshape") !== undefined)
    return reshapedTo(call, call.settings.integers("newshape"));
  const target = call.settings.integers("target_shape");
  const known = target.filter((n) => n !== -1).reduce((a, b) => a * b, 1);
  const sizes = target.map((n) => (n === -1 ? count(input.shape) / known : n));
  const fits = sizes.every((n) => Number.isSafeInteger(n) && n >= 1) && count(sizes) === count(input.shape);
  if (!fits || target.filter((n) => n === -1).length > 1 || sizes.length > 7)
    throw new Rejection(`shape ${shapeText(input.shape)} cannot become ${listText(target, "×")}`, damaged);
  return reshaped(call, input, [1, ...sizes]);
};

/** To a shape with the batch in front, as functions have it: the batch is 1, so −1 means it too. */
export function reshapedTo(call: LayerCall, target: readonly number[]): ChannelsLastValue {
  const input = onlyInput(call);
  const [batch, ...sizes] = target;
  const fits = sizes.every((n) => n >= 1) && count(sizes) === count(input.shape);
  if ((batch === -1 || batch === 1) && fits && sizes.length <= 7) return reshaped(call, input, [1, ...sizes]);
  throw new Rejection(
    `shape ${shapeText(input.shape)} cannot become ${listText(target, "×")}`,
    "give all sizes but the batch: (-1, height, width, channels)",
  );
}

function reshaped(call: LayerCall, input: ChannelsLastValue, shape: Shape): ChannelsLastValue {
  return call.emit({ kind: "reshape" }, [input], shape, "last");
}

/** Axes in another order; they are counted from 1, since the batch stays. */
export const permute: LayerHandler = (call) => {
  const input = onlyInput(call);
  const axes = call.settings.integers("dims");
  const isOrder = [...axes].sort((a, b) => a - b).every((axis, i) => axis === i + 1);
  if (!isOrder || axes.length !== input.shape.length - 1)
    throw new Rejection(`its dims ${listText(axes)} are no order of ${input.shape.length - 1} axes`, damaged);
  const permutation = [0, ...axes];
  return call.emit(
    { kind: "transpose", permutation },
    [input],
    permutation.map((axis) => input.shape[axis]!),
    "last",
  );
};

/** Zeros around maps. */
export function zeroPadding(axes: 1 | 2): LayerHandler {
  return (call) => {
    const [input, before, after] = borders(call, axes, "padding");
    const shape = input.shape.map((n, i) => before[i]! + n + after[i]!);
    checkComputed(shape);
    const op = { kind: "pad", before: inFirst(before), after: inFirst(after), value: 0 } as const;
    return call.emit(op, [input], shape, "first");
  };
}

/** Maps without their borders. */
export function cropping(axes: 1 | 2): LayerHandler {
  return (call) => {
    const [input, before, after] = borders(call, axes, "cropping");
    const shape = input.shape.map((n, i) => n - before[i]! - after[i]!);
    if (shape.some((n) => n < 1))
      throw new Rejection(`nothing is left of ${shapeText(input.shape)}`, "crop less, or enlarge the input");
    const starts = inFirst(before);
    return call.emit({ kind: "slice", starts, steps: starts.map(() => 1) }, [input], shape, "first");
  };
}

function inFirst(list: readonly number[]): number[] {
  return [...graphShape(list, "first")];
}

/** Elements before and after each axis: one number, one per axis, or two per axis; for signals one or two numbers. */
function borders(
  call: LayerCall,
  axes: 1 | 2,
  name: string,
): readonly [ChannelsLastValue, readonly number[], readonly number[]] {
  checkChannelsLast(call.settings);
  const input = mapInput(call, axes + 2);
  const value = call.settings.raw(name) ?? 1;
  const perAxis = axes === 1 ? [value] : Array.isArray(value) ? value : [value, value];
  const pairs = perAxis.map((n) => (Array.isArray(n) ? n : [n, n]));
  const valid = pairs.length === axes && pairs.every((p) => p.length === 2 && p.every(isSize));
  if (!valid) throw new Rejection(`its ${name} is not understood`, "use whole numbers from 0 to 65536");
  const all = (end: 0 | 1): number[] => [0, ...pairs.map((p) => p[end] as number), 0];
  return [input, all(0), all(1)];
}

function isSize(n: unknown): n is number {
  return Number.isSafeInteger(n) && (n as number) >= 0 && (n as number) <= 1 << 16;
}

export const concatenate: LayerHandler = (call) => joined(call, call.settings);

/** All values along an axis, which `options` may name. */
export function joined(call: LayerCall, options: Settings): ChannelsLastValue {
  const [first] = call.inputs;
  if (first === undefined) throw new Rejection("it joins nothing", damaged);
  const rank = first.shape.length;
  const given = options.integer("axis", -1);
  const axis = given < 0 ? given + rank : given;
  const fits = ({ shape }: ChannelsLastValue): boolean =>
    shape.length === rank && shape.every((n, i) => i === axis || n === first.shape[i]);
  if (axis < 1 || axis >= rank || !call.inputs.every(fits)) {
    const shapes = call.inputs.slice(0, 4).map((v) => shapeText(v.shape));
    throw new Rejection(
      `it joins the shapes ${shapes.join(", ")} along axis ${given}`,
      "all other sizes must be equal",
    );
  }
  if (call.inputs.length === 1) return first;
  const size = call.inputs.reduce((n, v) => n + v.shape[axis]!, 0);
  const shape = first.shape.map((n, i) => (i === axis ? size : n));
  checkComputed(shape);
  // The device joins channels of maps that have them in front.
  const layout = axis === rank - 1 && hasLayouts(shape) ? "first" : presentLayout(first);
  return call.emit({ kind: "concat", axis: graphAxis(axis, rank, layout) }, call.inputs, shape, layout);
}

function count(shape: Shape): number {
  return shape.reduce((a, b) => a * b, 1);
}
