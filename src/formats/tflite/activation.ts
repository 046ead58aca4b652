/** Activations that TFLite fuses into other operators, by the schema's number. */
import type { GraphOp } from "../../graph/types.js";
import { Rejection } from "../common/rejection.js";

const [NONE, RELU, RELU_N1_TO_1, RELU6] = [0, 1, 2, 3];
const names = ["NONE", "RELU", "RELU_N1_TO_1", "RELU6", "TANH", "SIGN_BIT"];

/** The activation on float32, none where there is none. Throws a Rejection for those that are not supported. */
export function activationOps(number: number): readonly (readonly [op: GraphOp, part: string])[] {
  switch (number) {
    case NONE:
      return [];
    case RELU:
      return [[{ kind: "relu" }, "relu"]];
    case RELU_N1_TO_1:
      return [[{ kind: "clip", low: -1, high: 1 }, "relu"]];
    case RELU6:
      return [[{ kind: "clip", low: 0, high: 6 }, "relu"]];
    default:
      throw new Rejection(
        `its fused activation is ${names[number] ?? `number ${number}`}`,
        "use none, ReLU or ReLU6, or a binary layer's sign",
      );
  }
}

/**
 * The least and greatest integer, less the zero point, that the activation leaves: bounds are rounded to the tensor's
 * own steps, halves away from zero, and end at its range.
 */
export function integerBounds(
  number: number,
  scale: number,
  [least, greatest]: readonly [number, number],
): readonly [low: number, high: number] {
  const [first] = activationOps(number);
  if (first === undefined) return [least, greatest];
  const [op] = first;
  const steps = (bound: number): number => {
    const rounded = Math.sign(bound) * Math.round(Math.abs(Math.fround(bound / scale)));
    return Math.min(Math.max(rounded, least), greatest);
  };
  return op.kind === "clip" ? [steps(op.low), steps(op.high)] : [steps(0), greatest];
}

/** The activation as an operation on such integers. */
export function integerActivation(
  number: number,
  scale: number,
  range: readonly [number, number],
): readonly (readonly [op: GraphOp, part: string])[] {
  const [low, high] = integerBounds(number, scale, range);
  return number === NONE ? [] : [[{ kind: "clip", low, high }, "relu"]];
}
