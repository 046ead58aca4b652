/** Values that are cut, joined, padded and turned; activations; integers between quantizers. */
import { describe, expect, it } from "vitest";
import {
  type FileSpec,
  floats,
  graphOf,
  ints,
  node,
  problemOf,
  run,
  scalar,
  type TensorInit,
} from "../../../support/onnx.js";

const inputs = { x: [1, 4, 1, 2] };
const eight = [1, 2, 3, 4, 5, 6, 7, 8];
const file = (
  op: string,
  names: string,
  attributes: FileSpec["nodes"][number]["with"] = {},
  constants: FileSpec["constants"] = {},
): FileSpec => ({ nodes: [node(op, names, attributes)], inputs, constants });
const shapeOf = (spec: FileSpec): readonly number[] => {
  const graph = graphOf(spec);
  return graph.values.get(graph.outputs[0]!)!.shape;
};

describe("Slice", () => {
  const all = { from: ints(-3), to: ints(3), axes: ints(1), two: ints(2) };

  it("counts from the end, clamps and steps", () => {
    expect(run(file("Slice", "x from to axes", {}, all), eight)).toEqual([3, 4, 5, 6]);
    expect(
      run(
        file(
          "Slice",
          "x from big axes two",
          {},
          { ...all, big: { ...ints(), dims: [1n], int64Data: [2n ** 63n - 1n] } },
        ),
        eight,
      ),
    ).toEqual([3, 4, 7, 8]);
    expect(
      run({ ...file("Slice", "x", { starts: [1], ends: [2 ** 31], axes: [-1] }), opset: 9 }, eight),
    ).toEqual([2, 4, 6, 8]);
  });

  it("of the whole is the value itself", () => {
    const whole = {
      nodes: [node("Slice", "x from to"), node("Relu", "y", {}, "r")],
      inputs,
      constants: { from: ints(0), to: ints(1) },
      outputs: ["r"],
    };
    expect(graphOf(whole).nodes.map((n) => n.op.kind)).toEqual(["relu"]);
  });

  it("of sizes is folded, backwards too", () => {
    const nodes = [
      node("Shape", "x", {}, "s"),
      node("Slice", "s end start axes back", {}, "r"),
      node("Reshape", "x r"),
    ];
    const constants = { end: ints(-1), start: ints(-10), axes: ints(0), back: ints(-1) };
    expect(shapeOf({ nodes, inputs, constants })).toEqual([2, 1, 4, 1]);
  });

  it.each<[string, FileSpec, RegExp]>([
    ["steps backwards", file("Slice", "x to from axes back", {}, { ...all, back: ints(-1) }), /step -1/],
    ["step 0", file("Slice", "x from to axes zero", {}, { ...all, zero: ints(0) }), /step 0/],
    ["nothing", file("Slice", "x to to axes", {}, all), /takes nothing of axis 1/],
    [
      "an axis twice",
      file("Slice", "x f t a", {}, { f: ints(0, 0), t: ints(1, 1), a: ints(1, 1) }),
      /do not fit together/,
    ],
    [
      "lists of different lengths",
      file("Slice", "x f to axes", {}, { ...all, f: ints(0, 0) }),
      /do not fit together/,
    ],
    [
      "an axis that does not exist",
      file("Slice", "x from to a", {}, { ...all, a: ints(4) }),
      /axis 4 does not exist/,
    ],
    ["no ends", { ...file("Slice", "x", { starts: [1] }), opset: 9 }, /where it starts and ends/],
  ])("refuses %s", (_, spec, message) => {
    expect(problemOf(spec)).toMatch(message);
  });
});

