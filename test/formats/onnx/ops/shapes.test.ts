import { describe, expect, it } from "vitest";
import { runModel } from "../../../../src/reference/model.js";
import {
  type FileSpec,
  floats,
  graphOf,
  ints,
  type NodeSpec,
  node,
  problemOf,
  scalar,
} from "../../../support/onnx.js";

const inputs = { x: [1, 2, 3] };

function shapeOf(spec: Omit<FileSpec, "nodes"> & { nodes: readonly NodeSpec[] }): readonly number[] {
  return graphOf({ inputs, ...spec }).values.get("y")!.shape;
}

describe("operators that reshape", () => {
  it.each<[string, NodeSpec, FileSpec["constants"], number[]]>([
    ["Reshape", node("Reshape", "x s"), { s: ints(1, 6) }, [1, 6]],
    ["Reshape with −1", node("Reshape", "x s"), { s: ints(-1, 6) }, [1, 6]],
    ["Reshape with 0", node("Reshape", "x s"), { s: ints(0, -1) }, [1, 6]],
    ["Reshape with −1 first", node("Reshape", "x s"), { s: ints(-1, 3) }, [2, 3]],
    ["Reshape with zeros", node("Reshape", "x s"), { s: ints(0, 0, 0) }, [1, 2, 3]],
    ["Reshape with allowzero", node("Reshape", "x s", { allowzero: 1 }), { s: ints(1, -1) }, [1, 6]],
    ["Flatten", node("Flatten", "x"), {}, [1, 6]],
    ["Flatten of axis 0", node("Flatten", "x", { axis: 0 }), {}, [1, 6]],
    ["Flatten of axis 2", node("Flatten", "x", { axis: 2 }), {}, [2, 3]],
    ["Flatten of the last axis", node("Flatten", "x", { axis: -1 }), {}, [2, 3]],
    ["Flatten of all axes", node("Flatten", "x", { axis: 3 }), {}, [6, 1]],
    ["Squeeze", node("Squeeze", "x"), {}, [2, 3]],
    ["Squeeze of an axis", node("Squeeze", "x a"), { a: ints(0) }, [2, 3]],
    ["Unsqueeze", node("Unsqueeze", "x a"), { a: ints(0, -1) }, [1, 1, 2, 3, 1]],
    ["Transpose that moves nothing", node("Transpose", "x", { perm: [1, 0, 2] }), {}, [2, 1, 3]],
  ])("%s", (_, only, constants, expected) => {
    expect(shapeOf({ nodes: [only], constants: constants! })).toEqual(expected);
    const x = Float32Array.of(1, 2, 3, 4, 5, 6);
    expect(runModel(graphOf({ nodes: [only], constants: constants!, inputs }), x)).toEqual(x);
  });

  it("take an open batch as 1", () => {
    const open = { x: [0, 2, 3] };
    expect(shapeOf({ nodes: [node("Flatten", "x")], inputs: open })).toEqual([1, 6]);
    expect(shapeOf({ nodes: [node("Flatten", "x")], inputs: { x: [0] } })).toEqual([1, 1]);
    const s = ints(-1, 6);
    expect(shapeOf({ nodes: [node("Reshape", "x s")], constants: { s }, inputs: open })).toEqual([1, 6]);
  });

  describe.each([11, 13])("axes in opset %d", (opset) => {
    /** Axes are an attribute before opset 13 and an input since. */
    const on = (op: string, x: readonly number[], axes?: readonly number[]): FileSpec => ({
      inputs: { x },
      opset,
      nodes: [node(op, axes && opset >= 13 ? "x a" : "x", axes && opset < 13 ? { axes: [...axes] } : {})],
      constants: axes && opset >= 13 ? { a: ints(...axes) } : {},
    });

    it.each<[string, number[], number[] | undefined, number[]]>([
      ["Unsqueeze", [1, 4], [0], [1, 1, 4]],
      ["Unsqueeze", [1, 4], [-1], [1, 4, 1]],
      ["Unsqueeze", [1, 4], [3, 0], [1, 1, 4, 1]],
      ["Unsqueeze", [1, 4], [1, -1], [1, 1, 4, 1]],
      ["Squeeze", [1, 1, 4, 1], [1], [1, 4, 1]],
      ["Squeeze", [1, 1, 4, 1], [-1, 1], [1, 4]],
      ["Squeeze", [1, 1, 4, 1], undefined, [4]],
    ])("%s of %j by %j is %j", (op, x, axes, expected) => {
      expect(shapeOf(on(op, x, axes))).toEqual(expected);
    });

    it.each<[string, number[] | undefined]>([
      ["Unsqueeze", [0, 0]],
      ["Unsqueeze", [4]],
      ["Unsqueeze", [1, -3]],
      ["Unsqueeze", undefined],
      ["Squeeze", [1]],
      ["Squeeze", [7]],
    ])("%s by %j is refused", (op, axes) => {
      expect(problemOf(on(op, [1, 4], axes))).toMatch(/onnx\/node/);
    });
  });

  it.each<[string, NodeSpec, FileSpec["constants"], RegExp]>([
    ["other counts", node("Reshape", "x s"), { s: ints(1, 5) }, /1×2×3 cannot become 1×5/],
    ["a part that does not fit", node("Reshape", "x s"), { s: ints(-1, 4) }, /cannot become/],
    ["no sizes", node("Reshape", "x s"), { s: ints() }, /cannot become/],
    ["a zero beyond the rank", node("Reshape", "x s"), { s: ints(0, 0, 0, 0) }, /cannot become/],
    ["sizes that overflow", node("Reshape", "x s"), { s: ints(2 ** 40, 0) }, /cannot become/],
    ["two −1", node("Reshape", "x s"), { s: ints(-1, -1) }, /more than one/],
    ["sizes below −1", node("Reshape", "x s"), { s: ints(-2, -3) }, /cannot become/],
    ["an empty result", node("Reshape", "x s", { allowzero: 1 }), { s: ints(0, 6) }, /empty/],
    ["a computed shape", node("Reshape", "x x"), {}, /target shape depends on the input/],
    ["axes beyond the rank", node("Flatten", "x", { axis: 4 }), {}, /axis 4 does not exist/],
    ["Squeeze of sizes above 1", node("Squeeze", "x a"), { a: ints(1) }, /not 1/],
    ["an axis twice", node("Unsqueeze", "x a"), { a: ints(0, 0) }, /names an axis twice/],
    ["rank 9", node("Unsqueeze", "x a"), { a: ints(0, 1, 2, 3, 4, 5) }, /rank 9/],
    ["no permutation", node("Transpose", "x", { perm: [0, 0, 1] }), {}, /0, 0, 1 is no order of 3 axes/],
    ["too few axes", node("Transpose", "x", { perm: [0, 1] }), {}, /no order of 3 axes/],
    ["too many axes", node("Transpose", "x", { perm: [0, 1, 2, 3] }), {}, /no order of 3 axes/],
    ["negative axes", node("Transpose", "x", { perm: [-1, 0, 1] }), {}, /no order of 3 axes/],
  ])("refuse %s", (_, only, constants, message) => {
    expect(problemOf({ nodes: [only], constants: constants!, inputs })).toMatch(message);
  });
});

