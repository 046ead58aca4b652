/** What operator handlers see: a node with typed attributes, its inputs, and the graph under construction. */
import { shapeText } from "../../diagnostics/text.js";
import type { GraphOp, Shape } from "../../graph/types.js";
import type { Constant, FloatConstant, IntConstant } from "./constant.js";
import type { AttributeProto } from "./onnx_pb.js";

/** A value during import: known now, computed at run time, or lost to an error that was already reported. */
export type Value =
  | { readonly kind: "constant"; readonly constant: Constant }
  | { readonly kind: "runtime"; readonly name: string; readonly shape: Shape }
  | { readonly kind: "unknown" };

export const unknown: Value = { kind: "unknown" };

export function constantValue(constant: Constant): Value {
  return { kind: "constant", constant };
}

/** Thrown by handlers for a node that cannot be imported; the importer collects it and goes on. */
export class Rejection extends Error {
  readonly remedy: string;
  constructor(message: string, remedy: string) {
    super(message);
    this.remedy = remedy;
  }
}

export interface OnnxNode {
  readonly name: string;
  readonly op: string;
  readonly domain: string;
  /** Version of the operator's domain that the file imports. */
  readonly opset: number;
  /** Absent optional inputs are undefined. */
  readonly inputs: readonly (Value | undefined)[];
  readonly attributes: ReadonlyMap<string, AttributeProto>;
  /** Adds a graph node that reads a run-time value. */
  emit(op: GraphOp, input: Value, shape: Shape, dtype?: "float32" | "int64"): Value;
}

/** An operator's import: the value of its first output. */
export type OpHandler = (node: OnnxNode) => Value;

export function intAttribute(node: OnnxNode, name: string, byDefault: number): number {
  const attribute = node.attributes.get(name);
  return attribute === undefined ? byDefault : Number(attribute.i);
}

export function floatAttribute(node: OnnxNode, name: string, byDefault: number): number {
  return node.attributes.get(name)?.f ?? byDefault;
}

export function textAttribute(node: OnnxNode, name: string, byDefault: string): string {
  const attribute = node.attributes.get(name);
  return attribute === undefined ? byDefault : new TextDecoder().decode(attribute.s);
}

export function intsAttribute(node: OnnxNode, name: string): readonly number[] | undefined {
  return node.attributes.get(name)?.ints.map(Number);
}

/** The input at `index`, which the operator needs. */
export function requiredInput(node: OnnxNode, index: number): Value {
  const value = node.inputs[index];
  if (value === undefined)
    throw new Rejection(`input ${index} is missing`, "the file is damaged: export the model again");
  return value;
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

/** The run-time value at `index`, with its shape. */
export function runtimeInput(node: OnnxNode, index: number): Extract<Value, { kind: "runtime" }> {
  const value = requiredInput(node, index);
  if (value.kind === "runtime") return value;
  throw new Rejection(
    "it works on a constant where a computed value is expected",
    "simplify the model before exporting",
  );
}

/** Axis counted from the front. */
export function normalAxis(axis: number, rank: number): number {
  const normal = axis < 0 ? axis + rank : axis;
  if (normal >= 0 && normal < rank) return normal;
  throw new Rejection(
    `axis ${axis} does not exist in a tensor of rank ${rank}`,
    "the file is damaged: export the model again",
  );
}

/** A value's shape for messages. */
export function valueShape(value: Value | undefined): string {
  if (value === undefined) return "none";
  if (value.kind === "unknown") return "unknown";
  return shapeText(value.kind === "constant" ? value.constant.shape : value.shape);
}
