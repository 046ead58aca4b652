/** Activations that stay float: they stand before quantizers and between float layers. */
import { shapeText } from "../../../diagnostics/text.js";
import { broadcastShapes, floatConstant } from "../../common/constant.js";
import { damaged, Rejection } from "../../common/rejection.js";
import { floatAttribute } from "../attributes.js";
import { floatInput, type OnnxNode, type OpHandler, runtimeInput } from "../node.js";

export const prelu: OpHandler = (node) => {
  const input = runtimeInput(node, 0);
  const { shape, data } = floatInput(node, 1, "slope");
  const result = broadcastShapes(input.shape, shape);
  if (result === undefined || data.length === 0 || shapeText(result) !== shapeText(input.shape)) {
    throw new Rejection(
      `a slope of shape ${shapeText(shape)} does not fit ${shapeText(input.shape)}`,
      "one slope, or one per channel shaped channels×1×1, is expected",
    );
  }
  return node.emit({ kind: "prelu", slope: { shape, data } }, input, input.shape);
};

export const leakyRelu: OpHandler = (node) => {
  const input = runtimeInput(node, 0);
  const { shape, data } = floatConstant([], Float32Array.of(floatAttribute(node.attributes, "alpha", 0.01)));
  return node.emit({ kind: "prelu", slope: { shape, data } }, input, input.shape);
};

/** ONNX's defaults, float32's greatest numbers, are no bounds for finite values. */
const LARGEST = 3.4028234663852886e38;

/** Bounds are attributes before opset 11, then inputs. */
export const clip: OpHandler = (node) => {
  const input = runtimeInput(node, 0);
  const low = bound(node, 1, "min", -LARGEST);
  const high = bound(node, 2, "max", LARGEST);
  if (low > high) throw new Rejection(`it clips to ${low}…${high}, which is empty`, damaged);
  return node.emit(
    {
      kind: "clip",
      low: low <= -LARGEST ? Number.NEGATIVE_INFINITY : low,
      high: high >= LARGEST ? Number.POSITIVE_INFINITY : high,
    },
    input,
    input.shape,
  );
};

function bound(node: OnnxNode, index: number, name: string, byDefault: number): number {
  if (node.inputs[index] === undefined) return floatAttribute(node.attributes, name, byDefault);
  const { data } = floatInput(node, index, name === "min" ? "lower bound" : "upper bound");
  if (data.length === 1) return data[0]!;
  throw new Rejection(`its ${name} has ${data.length} elements`, "one bound for all elements is expected");
}
