/** What holds for whole files: names, inputs, constants, order, and errors that list everything at once. */
import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { readModel } from "../../../src/formats/index.js";
import { TensorProtoSchema } from "../../../src/formats/onnx/onnx_pb.js";
import { rejected, run } from "../../support/import.js";
import {
  type AttributeValue,
  elementTypes,
  floats,
  ints,
  type ModelParts,
  node,
  onnxFile,
  QONNX,
  scalar,
  smallNet,
  valueInfo,
} from "../../support/onnx-builder.js";

const addC = [node("Add", ["x", "c"], ["y"])];
const four = [1, 2, 3, 4];

describe("constants", () => {
  test.each<[string, AttributeValue, readonly number[]]>([
    ["value", { tensor: floats("", [4], [1, 2, 3, 4]) }, [1, 2, 3, 4]],
    ["value_float", { float: 0.5 }, [0.5, 0.5, 0.5, 0.5]],
    ["value_floats", { floats: [4, 3, 2, 1] }, [4, 3, 2, 1]],
  ])("Constant with %s", (name, value, expected) => {
    const parts = { nodes: [node("Constant", [], ["c"], { [name]: value }), ...addC] };
    expect(run(parts, [0, 0, 0, 0])).toEqual(expected);
  });

  test.each<[string, AttributeValue]>([
    ["value", { tensor: ints("", [2], [2, -1]) }],
    ["value_ints", { ints: [2, -1] }],
  ])("Constant with integers in %s", (name, value) => {
    const nodes = [node("Constant", [], ["t"], { [name]: value }), node("Reshape", ["x", "t"], ["y"])];
    const graph = readModel(onnxFile({ nodes }), "m.onnx");
    expect(graph.values.get("y")!.shape).toEqual([2, 2]);
  });

  test.each<[string, AttributeValue]>([
    ["value_float", { float: Number.NaN }],
    ["value_floats", { floats: [1, 2, Number.NEGATIVE_INFINITY, 4] }],
    ["value", { tensor: floats("", [4], [1, 2, Number.NaN, 4]) }],
  ])("NaN or infinity in %s is refused", (name, value) => {
    const errors = rejected({ nodes: [node("Constant", [], ["c"], { [name]: value }), ...addC] });
    expect(errors).toHaveLength(1);
    expect(errors[0]!.message).toMatch(/NaN|Infinity|finite/);
  });

  const raw = (bytes: readonly number[]): { rawData: Uint8Array } => ({ rawData: Uint8Array.from(bytes) });
  const doubles = new Uint8Array(Float64Array.of(1.5, -2).buffer);
  test.each([
    ["float_data", { dataType: elementTypes.float, floatData: [1.5, -2] }, [1.5, -2]],
    ["double_data", { dataType: elementTypes.double, doubleData: [1.5, -2] }, [1.5, -2]],
    ["raw doubles", { dataType: elementTypes.double, rawData: doubles }, [1.5, -2]],
    ["raw floats", { dataType: elementTypes.float, ...raw([0, 0, 192, 63, 0, 0, 0, 192]) }, [1.5, -2]],
  ])("a tensor with %s", (_, fields, values) => {
    const tensor = create(TensorProtoSchema, { name: "c", dims: [2n], ...fields });
    expect(run({ nodes: addC, constants: [tensor], input: [1, 2] }, [0, 0])).toEqual(values);
  });

  test.each([
    ["int8", { dataType: elementTypes.int8, ...raw([2, 255]) }],
    ["int32_data", { dataType: elementTypes.int32, int32Data: [2, -1] }],
    [
      "raw int64",
      { dataType: elementTypes.int64, ...raw([2, 0, 0, 0, 0, 0, 0, 0, ...new Array(8).fill(255)]) },
    ],
  ])("a shape in %s", (_, fields) => {
    const tensor = create(TensorProtoSchema, { name: "t", dims: [2n], ...fields });
    const parts = { nodes: [node("Reshape", ["x", "t"], ["y"])], constants: [tensor] };
    expect(readModel(onnxFile(parts), "m.onnx").values.get("y")!.shape).toEqual([2, 2]);
  });

  test.each([
    ["too few bytes", { dims: [4n], dataType: 1, ...raw([0, 0, 0]) }, /needs 16 bytes/],
    ["too many numbers", { dims: [4n], dataType: 1, floatData: [1, 2, 3, 4, 5] }, /needs 4 elements/],
    ["numbers of another type", { dims: [4n], dataType: 1, int64Data: [1n, 2n, 3n, 4n] }, /needs 4 elements/],
    ["a negative size", { dims: [-4n], dataType: 1, floatData: [1] }, /impossible shape/],
    [
      "sizes whose product overflows",
      { dims: [2n ** 40n, 2n ** 40n], dataType: 1, floatData: [1] },
      /impossible/,
    ],
    ["a size near 2^63", { dims: [2n ** 63n - 1n], dataType: 1, floatData: [1] }, /impossible|needs/],
    ["1 billion zeros that are not there", { dims: [1000000000n], dataType: 1 }, /needs|impossible/],
    ["a huge rank", { dims: new Array<bigint>(100_000).fill(1n), dataType: 1, floatData: [1] }, /rank/],
    ["half floats", { dims: [4n], dataType: 10, ...raw([0, 0, 0, 0, 0, 0, 0, 0]) }, /float16/],
    ["an unknown type", { dims: [4n], dataType: 99 }, /99/],
    ["data in another file", { dims: [4n], dataType: 1, dataLocation: 1 }, /another file/],
    ["NaN", { dims: [4n], dataType: 1, floatData: [1, 2, Number.NaN, 4] }, /element 2 is NaN/],
  ])("a tensor with %s is refused", (_, fields, message) => {
    const tensor = create(TensorProtoSchema, { name: "c", ...fields });
    const errors = rejected({ nodes: addC, constants: [tensor] });
    expect(errors).toHaveLength(1);
    expect(errors[0]!.message).toMatch(message);
    expect(errors[0]!.where).toContain("c");
  });

  test("two small constants that broadcast to a huge one are refused, not computed", () => {
    const big = 20_000;
    const ones = new Array<number>(big).fill(1);
    const parts: ModelParts = {
      nodes: [node("Add", ["a", "b"], ["c"]), node("Add", ["x", "c"], ["y"])],
      constants: [floats("a", [big, 1], ones), floats("b", [1, big], ones)],
    };
    expect(rejected(parts)[0]!.message).toMatch(/400000000/);
  });

  test.each([
    ["Div", [0]],
    ["Pow", [-1]],
  ])("integers that do not stay whole by %s are refused", (op, by) => {
    const nodes = [node(op, ["a", "b"], ["t"]), node("Reshape", ["x", "t"], ["y"])];
    expect(rejected({ nodes, constants: [ints("a", [1], [0]), ints("b", [1], by)] })).toHaveLength(1);
  });
});

