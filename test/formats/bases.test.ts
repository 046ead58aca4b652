/** Weights of few values: exported without their quantizers, they are found to be sums of bases. */
import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { nearestSigns, signedCoefficients } from "../../src/formats/common/bases.js";
import { floatConstant, insertAxis, reshape, transpose } from "../../src/formats/common/constant.js";
import { recogniseCodes } from "../../src/formats/common/weights.js";
import { sumOfBases } from "../../src/graph/planes.js";
import type { GraphOp, WeightTensor } from "../../src/graph/types.js";
import { lowerGraph } from "../../src/passes/registry.js";
import { graphOf as bundleOf, problemOf, tensor } from "../support/bundle.js";
import { floats, graphOf, node } from "../support/onnx.js";
import { Random } from "../support/random-graph.js";
import { FLOATS } from "../support/same-outputs.js";

const f = Math.fround;

function weightsIn(nodes: readonly { readonly op: GraphOp }[]): WeightTensor {
  for (const { op } of nodes) if (op.kind === "conv" || op.kind === "dense") return op.weights;
  throw new Error("no layer");
}

/** Sums of coefficients with random signs, outputs × inputs. */
function sums(random: Random, coefficients: readonly (readonly number[])[], inputs: number): Float32Array {
  const size = coefficients.length * inputs;
  return Float32Array.from({ length: size }, (_, i) =>
    coefficients[Math.floor(i / inputs)]!.reduce((sum, c) => f(sum + (random.next() < 0.5 ? c : -c)), 0),
  );
}

test("coefficients are found from any of their sums, but for roundings", () => {
  const positive = fc.float({ min: f(0.01), max: 4, noNaN: true });
  fc.assert(
    fc.property(fc.array(positive, { minLength: 1, maxLength: 3 }), (coefficients) => {
      const all = Array.from({ length: 2 ** coefficients.length }, (_, signs) =>
        coefficients.reduce((sum, c, m) => f(sum + ((signs >> m) & 1 ? c : -c)), 0),
      );
      const found = signedCoefficients(all)!;
      const greatest = Math.max(...all);
      for (const x of all) {
        const signs = nearestSigns(found, x);
        const sum = found.reduce((s, c, m) => s + ((signs >> m) & 1 ? c : -c), 0);
        expect(Math.abs(sum - x)).toBeLessThanOrEqual(greatest * 2 ** -21);
      }
    }),
    { numRuns: 300 },
  );
});

test("numbers that are no such sums have none", () => {
  expect(signedCoefficients([1, 0.7, 0.5, 0.1])).toBeUndefined();
  expect(signedCoefficients([1, 2, 3, 4, 5, 7].map(Math.sqrt))).toBeUndefined();
});

describe("weights without a quantizer", () => {
  const random = new Random(11);
  const own = Array.from({ length: 6 }, () => [f(0.3 + random.next()), f(0.1 + random.next() / 4)]);

  it("of ONNX's MatMul, each output with two coefficients, become two bases that layers of planes read", () => {
    const inputs = 40;
    const rows = sums(random, own, inputs);
    const W = floats(
      [inputs, 6],
      Array.from({ length: inputs * 6 }, (_, i) => rows[(i % 6) * inputs + Math.floor(i / 6)]!),
    );
    const file = { nodes: [node("MatMul", "x W")], constants: { W }, inputs: { x: [1, inputs] } };
    const weights = weightsIn(graphOf(file).nodes);
    expect(weights.quantized).toBeUndefined();
    expect(weights.bases).toHaveLength(2);
    expect(weights.bases![0]!.coefficient.shape).toEqual([1, 6]);
    expect(weights.data).toEqual(sumOfBases(weights.bases!, weights.shape));
    const near = weights.data.every(
      (w, i) => Math.abs(w - rows[(i % 6) * inputs + Math.floor(i / 6)]!) < 1e-6,
    );
    expect(near).toBe(true);
  });

  it("stay float where they are many, or too few to tell", () => {
    const latent = Float32Array.from({ length: 100 }, () => random.normal());
    expect(recogniseCodes(floatConstant([10, 10], latent), 0).bases).toBeUndefined();
    const few = sums(random, own, 6);
    expect(recogniseCodes(floatConstant([6, 6], few), 0).bases).toBeUndefined();
    expect(recogniseCodes(floatConstant([6, 30], sums(random, own, 30)), 0).bases).toHaveLength(2);
  });

  it("keep codes where all are multiples of one number", () => {
    const even = sums(
      random,
      own.map(() => [0.5, 0.25]),
      30,
    );
    const weights = recogniseCodes(floatConstant([6, 30], even), 0);
    expect(weights.bases).toBeUndefined();
    expect(new Set(weights.quantized!.codes)).toEqual(new Set([-3, -1, 1, 3]));
  });
});