describe("Split", () => {
  const split = (
    out: string[],
    attributes: FileSpec["nodes"][number]["with"],
    read: string,
    opset = 11,
  ): FileSpec => ({
    nodes: [{ ...node("Split", "x", { axis: 1, ...attributes }), out }, node("Relu", read)],
    inputs,
    opset,
  });

  it("gives each output its part; parts that nobody reads are not made", () => {
    const spec = split(["a", "b"], {}, "b");
    expect(run(spec, eight)).toEqual([5, 6, 7, 8]);
    expect(graphOf(spec).nodes.map((n) => n.op.kind)).toEqual(["slice", "relu"]);
    expect(run(split(["a", "b", "c"], { split: [1, 2, 1] }, "b"), eight)).toEqual([3, 4, 5, 6]);
    const uneven = { ...split(["a", "b"], { num_outputs: 2 }, "b", 18), inputs: { x: [1, 3, 1, 2] } };
    expect(run(uneven, eight.slice(0, 6))).toEqual([5, 6]);
  });

  it.each<[string, FileSpec, RegExp]>([
    ["parts that do not divide", split(["a", "b", "c"], {}, "a"), /3 outputs do not add up to the 4/],
    ["parts that do not add up", split(["a", "b"], { split: [1, 4] }, "a"), /do not add up/],
    ["empty parts", split(["a", "b"], { split: [0, 4] }, "a"), /do not add up/],
    ["another number of outputs", split(["a", "b"], { num_outputs: 3 }, "a", 18), /do not add up/],
    ["empty last parts", split(["a", "b", "c"], { num_outputs: 3, axis: 3 }, "a", 18), /do not add up/],
  ])("refuses %s", (_, spec, message) => {
    expect(problemOf(spec)).toMatch(message);
  });
});

describe("Concat", () => {
  it("joins along any axis, a value with itself too; one value is itself", () => {
    expect(run(file("Concat", "x x", { axis: 3 }), eight)).toEqual([
      1, 2, 1, 2, 3, 4, 3, 4, 5, 6, 5, 6, 7, 8, 7, 8,
    ]);
    const alone = { nodes: [node("Concat", "x", { axis: 1 }, "c"), node("Relu", "c")], inputs };
    expect(graphOf(alone).nodes).toHaveLength(1);
  });

  it("refuses shapes that differ elsewhere", () => {
    const nodes = [node("MaxPool", "x", { kernel_shape: [1, 2] }, "m"), node("Concat", "x m", { axis: 1 })];
    expect(problemOf({ nodes, inputs })).toMatch(/joins the shapes 1×4×1×2, 1×4×1×1 along axis 1/);
    expect(problemOf(file("Concat", ""))).toMatch(/joins nothing/);
  });
});

describe("Pad", () => {
  it("takes pads from the attribute or from inputs, with axes", () => {
    const old = file("Pad", "x", { pads: [0, 0, 0, 1, 0, 0, 0, 0], value: { float: -1 } });
    expect(run({ ...old, opset: 9 }, eight)).toEqual([-1, 1, 2, -1, 3, 4, -1, 5, 6, -1, 7, 8]);
    const axes = { p: ints(0, 1), one: scalar(1), a: ints(-1) };
    expect(run(file("Pad", "x p one a", {}, axes), eight)).toEqual([1, 2, 1, 3, 4, 1, 5, 6, 1, 7, 8, 1]);
    const none = {
      nodes: [node("Pad", "x p", {}, "q"), node("Relu", "q")],
      inputs,
      constants: { p: ints(...Array(8).fill(0)) },
    };
    expect(graphOf(none).nodes).toHaveLength(1);
  });

  it.each<[string, FileSpec, RegExp]>([
    ["mode edge", file("Pad", "x p", { mode: "edge" }, { p: ints(0, 1) }), /mode "edge"/],
    [
      "negative pads",
      file("Pad", "x p", {}, { p: ints(0, 0, 0, 0, 0, 0, 0, -1) }),
      /use|cut the input with Slice/,
    ],
    ["pads of another rank", file("Pad", "x p", {}, { p: ints(1, 1) }), /2 pads for 4 axes/],
    [
      "maps too large",
      file("Pad", "x p", {}, { p: ints(0, 0, 0, 0, 0, 0, 5000, 5000) }),
      /computes \d+ elements/,
    ],
    [
      "pads that are no integers",
      file("Pad", "x s", {}, { s: scalar(1) }),
      /pads depends on the input or is not an integer/,
    ],
  ])("refuses %s", (_, spec, message) => {
    expect(problemOf(spec)).toMatch(message);
  });
});

describe("channel shuffles", () => {
  it("are reshape, transpose, reshape in the graph", () => {
    const nodes = [
      node("Reshape", "x five", {}, "a"),
      node("Transpose", "a", { perm: [0, 2, 1, 3, 4] }, "b"),
      node("Reshape", "b four"),
    ];
    const spec = { nodes, inputs, constants: { five: ints(1, 2, 2, 1, 2), four: ints(1, 4, 1, 2) } };
    expect(graphOf(spec).nodes.map((n) => n.op.kind)).toEqual(["reshape", "transpose", "reshape"]);
    expect(run(spec, eight)).toEqual([1, 2, 5, 6, 3, 4, 7, 8]);
  });
});

