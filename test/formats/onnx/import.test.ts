import { describe, expect, it } from "vitest";
import { readModel } from "../../../src/formats/index.js";
import { originText } from "../../../src/graph/index.js";
import { runModel } from "../../../src/reference/model.js";
import {
  encode,
  floats,
  graphOf,
  modelInit,
  node,
  onnxFile,
  problemOf,
  problemsOf,
  QONNX,
  run,
  scalar,
  valueInfo,
} from "../../support/onnx.js";

const constants = { c: scalar(2) };

describe("the order of nodes", () => {
  it("is found where the file is not sorted", () => {
    const nodes = [node("Sub", "b c"), node("Mul", "a c", {}, "b"), node("Add", "x c", {}, "a")];
    const graph = graphOf({ nodes, constants, inputs: { x: [1] } });
    expect(graph.nodes.map((n) => n.name)).toEqual(["Add_2", "Mul_1", "Sub_0"]);
    expect([...runModel(graph, Float32Array.of(3))]).toEqual([8]);
  });

  it("names the nodes of a circle", () => {
    const nodes = [node("Add", "b c"), node("Mul", "d c", {}, "b"), node("Sub", "b c", {}, "d")];
    expect(problemOf({ nodes, constants })).toMatch(/onnx\/cycle.*circle: Mul_1 → Sub_2/);
  });

  it("leaves out what the outputs do not need", () => {
    const nodes = [node("Frobnicate", "nothing x", {}, "dead"), node("Add", "x c")];
    expect(graphOf({ nodes, constants }).nodes).toHaveLength(1);
  });

  it("joins nothing by absent optional inputs and outputs, written as empty names", () => {
    const nodes = [
      { ...node("Relu", "x"), out: ["a", ""] },
      { ...node("Dropout", "a - -"), out: ["y", ""] },
    ];
    expect(run({ nodes }, [-1, 2, -3, 4])).toEqual([0, 2, 0, 4]);
  });
});

