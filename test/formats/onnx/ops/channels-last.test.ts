/** Operators with channels innermost against ONNX's own on transposed values. */
import { describe, expect, it } from "vitest";
import { type FileSpec, floats, type NodeSpec, node, problemOf, run } from "../../../support/onnx.js";

const domain = "qonnx.custom_op.channels_last";
const last = (spec: NodeSpec): NodeSpec => ({ ...spec, domain });
const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => ((i * 7) % 11) - 5);

/** Rows of `width` numbers as columns: [pixels, channels] as [channels, pixels] and back. */
function turned(values: readonly number[], width: number): number[] {
  const height = values.length / width;
  return Array.from(
    { length: values.length },
    (_, i) => values[(i % height) * width + Math.floor(i / height)]!,
  );
}

const kernel = numbers(3 * 2 * 2 * 2); // outputs × channels × 2 × 2
/** The same as outputs × 2 × 2 × channels. */
const kernelLast = [0, 1, 2].flatMap((n) => turned(kernel.slice(n * 8, n * 8 + 8), 4));

describe("channels innermost", () => {
  const x = numbers(2 * 4 * 5);
  const both = (
    channelsFirst: Omit<FileSpec, "inputs">,
    channelsLast: Omit<FileSpec, "inputs">,
    outputs: number,
  ): void => {
    const expected = run({ ...channelsFirst, inputs: { x: [1, 2, 4, 5] } }, x);
    const y = run({ ...channelsLast, inputs: { x: [1, 4, 5, 2] } }, turned(x, 20));
    expect(turned(y, outputs)).toEqual(expected);
  };

  it("convolutions have weights of outputs × kernel × channels", () => {
    const attributes = { strides: [2, 1], pads: [1, 0, 0, 1] };
    const bias = floats([3], [1, 2, 3]);
    both(
      { nodes: [node("Conv", "x w b", attributes)], constants: { w: floats([3, 2, 2, 2], kernel), b: bias } },
      {
        nodes: [last(node("Conv", "x w b", attributes))],
        constants: { w: floats([3, 2, 2, 2], kernelLast), b: bias },
      },
      3,
    );
  });

  it("pools slide over rows and columns", () => {
    const attributes = { kernel_shape: [2, 3], strides: [1, 2], pads: [0, 1, 1, 0] };
    const first = { nodes: [node("MaxPool", "x", attributes)] };
    both(first, { nodes: [last(node("MaxPool", "x", attributes))] }, 2);
    both(first, { nodes: [node("MaxPoolNHWC", "x", attributes)] }, 2);
  });

  it("normalizations are per channel", () => {
    const constants = {
      s: floats([2], [1, -2]),
      b: floats([2], [0.5, 1]),
      m: floats([2], [0, 3]),
      v: floats([2], [1, 4]),
    };
    const nodes = [node("BatchNormalization", "x s b m v")];
    both({ nodes, constants }, { nodes: nodes.map(last), constants }, 2);
    // A vector has one order.
    const vector = { constants, inputs: { x: [1, 2] } };
    expect(run({ nodes: nodes.map(last), ...vector }, [3, 4])).toEqual(run({ nodes, ...vector }, [3, 4]));
  });

  it.each<[string, FileSpec, RegExp]>([
    [
      "weights of another order",
      {
        nodes: [last(node("Conv", "x w"))],
        constants: { w: floats([3, 2, 1, 2], numbers(12)) },
        inputs: { x: [1, 4, 4, 3] },
      },
      /weights of shape 3×2×2×1 in 1 groups do not fit an input of shape 1×3×4×4/,
    ],
    [
      "windows larger than the map",
      { nodes: [last(node("MaxPool", "x", { kernel_shape: [3, 1] }))], inputs: { x: [1, 2, 9, 9] } },
      /kernel of 3×1 does not fit into maps of 2×9/,
    ],
    ["vectors", { nodes: [last(node("MaxPool", "x", { kernel_shape: [1] }))] }, /maps of shape/],
    [
      "operators that have no such order",
      { nodes: [last(node("AveragePool", "x", { kernel_shape: [1] }))] },
      /AveragePool of domain qonnx.custom_op.channels_last is not supported/,
    ],
  ])("refuses %s", (_, spec, message) => {
    expect(problemOf(spec)).toMatch(message);
  });
});
