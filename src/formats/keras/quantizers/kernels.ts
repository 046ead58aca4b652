/**
 * Kernels as Larq and QKeras quantize them at inference: integer codes times a scale per tensor or per output (last axis).
 * The arithmetic is that of larq 0.14 (quantizers.py) and qkeras 0.9 (quantizers.py), in float32.
 */
import { printable } from "../../../diagnostics/text.js";
import type { FloatTensor } from "../../../graph/types.js";
import { type FloatConstant, floatConstant } from "../../common/constant.js";
import { Rejection } from "../../common/rejection.js";
import { automaticBits, automaticTernary } from "./automatic.js";
import type { Identifier } from "./identifier.js";
import { alphaOf, type Codes, checkNoNoise, fixedCodes, powersOfTwo } from "./qkeras.js";
import { greatestMagnitudes, halfEven, leastSquares, means } from "./scale.js";
import { activationRemedy } from "./unsupported.js";

const f = Math.fround;

/** A kernel's quantizer; without one, or with NoOp, the weights are taken as they are. */
export function quantizeKernel(quantizer: Identifier | undefined, kernel: FloatTensor): FloatConstant {
  if (quantizer === undefined) return floatConstant(kernel.shape, kernel.data);
  const { name, settings } = quantizer;
  const quantize = kernelQuantizers.get(name);
  if (quantize === undefined) {
    throw new Rejection(
      `its kernel quantizer is "${printable(name, 40)}"`,
      activationRemedy(name, [...kernelQuantizers.keys()]),
    );
  }
  const quantized = quantize(quantizer, kernel);
  settings.finish();
  return "codes" in quantized ? withCodes(kernel, quantized) : floatConstant(kernel.shape, quantized.data);
}

/** Codes, or numbers that have no equal distances. */
type KernelQuantizer = (quantizer: Identifier, kernel: FloatTensor) => Codes | Pick<FloatTensor, "data">;

const ONE = Float32Array.of(1);

const sign = (x: number): number => (x >= 0 ? 1 : -1);

const larqSign =
  (...trainingSettings: readonly string[]): KernelQuantizer =>
  ({ settings }, { data }) => {
    for (const name of trainingSettings) settings.raw(name);
    return { codes: data.map(sign), scale: ONE };
  };

export const kernelQuantizers: ReadonlyMap<string, KernelQuantizer> = new Map<string, KernelQuantizer>([
  ["ste_sign", larqSign("clip_value")],
  ["approx_sign", larqSign()],
  ["swish_sign", larqSign("beta")],
  ["magnitude_aware_sign", magnitudeAwareSign],
  ["magnitude_aware_sign_unclipped", layerScale],
  ["xnor_weight_scale", clippedScale],
  ["ste_tern", steTern],
  ["ste_heaviside", steHeaviside],
  ["dorefa_quantizer", dorefa],
  ["no_op", noOp],
  ["binary", binary],
  ["stochastic_binary", binary],
  ["ternary", ternary],
  ["stochastic_ternary", ternary],
  ["quantized_bits", quantizedBits],
  ["quantized_po2", quantizedPo2],
]);

/** The sign times the mean magnitude over all axes but the last. */
function magnitudeAwareSign({ settings }: Identifier, kernel: FloatTensor): Codes {
  settings.raw("clip_value");
  return { codes: kernel.data.map(sign), scale: means(kernel, Math.abs) };
}

/** Of Larq Zoo's DoReFa-Net: the sign times the mean magnitude of the whole kernel. */
function layerScale(_: Identifier, { data }: FloatTensor): Codes {
  const sum = data.reduce((total, x) => total + Math.abs(x), 0);
  return { codes: data.map(sign), scale: Float32Array.of(sum / data.length) };
}

/** Of Larq Zoo's XNOR-Net: the sign times the mean magnitude, after clipping to ±1, of each filter. */
function clippedScale(_: Identifier, kernel: FloatTensor): Codes {
  return { codes: kernel.data.map(sign), scale: means(kernel, (x) => Math.min(Math.abs(x), 1)) };
}

/** 0 between the thresholds, which themselves are ±1: `sign(sign(x + t) + sign(x − t))`. */
function steTern({ settings }: Identifier, { data }: FloatTensor): Codes {
  settings.raw("clip_value");
  const t = settings.flag("ternary_weight_networks", false)
    ? f(f(0.7 * f(data.reduce((sum, x) => sum + Math.abs(x), 0))) / data.length)
    : f(settings.number("threshold_value", 0.05));
  settings.raw("threshold_value");
  return { codes: data.map((x) => Math.sign(Math.sign(f(x + t)) + Math.sign(f(x - t)))), scale: ONE };
}

