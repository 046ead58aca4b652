/**
 * QKeras' convolutions with a batch normalization inside, which is folded into kernel and bias before these are
 * quantized (qkeras 0.9, qconv2d_batchnorm.py and qdepthwiseconv2d_batchnorm.py).
 */
import type { FloatTensor } from "../../../graph/types.js";
import { Rejection } from "../../common/rejection.js";
import type { LayerCall } from "../call.js";
import type { ReadWeights } from "./conv.js";
import { checkShape } from "./conv.js";
import { normalizingFactor } from "./normalization.js";

const f = Math.fround;

/**
 * The kernel is `factor · kernel`, the bias `factor · (bias − mean) + beta` with `factor = rsqrt(variance + epsilon) · gamma`,
 * each operation rounded. At inference both modes of folding do the same: they take the moving statistics.
 */
export const foldedWeights: ReadWeights = (call, kernelName) => {
  const { settings } = call;
  checkSettings(call);
  const hasBias = settings.flag("use_bias", true);
  const hasScale = settings.flag("scale", true);
  const names = [
    kernelName,
    ...(hasBias ? ["bias"] : []),
    ...(hasScale ? ["batchnorm/gamma"] : []),
    "batchnorm/beta",
    // How many steps the layer was trained.
    "iteration",
    "batchnorm/moving_mean",
    "batchnorm/moving_variance",
  ];
  const stored = call.weights(names);
  const weight = (name: string): FloatTensor | undefined => stored[names.indexOf(name)];
  const kernel = weight(kernelName)!;
  // The outputs of a depthwise kernel are its channels and multiples of them, one number for both.
  const outputs = kernel.shape.slice(kernelName === "depthwise_kernel" ? -2 : -1).reduce((a, b) => a * b, 1);
  const perOutput = (name: string, byDefault: number): Float32Array => {
    const found = weight(name);
    if (found === undefined) return new Float32Array(outputs).fill(byDefault);
    checkShape(found, [outputs]);
    return found.data;
  };
  const factor = normalizingFactor(
    perOutput("batchnorm/gamma", 1),
    perOutput("batchnorm/moving_variance", 1),
    settings.number("epsilon", 1e-3),
  );
  const [bias, mean, beta] = ["bias", "batchnorm/moving_mean", "batchnorm/beta"].map((n) =>
    perOutput(n, 0),
  ) as [Float32Array, Float32Array, Float32Array];
  const folded = {
    kernel: { shape: kernel.shape, data: kernel.data.map((x, i) => factor[i % outputs]! * x) },
    bias: {
      shape: [outputs],
      data: bias.map((b, n) => f(factor[n]! * f(b - mean[n]!)) + beta[n]!),
    },
  };
  if (folded.kernel.data.every(Number.isFinite) && folded.bias.data.every(Number.isFinite)) return folded;
  throw new Rejection("folding its normalization overflows float32", "check the model's parameters");
};

function checkSettings({ settings }: LayerCall): void {
  // Neither the mode nor the delay matters once the training is over.
  for (const name of ["folding_mode", "ema_freeze_delay", "fused"]) settings.raw(name);
  if (!settings.flag("center", true))
    throw new Rejection(
      "its normalization has no beta",
      "build the layer with center=True, as QKeras needs it",
    );
  const axes = settings.raw("axis") === undefined ? [-1] : settings.integers("axis");
  if (axes.length !== 1 || (axes[0] !== -1 && axes[0] !== 3))
    throw new Rejection(
      `it normalizes axis ${axes.slice(0, 4).join(", ")}`,
      "normalize the channels: axis=-1",
    );
}
