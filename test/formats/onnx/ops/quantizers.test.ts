import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readModel } from "../../../../src/formats/index.js";
import { rejected, run } from "../../../support/import.js";
import {
  floats,
  ints,
  type ModelParts,
  node,
  onnxFile,
  QONNX,
  quant,
  scalar,
} from "../../../support/onnx-builder.js";

/** Quant on the input; results without the sign of zero. */
function quantized(x: readonly number[], options: Parameters<typeof quant>[2]): number[] {
  const q = quant("x", "y", options);
  return run({ nodes: [q.node], constants: q.constants, input: [1, x.length] }, x).map((v) => v + 0);
}

const ties = [-2.5, -1.5, -1.25, -0.5, 0.5, 1.25, 1.5, 2.5, 1.75, -1.75];

// The tables are those of qonnx 1.0's resolve_rounding_mode (numpy), read as mathematics.
test.each([
  ["ROUND", [-2, -2, -1, 0, 0, 1, 2, 2, 2, -2]],
  ["HALF_EVEN", [-2, -2, -1, 0, 0, 1, 2, 2, 2, -2]],
  ["HALF_UP", [-3, -2, -1, -1, 1, 1, 2, 3, 2, -2]],
  ["HALF_DOWN", [-2, -1, -1, 0, 0, 1, 1, 2, 2, -2]],
  ["DOWN", [-2, -1, -1, 0, 0, 1, 1, 2, 1, -1]],
  ["ROUND_TO_ZERO", [-2, -1, -1, 0, 0, 1, 1, 2, 1, -1]],
  ["UP", [-3, -2, -2, -1, 1, 2, 2, 3, 2, -2]],
  ["CEIL", [-2, -1, -1, 0, 1, 2, 2, 3, 2, -1]],
  ["FLOOR", [-3, -2, -2, -1, 0, 1, 1, 2, 1, -2]],
  ["round", [-2, -2, -1, 0, 0, 1, 2, 2, 2, -2]],
])("rounding mode %s at and beside ties", (rounding, expected) => {
  expect(quantized(ties, { bits: 8, rounding })).toEqual(expected);
});

test("halves round to even where the file names no mode", () => {
  expect(quantized([0.5, 1.5, 2.5, -0.5], { bits: 8 })).toEqual([0, 2, 2, 0]);
});

test.each([
  [8, 1, 0, -128, 127],
  [8, 1, 1, -127, 127],
  [8, 0, 0, 0, 255],
  [8, 0, 1, 0, 254],
  [4, 1, 0, -8, 7],
  [4, 1, 1, -7, 7],
  [2, 1, 0, -2, 1],
  [2, 1, 1, -1, 1],
  [2, 0, 0, 0, 3],
  [2, 0, 1, 0, 2],
  [1, 0, 0, 0, 1],
])("%i bits, signed %i, narrow %i: %i … %i", (bits, signed, narrow, least, greatest) => {
  expect(quantized([-1e6, 1e6], { bits, signed, narrow })).toEqual([least, greatest]);
});

test("one signed bit is the sign, 0 counts as positive (qonnx quirk)", () => {
  expect(quantized([-3, -0.1, 0, 0.1], { bits: 1, scale: 0.5 })).toEqual([-0.5, -0.5, 0.5, 0.5]);
});

test("a zero point shifts the range: x/s + z is clamped, z is taken off again", () => {
  // s = 0.5, z = 3, 0…7: −9 → 0 → −1.5; 0.2 → 3.4 → 3 → 0; 9 → 7 → 2
  expect(quantized([-9, 0.2, 9], { bits: 3, signed: 0, scale: 0.5, zero: 3 })).toEqual([-1.5, 0, 2]);
});

test("clamping comes before rounding: 7.6 with ROUND stays 7", () => {
  expect(quantized([7.6, -8.4], { bits: 4 })).toEqual([7, -8]);
});

test("the division is rounded to float32 before the rounding to an integer", () => {
  // 0.3f / 0.2f is 1.5 in float32 but 1.5000000745 in float64: float32 makes it a tie, and 2 either way;
  // 0.5f·0.1f / 0.1f is a tie whose float64 quotient may lie beside it.
  const s = Math.fround(0.1);
  const xs = Array.from({ length: 200 }, (_, i) => Math.fround(Math.fround(i / 2 - 50) * s));
  const expected = xs.map((x) => {
    const q = Math.fround(x / s);
    const low = Math.floor(q);
    const nearest = q - low === 0.5 ? (low % 2 === 0 ? low : low + 1) : Math.round(q);
    return Math.fround(Math.min(127, Math.max(-128, nearest)) * s);
  });
  expect(quantized(xs, { bits: 8, scale: 0.1 })).toEqual(expected.map((v) => v + 0));
});

test.each(["qonnx.custom_op.general", "onnx.brevitas", "finn.custom_op.general"])("domain %s", (domain) => {
  expect(quantized([0.6, -9], { bits: 3, domain })).toEqual([1, -4]);
  const parts: ModelParts = {
    nodes: [node("BipolarQuant", ["x", "s"], ["y"], {}, { domain })],
    constants: [scalar("s", 2)],
    input: [1, 2],
  };
  expect(run(parts, [-0.5, 0.5])).toEqual([-2, 2]);
});

test("a quantizer of another domain is not taken for one", () => {
  const [error] = rejected({ nodes: [node("Quant", ["x"], ["y"], {}, { domain: "ai.onnx.ml" })] });
  expect(error!.code).toBe("onnx/unsupported-op");
  expect(error!.remedy).toContain("qonnx.custom_op.general");
});