describe("activations", () => {
  it("Clip takes bounds from attributes or inputs, and leaves out what is not there", () => {
    const clipOf = (spec: FileSpec) => graphOf(spec).nodes[0]!.op;
    expect(clipOf({ ...file("Clip", "x", { min: { float: 0 }, max: { float: 6 } }), opset: 6 + 4 })).toEqual({
      kind: "clip",
      low: 0,
      high: 6,
    });
    expect(clipOf(file("Clip", "x zero", {}, { zero: scalar(0) }))).toEqual({
      kind: "clip",
      low: 0,
      high: Number.POSITIVE_INFINITY,
    });
    expect(clipOf(file("Clip", "x"))).toEqual({
      kind: "clip",
      low: Number.NEGATIVE_INFINITY,
      high: Number.POSITIVE_INFINITY,
    });
  });

  it.each<[string, FileSpec, RegExp]>([
    ["bounds per channel", file("Clip", "x b", {}, { b: floats([2], [0, 1]) }), /its min has 2 elements/],
    ["computed bounds", file("Clip", "x x"), /lower bound is not a float constant/],
    [
      "slopes that enlarge",
      file("PRelu", "x s", {}, { s: floats([3, 4, 1, 1], Array(12).fill(1)) }),
      /slope of shape 3×4×1×1 does not fit/,
    ],
    ["computed slopes", file("PRelu", "x x"), /slope is not a float constant/],
  ])("refuse %s", (_, spec, message) => {
    expect(problemOf(spec)).toMatch(message);
  });
});