describe("shapes that are computed from Shape", () => {
  const batch = [
    node("Shape", "x", {}, "sizes"),
    node("Gather", "sizes zero", {}, "batch"),
    node("Unsqueeze", "batch axis", {}, "first"),
    node("Concat", "first rest", { axis: 0 }, "target"),
    node("Reshape", "x target"),
  ];
  const constants = { zero: { dims: [], dataType: 7, int64Data: [0n] }, axis: ints(0), rest: ints(-1) };

  it("fold with a batch of 1, open or not", () => {
    for (const first of [0, 1]) {
      expect(shapeOf({ nodes: batch, constants, inputs: { x: [first, 2, 3] } })).toEqual([1, 6]);
    }
  });

  it("Shape takes start and end since opset 15", () => {
    const nodes = [node("Shape", "x", { start: -2, end: 3 }, "s"), node("Reshape", "x s")];
    expect(shapeOf({ nodes, opset: 15 })).toEqual([2, 3]);
  });

  it("compute with integers", () => {
    const nodes = [
      node("Shape", "x", {}, "s"),
      node("Gather", "s picks", {}, "p"),
      node("Add", "p more", {}, "target"),
      node("Reshape", "x target"),
    ];
    expect(shapeOf({ nodes, constants: { picks: ints(1, -2), more: ints(1, 0) } })).toEqual([3, 2]);
  });

  it.each<[string, NodeSpec[], RegExp]>([
    ["Gather of data", [node("Gather", "x zero")], /data depends on the input/],
    ["Gather out of range", [node("Shape", "x", {}, "s"), node("Gather", "s nine")], /axis 9 does not exist/],
    [
      "Gather of another axis",
      [node("Shape", "x", {}, "s"), node("Gather", "s zero", { axis: 1 })],
      /axis 1/,
    ],
    [
      "Concat of data with sizes",
      [node("Concat", "x zero", { axis: 1 })],
      /a computed value with a constant/,
    ],
    ["Concat of scalars", [node("Concat", "zero zero", { axis: 0 })], /other than lists of sizes/],
  ])("refuse %s", (_, nodes, message) => {
    const all = { ...constants, nine: ints(9) };
    expect(problemOf({ nodes, constants: all, inputs })).toMatch(message);
  });
});

