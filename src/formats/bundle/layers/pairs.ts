/** Differences and products of two computed values, and means and absolute values of one. */
import type { PairwiseOperator } from "../../../graph/types.js";
import { pairShape, reducedShape, reductionOver } from "../../common/computed-pairs.js";
import { Rejection } from "../../common/rejection.js";
import { axisOf, elementwise, onlyInput } from "../call.js";
import { dimensions, flag } from "../fields.js";
import { layer } from "../layer.js";

export const subtract = pairwise("subtract", "subtract", "the first value less the second");
export const multiply = pairwise("multiply", "multiply", "the product of two values");

function pairwise(type: string, operator: PairwiseOperator, what: string) {
  const notes = `${what}; each axis of one size, or 1 in one of them`;
  return layer(type, notes, {}, (call) => {
    const [a, b, ...rest] = call.inputs;
    if (a === undefined || b === undefined || rest.length > 0)
      throw new Rejection(
        `it reads ${call.inputs.length} values where two are expected`,
        'name them: "inputs": ["conv1", "input"]',
      );
    if (a.shape.length !== b.shape.length)
      throw new Rejection(
        `it joins values of ${a.shape.length} and ${b.shape.length} axes`,
        "reshape one of them: both must have as many axes",
      );
    return call.emit({ kind: "pairwise", operator }, [a, b], pairShape(a.shape, b.shape));
  });
}

export const abs = layer("abs", "", {}, (call) => elementwise(call, onlyInput(call), { kind: "abs" }));

export const mean = layer(
  "mean",
  "over the channels, or over all",
  {
    dim: dimensions("axes, which become 1 or vanish: [1] are the channels; without them, all").optional(),
    keepdim: flag("true or false: whether the axes stay, with size 1").default(true),
  },
  (call, { dim, keepdim }) => {
    const input = onlyInput(call);
    const axes = dim?.map((d) => axisOf(d, input)) ?? input.shape.map((_, axis) => axis).slice(1);
    const op = reductionOver("mean", axes, input.shape);
    const kept = reducedShape(input.shape, op);
    if (keepdim) return call.emit(op, [input], kept);
    const value = call.emit(op, [input], kept, { part: "kept" });
    return call.emit(
      { kind: "reshape" },
      [value],
      kept.filter((_, axis) => !op.axes.includes(axis)),
    );
  },
);
