/** Quantizers at their thresholds and at 0, in every spelling that configs have. */
import { describe, expect, test } from "vitest";
import { identifierOf } from "../../../src/formats/keras/quantizers/identifier.js";
import { quantizeKernel } from "../../../src/formats/keras/quantizers/kernels.js";
import { quantizeConstants } from "../../../src/formats/keras/quantizers/qkeras.js";
import { filled, problemOf, run, tensor } from "../../support/keras.js";

const f = Math.fround;
/** The float32 numbers beside one. */
const below = (x: number): number => beside(x, x > 0 ? -1 : 1);
const above = (x: number): number => beside(x, x > 0 ? 1 : -1);
function beside(x: number, step: number): number {
  const bits = new DataView(new ArrayBuffer(4));
  bits.setFloat32(0, x);
  bits.setInt32(0, bits.getInt32(0) + step);
  return bits.getFloat32(0);
}

const activation = (wanted: unknown, x: readonly number[]): number[] =>
  run({ input: [x.length], layers: [{ class: "QActivation", config: { activation: wanted } }] }, x);

const kernel = (wanted: unknown, data: readonly number[], shape: readonly number[] = [data.length, 1]) =>
  quantizeKernel(identifierOf(wanted), tensor(shape, data));

const t = f(0.33);
const edges = [-1, -t, -below(t), -0, 0, 1e-30, below(t), t, above(t), 7];