describe("QuantizeLinear and DequantizeLinear", () => {
  const int8 = (...data: number[]) => ({
    dims: data.length === 1 ? [] : [BigInt(data.length)],
    dataType: 3,
    int32Data: data,
  });
  const through = (scale: number, zero: number, uint8 = false): FileSpec => ({
    nodes: [node("QuantizeLinear", "x s z", {}, "q"), node("DequantizeLinear", "q s z")],
    inputs: { x: [1, 4] },
    constants: { s: scalar(scale), z: { ...int8(zero), dataType: uint8 ? 2 : 3 } },
  });

  it("round halves of x / scale to even, whatever the zero point, and saturate", () => {
    expect(run(through(0.5, 1), [0.25, 0.75, 100, -100])).toEqual([0, 1, 63, -64.5]);
    expect(run(through(0.5, 1, true), [0.25, 0.75, 1000, -100])).toEqual([0, 1, 127, -0.5]);
  });

  it("make weights with codes, scales along their axis", () => {
    const graph = graphOf({
      nodes: [node("DequantizeLinear", "w s z", { axis: 0 }, "W"), node("Conv", "x W")],
      inputs: { x: [1, 1, 2] },
      constants: {
        w: { dims: [2n, 1n, 2n], dataType: 3, int32Data: [1, -2, 3, 4] },
        s: floats([2], [0.5, 0.1]),
        z: int8(0, 1),
      },
    });
    const op = graph.nodes[0]!.op;
    const { quantized } = op.kind === "conv" ? op.weights : {};
    expect([...quantized!.codes]).toEqual([1, -2, 2, 3]);
    expect(quantized!.scale).toEqual({ shape: [2, 1, 1, 1], data: Float32Array.of(0.5, 0.1) });
  });

  const clipped = (x: string, zero: number, low: number, high: number): FileSpec => ({
    nodes: [node("QuantizeLinear", `${x} s z`, {}, "q"), node("Clip", "q l h", {}, "c"), dequantize],
    inputs: { x: [1, 4] },
    constants: { s: scalar(0.5), z: int8(zero), l: int8(low), h: int8(high) },
  });
  const dequantize = node("DequantizeLinear", "c s z");

  it("with a Clip of the integers between them have fewer bits, whatever the zero point", () => {
    expect(run(clipped("x", 0, -2, 1), [0.25, 0.75, 100, -100])).toEqual([0, 0.5, 0.5, -1]);
    expect(run(clipped("x", 3, 0, 15), [0.25, 0.75, 100, -100])).toEqual([0, 1, 6, -1.5]);
  });

  it("are one quantizer for each Clip, and another without", () => {
    const base = clipped("x", 0, -2, 1);
    const nodes = [
      ...base.nodes,
      node("DequantizeLinear", "q s z", {}, "all"),
      node("Add", "y all", {}, "sum"),
    ];
    const spec = { ...base, nodes, outputs: ["sum"] };
    expect(run(spec, [0.25, 0.75, 100, -100])).toEqual([0, 1.5, 64, -65]);
    expect(graphOf(spec).nodes.map((n) => n.op.kind)).toEqual(["quantize", "quantize", "sum"]);
  });

  it("with a Clip make weights of fewer bits, of floats and of integers", () => {
    const { constants } = clipped("x", 0, -1, 1);
    const product = (nodes: FileSpec["nodes"], w: TensorInit): readonly number[] => {
      const spec = { nodes: [...nodes, node("MatMul", "x W")], inputs: { x: [1, 4] } };
      const op = graphOf({ ...spec, constants: { ...constants, w } }).nodes[0]!.op;
      return op.kind === "dense" ? [...op.weights.quantized!.codes] : [];
    };
    const last = [node("Clip", "q l h", {}, "c"), node("DequantizeLinear", "c s z", {}, "W")];
    const latent = floats([4, 1], [0.2, 0.6, 9, -9]);
    expect(product([node("QuantizeLinear", "w s z", {}, "q"), ...last], latent)).toEqual([0, 1, 1, -1]);
    const stored = { dims: [4n, 1n], dataType: 3, int32Data: [0, 1, 7, -7] };
    expect(product([node("Clip", "w l h", {}, "c"), last[1]!], stored)).toEqual([0, 1, 1, -1]);
  });

  const spec = through(0.5, 0);
  const changed = (nodes: FileSpec["nodes"], constants: FileSpec["constants"] = {}): FileSpec => ({
    ...spec,
    nodes,
    constants: { ...spec.constants, ...constants },
  });
  const quantize = node("QuantizeLinear", "x s z", {}, "q");

  it.each<[string, FileSpec, RegExp]>([
    [
      "another scale",
      changed([quantize, node("DequantizeLinear", "q t z")], { t: scalar(1) }),
      /another scale or zero point/,
    ],
    [
      "another zero point",
      changed([quantize, node("DequantizeLinear", "q s t")], { t: int8(1) }),
      /another scale or zero point/,
    ],
    [
      "integers that are computed with",
      changed([quantize, node("Relu", "q")]),
      /integers of a QuantizeLinear.*QDQ/,
    ],
    ["integers at the end", changed([{ ...quantize, out: ["y"] }]), /QuantizeLinear — end the model in/],
    ["a Clip to one integer", clipped("x", 0, 3, 3), /it is always 3/],
    ["a Clip to nothing", clipped("x", 0, 3, 2), /clips to 3…2, which is empty/],
    [
      "a Clip of integers to floats",
      { ...clipped("x", 0, 0, 1), constants: { ...clipped("x", 0, 0, 1).constants, l: scalar(0) } },
      /lower bound depends on the input or is not an integer/,
    ],
    [
      "a scale of 0",
      changed([quantize, node("DequantizeLinear", "q s z")], { s: scalar(0) }),
      /scale is not positive/,
    ],
    [
      "other types",
      changed([quantize, node("DequantizeLinear", "q s z")], {
        z: { dims: [], dataType: 6, int32Data: [0] },
      }),
      /quantizes to int32/,
    ],
    ["floats that were not quantized", changed([node("DequantizeLinear", "x s z")]), /no QuantizeLinear's/],
    [
      "blocks",
      changed([node("QuantizeLinear", "x s z", { block_size: 2 }, "q"), node("DequantizeLinear", "q s z")]),
      /in blocks/,
    ],
    [
      "scales for other channels",
      changed([quantize, node("DequantizeLinear", "q s z")], { s: floats([3], [1, 1, 1]) }),
      /3 scales for the 4 channels of axis 1/,
    ],
  ])("refuse %s", (_, file, message) => {
    expect(problemOf(file)).toMatch(message);
  });
});
