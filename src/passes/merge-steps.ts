/** Whether steps of several values can go on as the steps of one. */
import type { ScaleStep } from "../program/types.js";
import type { ChainStep } from "./chain.js";

type Scale = Extract<ChainStep, { kind: "scale" }>;

/** Whether two chains are the same function on every channel. */
export function sameSteps(a: readonly ChainStep[], b: readonly ChainStep[]): boolean {
  return a.length === b.length && a.every((step, i) => sameStep(step, b[i]!));
}

function sameStep(a: ChainStep, b: ChainStep): boolean {
  if (a.kind === "decode" && b.kind === "decode")
    return sameNumbers(a.values, b.values) && JSON.stringify(a.planes) === JSON.stringify(b.planes);
  if (a.kind !== "scale" || b.kind !== "scale") return a === b;
  return a.step.operator === b.step.operator && sameNumbers(a.step.operand, b.step.operand);
}

function sameNumbers(a: Float32Array, b: Float32Array): boolean {
  const length = Math.max(a.length, b.length);
  for (let i = 0; i < length; i++) {
    if (!Object.is(a[a.length === 1 ? 0 : i], b[b.length === 1 ? 0 : i])) return false;
  }
  return true;
}

/**
 * Steps of channels that are put one after another: the same operations with operands side by side, where
 * missing ones at the end do nothing. Undefined where operations differ.
 */
export function alignedSteps(
  parts: readonly { readonly steps: readonly ChainStep[]; readonly channels: number }[],
): readonly ChainStep[] | undefined {
  const longest = parts.reduce((a, b) => (b.steps.length > a.steps.length ? b : a)).steps;
  if (parts.every((p) => sameSteps(p.steps, longest) && isUniform(p.steps))) return longest;
  if (parts.some((p) => p.steps.some((s) => s.kind !== "scale"))) return undefined;
  const merged: ChainStep[] = [];
  for (const [i, step] of (longest as readonly Scale[]).entries()) {
    const { operator } = step.step;
    const operand: number[] = [];
    for (const { steps, channels } of parts) {
      const own = steps[i] as Scale | undefined;
      if (own !== undefined && own.step.operator !== operator) return undefined;
      const numbers = own?.step.operand ?? neutral(operator);
      if (numbers === undefined) return undefined;
      for (let c = 0; c < channels; c++) operand.push(numbers[numbers.length === 1 ? 0 : c]!);
    }
    const isOne = operator === "relu";
    merged.push({
      ...step,
      step: { operator, operand: isOne ? new Float32Array(0) : Float32Array.from(operand) },
    });
  }
  return merged;
}

function isUniform(steps: readonly ChainStep[]): boolean {
  return steps.every((s) => s.kind !== "scale" || s.step.operand.length <= 1);
}

/** The operand with which an operation changes nothing. */
function neutral(operator: ScaleStep["operator"]): Float32Array | undefined {
  switch (operator) {
    case "multiply":
    case "divide":
    case "prelu":
      return Float32Array.of(1);
    case "add":
      return Float32Array.of(-0);
    case "subtract":
      return Float32Array.of(0);
    case "minimum":
      return Float32Array.of(Infinity);
    case "maximum":
      return Float32Array.of(-Infinity);
    default:
      return undefined;
  }
}