describe("weights of a bundle's bases", () => {
  const codes = { a: tensor([2, 3], [1, -1, 1, 1, 1, -1]), b: tensor([2, 3], [0, 1, -1, 1, 0, 1]) };
  const spec = (quantizer: object, more: Record<string, ReturnType<typeof tensor>>) => ({
    input: [3],
    layers: [
      { type: "residual_sign", scales: "g", sign_of_zero: 1 },
      { type: "linear", weight: "a", weight_quantizer: { type: "bases", codes: ["a", "b"], ...quantizer } },
    ],
    tensors: { ...codes, g: tensor([2], [0.9, 0.4]), ...more },
  });

  it("are the sum of codes times coefficients, of all outputs or each", () => {
    const one = bundleOf(spec({ coefficients: "c" }, { c: tensor([2], [0.5, 2]) }));
    expect([...weightsIn(one.nodes).data]).toEqual([0.5, 2.5, 1.5, 0.5, -1.5, 1.5]);
    const each = bundleOf(spec({ coefficients: "c" }, { c: tensor([2, 2], [0.5, 2, 1, 8]) }));
    expect([...weightsIn(each.nodes).data]).toEqual([0.5, 9, 1.5, 1, -1.5, 7]);
    const { program } = lowerGraph(each, FLOATS);
    expect(program.instructions.map((i) => i.kind)).toEqual(["threshold", "conv-bases"]);
  });

  it.each<[string, object, Record<string, ReturnType<typeof tensor>>, RegExp]>([
    [
      "coefficients of another number",
      { coefficients: "c" },
      { c: tensor([3], [1, 2, 3]) },
      /coefficients have the shape 3 for 2 bases of 2 outputs/,
    ],
    [
      "bases of another shape",
      { codes: ["a", "c"], coefficients: "g" },
      { c: tensor([3, 2], [1, 1, 1, 1, 1, 1]) },
      /basis 1 has the shape 3×2 for weights of shape 2×3/,
    ],
    [
      "large codes",
      { codes: ["a", "c"], coefficients: "g" },
      { c: tensor([2, 3], [1, 1, 1, 1, 1, 128]) },
      /basis 1 has the code 128 — use integers up to 127/,
    ],
    [
      "fractions",
      { codes: ["a", "c"], coefficients: "g" },
      { c: tensor([2, 3], [1, 1, 1, 1, 1, 0.5]) },
      /is 0\.5 — whole numbers/,
    ],
  ])("refuses %s", (_, quantizer, more, message) => {
    expect(problemOf(spec(quantizer, more))).toMatch(message);
  });
});

test("constants that move keep their bases", () => {
  const random = new Random(3);
  const bases = [0, 1].map(() => ({
    codes: Int32Array.from({ length: 24 }, () => random.integer(-1, 1)),
    coefficient: { shape: [2, 1, 1], data: Float32Array.from({ length: 2 }, () => random.normal()) },
  }));
  const shape = [2, 3, 4];
  const constant = { ...floatConstant(shape, sumOfBases(bases, shape)), bases };
  for (const moved of [
    transpose(constant, [2, 0, 1]),
    insertAxis(constant, 1),
    reshape(constant, [6, 4]),
    recogniseCodes(constant, 0),
  ])
    expect(moved.data).toEqual(sumOfBases(moved.bases!, moved.shape));
});
