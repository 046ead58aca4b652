import { didYouMean } from "../../diagnostics/text.js";
import { kerasLayers } from "./registry.js";

const recurrent = "recurrent layers are not supported: use convolutions along the signal (Conv1D)";

const transposed = "transposed convolutions are not supported: pools and strides only make maps smaller";

const normalized = "use BatchNormalization, whose statistics do not depend on the input";
const resized = "resize and crop images before the model, and build it without this layer";

/** What helps with layers that users are likely to have. */
const remedies: ReadonlyMap<string, string> = new Map([
  ["Lambda", "Lambda layers hold Python code, which is never run: use layers that say what they compute"],
  ["TimeDistributed", "call the inner layer itself: dense layers work on the last axis of any value"],
  ["Bidirectional", recurrent],
  ["LSTM", recurrent],
  ["GRU", recurrent],
  ["SimpleRNN", recurrent],
  ["ConvLSTM2D", recurrent],
  ["QuantConv2DTranspose", transposed],
  ["Conv1DTranspose", transposed],
  ["Conv2DTranspose", transposed],
  ["QuantLocallyConnected1D", "locally connected layers have weights per position: use a convolution"],
  ["QuantLocallyConnected2D", "locally connected layers have weights per position: use a convolution"],
  ["QuantConv3D", "convolutions over one or two axes are supported"],
  ["QDenseBatchnorm", "build it from QDense and QBatchNormalization"],
  [
    "QAdaptiveActivation",
    "use QActivation with quantized_bits or quantized_relu of the range that the layer has found",
  ],
  ["QConv2DTranspose", transposed],
  ["QLSTM", recurrent],
  ["QGRU", recurrent],
  ["QSimpleRNN", recurrent],
  ["QBidirectional", recurrent],
  ["UpSampling1D", transposed],
  ["UpSampling2D", transposed],
  ["ThresholdedReLU", "use ReLU, whose threshold is 0, and train again"],
  ["Resizing", resized],
  ["CenterCrop", resized],
  ["RandomCrop", resized],
  ["GroupNormalization", normalized],
  ["UnitNormalization", normalized],
  ["LayerNormalization", normalized],
  ["ELU", "replace it by ReLU, PReLU or a quantized activation and train again"],
]);

/** Longer names are no typing errors; comparing them would take long. */
const LONGEST_NAME = 40;

/** What a user can do about a class of layers that is not in the registry. */
export function unsupportedRemedy(className: string): string {
  const known = remedies.get(className);
  if (known !== undefined) return known;
  const guess =
    className.length <= LONGEST_NAME
      ? didYouMean(
          className,
          kerasLayers.map((e) => e.layer),
        )
      : undefined;
  if (guess !== undefined) return `did you mean ${guess}?`;
  return "code of layers of your own is never run: build the model from layers that `bitloom ops` lists";
}
