/** A layer as a program of its own: a convolution, and the threshold that makes bits of its sums. */

import { xorshift32 } from "../src/compile.js";
import {
  type DeviceProgram,
  elementCount,
  type Instruction,
  outputSize,
  type ProgramTensor,
  verifyProgram,
} from "../src/program/index.js";
import { type LayerShape, windowOf } from "./shapes.js";

const bits = { kind: "codes", bits: 1, step: 2, offset: -1 } as const;

/** Weights and input bits are Bernoulli(1/2), thresholds near the median of the sums. The same for the same seed. */
export function layerProgram(shape: LayerShape, seed: number): DeviceProgram {
  const random = xorshift32(seed);
  const window = windowOf(shape);
  const { height, width, channels, outputs, groups, kernel } = shape;
  const inputs = kernel[0] * kernel[1] * (channels / groups);
  const codes = Uint8Array.from({ length: outputs * inputs }, () => random() >>> 31);
  const out = [outputSize(height, window, 0), outputSize(width, window, 1), outputs] as const;
  const tensors: ProgramTensor[] = [
    {
      name: "input",
      shape: [height, width, channels],
      domain: shape.input === "bits" ? bits : { kind: "scalar", type: "u8" },
    },
    { name: "sums", shape: out, domain: { kind: "scalar", type: "i32" } },
    { name: "output", shape: out, domain: bits },
  ];
  const instructions: Instruction[] = [
    {
      kind: "conv",
      input: 0,
      output: 1,
      weights: { outputs, inputs, bits: 1, step: 2, offset: -1, codes },
      window,
      groups,
      padValue: shape.padValue,
      inputOffset: 0,
    },
    {
      kind: "threshold",
      input: 1,
      output: 2,
      levels: 1,
      thresholds: Int32Array.from({ length: outputs }, (_, n) => {
        const own = codes.subarray(n * inputs, (n + 1) * inputs);
        return medianOf(shape, own) + (random() % 5) - 2;
      }),
      flipped: new Uint8Array(outputs),
    },
  ];
  const last = shape.result === "bits" ? 2 : 1;
  const program: DeviceProgram = {
    name: shape.id,
    tensors: tensors.slice(0, last + 1),
    instructions: instructions.slice(0, last),
    input: { tensor: 0, modelShape: [1, height, width, channels], order: "nhwc" },
    output: {
      tensor: last,
      affine: [],
      order: { kind: "scores" },
      omitted: [],
      modelShape: [1, ...out],
      layout: "nhwc",
    },
  };
  verifyProgram(program);
  return program;
}

/** Median of the sums of one output: 0 for ±1, while u8 inputs are 127.5 in the middle. */
function medianOf({ input }: LayerShape, codes: Uint8Array): number {
  return input === "bits" ? 0 : Math.round(127.5 * codes.reduce((sum, code) => sum + 2 * code - 1, 0));
}

/** Two random inputs and two adversarial ones: everything 0, and everything 1 or 255. */
export function layerInputs(program: DeviceProgram, seed: number): Int32Array[] {
  const tensor = program.tensors[program.input.tensor]!;
  const length = elementCount(tensor);
  const most = tensor.domain.kind === "codes" ? 1 : 255;
  const random = xorshift32(seed ^ 0x5bd1_e995);
  const noise = (): Int32Array =>
    Int32Array.from({ length }, () => Math.floor((random() / 2 ** 32) * (most + 1)));
  return [noise(), noise(), new Int32Array(length), new Int32Array(length).fill(most)];
}
