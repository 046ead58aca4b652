/** Convolutions and pools: attributes that say the same, shapes that follow, and what is refused. */
import { describe, expect, it } from "vitest";
import type { GraphOp, ModelGraph, Window } from "../../../../src/graph/types.js";
import { type FileSpec, floats, graphOf, node, problemOf, run, scalar } from "../../../support/onnx.js";

const inputs = { x: [1, 2, 5, 6] };
const constants = {
  w: floats(
    [4, 2, 3, 3],
    Array.from({ length: 72 }, (_, i) => (i % 3 === 0 ? 1 : -1)),
  ),
  grouped: floats(
    [4, 1, 3, 3],
    Array.from({ length: 36 }, (_, i) => (i % 3 === 0 ? 1 : -1)),
  ),
  s: scalar(0.5),
  b: floats([4], [1, 2, 3, 4]),
  b2: floats([2], [1, 2]),
};
const spec = (attributes: FileSpec["nodes"][number]["with"], weights = "w"): FileSpec => ({
  nodes: [node("Conv", `x ${weights}`, attributes)],
  inputs,
  constants,
});

type Conv = Extract<GraphOp, { kind: "conv" }>;

function convOf(graph: ModelGraph): Conv {
  const found = graph.nodes.map((n) => n.op).find((op) => op.kind === "conv");
  if (found === undefined) throw new Error("no conv");
  return found;
}

const shapeOf = (graph: ModelGraph): readonly number[] => graph.values.get(graph.outputs[0]!)!.shape;
const windowOf = (graph: ModelGraph): Window => {
  const found = graph.nodes.map((n) => n.op).find((op) => "window" in op);
  if (found === undefined || !("window" in found)) throw new Error("no window");
  return found.window;
};

