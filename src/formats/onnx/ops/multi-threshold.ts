/** MultiThreshold: the activations of nets that FINN has streamlined. */
import { printable, shapeText } from "../../../diagnostics/text.js";
import type { FloatTensor, ThresholdQuantizer } from "../../../graph/types.js";
import { damaged, Rejection } from "../../common/rejection.js";
import { floatAttribute, textAttribute } from "../attributes.js";
import { type OnnxNode, type OpHandler, type RuntimeValue, requiredInput, runtimeInput } from "../node.js";
import { withNumber } from "./steps.js";

/**
 * The number of thresholds that each element reaches, times out_scale, plus out_bias, each rounded to float32, as qonnx
 * computes it (multithreshold.py). out_dtype says nothing that these do not.
 */
export const multiThreshold: OpHandler = (node) => {
  const input = runtimeInput(node, 0);
  const thresholds = thresholdsOf(node);
  const axis = channelAxis(node, input, thresholds.shape[0]!);
  const scale = floatAttribute(node.attributes, "out_scale", 1);
  const bias = floatAttribute(node.attributes, "out_bias", 0);
  if (scale === 0) throw new Rejection("its out_scale is 0", "train or export the model again");
  const { step, offset, unit, shift } = integerLevels(scale, bias, thresholds.shape[1]!);
  const quantizer: ThresholdQuantizer = { kind: "thresholds", thresholds, axis, step, offset };
  const options = unit === 1 && shift === undefined ? {} : { part: "count" };
  const count = node.emit({ kind: "quantize", quantizer }, input, input.shape, options);
  if (shift === undefined) return withNumber(node, "multiply", count, unit);
  return withNumber(node, "add", withNumber(node, "multiply", count, unit, "scaled"), shift);
};

/** `(step · count + offset) · unit`, and `+ shift` where integers do not do. */
interface Levels {
  readonly step: 1 | 2;
  readonly offset: number;
  readonly unit: number;
  readonly shift?: number;
}

/** Larger offsets are no zero of a low-bit number. */
const LARGEST_OFFSET = 1 << 16;

/** out_scale and out_bias as integers times one number, if that gives the same floats for every count. */
function integerLevels(scale: number, bias: number, count: number): Levels {
  const f = Math.fround;
  for (const step of count === 1 ? ([1, 2] as const) : ([1] as const)) {
    const [unit, offset] = [scale / step, (step * bias) / scale];
    const isSame = (n: number): boolean => Object.is(f(f(step * n + offset) * unit), f(f(scale * n) + bias));
    if (!Number.isInteger(offset) || Math.abs(offset) > LARGEST_OFFSET) continue;
    if (f(unit) === unit && Array.from({ length: count + 1 }, (_, n) => n).every(isSame))
      return { step, offset: offset + 0, unit };
  }
  return { step: 1, offset: 0, unit: scale, shift: bias };
}

/** Rows that rise: the number of thresholds that are reached does not depend on their order. */
function thresholdsOf(node: OnnxNode): FloatTensor {
  const value = requiredInput(node, 1);
  if (value.kind !== "constant")
    throw new Rejection("its thresholds depend on the input", "export the model with fixed thresholds");
  const { shape, data } = value.constant;
  const [rows = 0, levels = 0] = shape;
  if (shape.length !== 2 || rows === 0 || levels === 0)
    throw new Rejection(
      `its thresholds have the shape ${shapeText(shape)}`,
      "channels × thresholds are expected, or 1 × thresholds for all channels",
    );
  const sorted = Float32Array.from(data);
  if (sorted.some((t, i) => t !== data[i]))
    throw new Rejection("it has thresholds that float32 cannot hold", "export with float32 thresholds");
  for (let row = 0; row < rows; row++) sorted.subarray(row * levels, (row + 1) * levels).sort();
  return { shape, data: sorted };
}

/**
 * The axis whose place in data_layout is C's; 1 where none is said. Values of rank 3 without a layout are NCW for
 * qonnx before 1.0 and NWC since, so they need one.
 */
function channelAxis(node: OnnxNode, input: RuntimeValue, rows: number): number {
  const layout = textAttribute(node.attributes, "data_layout", "");
  const rank = input.shape.length;
  if (layout === "" && rank === 3 && rows > 1)
    throw new Rejection(
      "it does not say which axis of a signal is the channels",
      'set its data_layout to "NCW" or "NWC": versions of qonnx differ',
    );
  if (layout !== "" && layout.length !== rank)
    throw new Rejection(
      `its data_layout "${printable(layout, 20)}" is no order of ${shapeText(input.shape)}`,
      "use NC, NCHW or NHWC",
    );
  const axis = layout.includes("C") ? layout.indexOf("C") : 1;
  if (rank < 2 || (rows !== 1 && input.shape[axis] !== rows))
    throw new Rejection(
      `it has thresholds for ${rows} channels, its input (${shapeText(input.shape)}) has ${input.shape[axis] ?? "no"} on axis ${axis}`,
      rank < 2 ? damaged : "check its data_layout",
    );
  return axis;
}
