/** Pools: windows that slide, whole maps, and means over the axes of maps. */
import { shapeText } from "../../../diagnostics/text.js";
import type { GraphOp, Window } from "../../../graph/types.js";
import { damaged, Rejection } from "../../common/rejection.js";
import { intAttribute, intsAttribute } from "../attributes.js";
import {
  axesOf,
  normalAxis,
  type OnnxNode,
  type OpHandler,
  type RuntimeValue,
  runtimeInput,
} from "../node.js";
import { foldedReduction, reduceComputed } from "./reductions.js";
import { checkTouches, mapsOf, slidingWindow, windowedShape } from "./window.js";

type Reduction = "max-pool" | "average-pool";

export const maxPool: OpHandler = (node) => {
  const input = runtimeInput(node, 0);
  return pool(node, input, { kind: "max-pool", window: slidingWindow(node, input, kernelOf(node)) });
};

export const averagePool: OpHandler = (node) => {
  const input = runtimeInput(node, 0);
  const window = slidingWindow(node, input, kernelOf(node));
  return pool(node, input, { kind: "average-pool", window, countPads: countsPads(node, window) });
};

export const globalAveragePool: OpHandler = (node) => overAxes(node, "average-pool", true);
export const globalMaxPool: OpHandler = (node) => overAxes(node, "max-pool", true);
export const reduceMean: OpHandler = (node) =>
  foldedReduction(node) ?? (isOverPixels(node) ? reduce(node, "average-pool") : reduceComputed(node, "mean"));
export const reduceMax: OpHandler = (node) => foldedReduction(node) ?? reduce(node, "max-pool");

function kernelOf(node: OnnxNode): readonly number[] {
  const kernel = intsAttribute(node.attributes, "kernel_shape");
  if (kernel !== undefined) return kernel;
  throw new Rejection("it has no kernel_shape", damaged);
}

/**
 * Whether taps on pads are counted. What ceil_mode adds beyond the pads never is, so a window that has both
 * would need a count of its own.
 */
function countsPads(node: OnnxNode, { pads }: Window): boolean {
  if (intAttribute(node.attributes, "count_include_pad", 0) === 0) return false;
  if (intAttribute(node.attributes, "ceil_mode", 0) === 0) return true;
  const given = intsAttribute(node.attributes, "pads") ?? [];
  const stated = given.reduce((a, b) => a + b, 0);
  if (pads.reduce((a, b) => a + b, 0) === stated) return true;
  if (stated === 0) return false;
  throw new Rejection(
    "with ceil_mode its last windows reach beyond the pads that it counts",
    "export it with ceil_mode = 0 or count_include_pad = 0",
  );
}

function pool(
  node: OnnxNode,
  input: RuntimeValue,
  op: Extract<GraphOp, { kind: Reduction }>,
  part?: string,
): RuntimeValue {
  const shape = windowedShape(input, op.window, mapsOf(input).channels);
  checkTouches(input, op.window);
  return node.emit(op, input, shape, part === undefined ? {} : { part });
}

/** Whether all axes are those of the maps' pixels. */
function isOverPixels(node: OnnxNode): boolean {
  const { length } = runtimeInput(node, 0).shape;
  const axes = axesOf(node) ?? [];
  return axes.length > 0 && (length === 3 || length === 4) && axes.every((a) => normalAxis(a, length) >= 2);
}

/** ReduceMean and ReduceMax over axes of the maps; channels stay apart. */
function reduce(node: OnnxNode, kind: Reduction): RuntimeValue {
  const input = runtimeInput(node, 0);
  const keepDims = intAttribute(node.attributes, "keepdims", 1) !== 0;
  const axes = axesOf(node)?.map((a) => normalAxis(a, input.shape.length));
  if (axes === undefined || axes.length === 0 || axes.some((a) => a < 2)) {
    throw new Rejection(
      `it works on ${axes === undefined || axes.length === 0 ? "all axes" : `axes ${axes.join(", ")}`} of ${shapeText(input.shape)}`,
      "reduce height and width of maps: axes 2 and 3",
    );
  }
  return overAxes(node, kind, keepDims, new Set(axes));
}

function overAxes(
  node: OnnxNode,
  kind: Reduction,
  keepDims: boolean,
  axes?: ReadonlySet<number>,
): RuntimeValue {
  const input = runtimeInput(node, 0);
  mapsOf(input);
  const isReduced = (axis: number): boolean => axis >= 2 && (axes === undefined || axes.has(axis));
  const sizes = input.shape.map((n, axis) => (isReduced(axis) ? n : 1)).slice(2);
  const kernel = sizes.length === 1 ? ([1, sizes[0]!] as const) : ([sizes[0]!, sizes[1]!] as const);
  const window: Window = { kernel, stride: [1, 1], dilation: [1, 1], pads: [0, 0, 0, 0] };
  const op =
    kind === "max-pool" ? ({ kind, window } as const) : ({ kind, window, countPads: false } as const);
  if (keepDims) return pool(node, input, op);
  const kept = pool(node, input, op, "kept");
  return node.emit(
    { kind: "reshape" },
    kept,
    kept.shape.filter((_, axis) => !isReduced(axis)),
  );
}
