import { describe, expect, it } from "vitest";
import { compileGraph } from "../../../support/models.js";
import {
  type FileSpec,
  floats,
  graphOf,
  type NodeSpec,
  node,
  problemOf,
  run,
  scalar,
} from "../../../support/onnx.js";

type Numbers = Readonly<Record<string, number>>;

/** Trunc of x with inputs in the order given. */
function trunc(numbers: Numbers, attributes: NodeSpec["with"] = {}): FileSpec {
  const constants = Object.fromEntries(Object.entries(numbers).map(([name, n]) => [name, scalar(n)]));
  return { nodes: [node("Trunc", ["x", ...Object.keys(numbers)], attributes)], constants };
}
const first = (scale: number, zero: number, bitsIn: number, bitsOut: number): Numbers => ({
  scale,
  zero,
  bitsIn,
  bitsOut,
});
const second = (scale: number, zero: number, outScale: number, bitsOut: number): Numbers => ({
  scale,
  zero,
  bitsIn: 8,
  outScale,
  bitsOut,
});

describe("Trunc", () => {
  it("version 1 takes away bits and keeps the scale", () => {
    expect(run(trunc(first(0.5, 0, 6, 4)), [3.5, 4, 100, -0.5])).toEqual([0.5, 1, 25, -0.5]);
    expect(run(trunc(first(1, 2, 4, 3)), [1, 2, 3, -4])).toEqual([-1, 0, 0, -3]);
  });

  it("version 2 clamps and changes the scale", () => {
    expect(run(trunc(second(1, 0, 4, 3)), [7, 8, 100, -100])).toEqual([4, 8, 12, -16]);
    expect(run(trunc(second(1, 0, 4, 3), { signed: 0 }), [7, 8, 100, -100])).toEqual([4, 8, 28, 0]);
    expect(run(trunc(second(1, 0, 4, 3), { narrow: 1 }), [7, 8, 100, -100])).toEqual([4, 8, 12, -12]);
    expect(run(trunc(second(1, 8, 4, 4)), [-9, 0, 3, 4])).toEqual([-12, 0, 0, 4]);
  });

  it("rounds its input to the scale first, half to even", () => {
    expect(run(trunc(first(1, 0, 4, 3)), [1.5, 2.5, 3.49, 0.5])).toEqual([1, 1, 1, 0]);
  });

  it.each<[string, FileSpec, RegExp]>([
    ["scales that are not positive", trunc(first(-1, 0, 4, 3)), /scale is not positive/],
    ["bit widths that are no number of bits", trunc(first(1, 0, 4.5, 3)), /bit width of 4.5/],
    ["too many bits", trunc(first(1, 0, 40, 3)), /bit width of 40/],
    [
      "other rounding modes",
      trunc(first(1, 0, 4, 3), { rounding_mode: "SOMEHOW" }),
      /"SOMEHOW" is not known/,
    ],
    ["scales that are no power of two apart", trunc(second(1, 0, 3, 4)), /2\^1\.585 times its scale/],
    [
      "scales that do not fit",
      {
        nodes: [node("Trunc", "x s z b b")],
        constants: { s: floats([3], [1, 1, 1]), z: scalar(0), b: scalar(4) },
      },
      /\(3\) does not fit its input \(1×4\)/,
    ],
  ])("refuses %s", (_, spec, message) => {
    expect(problemOf(spec)).toMatch(message);
  });
});

describe("QuantAvgPool2d", () => {
  const pool = (attributes: NodeSpec["with"], shape: readonly number[] = [1, 1, 2, 2]): FileSpec => ({
    nodes: [
      node("QuantAvgPool2d", "x", { kernel: 2, stride: 1, ibits: 4, obits: 4, signed: 0, ...attributes }),
    ],
    inputs: { x: shape },
  });

  it("sums and shifts by what the accumulator has above the output's bits", () => {
    // 15 · 4 needs 6 bits.
    expect(run(pool({}), [15, 15, 15, 14])).toEqual([14]);
    expect(run(pool({ obits: 6 }), [15, 15, 15, 14])).toEqual([59]);
    expect(run(pool({ obits: 8 }), [1, 0, 0, 0])).toEqual([1]);
    expect(run(pool({ signed: 1 }), [-1, 0, 0, 0])).toEqual([-1]);
  });

  it("has its channels where the layout says", () => {
    const x = [1, 10, 2, 20, 3, 30, 4, 40];
    expect(run(pool({ obits: 6, data_layout: "NHWC" }, [1, 2, 2, 2]), x)).toEqual([10, 100]);
    expect(run(pool({ obits: 6 }, [1, 2, 2, 2]), x)).toEqual([33, 77]);
  });

  it.each<[string, FileSpec, RegExp]>([
    ["other layouts", pool({ data_layout: "CHWN" }), /"CHWN" is not known.*NCHW or NHWC/],
    ["no kernel", pool({ kernel: 0 }), /its kernel is 0/],
    ["kernels larger than the map", pool({ kernel: 3 }), /kernel of 3×3 does not fit/],
    ["inputs of many bits", pool({ ibits: 60 }), /inputs of 60 bits/],
    ["vectors", pool({}, [1, 4]), /maps of shape/],
  ])("refuses %s", (_, spec, message) => {
    expect(problemOf(spec)).toMatch(message);
  });
});

describe("levels that nothing clamps", () => {
  /** Signs, a dense layer of sums from −16 to 16, Trunc, a dense layer. */
  const net = (bitsOut: number): FileSpec => ({
    nodes: [
      node("BipolarQuant", "x one", {}, "s"),
      node("MatMul", "s w", {}, "m"),
      node("Trunc", "m one zero in out", {}, "t"),
      node("MatMul", "t v"),
    ],
    constants: {
      one: scalar(1),
      zero: scalar(0),
      in: scalar(6),
      out: scalar(bitsOut),
      w: floats(
        [16, 2],
        new Array(32).fill(1).map((v, i) => (i % 3 === 0 ? -v : v)),
      ),
      v: floats([2, 1], [1, -1]),
    },
    inputs: { x: [1, 16] },
  });

  it("are those that the input can reach", () => {
    const { program } = compileGraph(graphOf(net(4)));
    // From −16 / 4 to 16 / 4.
    expect(program.tensors.map((t) => t.domain)).toContainEqual({
      kind: "codes",
      bits: 4,
      step: 1,
      offset: -4,
    });
  });

  it("may be few bits of a constant", () => {
    const { program } = compileGraph(graphOf(net(1)));
    expect(program.tensors.map((t) => t.domain)).toContainEqual({
      kind: "codes",
      bits: 1,
      step: 1,
      offset: -1,
    });
  });
});
