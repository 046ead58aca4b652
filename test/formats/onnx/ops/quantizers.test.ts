import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Quantizer } from "../../../../src/graph/types.js";
import { type FileSpec, floats, graphOf, ints, node, problemOf, run, scalar } from "../../../support/onnx.js";

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
    [1, 0, 2, -2, 1],
    [1, 1, 2, -1, 1],
    [0, 1, 2, 0, 2],
    [1, 0, 4, -8, 7],
    [1, 1, 8, -127, 127],
    [0, 0, 8, 0, 255],
    [0, 1, 8, 0, 254],
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
  ])("is known in %s, as is BipolarQuant", (domain) => {
    for (const quantizer of [node("Quant", "x s zero bits"), node("BipolarQuant", "x s")]) {
      const graph = graphOf({ nodes: [{ ...quantizer, domain }], constants: parameters });
      expect(graph.nodes[0]?.op.kind).toBe("quantize");
    }
  });

  it("adds the zero point before it clamps, and takes it off again", () => {
    // s = 0.5, z = 3, 0…7: −9 → 0 → −1.5; 0.2 → 3.4 → 3 → 0; 9 → 7 → 2
    const nodes = [node("Quant", "x s zero bits", { signed: 0 })];
    expect(run({ nodes, constants: { ...parameters, zero: scalar(3) } }, [-9, 0.2, 9, 0])).toEqual([
      -1.5, 0, 2, 0,
    ]);
  });

  it("takes integer tensors as bit width and zero point", () => {
    const constants = { s: scalar(1), zero: { ...ints(1), dims: [] }, bits: { ...ints(2), dims: [] } };
    const nodes = [node("Quant", "x s zero bits", { signed: 0 })];
    expect(run({ nodes, constants }, [-5, 0.2, 1.2, 9])).toEqual([-1, 0, 1, 2]);
  });

  it("is also called IntQuant", () => {
    const spec = { nodes: [node("IntQuant", "x s zero bits")], constants: parameters };
    expect(run(spec, [0.3, 9, -9, 0.75])).toEqual([0.5, 1.5, -2, 1]);
  });

  it.each<[string, FileSpec, RegExp]>([
    [
      "unknown modes",
      { nodes: [node("Quant", "x s zero bits", { rounding_mode: "NEAREST" })], constants: parameters },
      /"NEAREST" is not known.*ROUND, HALF_EVEN/,
    ],
    [
      "control characters for a mode",
      { nodes: [node("Quant", "x s zero bits", { rounding_mode: "\u001b[31m" })], constants: parameters },
      /rounding mode "\\u001b\[31m"/i,
    ],
    [
      "JavaScript's own names for a mode",
      { nodes: [node("Quant", "x s zero bits", { rounding_mode: "constructor" })], constants: parameters },
      /onnx\/node.*rounding mode/,
    ],
    [
      "no bits",
      { nodes: [node("Quant", "x s zero bits")], constants: { ...parameters, bits: scalar(0) } },
      /bit width of 0/,
    ],
    [
      "one signed bit with a zero point",
      {
        nodes: [node("Quant", "x s zero bits")],
        constants: { ...parameters, zero: scalar(1), bits: scalar(1) },
      },
      /one-bit/,
    ],
    [
      "33 bits",
      { nodes: [node("Quant", "x s zero bits")], constants: { ...parameters, bits: scalar(33) } },
      /bit width of 33/,
    ],
    [
      "2.5 bits",
      { nodes: [node("Quant", "x s zero bits")], constants: { ...parameters, bits: scalar(2.5) } },
      /bit width of 2.5/,
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
      "scales of a higher rank",
      {
        nodes: [node("BipolarQuant", "x s")],
        constants: { s: floats([1, 1, 4], [1, 1, 1, 1]) },
      },
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
    const spec = { nodes: [node("BipolarQuant", "x s")], constants: { s: scalar(0.5) } };
    expect(run(spec, [0, -0, -1e-40, 3])).toEqual([0.5, 0.5, -0.5, 0.5]);
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
    x = [1, 4],
  ) => {
    const graph = graphOf({
      nodes: [quantizerNode, node("MatMul", "x q")],
      constants: { ...parameters, ...constants },
      inputs: { x },
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

  it("have one scale per output", () => {
    const latent = floats([3, 2], [0.9, 0.1, -0.2, -0.9, 5, 0.3]);
    const constants = { w: latent, s: floats([1, 2], [0.5, 0.25]), bits: scalar(2) };
    const { quantized } = weightsOf(constants, node("Quant", "w s zero bits", { narrow: 1 }, "q"), [1, 3]);
    // 0.9, −0.2, 5 by 0.5 → 1, 0, 1 (clamped); 0.1, −0.9, 0.3 by 0.25 → 0, −1, 1
    expect(Array.from(quantized!.codes, (c) => c + 0)).toEqual([1, 0, 0, -1, 1, 1]);
    expect(quantized!.scale).toEqual({ shape: [1, 2], data: Float32Array.of(0.5, 0.25) });
  });

  it("are what the same quantizer gives at run time, and codes times scale", () => {
    const numbers = fc.array(fc.float({ min: -4, max: 4, noNaN: true }), { minLength: 6, maxLength: 6 });
    const mode = fc.constantFrom("ROUND", "CEIL", "FLOOR", "UP", "DOWN", "HALF_UP", "HALF_DOWN");
    const scale = fc.constantFrom(0.1, 0.137, 0.5, 1, 3);
    fc.assert(
      fc.property(numbers, mode, scale, fc.integer({ min: 1, max: 8 }), (latent, rounding_mode, s, bits) => {
        const constants = { ...parameters, w: floats([6, 1], latent), s: scalar(s), bits: scalar(bits) };
        const quant = node("Quant", "w s zero bits", { rounding_mode }, "q");
        const { data, quantized } = weightsOf(constants, quant, [1, 6]);
        const nodes = [node("Quant", "x s zero bits", { rounding_mode })];
        const direct = run({ nodes, constants, inputs: { x: [1, 6] } }, latent);
        expect([...data]).toEqual(direct);
        const products = Array.from(quantized!.codes, (c) => Math.fround(c * Math.fround(s)) + 0);
        expect(products).toEqual(direct.map((v) => v + 0));
      }),
      { numRuns: 60 },
    );
  });

  it("overflow is refused", () => {
    const spec = {
      nodes: [node("Quant", "w s zero bits", {}, "q"), node("MatMul", "x q")],
      constants: { ...parameters, w, s: scalar(3e38), zero: scalar(10) },
    };
    expect(problemOf(spec)).toMatch(/overflows float32/);
  });
});