describe("inputs", () => {
  test("initializers that are listed among the inputs too are constants", () => {
    const inputs = [valueInfo("c", [4]), valueInfo("x", [1, 4])];
    const parts: ModelParts = { nodes: addC, constants: [floats("c", [4], four)], inputs };
    expect(readModel(onnxFile(parts), "m.onnx").inputs).toEqual(["x"]);
    expect(run(parts, four)).toEqual([2, 4, 6, 8]);
  });

  test.each(["N", -1, 0, 1])("a batch size %s is taken as 1", (batch) => {
    const parts = { nodes: [node("Relu", ["x"], ["y"])], input: [batch, 4] };
    expect(readModel(onnxFile(parts), "m.onnx").values.get("x")!.shape).toEqual([1, 4]);
  });

  test.each([
    ["a fixed batch", [valueInfo("x", [8, 4])], /batch size is 8/],
    ["an open size", [valueInfo("x", [1, "features"])], /open or impossible/],
    ["a negative size", [valueInfo("x", [1, -3])], /open or impossible/],
    ["a huge size", [valueInfo("x", [1, 2 ** 50])], /impossible|elements/],
    ["sizes whose product is huge", [valueInfo("x", [1, 2 ** 20, 2 ** 20])], /impossible|elements/],
    ["another type", [valueInfo("x", [1, 4], elementTypes.int64)], /not float32/],
  ])("an input with %s is refused", (_, inputs, message) => {
    const errors = rejected({ nodes: [node("Relu", ["x"], ["y"])], inputs });
    expect(errors).toHaveLength(1);
    expect(errors[0]!.message).toMatch(message);
  });

  test("a name that nothing provides is named", () => {
    const [error] = rejected({ nodes: [node("Add", ["x", "lost"], ["y"], {}, { name: "adder" })] });
    expect(error).toMatchObject({ code: "onnx/missing", where: "adder" });
    expect(error!.message).toContain('"lost"');
  });
});