describe("Conv", () => {
  it.each<[string, Parameters<typeof spec>[0], readonly number[], Window["pads"]]>([
    ["nothing", {}, [1, 4, 3, 4], [0, 0, 0, 0]],
    ["VALID", { auto_pad: "VALID" }, [1, 4, 3, 4], [0, 0, 0, 0]],
    ["NOTSET", { auto_pad: "NOTSET", pads: [0, 1, 2, 3] }, [1, 4, 5, 8], [0, 1, 2, 3]],
    ["SAME_UPPER", { auto_pad: "SAME_UPPER" }, [1, 4, 5, 6], [1, 1, 1, 1]],
    ["SAME_UPPER, strided", { auto_pad: "SAME_UPPER", strides: [2, 2] }, [1, 4, 3, 3], [1, 0, 1, 1]],
    ["SAME_LOWER, strided", { auto_pad: "SAME_LOWER", strides: [2, 2] }, [1, 4, 3, 3], [1, 1, 1, 0]],
    ["SAME_UPPER, dilated", { auto_pad: "SAME_UPPER", dilations: [2, 1] }, [1, 4, 5, 6], [2, 1, 2, 1]],
    ["SAME_UPPER with pads of 0", { auto_pad: "SAME_UPPER", pads: [0, 0, 0, 0] }, [1, 4, 5, 6], [1, 1, 1, 1]],
    ["a stride beyond the map", { strides: [9, 9] }, [1, 4, 1, 1], [0, 0, 0, 0]],
  ])("takes pads from %s", (_, attributes, shape, pads) => {
    const graph = graphOf(spec(attributes));
    expect(shapeOf(graph)).toEqual(shape);
    expect(windowOf(graph).pads).toEqual(pads);
    expect(convOf(graph).padValue).toBe(0);
  });

  it("recognises plain weights of two levels, per tensor and per output", () => {
    expect([...convOf(graphOf(spec({}))).weights.quantized!.scale.shape]).toEqual([1, 1, 1, 1]);
    const levels = [1, -1, 1, 1, 0.3, 0.3, -0.3, 0.3].map(Math.fround);
    const graph = graphOf({
      nodes: [node("Conv", "x w")],
      inputs: { x: [1, 2, 2, 2] },
      constants: { w: floats([2, 2, 1, 2], levels) },
    });
    const { codes, scale } = convOf(graph).weights.quantized!;
    expect([...codes]).toEqual([1, -1, 1, 1, 1, 1, -1, 1]);
    expect(scale).toEqual({ shape: [2, 1, 1, 1], data: Float32Array.of(1, 0.3) });
  });

  it("leaves float weights without codes", () => {
    const w = floats([1, 2, 1, 2], [0.1, 0.25, -0.7, 1]);
    expect(
      convOf(graphOf({ nodes: [node("Conv", "x w")], inputs, constants: { w } })).weights.quantized,
    ).toBeUndefined();
  });

  it("keeps a quantizer's scale per output, of signals too", () => {
    const graph = graphOf({
      nodes: [node("BipolarQuant", "w s", {}, "q"), node("Conv", "x q")],
      inputs: { x: [1, 2, 5] },
      constants: {
        w: floats([2, 2, 3], [1, -2, 3, 1, 1, 1, 0, 1, 1, -1, -1, -1]),
        s: floats([2, 1, 1], [0.5, 3]),
      },
    });
    const { shape, quantized } = convOf(graph).weights;
    expect(shape).toEqual([2, 2, 1, 3]);
    expect(quantized!.scale).toEqual({ shape: [2, 1, 1, 1], data: Float32Array.of(0.5, 3) });
    expect(shapeOf(graph)).toEqual([1, 2, 3]);
  });

  it("adds its bias per channel, under the file's own names", () => {
    const graph = graphOf({ nodes: [node("Conv", "x w b")], inputs, constants });
    expect(graph.nodes.map((n) => n.name)).toEqual(["Conv_0 product", "Conv_0"]);
    expect(graph.nodes[1]!.op).toMatchObject({
      kind: "arithmetic",
      operator: "add",
      operand: { shape: [4, 1, 1] },
    });
    const signal = graphOf({
      nodes: [node("Conv", "x w b2")],
      inputs: { x: [1, 1, 3] },
      constants: { ...constants, w: floats([2, 1, 1], [1, -1]) },
    });
    expect(signal.nodes[1]!.op).toMatchObject({ operand: { shape: [2, 1] } });
  });

  it.each<[string, FileSpec, RegExp]>([
    ["groups that do not divide", spec({ group: 3 }), /weights of shape 4×2×3×3 in 3 groups do not fit/],
    ["group 0", spec({ group: 0 }), /in 0 groups/],
    ["grouped weights without groups", spec({}, "grouped"), /4×1×3×3 in 1 groups/],
    ["another kernel_shape", spec({ kernel_shape: [3, 5] }), /kernel_shape 3×5 is not that of its weights/],
    [
      "a kernel that does not fit",
      spec({ dilations: [3, 1] }),
      /kernel of 3×3 does not fit into maps of 5×6/,
    ],
    ["stride 0", spec({ strides: [0, 1] }), /strides is 0, 1.*numbers from 1/],
    ["strides of one axis", spec({ strides: [1] }), /strides has 1 numbers where 2/],
    ["negative pads", spec({ pads: [0, 0, -1, 0] }), /pads is 0, 0, -1, 0.*Slice/],
    ["pads of three sides", spec({ pads: [0, 0, 1] }), /pads has 3 numbers where 4/],
    ["pads beyond all bounds", spec({ pads: [0, 0, 2 ** 40, 0] }), /from 0 to 65536/],
    ["pads that make a map too large", spec({ pads: [65536, 65536, 65536, 65536] }), /computes \d+ elements/],
    ["pads and SAME", spec({ auto_pad: "SAME_UPPER", pads: [1, 1, 1, 1] }), /both pads and auto_pad/],
    ["an unknown auto_pad", spec({ auto_pad: "SAME" }), /auto_pad "SAME" is not known/],
    [
      "weights that are computed",
      { nodes: [node("Conv", "x x")], inputs },
      /weights is not a float constant/,
    ],
    [
      "a bias of another size",
      { nodes: [node("Conv", "x w b2")], inputs, constants },
      /bias of shape 2 does not fit/,
    ],
    [
      "weights of another rank",
      { ...spec({}), inputs: { x: [1, 2, 5] } },
      /4×2×3×3 in 1 groups do not fit an input of shape 1×2×5/,
    ],
    ["volumes", { ...spec({}), inputs: { x: [1, 2, 5, 5, 5] } }, /its input has the shape 1×2×5×5×5/],
    ["an unknown attribute", spec({ stride: [1, 1] }), /did you mean strides/],
  ])("refuses %s", (_, file, message) => {
    expect(problemOf(file)).toMatch(message);
  });
});

