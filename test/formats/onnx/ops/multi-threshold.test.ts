import { describe, expect, it } from "vitest";
import { printGraph } from "../../../../src/graph/print.js";
import {
  type FileSpec,
  floats,
  graphOf,
  ints,
  type NodeSpec,
  node,
  problemOf,
  run,
  type TensorInit,
} from "../../../support/onnx.js";

const spec = (
  t: TensorInit,
  attributes: NodeSpec["with"] = {},
  x: readonly number[] = [1, 4],
  domain?: string,
): FileSpec => ({
  nodes: [{ ...node("MultiThreshold", "x t", attributes), ...(domain === undefined ? {} : { domain }) }],
  constants: { t },
  inputs: { x },
});
const two = floats([2, 2], [0, 5, 2, 3]);

describe("MultiThreshold", () => {
  it("counts thresholds that are reached, equal ones too, in any order", () => {
    expect(run(spec(floats([1, 4], [2, 1, 2, -1])), [-2, -1, 1.5, 2])).toEqual([0, 1, 2, 4]);
  });

  it("scales and shifts in float32", () => {
    const scaled = { out_scale: { float: 0.1 }, out_bias: { float: -0.3 } };
    const f = Math.fround;
    const expected = [0, 1, 2, 3].map((n) => f(f(n * f(0.1)) + f(-0.3)));
    expect(run(spec(floats([1, 3], [1, 2, 3]), scaled), [0, 1, 2, 3])).toEqual(expected);
  });

  it("has levels of integers where scale and bias make such", () => {
    const levels = (t: TensorInit, scale: number, bias: number): unknown => {
      const { nodes } = graphOf(spec(t, { out_scale: { float: scale }, out_bias: { float: bias } }));
      const [first] = nodes;
      if (first?.op.kind !== "quantize" || first.op.quantizer.kind !== "thresholds")
        throw new Error("no count");
      return [first.op.quantizer.step, first.op.quantizer.offset, nodes.length];
    };
    const [one, three] = [floats([1, 1], [1]), floats([1, 3], [1, 2, 3])];
    expect(levels(one, 2, -1)).toEqual([2, -1, 1]);
    expect(levels(one, 1, 0)).toEqual([1, 0, 1]);
    expect(levels(one, 1, -0.5)).toEqual([2, -1, 2]);
    expect(levels(three, 1, -2)).toEqual([1, -2, 1]);
    expect(levels(three, 0.5, -1)).toEqual([1, -2, 2]);
    expect(levels(three, 2, -1)).toEqual([1, 0, 3]);
    // Six tenths are no whole number of float32 tenths.
    expect(levels(three, 0.1, -0.3)).toEqual([1, 0, 3]);
  });

  it("gives a zero of a negative scale as positive", () => {
    const [y] = run(spec(floats([1, 1], [1]), { out_scale: { float: -2 } }, [1, 1]), [0]);
    expect(Object.is(y, 0)).toBe(true);
  });

  it.each<[string, readonly number[]]>([
    ["NC", [1, 2]],
    ["NCW", [1, 2, 2]],
    ["NWC", [1, 2, 2]],
    ["NCHW", [1, 2, 1, 2]],
    ["NHWC", [1, 1, 2, 2]],
    ["", [1, 2, 1, 2]],
  ])("has its channels where the layout %s says", (layout, shape) => {
    const x = Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => 2);
    const y = run(spec(two, { data_layout: layout }, shape), x);
    // Both channels reach one threshold with 2, of (0, 5) and of (2, 3), but only the first with 0.5.
    const low = run(
      spec(two, { data_layout: layout }, shape),
      x.map(() => 0.5),
    );
    const isLast = layout.endsWith("C") && layout.length > 2;
    expect(y).toEqual(x.map(() => 1));
    expect(low).toEqual(x.map((_, i) => ((isLast ? i % 2 : Math.floor(i / (x.length / 2))) === 0 ? 1 : 0)));
  });

  it("is known in FINN's spelling of the domain, with integer thresholds", () => {
    const t = { ...ints(1, 2), dims: [1n, 2n] };
    expect(run(spec(t, {}, [1, 4], "finn.custom_op.general"), [0, 1, 2, 3])).toEqual([0, 1, 2, 2]);
  });

  it("is printed with what it counts", () => {
    expect(printGraph(graphOf(spec(two, {}, [1, 2])))).toContain(
      "quantize to 2 bits 0…2, 2 thresholds per channel, 0…5 (4 numbers)",
    );
  });

  it.each<[string, FileSpec, RegExp]>([
    [
      "thresholds of rank 1",
      spec(floats([2], [0, 1])),
      /thresholds have the shape 2 .*channels × thresholds/,
    ],
    ["no thresholds", spec(floats([1, 0], [])), /have the shape 1×0/],
    ["other channels", spec(floats([3, 1], [0, 1, 2])), /for 3 channels, its input \(1×4\) has 4 on axis 1/],
    ["layouts of another rank", spec(two, { data_layout: "NHWC" }, [1, 2]), /"NHWC" is no order of 1×2/],
    [
      "signals without a layout",
      spec(two, {}, [1, 2, 2]),
      /which axis of a signal.*versions of qonnx differ/,
    ],
    ["values without channels", spec(floats([1, 1], [0]), {}, [4]), /has no on axis 1/],
    ["a scale of 0", spec(two, { out_scale: { float: 0 } }, [1, 2]), /out_scale is 0/],
    ["thresholds that are no float32", spec({ ...ints(2 ** 24 + 1), dims: [1n, 1n] }), /float32 cannot hold/],
    [
      "thresholds that are computed",
      { nodes: [node("MultiThreshold", "x x")], inputs: { x: [1, 4] } },
      /thresholds depend on the input/,
    ],
  ])("refuses %s", (_, file, message) => {
    expect(problemOf(file)).toMatch(message);
  });
});