describe("weights", () => {
  /** Weights through Quant with one scale per output channel, with or without a transposition behind it. */
  function dense(transposed: boolean): ModelParts {
    const latent = transposed ? [0.9, -0.2, 5, 0.1, -0.9, 0.3] : [0.9, 0.1, -0.2, -0.9, 5, 0.3];
    const perChannel = transposed ? [2, 1] : [1, 2];
    return {
      input: [1, 3],
      constants: [
        floats("w", transposed ? [2, 3] : [3, 2], latent),
        floats("s", perChannel, [0.5, 0.25]),
        scalar("z", 0),
        scalar("b", 2),
      ],
      nodes: [
        node(
          "Quant",
          ["w", "s", "z", "b"],
          ["q"],
          { signed: { int: 1 }, narrow: { int: 1 } },
          { domain: QONNX },
        ),
        ...(transposed ? [node("Transpose", ["q"], ["t"], { perm: { ints: [1, 0] } })] : []),
        node("MatMul", ["x", transposed ? "t" : "q"], ["y"]),
      ],
    };
  }

  test.each([false, true])("one scale per output channel, transposed: %s", (transposed) => {
    const graph = readModel(onnxFile(dense(transposed)), "m.onnx");
    const { op } = graph.nodes[0]!;
    if (op.kind !== "dense") throw new Error("not dense");
    // column 0: 0.9, −0.2, 5 by 0.5 → 1, 0, 1 (clamped); column 1: 0.1, −0.9, 0.3 by 0.25 → 0, −1, 1
    expect(Array.from(op.weights.quantized!.codes, (c) => c + 0)).toEqual([1, 0, 0, -1, 1, 1]);
    expect(Array.from(op.weights.quantized!.scale.data)).toEqual([0.5, 0.25]);
    expect(op.weights.quantized!.scale.shape).toEqual([1, 2]);
    expect(run(dense(transposed), [1, 10, 100])).toEqual([0.5 * (1 + 100), 0.25 * (-10 + 100)]);
  });

  test("codes times scale are the values, for every bit width and rounding", () => {
    const numbers = fc.array(fc.float({ min: -4, max: 4, noNaN: true }), { minLength: 6, maxLength: 6 });
    const mode = fc.constantFrom("ROUND", "CEIL", "FLOOR", "UP", "DOWN", "HALF_UP", "HALF_DOWN");
    const scale = fc.constantFrom(0.1, 0.137, 0.5, 1, 3);
    fc.assert(
      fc.property(numbers, mode, scale, fc.integer({ min: 1, max: 8 }), (latent, rounding, s, bits) => {
        const q = quant("w", "q", { rounding, scale: s, bits });
        const parts: ModelParts = {
          input: [1, 3],
          constants: [floats("w", [3, 2], latent), ...q.constants],
          nodes: [q.node, node("MatMul", ["x", "q"], ["y"])],
        };
        const graph = readModel(onnxFile(parts), "m.onnx");
        const { op } = graph.nodes[0]!;
        if (op.kind !== "dense") throw new Error("not dense");
        // The same quantizer on run-time values must give the same numbers.
        const direct = run(
          {
            nodes: [quant("x", "y", { rounding, scale: s, bits }).node],
            constants: quant("x", "y", { rounding, scale: s, bits }).constants,
            input: [1, 6],
          },
          latent,
        );
        expect(Array.from(op.weights.data)).toEqual(direct);
        const codes = Array.from(op.weights.quantized!.codes, (c) => Math.fround(c * Math.fround(s)));
        expect(codes.map((c) => c + 0)).toEqual(direct.map((v) => v + 0));
      }),
      { numRuns: 60 },
    );
  });
});

test("bit width and zero point may be integer tensors", () => {
  const parts: ModelParts = {
    nodes: [node("Quant", ["x", "s", "z", "b"], ["y"], { signed: { int: 0 } }, { domain: QONNX })],
    constants: [scalar("s", 1), ints("z", [], [1]), ints("b", [], [2])],
  };
  expect(run(parts, [-5, 0.2, 1.2, 9])).toEqual([-1, 0, 1, 2]);
});

test.each([
  ["a scale of zero", { scale: 0 }, /scale/],
  ["a fractional bit width", { bits: 2.5 }, /bit width of 2.5/],
  ["no bits", { bits: 0 }, /bit width of 0/],
  ["too many bits", { bits: 64 }, /bit width of 64/],
  ["an unknown rounding mode", { rounding: "DITHER" }, /rounding mode "DITHER"/],
  ["a rounding mode with control characters", { rounding: "\u001b[31m" }, /rounding mode "\\u001b\[31m"/i],
  ["a rounding mode of Object's prototype", { rounding: "constructor" }, /rounding mode/],
  ["one signed bit with a zero point", { bits: 1, zero: 1 }, /one-bit/],
])("refuses %s", (_, options, message) => {
  const q = quant("x", "y", options);
  const errors = rejected({ nodes: [q.node], constants: q.constants });
  expect(errors.map((e) => e.code)).toEqual(["onnx/node"]);
  expect(errors[0]!.message).toMatch(message);
});

test("refuses a scale that the input computes, and one that does not fit", () => {
  const computed: ModelParts = {
    nodes: [node("Relu", ["x"], ["s"]), node("BipolarQuant", ["x", "s"], ["y"], {}, { domain: QONNX })],
  };
  expect(rejected(computed)[0]!.message).toMatch(/scale is not a float constant/);
  for (const shape of [[3], [2, 4], [1, 1, 4]]) {
    const parts: ModelParts = {
      nodes: [node("BipolarQuant", ["x", "s"], ["y"], {}, { domain: QONNX })],
      constants: [floats("s", shape, new Array(shape.reduce((a, b) => a * b)).fill(1))],
    };
    expect(rejected(parts)[0]!.message).toMatch(/does not fit/);
  }
});
