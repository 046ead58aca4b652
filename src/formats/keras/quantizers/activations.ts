/**
 * Activations and quantizers of computed values, as graph nodes. Each has exactly the framework's decisions; what
 * Larq and QKeras wrap around them for gradients is left out.
 */
import { printable } from "../../../diagnostics/text.js";
import type { GraphOp } from "../../../graph/types.js";
import { type ChannelsLastValue, graphAxis, presentLayout } from "../../common/channels-last.js";
import { Rejection } from "../../common/rejection.js";
import type { LayerCall } from "../call.js";
import type { Identifier } from "./identifier.js";
import { arithmetic, sign, uniform } from "./operations.js";
import { alphaOf, checkNoNoise, checkSizes, fixedPoint, ternaryThreshold } from "./qkeras.js";
import { kerasHardSigmoid, qkerasFunctions, quantizedSigmoid, quantizedTanh } from "./sigmoids.js";
import { activationRemedy } from "./unsupported.js";

const f = Math.fround;

/** The value after an activation. `part` tells its nodes apart from the layer's main one. */
export function activate(
  call: LayerCall,
  input: ChannelsLastValue,
  activation: Identifier | undefined,
  part: string | undefined,
): ChannelsLastValue {
  if (activation === undefined) return input;
  const { name, settings } = activation;
  const operations = operationsOf(call, name)?.(settings, input);
  if (operations === undefined)
    throw new Rejection(
      `its activation is "${printable(name, 40)}"`,
      activationRemedy(name, [...activations.keys()]),
    );
  settings.finish();
  return operations.reduce((value, op, i) => {
    const last = i === operations.length - 1;
    const step =
      operations.length === 1 ? part : [part, last ? undefined : `step ${i + 1}`].filter(Boolean).join(" ");
    return elementwise(call, value, op, step === "" ? undefined : step);
  }, input);
}

/** What an activation's name means: QKeras has functions of its own under names of others. */
function operationsOf({ from, kerasMajor }: LayerCall, name: string): Make | undefined {
  const own = from === "QKeras" ? qkerasFunctions.get(name) : undefined;
  if (own !== undefined) return () => own;
  return name === "hard_sigmoid" && kerasMajor > 2 ? undefined : activations.get(name);
}

/** A node on each element by itself, in the order of axes in which the value is there. */
export function elementwise(
  call: LayerCall,
  input: ChannelsLastValue,
  op: GraphOp,
  part?: string,
): ChannelsLastValue {
  return call.emit(op, [input], input.shape, presentLayout(input), part);
}

type Make = (settings: Identifier["settings"], input: ChannelsLastValue) => readonly GraphOp[];

/** Every supported activation and quantizer of computed values. */
export const activations: ReadonlyMap<string, Make> = new Map<string, Make>([
  ["linear", () => []],
  ["relu", () => [{ kind: "relu" }]],
  ["relu6", () => [{ kind: "clip", low: 0, high: 6 }]],
  ["clip_by_value_activation", () => [{ kind: "clip", low: 0, high: 1 }]],
  ["hard_tanh", () => [{ kind: "clip", low: -1, high: 1 }]],
  ["hard_sigmoid", () => kerasHardSigmoid],
  ["softmax", (_, { shape, ...value }) => [{ kind: "softmax", axis: channelAxis({ shape, ...value }) }]],
  ["ste_sign", larqSign("clip_value")],
  ["approx_sign", larqSign()],
  ["swish_sign", larqSign("beta")],
  ["ste_tern", steTern],
  ["ste_heaviside", steHeaviside],
  ["dorefa_quantizer", dorefa],
  ["no_op", noOp],
  ["binary", binary],
  ["stochastic_binary", binary],
  ["ternary", ternary],
  ["stochastic_ternary", ternary],
  ["quantized_bits", quantizedBits],
  ["quantized_relu", quantizedRelu],
  ["quantized_sigmoid", quantizedSigmoid],
  ["quantized_tanh", quantizedTanh],
]);

/** The axis of the channels in the graph. */
function channelAxis(value: ChannelsLastValue): number {
  const rank = value.shape.length;
  return graphAxis(rank - 1, rank, presentLayout(value));
}

function larqSign(...trainingSettings: readonly string[]): Make {
  return (settings) => {
    for (const name of trainingSettings) settings.raw(name);
    return [sign()];
  };
}

function steTern(settings: Identifier["settings"]): readonly GraphOp[] {
  settings.raw("clip_value");
  if (settings.flag("ternary_weight_networks", false)) {
    throw new Rejection(
      "its ternary quantizer computes the threshold from what it quantizes",
      "use ste_tern with a fixed threshold_value for activations",
    );
  }
  return ternaryAt(checkedThreshold(f(settings.number("threshold_value", 0.05))), 1);
}

