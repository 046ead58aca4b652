/**
 * Values that wait: elementwise functions that no graph node stands for yet, because what follows decides which node
 * it is. A boolean becomes a quantizer once Where or Cast says which numbers it chooses; a rounding becomes one once
 * a Clip says how many levels there are. Operators that know them take them apart; for all others they settle.
 */
import type { Rounding, Shape } from "../../graph/types.js";
import { Rejection } from "../common/rejection.js";
import type { OnnxNode, RuntimeValue } from "./node.js";
import type { Steps } from "./steps.js";

export interface PendingValue {
  readonly kind: "pending";
  /** What it is computed of, element by element. */
  readonly source: RuntimeValue;
  /** The source's. */
  readonly shape: Shape;
  readonly form: PendingForm;
  /** The value as graph nodes, which are made when it is first asked for. Throws a Rejection, always the same. */
  settle(): RuntimeValue;
}

export type PendingForm = StepsForm | RoundingForm | SameSignForm;

interface StepsForm {
  readonly kind: "steps";
  readonly steps: Steps;
}

/** `min(max(round(x), low), high) + shift`: whole numbers. Bounds may be infinite. */
export interface RoundingForm {
  readonly kind: "rounding";
  readonly rounding: Extract<Rounding, "half-even" | "floor" | "ceil">;
  readonly low: number;
  readonly high: number;
  readonly shift: number;
}

/** A function of which only the sign matters, which is that of x. */
interface SameSignForm {
  readonly kind: "same-sign";
}

/** A value of the node's that waits; `make` adds its graph nodes. */
export function pending(
  node: OnnxNode,
  source: RuntimeValue,
  form: PendingForm,
  make: () => RuntimeValue,
): PendingValue {
  return { kind: "pending", source, shape: source.shape, form, settle: onceAsked(node, make) };
}

/** `make`, run once. What is wrong is said of the node itself, not of its first reader, and always the same. */
export function onceAsked<T extends object>(node: OnnxNode, make: () => T): () => T {
  let made: T | Rejection | undefined;
  return () => {
    made ??= attempt(make, node.where);
    if (made instanceof Rejection) throw made;
    return made;
  };
}

function attempt<T>(make: () => T, where: string): T | Rejection {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof Rejection)) throw error;
    return error.where === undefined ? new Rejection(error.message, error.remedy, where) : error;
  }
}

/** The pending value at `index`, if the input there is one. */
export function pendingInput(node: OnnxNode, index: number): PendingValue | undefined {
  const value = node.inputs[index];
  return value?.kind === "pending" ? value : undefined;
}