describe("values", () => {
  test.each<[string, unknown, readonly number[], readonly number[]]>([
    ["ste_sign has +1 for both zeros", "ste_sign", [-1e-30, -0, 0, 1e-30], [-1, 1, 1, 1]],
    ["binary has, too", "binary", [-1e-30, -0, 0, 1e-30], [-1, 1, 1, 1]],
    ["binary of 0 and 1", "binary(use_01=True,alpha=0.5)", [-1e-30, -0, 0, 3], [0, 0.5, 0.5, 0.5]],
    ["ste_heaviside has 0 for zeros", "ste_heaviside", [-1, -0, 0, 1e-30], [0, 0, 0, 1]],
    ["ternary keeps its threshold", "ternary", edges, [-1, -1, 0, 0, 0, 0, 0, 1, 1, 1]],
    [
      "ste_tern keeps its threshold",
      { class_name: "SteTern", config: { threshold_value: 0.33 } },
      edges,
      [-1, -1, 0, 0, 0, 0, 0, 1, 1, 1],
    ],
    ["ternary times alpha", "stochastic_ternary(0.5,0.25)", [-0.25, -0.2, 0.25], [-0.5, 0, 0.5]],
    [
      "halves go to even",
      "quantized_bits(4,3,1,alpha=1)",
      [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5],
      [-2, -2, 0, 0, 2, 2],
    ],
    ["the least code is there unless symmetric", "quantized_bits(3,2)", [-9, 9], [-4, 3]],
    ["symmetric", "quantized_bits(3,2,1)", [-9, 9], [-3, 3]],
    ["without negative numbers", "quantized_bits(3,3,keep_negative=False)", [-9, 2.2, 9], [0, 2, 7]],
    ["one bit is a sign", "quantized_bits(1,0)", [-2, 0, 2], [-1, 1, 1]],
    ["quantized_relu", "quantized_relu(2,1)", [-1, 0.25, 0.75, 9], [0, 0, 1, 1.5]],
    ["quantized_tanh", "quantized_tanh(2)", [-9, -0.2, 0.3, 9], [-1, 0, 0.5, 0.5]],
    ["symmetric quantized_tanh", "quantized_tanh(2,0,1)", [-9, 9], [-0.5, 0.5]],
    [
      "dorefa with halves to even",
      { class_name: "DoReFa", config: { k_bit: 1 } },
      [0.5, above(0.5), 2],
      [0, 1, 1],
    ],
    ["a registered object", { class_name: "Larq>SteSign", config: {} }, [-1, 1], [-1, 1]],
    ["a serialized function", { class_name: "function", config: "relu" }, [-1, 1], [0, 1]],
    ["Larq Zoo's clip", "clip_by_value_activation", [-2, 0.5, 2], [0, 0.5, 1]],
    // QKeras' own adds ½ first, where small numbers are lost.
    ["QKeras' hard_tanh", "hard_tanh", [-2, 1e-9, 0.5, 2], [-1, 0, 0.5, 1]],
    ["smooth_sigmoid", "smooth_sigmoid", [-9, 0, 1, 9], [0, 0.5, 0.6875, 1]],
    ["hard_sigmoid", "hard_sigmoid", [-9, 0, 0.25, 9], [0, 0.5, 0.625, 1]],
    ["binary_sigmoid", "binary_sigmoid", [-1, 0, 1e-3, 1], [0, 0, 1, 1]],
    ["binary_tanh", "binary_tanh", [-1, 0, 1e-3, 1], [-1, -1, 1, 1]],
    ["smooth_tanh", "smooth_tanh", [-9, 0, 1], [-1, 0, 0.375]],
    ["quantized_sigmoid", "quantized_sigmoid(2)", [-9, 0, 0.3, 9], [0, 0.5, 0.75, 0.75]],
    ["symmetric quantized_sigmoid", "quantized_sigmoid(2,1)", [-9, 9], [0.25, 0.75]],
  ])("%s", (_, wanted, x, y) => {
    expect(activation(wanted, x.map(f)).map((v) => v + 0)).toEqual(y);
  });

  test.each<[string, unknown, RegExp]>([
    ["an unknown name", "frobnicate", /activation is "frobnicate".*supported are linear/],
    ["a sigmoid", "sigmoid", /activation is "sigmoid".*train again/],
    ["magnitude_aware_sign", "magnitude_aware_sign", /activation is "magnitude_aware_sign"/],
    ["an automatic alpha", "binary(alpha='auto')", /computed from every input anew/],
    [
      "an automatic threshold",
      { class_name: "SteTern", config: { ternary_weight_networks: true } },
      /fixed threshold/,
    ],
    ["Python", "quantized_bits(__import__('os').system('ls'))", /not understood/],
    ["an open call", "binary(", /not understood/],
    ["a wrong word", "binary(alpha=big)", /not understood/],
    ["too many arguments", "binary(0,1,0,0)", /not understood/],
    ["an unknown setting", "binary(alpa=2)", /"alpa" is not known.*did you mean alpha/],
    ["a list", [1, 2], /not understood/],
    ["24 bits too many", "quantized_bits(99)", /99 bits/],
    ["noise", { class_name: "quantized_bits", config: { qnoise_factor: 0.5 } }, /qnoise_factor is not 1/],
    ["a negative alpha", "binary(alpha=-1)", /alpha is -1/],
    ["a threshold of 0", "ternary(threshold=0)", /threshold is 0/],
    ["a real tanh", "quantized_tanh(4,0,0,1)", /real tanh/],
    ["a sloping relu", "quantized_relu(4,0,0,0.25)", /a slope or a bound/],
    ["a real sigmoid", "quantized_sigmoid(4,0,1)", /real sigmoid/],
    ["a draw", "bernoulli", /activation is "bernoulli".*draws at random/],
    ["powers of two", "quantized_relu_po2(4)", /not equally far apart/],
    ["a logarithm", "quantized_ulaw(4)", /use quantized_bits/],
    ["a product", "quantized_hswish(4)", /multiplies two computed values/],
    ["a later QKeras'", "quantized_linear(4)", /use quantized_bits/],
    ["a typing error", "quantised_bits(4)", /did you mean quantized_bits\?/],
    ["very long text", `binary(${"1".repeat(1000)})`, /not understood/],
  ])("refuses %s", (_, wanted, message) => {
    const layers = [{ class: "QActivation", config: { activation: wanted } }];
    expect(problemOf({ layers })).toMatch(message);
  });
});

test("Keras and Larq mean other functions by names that QKeras has", () => {
  const of = (name: string, kerasVersion: string) =>
    run(
      { input: [2], kerasVersion, layers: [{ class: "Activation", config: { activation: name } }] },
      [1, 1e-9],
    );
  expect(of("hard_tanh", "2.15.0")).toEqual([1, f(1e-9)]);
  expect(of("hard_sigmoid", "2.15.0")).toEqual([f(f(0.2) + 0.5), 0.5]);
  const layers = [{ class: "Activation", config: { activation: "hard_sigmoid" } }];
  expect(problemOf({ layers, kerasVersion: "3.5.0" })).toMatch(
    /activation is "hard_sigmoid".*quantized_sigmoid/,
  );
});

