/** Expand and Tile: constants are repeated, computed values must stay as they are. */
import {
  broadcastShapes,
  broadcastStrides,
  type Constant,
  countOf,
  floatConstant,
  intConstant,
  positions,
} from "../../common/constant.js";
import { checkFolded } from "../../common/limits.js";
import { damaged, listText, Rejection } from "../../common/rejection.js";
import {
  constantValue,
  intInput,
  type OnnxNode,
  type OpHandler,
  requiredInput,
  type Value,
} from "../node.js";
import { pendingInput } from "../pending.js";
import { boolConstant, isBool } from "./elementwise.js";

export const expand: OpHandler = (node) => {
  const target = intInput(node, 1, "target shape").data;
  return repeated(node, (from) => {
    const shape = target.every((n) => n >= 1) ? broadcastShapes(from, target) : undefined;
    return shape && { shape, strides: broadcastStrides(from, shape) };
  });
};

/** A dimension of n that is repeated r times is read as two, of r and n. */
export const tile: OpHandler = (node) => {
  const repeats = intInput(node, 1, "repeats").data;
  return repeated(node, (from) => {
    if (repeats.length !== from.length || !repeats.every((n) => n >= 1)) return undefined;
    const own = broadcastStrides(from, from);
    return {
      shape: from.map((n, i) => n * repeats[i]!),
      inner: from.flatMap((n, i) => [repeats[i]!, n]),
      strides: from.flatMap((_, i) => [0, own[i]!]),
    };
  });
};

interface Repetition {
  readonly shape: readonly number[];
  /** The order in which elements are read, if it is not that of `shape`. */
  readonly inner?: readonly number[];
  readonly strides: readonly number[];
}

function repeated(node: OnnxNode, how: (from: readonly number[]) => Repetition | undefined): Value {
  const input = pendingInput(node, 0) ?? requiredInput(node, 0);
  const from = input.kind === "constant" ? input.constant.shape : input.shape;
  const repetition = how(from);
  if (repetition === undefined)
    throw new Rejection(`a tensor of shape ${listText(from, "×")} cannot be repeated so`, damaged);
  const { shape, inner = shape, strides } = repetition;
  if (input.kind === "constant") {
    checkFolded(shape);
    return constantValue(picked(input.constant, shape, positions(inner, strides)));
  }
  if (countOf(shape) === countOf(from) && shape.length === from.length) return input;
  throw new Rejection("it repeats a computed value", "let elementwise operators broadcast it");
}

function picked(constant: Constant, shape: readonly number[], order: Int32Array): Constant {
  if (constant.kind === "float")
    return floatConstant(
      shape,
      Float32Array.from(order, (p) => constant.data[p]!),
    );
  const data = Array.from(order, (p) => constant.data[p]!);
  return isBool(constant) ? boolConstant(shape, data) : intConstant(shape, data);
}