function steHeaviside({ settings }: Identifier, { data }: FloatTensor): Codes {
  settings.raw("clip_value");
  return { codes: data.map((x) => (x > 0 ? 1 : 0)), scale: ONE };
}

/**
 * Weights: `2·round(n·(tanh(x) / (2·max|tanh(x)|) + ½)) / n − 1`, odd numerators over n = 2^k − 1. In the mode of
 * activations: `round(n·clip(x, 0, 1)) / n`.
 */
function dorefa({ settings }: Identifier, { data }: FloatTensor): Codes {
  const bits = bitsOf(settings.integer("k_bit", 2));
  const n = 2 ** bits - 1;
  const scale = Float32Array.of(1 / n);
  if (settings.text("mode", "activations") !== "weights")
    return { codes: data.map((x) => halfEven(f(Math.min(Math.max(x, 0), 1) * n))), scale };
  const limited = data.map((x) => Math.tanh(x));
  const most = limited.reduce((a, x) => Math.max(a, Math.abs(x)), 0);
  const normed = limited.map((x) => (most === 0 ? 0.5 : f(f(x / f(2 * most)) + 0.5)));
  return { codes: normed.map((x) => 2 * halfEven(f(x * n)) - n), scale };
}

/** The kernel is stored as it is used, e.g. ±1 by Bop. */
function noOp({ settings }: Identifier, kernel: FloatTensor): FloatTensor {
  settings.raw("precision");
  return kernel;
}

/** Powers of two with a sign: as codes where they are few and small, found like those of float weights. */
function quantizedPo2(quantizer: Identifier, { data }: FloatTensor): Pick<FloatTensor, "data"> {
  return { data: powersOfTwo(quantizer, data) ?? data };
}

function binary({ settings }: Identifier, kernel: FloatTensor): Codes {
  checkNoNoise(settings);
  for (const name of ["temperature", "use_real_sigmoid", "use_stochastic_rounding"]) settings.raw(name);
  const isZeroOne = settings.flag("use_01", false);
  const codes = kernel.data.map((x) => (x >= 0 ? 1 : isZeroOne ? 0 : -1));
  const alpha = kernelAlpha(settings);
  return {
    codes,
    scale:
      typeof alpha === "number" ? Float32Array.of(alpha) : leastSquares(kernel, codes, alpha === "auto_po2"),
  };
}

function ternary(quantizer: Identifier, kernel: FloatTensor): Codes {
  const alpha = kernelAlpha(quantizer.settings);
  return typeof alpha === "number"
    ? fixedCodes(quantizer, kernel.data)
    : automaticTernary(quantizer, kernel, alpha);
}

function quantizedBits(quantizer: Identifier, kernel: FloatTensor): Codes {
  const alpha = kernelAlpha(quantizer.settings);
  return typeof alpha === "number"
    ? fixedCodes(quantizer, kernel.data)
    : automaticBits(quantizer, kernel, greatestMagnitudes(kernel), alpha);
}

/** QKeras' layers turn a missing alpha into "auto_po2" for kernels (`_set_trainable_parameter`). */
function kernelAlpha(settings: Identifier["settings"]): number | "auto" | "auto_po2" {
  return alphaOf(settings) ?? "auto_po2";
}

function bitsOf(bits: number): number {
  if (bits >= 1 && bits <= 8) return bits;
  throw new Rejection(`its quantizer has ${bits} bits`, "use 1 to 8 bits");
}

/** `code · scale` in float32, with the scale along the last axis. */
function withCodes({ shape, data }: FloatTensor, { codes, scale }: Codes): FloatConstant {
  const values = Float32Array.from(data, (_, i) => codes[i]! * scale[i % scale.length]!);
  if (!values.every(Number.isFinite))
    throw new Rejection("quantizing its weights overflows float32", "check the model's scales");
  const scaleShape = shape.map((_, axis) => (axis === shape.length - 1 ? scale.length : 1));
  return {
    ...floatConstant(shape, values),
    quantized: { codes: Int32Array.from(codes), scale: { shape: scaleShape, data: scale } },
  };
}
