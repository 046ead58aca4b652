import { describe, expect, it } from "vitest";
import type { FloatTensor, ModelGraph } from "../../src/graph/types.js";
import { graphOf, type LayerSpec, tensor } from "../support/keras.js";
import { checkMethod } from "../support/methods/check.js";
import { EPS, Parameters } from "../support/methods/parameters.js";
import { compileGraph } from "../support/models.js";
import { gradientNet, gradients } from "./t29-gradients.js";

checkMethod(gradients);

const [channels, height, width] = gradientNet.input as [number, number, number];

/** The parameters that the definition draws on one input. */
function parameters(): Parameters["tensors"] {
  const drawn = new Parameters(5);
  const size = channels * height * width;
  const data = Float64Array.from({ length: size }, () => Math.fround(drawn.random.integer(-128, 127) / 128));
  gradientNet.reference({ shape: [1, ...gradientNet.input], data }, drawn, (_, value) => value);
  return drawn.tensors;
}

/** [outputs, channels, rows, columns] to Keras' [rows, columns, channels, outputs]. */
function kerasKernel({ shape, data }: Parameters["tensors"][string]): FloatTensor {
  const [outputs, inputs, rows, columns] = shape as [number, number, number, number];
  const moved = new Float32Array(data.length);
  Array.from(data).forEach((w, i) => {
    const [tap, c] = [i % (rows * columns), Math.floor(i / (rows * columns)) % inputs];
    moved[(tap * inputs + c) * outputs + Math.floor(i / (rows * columns * inputs))] = w;
  });
  return { shape: [rows, columns, inputs, outputs], data: moved };
}

/** The net as Larq saves it, all of its signs under one name. */
function larqNet(quantizer: unknown): ModelGraph {
  const tensors = parameters();
  const layers = [1, 2, 3].flatMap((i): LayerSpec[] => {
    const kernel = kerasKernel(tensors[`conv${i}.weight`]!);
    const constants = ["weight", "bias", "running_mean", "running_var"].map((field) => {
      const { shape, data } = tensors[`bn${i}.${field}`]!;
      return tensor(shape, [...(data as readonly number[])]);
    });
    const config = {
      filters: kernel.shape[3]!,
      kernel_size: kernel.shape.slice(0, 2),
      padding: i === 2 ? "same" : "valid",
      use_bias: false,
      kernel_quantizer: quantizer,
      ...(i === 1 ? {} : { input_quantizer: quantizer }),
    };
    return [
      { class: "QuantConv2D", config, weights: [kernel] },
      { class: "BatchNormalization", config: { axis: [3], epsilon: EPS }, weights: constants },
    ];
  });
  return graphOf({ input: [height, width, channels], layers });
}

const names: readonly [string, unknown][] = [
  ["the straight-through estimator", "ste_sign"],
  ["Bi-Real Net's approximation", "approx_sign"],
  ["SwishSign", "swish_sign"],
  ["BNN+: SwishSign with a beta", { class_name: "SwishSign", config: { beta: 10, name: "swish_sign" } }],
];

describe("T29, a Larq net whose signs have four names", () => {
  const compiled = names.map(
    ([, quantizer]) =>
      compileGraph(larqNet(quantizer), undefined, { input: { type: "u8", affine: gradientNet.bytes! } })
        .library,
  );

  it.each(names.slice(1).map(([name], i) => [name, i + 1] as const))("%s: the same C files", (_, i) => {
    expect(compiled[i]!.files).toEqual(compiled[0]!.files);
  });

  it("binarizes in all of them: kernels of bits", () => {
    const { instructions } = compileGraph(larqNet("ste_sign")).program;
    const bits = instructions.flatMap((i) => (i.kind === "conv" ? [i.weights.bits] : []));
    expect(bits.length).toBeGreaterThan(1);
    expect(new Set(bits)).toEqual(new Set([1]));
  });

  it("another quantizer makes other files", () => {
    const ternary = compileGraph(larqNet("ste_tern"), undefined, {
      input: { type: "u8", affine: gradientNet.bytes! },
    });
    expect(ternary.library.files).not.toEqual(compiled[0]!.files);
  });
});
