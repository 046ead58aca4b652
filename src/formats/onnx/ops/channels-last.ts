/** Operators whose maps have channels innermost: ONNX's own between two transposes, which cost the device nothing. */
import { printable } from "../../../diagnostics/text.js";
import { transpose } from "../../common/constant.js";
import { Rejection } from "../../common/rejection.js";
import { textAttribute } from "../attributes.js";
import {
  constantValue,
  floatInput,
  type OnnxNode,
  type OpHandler,
  type RuntimeValue,
  runtimeInput,
} from "../node.js";
import { conv } from "./conv.js";
import { batchNormalization } from "./normalization.js";
import { maxPool } from "./pools.js";

/** The operators of domain qonnx.custom_op.channels_last; weights are outputs × kernel × channels. */
export const convLast: OpHandler = (node) => {
  const weights = floatInput(node, 1, "weights");
  const rank = weights.shape.length;
  const first = rank === 3 || rank === 4 ? transpose(weights, toFirst(rank)) : weights;
  return betweenTransposes(conv)({ ...node, inputs: node.inputs.with(1, constantValue(first)) });
};
export const maxPoolLast: OpHandler = betweenTransposes(maxPool);
export const batchNormalizationLast: OpHandler = betweenTransposes(batchNormalization);

/** An operator with a data_layout: NCHW unless told. */
export function layoutOf(handler: OpHandler): OpHandler {
  return (node) => {
    const layout = textAttribute(node.attributes, "data_layout", "NCHW");
    if (layout === "NCHW") return handler(node);
    if (layout === "NHWC") return betweenTransposes(handler)(node);
    throw new Rejection(`its data_layout "${printable(layout, 20)}" is not known`, "use NCHW or NHWC");
  };
}

function betweenTransposes(handler: OpHandler): OpHandler {
  return (node) => {
    const input = runtimeInput(node, 0);
    const rank = input.shape.length;
    if (rank !== 3 && rank !== 4) return handler(node);
    const first = moved(node, input, toFirst(rank), "channels first");
    const result = handler({
      ...node,
      inputs: node.inputs.with(0, first),
      emit: (op, from, shape, options = {}) => node.emit(op, from, shape, { part: "computed", ...options }),
    });
    if (!("kind" in result) || result.kind !== "runtime") throw new Error("one computed value is expected");
    return moved(node, result, toLast(rank));
  };
}

function moved(
  node: OnnxNode,
  input: RuntimeValue,
  permutation: readonly number[],
  part?: string,
): RuntimeValue {
  const shape = permutation.map((axis) => input.shape[axis]!);
  return node.emit({ kind: "transpose", permutation }, input, shape, part === undefined ? {} : { part });
}

const toFirst = (rank: number): readonly number[] => (rank === 3 ? [0, 2, 1] : [0, 3, 1, 2]);
const toLast = (rank: number): readonly number[] => (rank === 3 ? [0, 2, 1] : [0, 2, 3, 1]);