describe("problems", () => {
  it("are all in one error: every unsupported node with its operator, domain, shapes and a remedy", () => {
    const model = modelInit({
      nodes: [
        node("ConvTranspose", "x w", {}, "a"),
        { ...node("BatchNormalisation", "a c c c c", {}, "b"), name: "norm" },
        { ...node("BipolarQant", "b c", {}, "d"), domain: QONNX },
        { ...node("Quant", "d c c c", {}, "e"), domain: "" },
        { ...node("Thing", "e", {}, "f"), domain: "com.example" },
        { ...node("Sigmoid", "f", {}, "g"), name: "" },
        node("Gemm", "g c", { transC: 1 }, "h"),
        node("Selu", "h"),
      ],
      constants: { ...constants, w: floats([2, 1, 3, 3], new Array(18).fill(1)) },
      inputs: { x: [1, 1, 8, 8] },
    });
    model.graph!.valueInfo = [valueInfo("a", [1, 2, 6, 6]), valueInfo("b", [0, 2, 6, 6])];
    const problems = problemsOf(encode(model)).map((p) => `${p.where}: ${p.message} — ${p.remedy}`);
    expect(problems).toEqual([
      "ConvTranspose_0: operator ConvTranspose is not supported (inputs 1×1×8×8, 2×1×3×3; output 1×2×6×6) — maps are not enlarged: pools and strides only make them smaller",
      "norm: operator BatchNormalisation is not supported (inputs 1×2×6×6, scalar, scalar, scalar, scalar; output batch×2×6×6) — did you mean BatchNormalization?",
      `BipolarQant_2: operator BipolarQant of domain ${QONNX} is not supported (inputs batch×2×6×6, scalar; output unknown) — did you mean BipolarQuant?`,
      "Quant_3: operator Quant is not supported (inputs unknown, scalar, scalar, scalar; output unknown) — Quant is known in qonnx.custom_op.general, onnx.brevitas, finn.custom_op.general",
      "Thing_4: operator Thing of domain com.example is not supported (inputs unknown; output unknown) — `bitloom ops` lists what is supported",
      "Sigmoid (writes g): operator Sigmoid is not supported (inputs unknown; output unknown) — replace it by a quantized activation (BipolarQuant, or Relu and Quant) and train again",
      'Gemm_6: its attribute "transC" is not known (Gemm, inputs unknown, scalar; output unknown) — did you mean transA?',
      "Selu_7: operator Selu is not supported (inputs unknown; output unknown) — replace it by Relu, PRelu or a quantized activation and train again",
    ]);
  });

  it("of different kinds are reported together", () => {
    const spec = {
      nodes: [
        node("Add", "x nan", {}, "a"),
        node("Quant", "x one one half", {}, "b"),
        node("Softmax", "x", { axis: 9 }, "d"),
      ],
      constants: { nan: scalar(Number.NaN), one: scalar(1), half: scalar(0.5) },
      outputs: ["a", "b", "d"],
    };
    expect(problemsOf(spec).map((p) => p.code)).toEqual(["onnx/tensor", "onnx/node", "onnx/node"]);
  });

  it("name values that nothing provides, once", () => {
    const nodes = [node("Add", "x missing", {}, "a"), node("Add", "a missing")];
    expect(problemOf({ nodes })).toMatch(/Add_0 \[onnx\/missing\] reads "missing", which nothing/);
  });

  it.each([
    ["two writers", { nodes: [node("Relu", "x"), node("Neg", "x")] }, /onnx\/duplicate.*two nodes write "y"/],
    [
      "a node that writes an input",
      { nodes: [node("Relu", "x", {}, "x")], outputs: ["x"] },
      /onnx\/duplicate.*writes "x"/,
    ],
    [
      "a node that writes an initializer",
      { nodes: [node("Relu", "x", {}, "c"), node("Add", "x c")], constants },
      /onnx\/duplicate/,
    ],
    ["no output", { nodes: [node("Relu", "x")], outputs: [] }, /onnx\/no-output.*no output/],
    [
      "an output that nothing writes",
      { nodes: [node("Relu", "x")], outputs: ["z"] },
      /onnx\/missing.*"z" is never computed/,
    ],
    [
      "a constant output",
      { nodes: [node("Neg", "c")], constants },
      /onnx\/constant-output.*does not depend on the input/,
    ],
    ["no nodes", { nodes: [] }, /no graph in this file/],
    ["a fixed batch", { nodes: [node("Relu", "x")], inputs: { x: [8, 4] } }, /batch size is 8/],
    ["open sizes", { nodes: [node("Relu", "x")], inputs: { x: [1, 0] } }, /open on axis 1 \(1×batch\)/],
    ["negative sizes", { nodes: [node("Relu", "x")], inputs: { x: [1, -4] } }, /impossible sizes/],
    [
      "inputs that multiply",
      { nodes: [node("Relu", "x")], inputs: { x: [1, 2 ** 20, 2 ** 20] } },
      /impossible/,
    ],
    ["huge inputs", { nodes: [node("Relu", "x")], inputs: { x: [1, 2 ** 40] } }, /impossible sizes/],
  ])("are found: %s", (_, spec, message) => {
    expect(
      problemsOf(spec)
        .map((p) => `${p.where} [${p.code}] ${p.message}`)
        .join("\n"),
    ).toMatch(message);
  });

  it("are found: two initializers or inputs of one name, other input types, inputs without a shape", () => {
    const twice = modelInit({ nodes: [node("Add", "x c")], constants });
    twice.graph!.initializer = [...twice.graph!.initializer!, { ...scalar(3), name: "c" }];
    expect(problemOf(encode(twice))).toMatch(/onnx\/duplicate.*two initializers are called "c"/);

    const inputs = modelInit({ nodes: [node("Relu", "x")] });
    inputs.graph!.input = [valueInfo("x", [1, 4]), valueInfo("x", [1, 5])];
    expect(problemOf(encode(inputs))).toMatch(/onnx\/duplicate.*two inputs are called "x"/);

    const typed = (type: number): string => {
      const model = modelInit({ nodes: [node("Relu", "x")] });
      model.graph!.input = [valueInfo("x", [1, 4], type)];
      return problemOf(encode(model));
    };
    expect(typed(2)).toMatch(/is uint8, not float32 — .*--input-type/);
    expect(typed(11)).toMatch(/is float64, not float32 — .*call \.float\(\) on the model and its example/);
    expect(typed(10)).toMatch(/is float16, not float32 — .*\.float\(\)/);
    expect(typed(99)).toMatch(/is type number 99, not float32/);

    const shapeless = modelInit({ nodes: [node("Relu", "x")] });
    shapeless.graph!.input = [{ name: "x" }];
    expect(problemOf(encode(shapeless))).toMatch(/no shape/);
  });

  it("do not let an attribute occur twice", () => {
    const model = modelInit({ nodes: [node("Softmax", "x")] });
    const axis = { name: "axis", type: 2, i: 1n };
    model.graph!.node![0]!.attribute = [axis, axis];
    expect(problemOf(encode(model))).toMatch(/"axis" occurs twice/);
  });
});

