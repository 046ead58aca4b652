import { describe, expect, it } from "vitest";
import type { Quantizer } from "../../../src/graph/types.js";
import { runModel } from "../../../src/reference/model.js";
import { type FileSpec, floats, graphOf, ints, node, problemOf, scalar } from "./support/onnx-file.js";

const parameters = { s: scalar(0.5), zero: scalar(0), bits: scalar(3) };

function quantizer(attributes: Record<string, number | string>, constants = parameters): Quantizer {
  const graph = graphOf({ nodes: [node("Quant", "x s zero bits", attributes)], constants });
  const [only] = graph.nodes;
  if (only?.op.kind !== "quantize") throw new Error("no quantizer");
  return only.op.quantizer;
}

describe("Quant", () => {
  it.each([
    [1, 0, 3, -4, 3],
    [1, 1, 3, -3, 3],
    [0, 0, 3, 0, 7],
    [0, 1, 3, 0, 6],
    [0, 0, 1, 0, 1],
    [1, 0, 8, -128, 127],
    [1, 1, 32, -(2 ** 31), 2 ** 31],
  ])("signed %d narrow %d with %d bits is %d to %d", (signed, narrow, bits, qmin, qmax) => {
    expect(quantizer({ signed, narrow }, { ...parameters, bits: scalar(bits) })).toMatchObject({
      qmin,
      qmax,
    });
  });

  it("is signed, not narrow and rounds half to even by default", () => {
    expect(quantizer({})).toMatchObject({ kind: "uniform", qmin: -4, qmax: 3, rounding: "half-even" });
  });

  it("takes one signed bit as binarization, as QONNX does", () => {
    expect(quantizer({}, { ...parameters, bits: scalar(1) })).toMatchObject({
      kind: "bipolar",
      signOfZero: 1,
    });
  });

  it("knows every rounding mode, in any case", () => {
    const modes = [
      "ROUND",
      "half_even",
      "ROUND_TO_ZERO",
      "DOWN",
      "UP",
      "CEIL",
      "floor",
      "HALF_UP",
      "HALF_DOWN",
    ];
    expect(
      modes.map((rounding_mode) => quantizer({ rounding_mode })).map((q) => "rounding" in q && q.rounding),
    ).toEqual([
      "half-even",
      "half-even",
      "toward-zero",
      "toward-zero",
      "away-from-zero",
      "ceil",
      "floor",
      "half-up",
      "half-down",
    ]);
  });

  it.each([
    "qonnx.custom_op.general",
    "onnx.brevitas",
    "finn.custom_op.general",
  ])("is known in %s", (domain) => {
    const quant = { ...node("Quant", "x s zero bits"), domain };
    expect(graphOf({ nodes: [quant], constants: parameters }).nodes[0]?.op.kind).toBe("quantize");
  });

  it("is also called IntQuant", () => {
    const spec = { nodes: [node("IntQuant", "x s zero bits")], constants: parameters };
    expect([...runModel(graphOf(spec), Float32Array.of(0.3, 9, -9, 0.75))]).toEqual([0.5, 1.5, -2, 1]);
  });

  it.each<[string, FileSpec, RegExp]>([
    [
      "unknown modes",
      { nodes: [node("Quant", "x s zero bits", { rounding_mode: "NEAREST" })], constants: parameters },
      /"NEAREST" is not known.*ROUND, HALF_EVEN/,
    ],
    [
      "33 bits",
      { nodes: [node("Quant", "x s zero bits")], constants: { ...parameters, bits: scalar(33) } },
      /33/,
    ],
    [
      "2.5 bits",
      { nodes: [node("Quant", "x s zero bits")], constants: { ...parameters, bits: scalar(2.5) } },
      /2.5/,
    ],
    [
      "bits that differ",
      { nodes: [node("Quant", "x s zero bits")], constants: { ...parameters, bits: floats([2], [1, 2]) } },
      /bit width differs between channels/,
    ],
    [
      "a scale of 0",
      { nodes: [node("Quant", "x s zero bits")], constants: { ...parameters, s: scalar(0) } },
      /zero/,
    ],
    [
      "an empty scale",
      { nodes: [node("Quant", "x s zero bits")], constants: { ...parameters, s: floats([0], []) } },
      /scale/,
    ],
    [
      "scales that do not fit",
      { nodes: [node("Quant", "x s zero bits")], constants: { ...parameters, s: floats([3], [1, 2, 3]) } },
      /does not fit the shape.*inputs 1×4, 3, scalar, scalar/s,
    ],
    [
      "scales that enlarge",
      { nodes: [node("Quant", "x s zero bits")], constants: { ...parameters, s: floats([2, 1], [1, 2]) } },
      /does not fit/,
    ],
    [
      "computed scales",
      { nodes: [node("Quant", "x x zero bits")], constants: parameters },
      /scale is not a float/,
    ],
    [
      "integers",
      {
        nodes: [node("Quant", "i s zero bits", {}, "q"), node("Add", "x q")],
        constants: { ...parameters, i: ints(1, 2) },
      },
      /quantizes integers/,
    ],
    [
      "attributes of others",
      { nodes: [node("Quant", "x s zero bits", { sign: 1 })], constants: parameters },
      /signed/,
    ],
  ])("refuses %s", (_, spec, message) => {
    expect(problemOf(spec)).toMatch(message);
  });
});