describe("kernels", () => {
  test.each<[string, unknown, readonly number[], readonly number[]]>([
    ["signs with +1 for 0", "ste_sign", [-0.5, 0, 2], [-1, 1, 1]],
    ["thresholds kept", "ste_tern", [f(-0.05), below(f(0.05)), f(0.05)], [-1, 0, 1]],
    ["Larq Zoo's scale of a layer", "magnitude_aware_sign_unclipped", [-1, 2, 0, 3], [-1.5, 1.5, 1.5, 1.5]],
    ["Larq Zoo's scale of a filter", "xnor_weight_scale", [-1, 2, 0, 0], [-0.5, 0.5, 0.5, 0.5]],
    ["the mean magnitude", "magnitude_aware_sign", [-1, 2, 0, 3], [-1.5, 1.5, 1.5, 1.5]],
    [
      "0.7 of the mean",
      { class_name: "SteTern", config: { ternary_weight_networks: true } },
      [-3, 1, 0.5, 0],
      [-1, 1, 0, 0],
    ],
    ["none", undefined, [0.5, -2], [0.5, -2]],
    ["NoOp", { class_name: "NoOp", config: { precision: 1 } }, [1, -1], [1, -1]],
    // Least squares: the mean magnitude; then the nearest power of two, also where no alpha is given.
    ["binary(alpha='auto_po2')", "binary(alpha='auto_po2')", [-0.9, 0.3, 1.1], [-1, 1, 1]],
    ["binary()", "binary()", [-0.9, 0.3, 1.1], [-1, 1, 1]],
    ["powers of two", "quantized_po2(4)", [0.9, -0.3, 3, 0], [1, -0.25, 4, 0.0625]],
    ["a channel of zeros", "ternary(alpha='auto')", [0, 0], [0, 0]],
    ["ternary by least squares", "ternary()", [-1, 0.25, 0.75, 1], [-1, 0, 1, 1]],
    ["quantized_bits by least squares", "quantized_bits(2,0)", [-1, 0.25, 0.75, 1], [-1, 0, 1, 1]],
  ])("%s", (_, wanted, data, values) => {
    expect([...kernel(wanted, data.map(f)).data].map((v) => v + 0)).toEqual(values);
  });

  test("DoReFa's weights are odd numerators, the greatest magnitude at an end", () => {
    const { data, quantized } = kernel(
      { class_name: "DoReFa", config: { k_bit: 2, mode: "weights" } },
      [-2, -0.1, 0.1, 0.9],
    );
    expect([...quantized!.codes]).toEqual([-3, -1, 1, 3]);
    expect([data[0], data[3]]).toEqual([-1, 1]);
  });

  test("scales belong to the last axis", () => {
    const { data } = kernel("binary(alpha='auto')", [1, -4, -3, 8], [2, 2]);
    expect([...data].map((v) => Number(v.toFixed(4)))).toEqual([2, -6, -2, 6]);
  });

  test.each<[string, unknown, RegExp]>([
    ["an unknown quantizer", "frobnicate", /kernel quantizer is "frobnicate".*supported are ste_sign/],
    ["one automatic bit", "quantized_bits(1,0)", /one bit and an automatic alpha/],
    ["a scale axis", { class_name: "quantized_bits", config: { bits: 4, scale_axis: 0 } }, /scale_axis/],
    ["names of JavaScript's own", "constructor", /kernel quantizer is "constructor"/],
  ])("refuses %s", (_, wanted, message) => {
    const layers = [
      {
        class: "QDense",
        config: { units: 1, kernel_quantizer: wanted },
        weights: [filled([4, 1], 1), filled([1], 0)],
      },
    ];
    expect(problemOf({ layers })).toMatch(message);
  });
});

test("constants of a normalization become powers of two, with QKeras' rounding around them", () => {
  const po2 = (wanted: string, data: readonly number[]): number[] => [
    ...quantizeConstants(identifierOf(wanted), Float32Array.from(data)),
  ];
  expect(po2("quantized_po2(4)", [3, -0.7, 100, 0])).toEqual([4, -0.5, 8, 2 ** -4]);
  expect(po2("quantized_relu_po2(4)", [3, -1])).toEqual([4, 2 ** -8]);
  // The root's exponent, twice: √6 ≈ 2.4 is nearest to 2.
  expect(po2("quantized_relu_po2(4,quadratic_approximation=True)", [6, 20])).toEqual([4, 16]);
});
