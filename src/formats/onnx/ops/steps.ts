/** Steps that operators of QONNX are written out in: one float32 operation with a constant. */
import type { ArithmeticOperator, FloatTensor } from "../../../graph/types.js";
import type { OnnxNode, RuntimeValue } from "../node.js";

/**
 * `input ∘ operand`, left out where it changes nothing; `part` names the step where others of
 * the same node follow.
 */
export function withNumbers(
  node: OnnxNode,
  operator: ArithmeticOperator,
  input: RuntimeValue,
  operand: FloatTensor,
  part?: string,
): RuntimeValue {
  if (operand.data.every((x) => changesNothing(operator, x))) return input;
  const { shape, data } = operand;
  const options = part === undefined ? {} : { part };
  const op = { kind: "arithmetic", operator, operand: { shape, data }, reversed: false } as const;
  return node.emit(op, input, input.shape, options);
}

/** Not even the sign of a zero, which an addition of 0 makes positive. */
function changesNothing(operator: ArithmeticOperator, x: number): boolean {
  if (operator === "multiply" || operator === "divide") return x === 1;
  return operator === "subtract" && Object.is(x, 0);
}

/** The same with one number. */
export function withNumber(
  node: OnnxNode,
  operator: ArithmeticOperator,
  input: RuntimeValue,
  number: number,
  part?: string,
): RuntimeValue {
  return withNumbers(node, operator, input, { shape: [], data: Float32Array.of(number) }, part);
}