function checkedThreshold(threshold: number): number {
  if (threshold > 2 ** -100 && threshold < 2 ** 100) return threshold;
  throw new Rejection(`its ternary quantizer's threshold is ${threshold}`, "use a positive threshold");
}

/**
 * −alpha, 0, alpha, where ±threshold belong to ±alpha. In a quantizer that rounds halves to even, `x / s` is beyond
 * a half from the threshold on if s is twice the float32 before the threshold; the division by s is exact.
 */
function ternaryAt(threshold: number, alpha: number): readonly GraphOp[] {
  const step = 2 * floatBefore(threshold);
  return [uniform(step, -1, 1), arithmetic("divide", step), ...times(alpha)];
}

/** The greatest float32 below a positive one. */
function floatBefore(x: number): number {
  const bits = new DataView(new ArrayBuffer(4));
  bits.setFloat32(0, x);
  bits.setInt32(0, bits.getInt32(0) - 1);
  return bits.getFloat32(0);
}

function times(alpha: number): readonly GraphOp[] {
  return alpha === 1 ? [] : [arithmetic("multiply", alpha)];
}

/** 1 where x > 0. */
function steHeaviside(settings: Identifier["settings"]): readonly GraphOp[] {
  settings.raw("clip_value");
  return [uniform(1, 0, 1, "ceil")];
}

/** `round(clip(x, 0, 1) · n) / n` with n = 2^k − 1. */
function dorefa(settings: Identifier["settings"]): readonly GraphOp[] {
  const bits = settings.integer("k_bit", 2);
  if (bits < 1 || bits > 8) throw new Rejection(`its quantizer has ${bits} bits`, "use 1 to 8 bits");
  if (settings.text("mode", "activations") !== "activations")
    throw new Rejection(
      "its DoReFa quantizer is in the mode of weights",
      'use mode="activations" for activations',
    );
  const n = 2 ** bits - 1;
  // Clipping to 0…1 first is what the quantizer's bounds do.
  return n === 1
    ? [uniform(1, 0, 1)]
    : [arithmetic("multiply", n), uniform(1, 0, n), arithmetic("divide", n)];
}

function noOp(settings: Identifier["settings"]): readonly GraphOp[] {
  settings.raw("precision");
  return [];
}

/** ±alpha with +alpha for 0, or 0 and alpha. */
function binary(settings: Identifier["settings"]): readonly GraphOp[] {
  checkNoNoise(settings);
  for (const name of ["temperature", "use_real_sigmoid", "use_stochastic_rounding"]) settings.raw(name);
  const alpha = fixedAlpha(settings);
  if (!settings.flag("use_01", false)) return [sign(alpha)];
  return [sign(), arithmetic("add", 1), arithmetic("divide", 2), ...times(alpha)];
}

function ternary(settings: Identifier["settings"]): readonly GraphOp[] {
  checkNoNoise(settings);
  return ternaryAt(ternaryThreshold(settings), fixedAlpha(settings));
}

function quantizedBits(settings: Identifier["settings"]): readonly GraphOp[] {
  const { step, least, greatest, isSign } = fixedPoint(settings);
  const alpha = fixedAlpha(settings);
  return isSign ? [sign(alpha)] : [uniform(step, least, greatest), ...times(alpha)];
}

/** Integers from 0 on times a power of two. */
function quantizedRelu(settings: Identifier["settings"]): readonly GraphOp[] {
  const bits = settings.integer("bits", 8);
  const integer = settings.integer("integer", 0);
  checkNoNoise(settings);
  checkSizes(bits, integer);
  settings.raw("use_stochastic_rounding");
  // Saved models clip to the largest code (is_quantized_clip), which makes this bound idle.
  settings.raw("relu_upper_bound");
  if (
    !settings.flag("is_quantized_clip", true) ||
    settings.flag("use_sigmoid", false) ||
    settings.number("negative_slope", 0) !== 0
  )
    throw new Rejection(
      "its quantized_relu has a sigmoid, a slope or a bound of its own",
      "use quantized_relu(bits, integer)",
    );
  return [uniform(2 ** (integer - bits), 0, 2 ** bits - 1)];
}

function fixedAlpha(settings: Identifier["settings"]): number {
  const alpha = alphaOf(settings) ?? 1;
  if (typeof alpha === "number") return alpha;
  throw new Rejection(
    `its quantizer's alpha is "${alpha}", computed from every input anew`,
    "give alpha a number for activations",
  );
}
