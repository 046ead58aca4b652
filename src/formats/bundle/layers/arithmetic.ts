/** Arithmetic with constants: scales, shifts, learned factors. */
import { Rejection } from "../../common/rejection.js";
import { axisOf, constantFor, elementwise, onlyInput } from "../call.js";
import { dimension, flag, numberOrTensor, oneOf } from "../fields.js";
import { layer } from "../layer.js";

export const arithmetic = layer(
  "arithmetic",
  "with a number or a tensor",
  {
    operator: oneOf(["add", "subtract", "multiply", "divide"], "add, subtract, multiply or divide"),
    operand: numberOrTensor("a number, or the name of a tensor that broadcasts to the input"),
    dim: dimension(
      "where a tensor of one dimension lies (channels: 1); without it, as it broadcasts",
    ).optional(),
    operand_first: flag("true or false: operand − x in place of x − operand").default(false),
  },
  (call, settings) => {
    const input = onlyInput(call);
    const { operator, operand_first: reversed } = settings;
    const dim = settings.dim === undefined ? undefined : axisOf(settings.dim, input);
    const operand = constantFor(call, input, settings.operand, dim);
    if (operator === "divide" && !reversed && operand.data.includes(0))
      throw new Rejection("it divides by 0", "check the model's parameters");
    return elementwise(call, input, { kind: "arithmetic", operator, operand, reversed });
  },
);
