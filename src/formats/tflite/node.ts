/** What operator handlers see: a node with its options, its inputs, and the graph under construction. */
import { shapeText } from "../../diagnostics/text.js";
import type { GraphOp, Shape } from "../../graph/types.js";
import type { ChannelsLastValue } from "../common/channels-last.js";
import type { FloatConstant, IntConstant } from "../common/constant.js";
import { damaged, Rejection } from "../common/rejection.js";
import type { FileTensor } from "./schema.js";

/** A value during import: known now, computed at run time, or lost to an error that was already reported. */
export type Value = ConstantValue | RuntimeValue | { readonly kind: "unknown" };

export interface ConstantValue {
  readonly kind: "constant";
  readonly constant: FloatConstant | IntConstant;
  /** The file's tensor, where it is one. */
  readonly tensor?: FileTensor;
}

/**
 * What a computed value's elements are. `float32` and `index` (of ArgMax) stand for themselves. `int8` and `uint8`
 * are the file's integers less their zero point, as whole numbers in float32. `bits` are +1 and −1; the shape is
 * that of the unpacked tensor.
 */
export type Element = "float32" | "int8" | "uint8" | "bits" | "index";

/** Scale and zero point of a quantized tensor: it stands for `scale · (integer − zero)`. */
export interface Affine {
  readonly scale: number;
  readonly zero: number;
}

export interface RuntimeValue extends ChannelsLastValue {
  readonly kind: "runtime";
  readonly element: Element;
  /** Of int8 and uint8. */
  readonly affine?: Affine;
}

/** One graph operation of several that a file's node becomes. `part` names all but the last. */
export interface Stage {
  readonly op: GraphOp;
  readonly shape: Shape;
  readonly part: string;
}

export interface TfNode {
  readonly op: string;
  readonly inputs: readonly (Value | undefined)[];
  /** Builtin options by the schema's field number; all defaults where the file has none. */
  readonly options: Options;
  /** Custom options by name. */
  readonly custom: ReadonlyMap<string, number>;
  /** The first output as the file declares it. */
  readonly output: FileTensor;
  /** Adds graph operations one after another; the first reads `from`. Gives the name of the last one's value. */
  emit(from: string | readonly string[], stages: readonly Stage[], options?: EmitOptions): string;
}

export interface EmitOptions {
  /** float32 unless told. */
  readonly dtype?: "int64";
  /** The last stage is no result of the file's node either: it is named by its part. */
  readonly isAuxiliary?: true;
}

export interface Options {
  u8(field: number, byDefault?: number): number;
  i8(field: number, byDefault?: number): number;
  i32(field: number, byDefault?: number): number;
  f32(field: number, byDefault?: number): number;
  ints(field: number): readonly number[] | undefined;
}

/** An operator's import: the value of its first output. Throws a Rejection for what it cannot take. */
export type OpHandler = (node: TfNode) => Value;

export const unknown: Value = { kind: "unknown" };

export function requiredInput(node: TfNode, index: number): RuntimeValue | ConstantValue {
  const value = node.inputs[index];
  if (value !== undefined && value.kind !== "unknown") return value;
  throw new Rejection(`input ${index} is missing`, damaged);
}

/** The computed value at `index`, whatever its elements are. */
export function runtimeInput(node: TfNode, index: number): RuntimeValue {
  const value = requiredInput(node, index);
  if (value.kind === "runtime") return value;
  throw new Rejection(
    "it works on a constant where a computed value is expected",
    "convert the model again: the converter folds constants",
  );
}

/** The computed float32 value at `index`. */
export function floatInput(node: TfNode, index: number): RuntimeValue {
  const value = runtimeInput(node, index);
  if (value.element === "float32") return value;
  throw new Rejection(`it computes with ${elementText(value)}`, floatRemedy);
}

const floatRemedy =
  "convert this part in float32: quantize binary layers only, and leave out representative_dataset, " +
  "fake quantization and experimental_default_int8_range";

/** Refuses what only exists for float32 tensors and says which operator's integers are in the way. */
export function integersUnsupported(what: string): Rejection {
  return new Rejection(what, floatRemedy);
}

export function elementText({ element }: RuntimeValue): string {
  if (element === "bits") return "bits of a binary layer";
  return element === "index" ? "a class index" : `${element} integers`;
}

/** A float constant; `what` names it in messages. */
export function floatConstantInput(node: TfNode, index: number, what: string): FloatConstant {
  const value = requiredInput(node, index);
  if (value.kind === "constant" && value.constant.kind === "float") return value.constant;
  const problem =
    value.kind === "constant" ? "are integers beside float32 inputs" : "are computed, not constant";
  throw new Rejection(
    `its ${what} ${problem}`,
    value.kind === "constant"
      ? "convert without post-training quantization of weights (no converter.optimizations)"
      : `convert the model with fixed ${what}`,
  );
}

/** A constant list of whole numbers, e.g. a shape or axes. */
export function intsInput(node: TfNode, index: number, what: string): IntConstant {
  const value = requiredInput(node, index);
  if (value.kind === "constant" && value.constant.kind === "int") return value.constant;
  throw new Rejection(`its ${what} depends on the input`, "convert the model with a fixed input shape");
}

/** Whether two tensors stand for the same numbers by the same integers. */
export function sameAffine(a: RuntimeValue, b: RuntimeValue): boolean {
  return a.element === b.element && a.affine?.scale === b.affine?.scale && a.affine?.zero === b.affine?.zero;
}

/** A value's shape for messages, undefined where it is not known. */
export function valueShape(value: Value | undefined): string | undefined {
  if (value === undefined || value.kind === "unknown") return undefined;
  return shapeText(value.kind === "constant" ? value.constant.shape : value.shape);
}

/** Axis counted from the front. */
export function normalAxis(axis: number, rank: number): number {
  const normal = axis < 0 ? axis + rank : axis;
  if (Number.isInteger(normal) && normal >= 0 && normal < rank) return normal;
  throw new Rejection(`axis ${axis} does not exist in a tensor of rank ${rank}`, damaged);
}
