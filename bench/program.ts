/** A layer as a program of its own: a convolution, and the threshold that makes bits of its sums. */

import { xorshift32 } from "../src/compile.js";
import {
  type DeviceProgram,
  elementCount,
  type Instruction,
  outputSize,
  type ProgramTensor,
} from "../src/program/index.js";
import { basesProgram } from "./bases-program.js";
import { bipolar, type CodesOf, type LayerShape, windowOf } from "./shapes.js";
import { verified } from "./verified.js";

/** Weights and input codes are uniform, thresholds near the quantiles of the sums. The same for the same seed. */
export function layerProgram(shape: LayerShape, seed: number): DeviceProgram {
  if (shape.bases !== undefined) return basesProgram(shape, shape.bases, seed);
  const random = xorshift32(seed);
  const window = windowOf(shape);
  const { height, width, channels, outputs, groups, kernel } = shape;
  const inputs = kernel[0] * kernel[1] * (channels / groups);
  const { values, weights } = shape.codes ?? { values: bipolar, weights: bipolar };
  const codes = Uint8Array.from({ length: outputs * inputs }, () =>
    Math.floor((random() / 2 ** 32) * weights.count),
  );
  const domain = { kind: "codes", bits: values.bits, step: values.step, offset: values.offset } as const;
  const levels = values.count - 1;
  const out = [outputSize(height, window, 0), outputSize(width, window, 1), outputs] as const;
  const tensors: ProgramTensor[] = [
    {
      name: "input",
      shape: [height, width, channels],
      domain: shape.input === "bits" ? domain : { kind: "scalar", type: "u8" },
    },
    { name: "sums", shape: out, domain: { kind: "scalar", type: "i32" } },
    { name: "output", shape: out, domain },
  ];
  const instructions: Instruction[] = [
    {
      kind: "conv",
      input: 0,
      output: 1,
      weights: { outputs, inputs, bits: weights.bits, step: weights.step, offset: weights.offset, codes },
      window,
      groups,
      padValue: shape.padValue,
      inputOffset: 0,
    },
    {
      kind: "threshold",
      input: 1,
      output: 2,
      levels,
      thresholds: Int32Array.from({ length: outputs * levels }, (_, i) => {
        const n = Math.floor(i / levels);
        const own = codes.subarray(n * inputs, (n + 1) * inputs);
        return quantileOf(shape, own, i % levels) + (random() % 5) - 2;
      }),
      flipped: new Uint8Array(outputs),
    },
  ];
  const layers = shape.result === "bits" ? 2 : 1;
  return verified(shape.id, tensors.slice(0, layers + 1), instructions.slice(0, layers));
}

/** A pool of bits, 2 × 2, as a program of its own. */
export function poolProgram(size: number, channels: number): DeviceProgram {
  const domain = { kind: "codes", bits: 1, step: 2, offset: -1 } as const;
  return verified(
    `pool2x2-${channels}-${size}x${size}`,
    [
      { name: "input", shape: [size, size, channels], domain },
      { name: "output", shape: [size / 2, size / 2, channels], domain },
    ],
    [
      {
        kind: "pool",
        operator: "maximum",
        input: 0,
        output: 1,
        window: { kernel: [2, 2], stride: [2, 2], dilation: [1, 1], pads: [0, 0, 0, 0] },
      },
    ],
  );
}

/** Where threshold `level` of a layer's code levels cuts the sums of one output: the median for one bit. */
function quantileOf(shape: LayerShape, codes: Uint8Array, level: number): number {
  const { values, weights } = shape.codes ?? { values: bipolar, weights: bipolar };
  const ofWeights = codes.reduce((sum, code) => sum + weightOf(weights, code), 0);
  if (shape.input !== "bits") return Math.round(127.5 * ofWeights);
  const squares = codes.reduce((sum, code) => sum + weightOf(weights, code) ** 2, 0);
  const mean = values.offset + (values.step * (values.count - 1)) / 2;
  const deviation = values.step * Math.sqrt(((values.count ** 2 - 1) / 12) * squares);
  // Quartiles of a normal distribution, one after the other.
  const steps = level - (values.count - 2) / 2;
  return Math.round(mean * ofWeights + 0.67 * deviation * steps);
}

function weightOf({ step, offset }: CodesOf, code: number): number {
  return step * code + offset;
}

/** Two random inputs and two adversarial ones: everything 0, and everything 1 or 255. */
export function layerInputs(program: DeviceProgram, seed: number): Int32Array[] {
  const tensor = program.tensors[program.input.tensor]!;
  const length = elementCount(tensor);
  const most = tensor.domain.kind === "codes" ? 2 ** tensor.domain.bits - 1 : 255;
  const random = xorshift32(seed ^ 0x5bd1_e995);
  const noise = (): Int32Array =>
    Int32Array.from({ length }, () => Math.floor((random() / 2 ** 32) * (most + 1)));
  return [noise(), noise(), new Int32Array(length), new Int32Array(length).fill(most)];
}
