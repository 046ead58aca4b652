/**
 * Functions that stand in a model as layers: those of TensorFlow under Keras 2 (TFOpLambda), and operations of Keras 3.
 * Arguments that are no results of layers are known by name, or by place ("0", "1").
 */
import type { GraphOp } from "../../../graph/types.js";
import { type ChannelsLastValue, presentLayout } from "../../common/channels-last.js";
import { pairShape } from "../../common/computed-pairs.js";
import { Rejection } from "../../common/rejection.js";
import { type LayerCall, type LayerHandler, onlyInput } from "../call.js";
import { elementwise } from "../quantizers/activations.js";
import { arithmetic, scalar, uniform } from "../quantizers/operations.js";
import { softmaxOver, sum } from "./activations.js";
import { joined, reshapedTo } from "./shapes.js";

type Operator = "add" | "subtract" | "multiply" | "divide" | "maximum" | "minimum";

/** `x ∘ y` of a value and a number, whichever comes first; sums, differences and products also of two values. */
export function binary(operator: Operator): LayerHandler {
  return (call) => {
    const [first, second] = [numberAt(call, "0", "x"), numberAt(call, "1", "y")];
    const number = first ?? second;
    if (number !== undefined)
      return elementwise(call, onlyInput(call), withNumber(operator, number, first !== undefined));
    const [a, b, ...rest] = call.inputs;
    const join = ofTwo[operator];
    if (a === undefined || b === undefined || rest.length > 0 || join === undefined)
      throw new Rejection(
        `it is the ${nouns[operator]} of ${call.inputs.length} values`,
        "of two computed values sums, differences and products are supported; the rest needs one number",
      );
    return join(call, a, b);
  };
}

const nouns = {
  add: "sum",
  subtract: "difference",
  multiply: "product",
  divide: "quotient",
  maximum: "maximum",
  minimum: "minimum",
} as const;

/** `a − b`, which is `a + (−b)` in every bit. */
function difference(call: LayerCall, a: ChannelsLastValue, b: ChannelsLastValue): ChannelsLastValue {
  return sum(call, [a, elementwise(call, b, arithmetic("multiply", -1), "negative")]);
}

/** `a · b`, where one may repeat along axes of the other: squeeze-and-excitation. */
function product(call: LayerCall, a: ChannelsLastValue, b: ChannelsLastValue): ChannelsLastValue {
  if (a.shape.length !== b.shape.length)
    throw new Rejection(
      `it multiplies values of ${a.shape.length} and ${b.shape.length} axes`,
      "reshape one of them: both must have as many axes",
    );
  const layout = [a, b].some((v) => presentLayout(v) === "first") ? "first" : "last";
  return call.emit({ kind: "pairwise", operator: "multiply" }, [a, b], pairShape(a.shape, b.shape), layout);
}

type Join = (call: LayerCall, a: ChannelsLastValue, b: ChannelsLastValue) => ChannelsLastValue;

const ofTwo: Readonly<Partial<Record<Operator, Join>>> = {
  add: (call, a, b) => sum(call, [a, b]),
  subtract: difference,
  multiply: product,
};

/** A number among the arguments, by place or by name. */
function numberAt({ args }: LayerCall, ...names: readonly string[]): number | undefined {
  for (const name of names) {
    const value = args.optionalNumber(name);
    if (value !== undefined && Number.isFinite(Math.fround(value))) return Math.fround(value);
    if (value !== undefined)
      throw new Rejection(`it computes with the number ${value}`, "use numbers that float32 has");
  }
  return undefined;
}

function withNumber(operator: Operator, number: number, isFirst: boolean): GraphOp {
  switch (operator) {
    case "maximum":
      return { kind: "clip", low: number, high: Number.POSITIVE_INFINITY };
    case "minimum":
      return { kind: "clip", low: Number.NEGATIVE_INFINITY, high: number };
    default:
      if (operator === "divide" && isFirst)
        throw new Rejection("it divides a number by a value", "divide values by numbers");
      if (operator === "divide" && number === 0) throw new Rejection("it divides by 0", "check the model");
      return arithmetic(operator, number, isFirst && operator === "subtract");
  }
}

/** One operation on each element. */
export function each(op: GraphOp): LayerHandler {
  return (call) => elementwise(call, onlyInput(call), op);
}

export const negative = each(arithmetic("multiply", -1));

/** −1, 0 or 1: three values. Larq's sign is `sign(sign(x) + 0.1)`, which is +1 for 0. */
export const threeSigns = each(uniform(1, -1, 1, "away-from-zero"));

/** Bounds are settings of Keras 3's, arguments of TensorFlow's. */
export const clip: LayerHandler = (call) => {
  const bound = (setting: string, argument: string): number =>
    Math.fround(call.settings.optionalNumber(setting) ?? call.args.number(argument));
  const [low, high] = [bound("x_min", "clip_value_min"), bound("x_max", "clip_value_max")];
  if (low > high)
    throw new Rejection(`it clips to ${low} to ${high}`, "use a lower bound below the upper one");
  return elementwise(call, onlyInput(call), { kind: "clip", low, high });
};

/** `x` below 0 times a slope. */
export const leaky: LayerHandler = (call) => {
  const slope = call.settings.optionalNumber("negative_slope") ?? call.args.number("alpha", 0.2);
  return elementwise(call, onlyInput(call), { kind: "prelu", slope: scalar(Math.fround(slope)) });
};

/** Functions of TensorFlow by the names that Keras 2 gives them. */
const functions: ReadonlyMap<string, LayerHandler> = new Map<string, LayerHandler>([
  ["__operators__.add", binary("add")],
  ["math.add", binary("add")],
  ["math.subtract", binary("subtract")],
  ["__operators__.sub", binary("subtract")],
  ["math.multiply", binary("multiply")],
  ["__operators__.mul", binary("multiply")],
  ["math.truediv", binary("divide")],
  ["math.divide", binary("divide")],
  ["math.maximum", binary("maximum")],
  ["math.minimum", binary("minimum")],
  ["math.negative", negative],
  ["math.sign", threeSigns],
  ["clip_by_value", clip],
  ["nn.relu", each({ kind: "relu" })],
  ["nn.relu6", each({ kind: "clip", low: 0, high: 6 })],
  ["nn.leaky_relu", leaky],
  ["nn.softmax", (call) => softmaxOver(call, call.args)],
  ["identity", onlyInput],
  ["concat", (call) => joined(call, call.args)],
  ["reshape", (call) => reshapedTo(call, call.args.integers("shape"))],
]);

/** A function of TensorFlow. */
export const tensorFunction: LayerHandler = (call) => {
  const name = call.settings.text("function", "");
  call.settings.raw("symbol");
  const handler = functions.get(name);
  if (handler !== undefined) return handler(call);
  throw new Rejection(
    `it is the function tf.${name.slice(0, 40)}`,
    "use layers for it: of functions, arithmetic with one number, sums, bounds, relu, sign, concat and reshape are supported",
  );
};