describe("operators without effect", () => {
  it.each<[string, NodeSpec]>([
    ["Identity", node("Identity", "r")],
    ["Dropout", node("Dropout", "r", { ratio: { float: 0.5 } })],
    ["Dropout with its ratio as an input", node("Dropout", "r half", { seed: 1 })],
    ["Cast to float32", node("Cast", "r", { to: 1 })],
  ])("%s leaves the value and its name alone", (_, only) => {
    const graph = graphOf({ nodes: [node("Relu", "x", {}, "r"), only], constants: { half: scalar(0.5) } });
    expect(graph.nodes.map((n) => n.op.kind)).toEqual(["relu"]);
    expect(graph.outputs).toEqual(["r"]);
  });

  it.each<[string, NodeSpec[], RegExp]>([
    ["Dropout in training", [node("Dropout", "x half yes")], /training mode/],
    [
      "Dropout's mask",
      [{ ...node("Dropout", "x"), out: ["r", "mask"] }, node("Mul", "r mask")],
      /"mask", a further output of Dropout_0/,
    ],
    ["Cast to float16", [node("Cast", "x", { to: 10 })], /type that is not supported/],
    ["Cast to float64", [node("Cast", "x", { to: 11 })], /casts computed float32 to float64/],
    ["Cast to int64", [node("Cast", "x", { to: 7 })], /casts computed float32 to int/],
    ["Cast to int8", [node("Cast", "x", { to: 3 })], /Cast/],
    ["Cast to int32", [node("Cast", "x", { to: 6 })], /Cast/],
    ["Cast to bool", [node("Cast", "x", { to: 9 })], /Cast/],
    ["Cast to bfloat16", [node("Cast", "x", { to: 16 })], /Cast/],
    ["Cast without a type", [node("Cast", "x")], /type that is not supported/],
  ])("refuse %s", (_, nodes, message) => {
    const yes = { dims: [], dataType: 9, int32Data: [1] };
    expect(problemOf({ nodes, constants: { half: scalar(0.5), yes } })).toMatch(message);
  });

  it("Cast of constants converts between float and whole numbers", () => {
    const nodes = [node("Cast", "f", { to: 7 }, "i"), node("Cast", "i", { to: 1 }, "g"), node("Mul", "x g")];
    const graph = graphOf({ nodes, constants: { f: floats([2], [1.7, -1.7]) }, inputs: { x: [1, 2] } });
    expect([...runModel(graph, Float32Array.of(3, 3))]).toEqual([3, -3]);
  });
});