describe("BipolarQuant", () => {
  it("gives ± scale, + for both zeros", () => {
    const graph = graphOf({ nodes: [node("BipolarQuant", "x s")], constants: { s: scalar(0.5) } });
    expect([...runModel(graph, Float32Array.of(0, -0, -1e-40, 3))]).toEqual([0.5, 0.5, -0.5, 0.5]);
  });

  it("refuses other domains, attributes and a missing scale", () => {
    const plain = { ...node("BipolarQuant", "x s"), domain: "" };
    expect(problemOf({ nodes: [plain], constants: parameters })).toMatch(/known in qonnx.custom_op.general/);
    expect(problemOf({ nodes: [node("BipolarQuant", "x s", { narrow: 1 })], constants: parameters })).toMatch(
      /"narrow" is not known/,
    );
    expect(problemOf({ nodes: [node("BipolarQuant", "x")] })).toMatch(/input 1 is missing/);
  });
});

describe("quantized constants", () => {
  const weightsOf = (
    constants: FileSpec["constants"],
    quantizerNode = node("Quant", "w s zero bits", {}, "q"),
  ) => {
    const graph = graphOf({
      nodes: [quantizerNode, node("MatMul", "x q")],
      constants: { ...parameters, ...constants },
    });
    const [only] = graph.nodes;
    if (only?.op.kind !== "dense") throw new Error("no layer");
    return only.op.weights;
  };
  const w = floats([4, 1], [0.3, -0.8, 9, 0.75]);

  it("have codes after subtraction of the zero point", () => {
    const { data, quantized } = weightsOf({ w, zero: scalar(1) });
    expect([...data]).toEqual([0.5, -1, 1, 0.5]);
    expect([...quantized!.codes]).toEqual([1, -2, 2, 1]);
  });

  it("of BipolarQuant are ±1", () => {
    const { data, quantized } = weightsOf({ w }, node("BipolarQuant", "w s", {}, "q"));
    expect([...data]).toEqual([0.5, -0.5, 0.5, 0.5]);
    expect([...quantized!.codes]).toEqual([1, -1, 1, 1]);
  });

  it("overflow is refused", () => {
    const spec = {
      nodes: [node("Quant", "w s zero bits", {}, "q"), node("MatMul", "x q")],
      constants: { ...parameters, w, s: scalar(3e38), zero: scalar(10) },
    };
    expect(problemOf(spec)).toMatch(/overflows float32/);
  });
});
