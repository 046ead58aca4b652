/** What helps with quantizers and activations that are not supported. */
import { didYouMean } from "../../../diagnostics/text.js";

const smooth = "replace it by a quantized activation (ste_sign, or relu and a quantizer) and train again";

const remedies: ReadonlyMap<string, string> = new Map([
  ...[
    "sigmoid",
    "tanh",
    "elu",
    "selu",
    "gelu",
    "swish",
    "silu",
    "softplus",
    "softsign",
    "mish",
    "exponential",
  ].map((name) => [name, smooth] as const),
  ["hard_sigmoid", "use QKeras' quantized_sigmoid, or relu6 and a scale, and train again"],
  ["leaky_tanh", "use hard_tanh, which is flat outside −1…1, and train again"],
  ["bernoulli", "bernoulli draws at random: use binary, and train again"],
  ["quantized_ulaw", "its levels are not equally far apart: use quantized_bits, and train again"],
  [
    "quantized_po2",
    "its levels are not equally far apart: use quantized_bits for values, quantized_po2 for kernels",
  ],
  [
    "quantized_relu_po2",
    "its levels are not equally far apart: use quantized_relu for values, quantized_po2 for kernels",
  ],
  ["quantized_hswish", "it multiplies two computed values: use quantized_relu, and train again"],
  ["quantized_linear", "use quantized_bits, which QKeras 0.9 has, with the same bits"],
]);

/** Longer names are no typing errors. */
const LONGEST_NAME = 40;

export function activationRemedy(name: string, supported: readonly string[]): string {
  const guess = name.length <= LONGEST_NAME ? didYouMean(name, supported) : undefined;
  return (
    remedies.get(name) ??
    (guess === undefined ? `supported are ${supported.join(", ")}` : `did you mean ${guess}?`)
  );
}
