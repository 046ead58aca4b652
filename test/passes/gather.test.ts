/** Space-to-depth in every order, on floats, integers and codes, against the model. */
import { describe, expect, it } from "vitest";
import { lowerGraph } from "../../src/passes/registry.js";
import { elementCount, inDeviceOrder, inModelOrder } from "../../src/program/index.js";
import { compileDevice } from "../../src/reference/device-fast.js";
import { compileModel } from "../../src/reference/model-fast.js";
import { graphOf, tensor } from "../support/bundle.js";
import { Random } from "../support/random-graph.js";

const SEED = Number(process.env.BITLOOM_SEED ?? 1);

/** A convolution, an activation, blocks to channels, and a reader of them. */
function net(random: Random, order: string, activation: readonly object[], readers: readonly object[]) {
  const numbers = (shape: readonly number[]) =>
    tensor(
      shape,
      Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal()),
    );
  const signs = { type: "sign", sign_of_zero: 1, scale: 1 };
  return graphOf({
    input: [4, 6, 6],
    layers: [
      { type: "conv2d", name: "a", weight: "a", weight_quantizer: signs },
      ...activation,
      { type: "space_to_depth", name: "moved", block_size: 2, order },
      ...readers,
    ],
    tensors: { a: numbers([8, 4, 1, 1]), b: numbers([5, 32, 2, 2]), c: numbers([8]) },
    more: { unused: ["a", "b", "c"] },
  });
}

const signs = { type: "sign", sign_of_zero: 1, scale: 1 };
const conv = {
  type: "conv2d",
  name: "b",
  weight: "b",
  weight_quantizer: signs,
  padding: 1,
  padding_value: 0,
};
const activations: Readonly<Record<string, readonly object[]>> = {
  codes: [{ type: "sign", sign_of_zero: 1 }],
  "factors per channel": [{ type: "arithmetic", operator: "multiply", operand: "c", dim: 1 }],
  integers: [],
  bytes: [{ type: "quantize", bits: 8, signed: false, scale: 0.5, rounding: "half-even" }],
};

const readers: Readonly<Record<string, readonly object[]>> = {
  convolution: [conv],
  pool: [{ type: "maxpool2d", kernel_size: 2, stride: 1 }, conv],
  concatenation: [
    { type: "concat", inputs: ["moved", "moved"], dim: 1 },
    { type: "slice", dim: 1, start: 20, end: 52 },
    conv,
  ],
};

describe.each(["torch", "onnx", "darknet"])("space to depth in the order of %s", (order) => {
  describe.each(Object.keys(activations))("of %s", (activation) => {
    it.each(
      Object.keys(readers),
    )(`is what the model computes before a %s, BITLOOM_SEED=${SEED}`, (reader) => {
      const random = new Random(SEED);
      const graph = net(random, order, activations[activation]!, readers[reader]!);
      const affine = { numerator: 1, denominator: 1, zero: 2 };
      const { program } = lowerGraph(graph, { input: { type: "u8", affine }, output: "float32" });
      expect(program.instructions.some((i) => i.kind === "gather")).toBe(true);
      const run = compileDevice(program);
      const model = compileModel(graph);
      for (let i = 0; i < 5; i++) {
        const stored = Int32Array.from({ length: elementCount(program.tensors[0]!) }, () =>
          random.integer(0, 4),
        );
        const expected = model(Float32Array.from(stored, (x) => x - 2));
        const found = inModelOrder(program, run(inDeviceOrder(program, stored)));
        // Sums of factors that are no integers differ in their last bits.
        found.forEach((y, k) => {
          expect(Math.abs(y - expected[k]!)).toBeLessThanOrEqual(
            activation === "factors per channel" ? 1e-4 : 0,
          );
        });
      }
    });
  });
});
