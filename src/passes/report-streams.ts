/** What users hear about fixed point: nothing becomes approximate in silence. */
import type { Diagnostics } from "../diagnostics/diagnostic.js";
import type { CodedLayer, Stream, Streams } from "./streams.js";

export function reportStreams(
  { tensors, layers, floats, outputError }: Streams,
  diagnostics: Diagnostics,
): void {
  if (tensors.length + layers.length === 0) {
    diagnostics.note(
      "streams/none",
      "no float32 tensor of the model can be fixed point: the program is exact",
      {
        remedy: "leave out --streams q16; float32 inputs have no known range: give images as u8",
      },
    );
    return;
  }
  diagnostics.warn(
    "streams/q16",
    `the program does not compute what the framework does: ${countText(tensors.length, "float32 tensor")} in 16 bits of fixed point, ${countText(layers.length, "float32 layer")} with weights of at most 8 bits`,
    {
      remedy:
        "compare with the model on real inputs: bitloom run --reference both; numbers closer to a threshold than the bounds below can get another code",
    },
  );
  for (const { tensor, fraction, error } of tensors) {
    diagnostics.note("streams/tensor", streamText({ tensor, fraction, error }), { where: tensor });
  }
  for (const { layer, weightError } of layers)
    diagnostics.note("streams/layer", layerText({ layer, weightError }), { where: layer });
  if (outputError === null) {
    diagnostics.note(
      "streams/output",
      "outputs have no bound: float32 operations that have none follow fixed point",
    );
  } else if (outputError > 0) {
    diagnostics.note(
      "streams/output",
      `outputs are within ${bound(outputError)} of the model's while all codes before them are the same`,
    );
  }
  if (floats.length > 0) {
    diagnostics.note(
      "streams/float",
      `${countText(floats.length, "tensor")} stay float32, as the framework has them: ${listed(floats)}`,
    );
  }
}

function streamText({ fraction, error }: Stream): string {
  return `16 bits in steps of ${powerText(-fraction)}, within ${bound(error)} of float32`;
}

function layerText({ weightError }: CodedLayer): string {
  return weightError === 0
    ? "weights are exact in 8 bits"
    : `weights in 8 bits, within ${bound(weightError)}`;
}

function powerText(exponent: number): string {
  return `2^${exponent}`;
}

/** Rounded up, so that it stays a bound. */
function bound(error: number): string {
  const unit = 10 ** (Math.floor(Math.log10(error)) - 2);
  return String(Number((Math.ceil(error / unit) * unit).toPrecision(3)));
}

function countText(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? "" : "s"}`;
}

const SHOWN = 6;

function listed(names: readonly string[]): string {
  const rest = names.length - SHOWN;
  return names.slice(0, SHOWN).join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}