describe("order", () => {
  test("nodes in any order import", () => {
    const nodes = [
      node("Add", ["b", "c"], ["y"]),
      node("Relu", ["a"], ["b"]),
      node("Sub", ["x", "c"], ["a"]),
    ];
    expect(run({ nodes, constants: [scalar("c", 2)] }, four)).toEqual([2, 2, 3, 4]);
  });

  test("a circle is reported with its nodes", () => {
    const nodes = ["a", "b", "y"].map((name, i, all) =>
      node("Relu", [all[(i + 2) % 3]!], [name], {}, { name: `node ${name}` }),
    );
    const errors = rejected({ nodes });
    expect(errors.map((e) => e.code)).toEqual(["onnx/cycle"]);
    for (const name of ["node a", "node b", "node y"]) expect(errors[0]!.message).toContain(name);
  });

  test.each([
    ["two nodes", { nodes: [node("Relu", ["x"], ["y"]), node("Relu", ["x"], ["y"])] }],
    ["two initializers", { nodes: addC, constants: [floats("c", [4], four), floats("c", [4], four)] }],
    [
      "two inputs",
      { nodes: [node("Relu", ["x"], ["y"])], inputs: [valueInfo("x", [4]), valueInfo("x", [4])] },
    ],
    ["a node and the input", { nodes: [node("Relu", ["x"], ["x"])], outputs: ["x"] }],
    [
      "a node and an initializer",
      { nodes: [node("Relu", ["x"], ["c"]), ...addC], constants: [scalar("c", 1)] },
    ],
  ])("a name that %s give is refused", (_, parts) => {
    expect(rejected(parts).map((e) => e.code)).toContain("onnx/duplicate");
  });

  test("nodes, even unknown ones, that the output does not need are not read", () => {
    const nodes = [node("Relu", ["x"], ["y"]), node("Frobnicate", ["nothing"], ["z"])];
    expect(run({ nodes }, [-1, 2, -3, 4])).toEqual([0, 2, 0, 4]);
  });

  test("absent optional inputs and outputs, written as empty names, join nothing", () => {
    const nodes = [node("Relu", ["x"], ["a", ""]), node("Dropout", ["a", "", ""], ["y", ""])];
    expect(run({ nodes }, [-1, 2, -3, 4])).toEqual([0, 2, 0, 4]);
  });

  test.each([
    ["no output", [], "onnx/no-output"],
    ["an output that nothing computes", ["z"], "onnx/missing"],
  ])("%s is reported", (_, outputs, code) => {
    expect(rejected({ nodes: [node("Relu", ["x"], ["y"])], outputs }).map((e) => e.code)).toEqual([code]);
  });

  test("an output that does not depend on the input is reported", () => {
    const nodes = [node("Relu", ["c"], ["y"])];
    expect(rejected({ nodes, constants: [scalar("c", 1)] })[0]!.code).toBe("onnx/constant-output");
  });
});

test("ONNX's domain may be spelt ai.onnx, in the list of operator sets and in nodes", () => {
  const parts: ModelParts = {
    nodes: [node("Softmax", ["x"], ["y"], {}, { domain: "ai.onnx" })],
    onnxDomain: "ai.onnx",
    opset: 11,
    input: [1, 4, 1],
  };
  // The default axis is 1 before opset 13; after it would be the last, of one element.
  expect(run(parts, [1, 1, 1, 1])).toEqual([0.25, 0.25, 0.25, 0.25]);
});

test("every unsupported operator is listed at once, with its name, operator, shapes and what to do", () => {
  const parts: ModelParts = {
    nodes: [
      node("Conv", ["x", "w"], ["a"], {}, { name: "first conv" }),
      node("MaxPool", ["a"], ["b"]),
      node("MatMull", ["b", "w"], ["c"], {}, { name: "typo" }),
      node("Sign", ["c"], ["d"], {}, { name: "sign" }),
      node("BipolarQuant", ["d", "s"], ["e"], {}, { name: "quantizer" }),
      node("constructor", ["e"], ["f"], {}, { name: "hostile" }),
      node("__proto__", ["f"], ["y"], {}, { name: "worse" }),
    ],
    constants: [floats("w", [4, 1, 1, 1], four), scalar("s", 1)],
    input: [1, 1, 2, 2],
  };
  const errors = rejected(parts);
  expect(errors.map((e) => e.code)).toEqual(new Array(7).fill("onnx/unsupported-op"));
  expect(errors.map((e) => e.where)).toEqual([
    "first conv",
    "MaxPool (writes b)",
    "typo",
    "sign",
    "quantizer",
    "hostile",
    "worse",
  ]);
  expect(errors[0]!.message).toContain("Conv");
  expect(errors[0]!.message).toContain("1×1×2×2");
  expect(errors[0]!.message).toContain("4×1×1×1");
  expect(errors[2]!.remedy).toContain("MatMul");
  expect(errors[3]!.remedy).toContain("BipolarQuant");
  expect(errors[4]!.remedy).toContain(QONNX);
  for (const e of errors) expect((e.remedy ?? "").length).toBeGreaterThan(10);
});

test("independent faults of a file are reported together", () => {
  const parts: ModelParts = {
    nodes: [
      node("Add", ["x", "nan"], ["a"]),
      node("Quant", ["x", "one", "one", "half"], ["b"], {}, { domain: QONNX }),
      node("Softmax", ["x"], ["c"], { axis: { int: 9 } }),
    ],
    constants: [scalar("nan", Number.NaN), scalar("one", 1), scalar("half", 0.5)],
    outputs: ["a", "b", "c"],
  };
  expect(rejected(parts).map((e) => e.code)).toEqual(["onnx/tensor", "onnx/node", "onnx/node"]);
});

test("node and value names are unique, and as the file has them where it can", () => {
  const graph = readModel(smallNet({ names: "layer/" }), "m.onnx");
  expect(graph.nodes.map((n) => n.name).slice(0, 2)).toEqual(["layer/in", "layer/dense"]);
  expect(new Set(graph.nodes.map((n) => n.name)).size).toBe(graph.nodes.length);
  expect(graph.outputs).toEqual(["y"]);
  const twins = ["a", "b", "y"].map((to, i, all) =>
    node("Relu", [all[i - 1] ?? "x"], [to], {}, { name: "twin" }),
  );
  const names = readModel(onnxFile({ nodes: twins }), "m.onnx").nodes.map((n) => n.name);
  expect(names[0]).toBe("twin");
  expect(new Set(names).size).toBe(3);
});