describe("versions", () => {
  const spec = { nodes: [node("Relu", "x")] };

  it.each([7, 8, 9, 11, 13, 17, 23, 25])("opset %d is read", (opset) => {
    expect(originText(graphOf({ ...spec, opset }).origin)).toBe(`ONNX, opset ${opset}`);
  });

  it.each([0, 6, 26])("opset %d is refused", (opset) => {
    expect(problemOf({ ...spec, opset })).toMatch(/onnx\/opset.*7 to 25 are supported/);
  });

  it("a file without the version of ONNX's operators is refused, unless it uses none of them", () => {
    const model = modelInit(spec);
    model.opsetImport = [{ domain: QONNX, version: 1n }];
    expect(problemOf(encode(model))).toMatch(/does not say which version/);
    const quantizerOnly = modelInit({ nodes: [node("BipolarQuant", "x c")], constants });
    quantizerOnly.opsetImport = [{ domain: QONNX, version: 1n }];
    expect(originText(readModel(encode(quantizerOnly), "test").origin)).toBe("QONNX, opset ?");
  });

  it('"ai.onnx" is another spelling of ONNX\'s own domain', () => {
    const model = modelInit({
      nodes: [{ ...node("Softmax", "x"), domain: "ai.onnx" }],
      inputs: { x: [1, 4, 1] },
      opset: 11,
    });
    for (const domain of ["", "ai.onnx"]) {
      model.opsetImport![0] = { domain, version: 11n };
      const [only] = readModel(encode(model), "test").nodes;
      expect(only?.op).toEqual({ kind: "softmax", axis: 1 });
    }
  });

  it("attributes without a type, as very old files have them, are read", () => {
    const model = modelInit({ nodes: [node("Flatten", "x")], inputs: { x: [1, 2, 3] } });
    model.graph!.node![0]!.attribute = [{ name: "axis", i: 2n }];
    expect(readModel(encode(model), "test").values.get("y")?.shape).toEqual([2, 3]);
  });
});

describe("names and inputs", () => {
  it("constants that old files list among the inputs are constants", () => {
    const model = modelInit({ nodes: [node("Add", "x c")], constants });
    model.graph!.input = [valueInfo("x", [1, 4]), valueInfo("c", [])];
    expect(readModel(encode(model), "test").inputs).toEqual(["x"]);
  });

  it.each([-1, 0, 1])("a batch size of %d is taken as 1", (batch) => {
    const model = modelInit({ nodes: [node("Relu", "x")] });
    const dims = [batch, 4].map((n) => ({ value: { case: "dimValue" as const, value: BigInt(n) } }));
    model.graph!.input![0]!.type!.value = {
      case: "tensorType",
      value: { elemType: 1, shape: { dim: dims } },
    };
    expect(readModel(encode(model), "test").values.get("x")!.shape).toEqual([1, 4]);
  });

  it("nodes without a name, or with the same, get unique ones in linear time", () => {
    const nodes = Array.from({ length: 20_000 }, (_, i) => ({
      ...node("Relu", i === 0 ? "x" : `v${i}`, {}, `v${i + 1}`),
      name: i % 2 === 0 ? "same" : "",
    }));
    const graph = graphOf({ nodes, outputs: ["v20000"] });
    expect(graph.nodes[0]!.name).toBe("same");
    expect(new Set(graph.nodes.map((n) => n.name)).size).toBe(20_000);
  });

  it("names of nodes are made printable", () => {
    const graph = graphOf({ nodes: [{ ...node("Relu", "x"), name: "a\u001b[2J\nb" }] });
    expect(graph.nodes[0]?.name).toBe("a\\u001b[2J\\nb");
  });

  it("values that a Gemm makes on the way do not collide with the file's", () => {
    const w = floats([4, 2], [1, 1, 1, 1, -1, -1, 1, 1]);
    const nodes = [
      node("Gemm", "x w b", {}, "h"),
      node("Relu", "h", {}, "h product"),
      { op: "Add", in: ["h product", "c"] },
    ];
    const graph = graphOf({ nodes, constants: { ...constants, w, b: scalar(1) } });
    expect(graph.nodes.map((n) => n.output)).toEqual(["h product#1", "h", "h product", "y"]);
  });

  it("say what made the file", () => {
    const model = modelInit({ nodes: [node("BipolarQuant", "x c")], constants });
    model.producerName = "tool\u0007";
    model.producerVersion = "1.2";
    expect(originText(readModel(encode(model), "test").origin)).toBe("QONNX, opset 13, by tool\\u0007 1.2");
  });

  it("the file is read whatever it is called, gzipped or not", async () => {
    const { gzipSync } = await import("node:zlib");
    const plain = onnxFile({ nodes: [node("Relu", "x")] });
    expect(readModel(gzipSync(plain), "model.bin")).toEqual(readModel(plain, "model.onnx"));
  });
});
