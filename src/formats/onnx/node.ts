/** What operator handlers see: a node with checked attributes, its inputs, and the graph under construction. */
import { shapeText } from "../../diagnostics/text.js";
import type { FloatTensor, GraphOp, Shape } from "../../graph/types.js";
import type { Constant, FloatConstant, IntConstant } from "../common/constant.js";
import { damaged, Rejection } from "../common/rejection.js";
import { type Attributes, intsAttribute } from "./attributes.js";
import type { ExternalData } from "./external.js";
import type { Interval } from "./intervals.js";
import type { PendingValue } from "./pending.js";

/** A value during import: known now, computed at run time, or lost to an error that was already reported. */
export type Value =
  | ConstantValue
  | RuntimeValue
  | QuantizedValue
  | PendingValue
  | { readonly kind: "unknown" };

/** What QuantizeLinear writes: integers, which Clip may have cut. */
export interface QuantizedValue {
  readonly kind: "codes";
  readonly shape: Shape;
  readonly scale: FloatTensor;
  readonly zero: readonly number[];
  /** Least and greatest integer. */
  readonly range: readonly [number, number];
  /** The integers between other bounds, as `node` writes them. */
  within(node: OnnxNode, range: readonly [number, number]): QuantizedValue;
  /** What DequantizeLinear makes of them with the same scale and zero point. */
  settle(): RuntimeValue | ConstantValue;
}

export interface ConstantValue {
  readonly kind: "constant";
  readonly constant: Constant;
}

export interface RuntimeValue {
  readonly kind: "runtime";
  readonly name: string;
  readonly shape: Shape;
  /** int64 only behind ArgMax. */
  readonly dtype: "float32" | "int64";
  /** Where its numbers lie, if that is known. */
  readonly interval?: Interval;
  /** Set on products with a constant: `of · factor`, for Where. */
  readonly product?: { readonly of: string; readonly factor: FloatTensor };
}

/** What Sign gives at 0: ONNX's own 0, or the sign with which the author trained. */
export type SignOfZero = 1 | -1 | 0;

export const unknown: Value = { kind: "unknown" };

export function constantValue(constant: Constant): ConstantValue {
  return { kind: "constant", constant };
}

export interface EmitOptions {
  /** float32 unless told. */
  readonly dtype?: "float32" | "int64";
  /**
   * Set on all but the last graph node of a file's node: appended to its name and its value's, so that the
   * file's own names stay with what the file's node computes.
   */
  readonly part?: string;
  /** Which of the file's node's outputs this is; the first unless told. */
  readonly output?: number;
}

export interface OnnxNode {
  readonly op: string;
  /** Names the node in messages. */
  readonly where: string;
  /** Version of the operator's domain that the file imports. */
  readonly opset: number;
  /** Absent optional inputs are undefined. None is unknown: such nodes are not imported. */
  readonly inputs: readonly (Value | undefined)[];
  readonly attributes: Attributes;
  /** The files that tensors among the attributes name. */
  readonly external: ExternalData;
  /** For each of the node's outputs, whether anything reads it. */
  readonly outputs: readonly boolean[];
  /** What the user said of Sign, if anything. */
  readonly signOfZero: SignOfZero | undefined;
  /** Adds a graph node that reads one run-time value or several. */
  emit(
    op: GraphOp,
    input: RuntimeValue | readonly RuntimeValue[],
    shape: Shape,
    options?: EmitOptions,
  ): RuntimeValue;
}

/**
 * An operator's import: the value of its first output, or of each output (undefined where nothing reads it).
 * Throws a Rejection for what it cannot take.
 */
export type OpHandler = (node: OnnxNode) => Value | readonly (Value | undefined)[];

/** The input at `index`, which the operator needs; one that waits becomes graph nodes. */
export function requiredInput(node: OnnxNode, index: number): RuntimeValue | ConstantValue {
  const value = node.inputs[index];
  if (value?.kind === "codes") {
    throw new Rejection(
      "it computes with the integers of a QuantizeLinear",
      "export with a DequantizeLinear behind every QuantizeLinear (QDQ format)",
    );
  }
  if (value?.kind === "pending") return value.settle();
  if (value !== undefined && value.kind !== "unknown") return value;
  throw new Rejection(`input ${index} is missing`, damaged);
}

/** A constant float input; `what` names it in messages. */
export function floatInput(node: OnnxNode, index: number, what: string): FloatConstant {
  const value = requiredInput(node, index);
  if (value.kind === "constant" && value.constant.kind === "float") return value.constant;
  throw new Rejection(`its ${what} is not a float constant`, `export the model with a fixed ${what}`);
}

/** A constant input of whole numbers, e.g. a shape or axes. */
export function intInput(node: OnnxNode, index: number, what: string): IntConstant {
  const value = requiredInput(node, index);
  if (value.kind === "constant" && value.constant.kind === "int") return value.constant;
  throw new Rejection(
    `its ${what} depends on the input or is not an integer tensor`,
    `export the model with a fixed ${what}`,
  );
}

/** The float32 run-time value at `index`. */
export function runtimeInput(node: OnnxNode, index: number): RuntimeValue {
  const value = requiredInput(node, index);
  if (value.kind !== "runtime") {
    throw new Rejection(
      "it works on a constant where a computed value is expected",
      "simplify the model before exporting",
    );
  }
  return floatValue(value);
}

export function floatValue(value: RuntimeValue): RuntimeValue {
  if (value.dtype === "float32") return value;
  throw new Rejection("it works on the class index that ArgMax computes", "let the model end in ArgMax");
}

/** Axis counted from the front. */
export function normalAxis(axis: number, rank: number): number {
  const normal = axis < 0 ? axis + rank : axis;
  if (normal >= 0 && normal < rank) return normal;
  throw new Rejection(`axis ${axis} does not exist in a tensor of rank ${rank}`, damaged);
}

/** Axes as an attribute (before opset 13, or 18 for reductions) or as the second input. */
export function axesOf(node: OnnxNode): readonly number[] | undefined {
  return (
    intsAttribute(node.attributes, "axes") ??
    (node.inputs[1] === undefined ? undefined : intInput(node, 1, "axes").data)
  );
}

/** A value's shape for messages, undefined where it is not known. */
export function valueShape(value: Value | undefined): string | undefined {
  if (value === undefined || value.kind === "unknown") return undefined;
  return shapeText(value.kind === "constant" ? value.constant.shape : value.shape);
}
