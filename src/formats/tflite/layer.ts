/**
 * The arithmetic of a layer with constant weights, float32 or int8: its weights, and what is done to its sums.
 *
 * int8 layers add products of integers less their zero points and an int32 bias, and bring the sum to the output's
 * steps by a fixed-point factor per output: input scale · weight scale / output scale (tflite/kernels/kernel_util.cc).
 * The graph holds these integers as whole numbers in float32, so sums of 2^24 and more are refused.
 */
import { shapeText } from "../../diagnostics/text.js";
import type { GraphOp, IntTensor, Shape } from "../../graph/types.js";
import { type FloatConstant, floatConstant, reshape } from "../common/constant.js";
import { damaged, Rejection } from "../common/rejection.js";
import { activationOps, integerBounds } from "./activation.js";
import {
  type Affine,
  elementText,
  floatConstantInput,
  integersUnsupported,
  type RuntimeValue,
  requiredInput,
  runtimeInput,
  type TfNode,
} from "./node.js";
import { affineOf, fixedPoint, integerRange, roundingTo } from "./quantized.js";

export interface LayerKind {
  /** The filter's axis that counts outputs. */
  readonly outputAxis: number;
  /** FULLY_CONNECTED multiplies the scales of input and weights in float32, convolutions in float64. */
  readonly isDense: boolean;
}

export interface Layer {
  readonly input: RuntimeValue;
  readonly filter: FloatConstant;
  /** What follows the sums; `shape` is that of one number per output. */
  after(shape: Shape, activation: number): readonly (readonly [op: GraphOp, part: string])[];
  readonly result: { readonly element: "float32" | "int8"; readonly affine?: Affine };
}

/** Weights are input 1, the bias input 2. Throws a Rejection. */
export function readLayer(node: TfNode, kind: LayerKind): Layer {
  const input = runtimeInput(node, 0);
  if (input.element === "float32") return floatLayer(node, input);
  if (input.element === "int8" && input.affine !== undefined && node.output.type === "int8")
    return integerLayer(node, kind, input, input.affine);
  throw integersUnsupported(`it makes ${node.output.type} of ${elementText(input)}`);
}

function floatLayer(node: TfNode, input: RuntimeValue): Layer {
  const filter = floatConstantInput(node, 1, "weights");
  return {
    input,
    filter,
    result: { element: "float32" },
    after: (shape, activation) => [...floatBias(node, shape), ...activationOps(activation)],
  };
}

/** The bias as an addition; the zeros that converters write where a layer has none are left out. */
function floatBias(node: TfNode, shape: Shape): readonly (readonly [GraphOp, string])[] {
  if (node.inputs[2] === undefined) return [];
  const bias = floatConstantInput(node, 2, "bias");
  checkBias(bias.shape, bias.data, shape);
  if (bias.data.every((b) => b === 0)) return [];
  const operand = { shape, data: reshape(bias, shape).data };
  return [[{ kind: "arithmetic", operator: "add", operand, reversed: false }, "biased"]];
}

function checkBias(given: Shape, data: { readonly length: number }, shape: Shape): void {
  if (data.length === shape[0]) return;
  throw new Rejection(`a bias of shape ${shapeText(given)} does not fit ${shape[0]} outputs`, damaged);
}

function integerLayer(node: TfNode, kind: LayerKind, input: RuntimeValue, from: Affine): Layer {
  const { filter, scale } = integerFilter(node, kind);
  const to = affineOf(node.output);
  const factors = scale.map((s) => (kind.isDense ? Math.fround(from.scale * s) : from.scale * s) / to.scale);
  return {
    input,
    filter,
    result: { element: "int8", affine: to },
    after: (shape, activation) => {
      const outputs = shape[0]!;
      const bias = integerBias(node, shape);
      const points = factors.map(fixedPoint);
      const largest = largestSums(filter, kind, from, bias);
      const odd = largest.findIndex((sum, n) => {
        const { shift } = points[points.length === 1 ? 0 : n]!;
        return sum >= 2 ** 24 || sum * 2 ** Math.max(shift, 0) >= 2 ** 31;
      });
      if (odd >= 0) {
        throw new Rejection(
          `the sums of its output ${odd} can reach ${largest[odd]}, and only sums below 2^24 are exact in float32`,
          "make the layer smaller, or convert it in float32",
        );
      }
      const constant = (data: readonly number[]): IntTensor => ({
        shape: data.length === 1 ? [] : shape.with(0, outputs),
        data: Int32Array.from(data),
      });
      const rescale: GraphOp = {
        kind: "rescale",
        multiplier: constant(points.map((p) => p.multiplier)),
        shift: constant(points.map((p) => p.shift)),
        halves: "up",
      };
      const [low, high] = integerBounds(activation, to.scale, integerRange("int8", to));
      return [
        ...(bias.every((b) => b === 0) ? [] : [[added(bias, shape), "biased"] as const]),
        [rescale, "rescaled"],
        [roundingTo(low, high), "integer"],
      ];
    },
  };
}

function added(bias: readonly number[], shape: Shape): GraphOp {
  const operand = { shape, data: Float32Array.from(bias) };
  return { kind: "arithmetic", operator: "add", operand, reversed: false };
}

/** int8 weights without zero point, as codes of scale 1, and their scales: one, or one per output. */
function integerFilter(
  node: TfNode,
  { outputAxis }: LayerKind,
): { readonly filter: FloatConstant; readonly scale: readonly number[] } {
  const value = requiredInput(node, 1);
  if (value.kind !== "constant" || value.constant.kind !== "int" || value.tensor?.type !== "int8")
    throw new Rejection("its weights are no int8 constant", "convert the model with constant int8 weights");
  const { shape, data } = value.constant;
  const { scale = [], zero = [], axis = 0 } = value.tensor.quantization ?? {};
  const isPerOutput = scale.length > 1 && axis === outputAxis && scale.length === shape[outputAxis];
  const isPossible = scale.every((s) => s > 0 && Number.isFinite(s));
  if ((scale.length !== 1 && !isPerOutput) || !isPossible || zero.some((z) => z !== 0))
    throw new Rejection("its weights have no scale per tensor or per output", damaged);
  const codes = Int32Array.from(data);
  const one = { shape: shape.map(() => 1), data: Float32Array.of(1) };
  return {
    filter: { ...floatConstant(shape, Float32Array.from(codes)), quantized: { codes, scale: one } },
    scale,
  };
}

function integerBias(node: TfNode, shape: Shape): readonly number[] {
  if (node.inputs[2] === undefined) return new Array<number>(shape[0]!).fill(0);
  const value = requiredInput(node, 2);
  if (value.kind !== "constant" || value.constant.kind !== "int")
    throw new Rejection("its bias is no integer constant", damaged);
  checkBias(value.constant.shape, value.constant.data, shape);
  return value.constant.data;
}

/** The greatest magnitude that each output's sum can have. */
function largestSums(
  { shape, data }: FloatConstant,
  { outputAxis }: LayerKind,
  from: Affine,
  bias: readonly number[],
): number[] {
  const [least, greatest] = integerRange("int8", from);
  const largest = Math.max(-least, greatest);
  const inner = shape.slice(outputAxis + 1).reduce((a, b) => a * b, 1);
  const sums = bias.map(Math.abs);
  data.forEach((w, i) => {
    sums[Math.floor(i / inner) % sums.length]! += Math.abs(w) * largest;
  });
  return sums;
}