describe("pools", () => {
  const pool = (
    op: string,
    attributes: FileSpec["nodes"][number]["with"],
    shape = [1, 1, 6, 6],
  ): FileSpec => ({
    nodes: [node(op, "x", attributes)],
    inputs: { x: shape },
  });

  // Sizes as ONNX Runtime 1.32 computes them.
  it.each<[number, number, number, number[], number]>([
    [6, 3, 2, [0, 0, 0, 0], 3],
    [6, 3, 2, [1, 1, 1, 1], 4],
    [6, 2, 3, [0, 0, 0, 0], 2],
    [6, 2, 2, [1, 1, 1, 1], 4],
    [4, 1, 2, [0, 0, 0, 0], 2],
    [5, 2, 2, [1, 1, 1, 1], 3],
  ])("ceil_mode on %i: kernel %i, stride %i, pads %j", (size, kernel, stride, pads, positions) => {
    const attributes = { kernel_shape: [kernel, kernel], strides: [stride, stride], pads, ceil_mode: 1 };
    const graph = graphOf(pool("MaxPool", attributes, [1, 1, size, size]));
    expect(shapeOf(graph)).toEqual([1, 1, positions, positions]);
  });

  it("counts pads as told; what ceil_mode adds never counts", () => {
    const ones = new Array<number>(36).fill(1);
    const mean = (attributes: FileSpec["nodes"][number]["with"]): number[] =>
      run(pool("AveragePool", { kernel_shape: [3, 3], strides: [2, 2], ...attributes }), ones);
    expect(new Set(mean({ ceil_mode: 1, count_include_pad: 1 }))).toEqual(new Set([1]));
    expect(new Set(mean({ pads: [1, 1, 1, 1] }))).toEqual(new Set([1]));
    expect(mean({ pads: [1, 1, 0, 0], count_include_pad: 1 })[0]).toBe(Math.fround(4 / 9));
  });

  it.each(["GlobalAveragePool", "GlobalMaxPool"])("%s of signals", (op) => {
    expect(shapeOf(graphOf(pool(op, {}, [1, 3, 7])))).toEqual([1, 3, 1]);
  });

  it("ReduceMean over one axis, kept or not", () => {
    const x = [1, 2, 3, 4, 5, 6];
    expect(run(pool("ReduceMean", { axes: [2] }, [1, 1, 2, 3]), x)).toEqual([2.5, 3.5, 4.5]);
    const squeezed = pool("ReduceMean", { axes: [-1], keepdims: 0 }, [1, 1, 2, 3]);
    expect(run(squeezed, x)).toEqual([2, 5]);
    expect(shapeOf(graphOf(squeezed))).toEqual([1, 1, 2]);
  });

  it.each<[string, FileSpec, RegExp]>([
    ["no kernel", pool("MaxPool", {}), /no kernel_shape/],
    [
      "a kernel of another rank",
      pool("MaxPool", { kernel_shape: [2] }),
      /kernel_shape has 1 numbers where 2/,
    ],
    [
      "a window on pads only",
      pool("MaxPool", { kernel_shape: [2, 2], pads: [2, 0, 0, 0] }),
      /outside the map/,
    ],
    [
      "counted pads with ceil_mode where both matter",
      pool("AveragePool", {
        kernel_shape: [3, 3],
        strides: [2, 2],
        pads: [1, 1, 1, 1],
        ceil_mode: 1,
        count_include_pad: 1,
      }),
      /reach beyond the pads that it counts/,
    ],
    ["a matrix", pool("GlobalAveragePool", {}, [1, 6]), /its input has the shape 1×6/],
    [
      "means over channels and rows",
      pool("ReduceMean", { axes: [1, 2] }, [1, 2, 6, 6]),
      /works on axes 1, 2 of 1×2×6×6/,
    ],
    ["maxima over everything", pool("ReduceMax", {}), /works on all axes/],
  ])("refuse %s", (_, file, message) => {
    expect(problemOf(file)).toMatch(message);
  });
});
