/** A layer of planes by bases as a program of its own, with the threshold that makes codes of as many planes. */
import { xorshift32 } from "../src/compile.js";
import {
  type DeviceProgram,
  type Instruction,
  outputSize,
  type ProgramTensor,
} from "../src/program/index.js";
import { bipolar, type LayerShape, windowOf } from "./shapes.js";
import { verified } from "./verified.js";

/** Bits are uniform, coefficients of one size, thresholds near the quantiles of the sums. */
export function basesProgram(
  shape: LayerShape,
  { planes, count, values }: NonNullable<LayerShape["bases"]>,
  seed: number,
): DeviceProgram {
  const random = xorshift32(seed);
  const uniform = (): number => random() / 2 ** 32;
  const window = windowOf(shape);
  const { height, width, channels, outputs, groups, kernel } = shape;
  const inputs = kernel[0] * kernel[1] * (channels / groups);
  const codes = { kind: "codes", bits: planes, step: 1, offset: 0 } as const;
  const out = [outputSize(height, window, 0), outputSize(width, window, 1), outputs] as const;
  const tensors: ProgramTensor[] = [
    { name: "input", shape: [height, width, channels], domain: codes },
    { name: "sums", shape: out, domain: { kind: "scalar", type: "f32" } },
    { name: "output", shape: out, domain: codes },
  ];
  const coefficients = Float32Array.from({ length: outputs * count * planes }, () => 0.2 + uniform());
  const instructions: Instruction[] = [
    {
      kind: "conv-bases",
      input: 0,
      output: 1,
      planes: { step: values.step, offset: values.offset },
      bases: Array.from({ length: count }, () => ({
        ...{ outputs, inputs, bits: 1, step: bipolar.step, offset: bipolar.offset },
        codes: Uint8Array.from({ length: outputs * inputs }, () => random() >>> 31),
      })),
      coefficients,
      window,
      groups,
      ...(shape.padValue === 0 ? {} : { padCode: 2 ** planes - 1 }),
    },
    {
      kind: "threshold",
      input: 1,
      output: 2,
      levels: 2 ** planes - 1,
      thresholds: Int32Array.from({ length: outputs * (2 ** planes - 1) }, (_, i) => {
        const level = (i % (2 ** planes - 1)) - 2 ** (planes - 1) + 1;
        return keyOf((level + 0.3 * (uniform() - 0.5)) * Math.sqrt(inputs * count * planes) * 0.5);
      }),
      flipped: new Uint8Array(outputs),
    },
  ];
  const layers = shape.result === "bits" ? 2 : 1;
  return verified(shape.id, tensors.slice(0, layers + 1), instructions.slice(0, layers));
}

/** The order-preserving key of a float32. */
function keyOf(x: number): number {
  const bits = new Int32Array(Float32Array.of(x).buffer)[0]!;
  return bits >= 0 ? bits : bits ^ 0x7fffffff;
}
