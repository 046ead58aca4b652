/** Quantizers of levels and weights of bases: what the verifier holds them to, how they print. */
import { describe, expect, it } from "vitest";
import { BitloomError } from "../../src/diagnostics/diagnostic.js";
import { planesValue, sumOfBases } from "../../src/graph/planes.js";
import { printGraph } from "../../src/graph/print.js";
import type { LevelsQuantizer, ModelGraph, WeightTensor } from "../../src/graph/types.js";
import { verifyGraph } from "../../src/graph/verify.js";
import { activationLevels, weightLevels } from "../../src/report/levels.js";
import { layerMethods } from "../../src/report/methods.js";
import { chain, tensor } from "./support.js";

const planes = {
  alphabet: "signs",
  coefficients: tensor([2], [0.75, 0.5]),
  constant: 0.125,
  codes: Int32Array.of(0, 1, 2, 3),
} as const;
const levels: LevelsQuantizer = {
  kind: "levels",
  thresholds: tensor([1, 3], [-1, 0, 1]),
  axis: 1,
  values: tensor([4], [-1.125, -0.125, 0.375, 1.375]),
  planes,
};
const bases = [
  { codes: Int32Array.of(1, -1, 1, 1), coefficient: tensor([1, 2], [0.5, 2]) },
  { codes: Int32Array.of(0, 1, -1, 1), coefficient: tensor([1, 1], [0.25]) },
];
const weights: WeightTensor = { ...tensor([2, 2], [0.5, -1.75, 0.25, 2.25]), bases };

function net(quantizer: LevelsQuantizer, dense: WeightTensor): ModelGraph {
  return chain([1, 2], [{ kind: "quantize", quantizer }], [{ kind: "dense", weights: dense }]);
}

function problem(graph: ModelGraph): string {
  try {
    verifyGraph(graph);
  } catch (error) {
    if (error instanceof BitloomError) return error.message;
    throw error;
  }
  return "";
}

it("a code's first plane is its most significant bit; constants come last", () => {
  expect([0, 1, 2, 3].map((code) => planesValue(planes, code))).toEqual([...levels.values.data]);
  expect(planesValue({ ...planes, alphabet: "bits" }, 2)).toBe(0.875);
  // Rounded after each addition: 1 + 2^-24 is 1, twice.
  const small = {
    alphabet: "bits",
    coefficients: tensor([3], [1, 2 ** -24, 2 ** -24]),
    constant: 0,
  } as const;
  expect(planesValue(small, 7)).toBe(1);
});

it("bases are added in their order", () => {
  expect([...sumOfBases(bases, [2, 2])]).toEqual([...weights.data]);
});

describe("the verifier", () => {
  it("accepts sums that are the numbers", () => {
    expect(problem(net(levels, weights))).toBe("");
  });

  it.each<[string, LevelsQuantizer, WeightTensor, RegExp]>([
    ["too few values", { ...levels, values: tensor([3], [1, 2, 3]) }, weights, /one value per number/],
    ["thresholds that fall", { ...levels, thresholds: tensor([1, 3], [1, 0, 2]) }, weights, /do not rise/],
    [
      "a code of three planes",
      { ...levels, planes: { ...planes, codes: Int32Array.of(0, 1, 2, 4) } },
      weights,
      /planes that do not fit/,
    ],
    [
      "a value that is no sum",
      { ...levels, values: tensor([4], [-1.125, -0.125, 0.375, 1]) },
      weights,
      /not the sum of its planes, at 3/,
    ],
    [
      "a weight that is no sum",
      levels,
      { ...weights, data: Float32Array.of(0.5, -1.75, 0.5, 2.25) },
      /not the sum of its bases, at 2/,
    ],
    [
      "a basis with too few codes",
      levels,
      { ...weights, bases: [{ ...bases[0]!, codes: Int32Array.of(1) }] },
      /bases that do not fit/,
    ],
    [
      "coefficients of other outputs",
      levels,
      { ...weights, bases: [{ ...bases[0]!, coefficient: tensor([1, 3], [1, 1, 1]) }] },
      /bases that do not fit/,
    ],
  ])("refuses %s", (_, quantizer, dense, message) => {
    expect(problem(net(quantizer, dense))).toMatch(message);
  });
});

it("both print with their coefficients", () => {
  const lines = printGraph(net(levels, weights)).split("\n");
  expect(lines[2]).toContain(
    "quantize to 4 levels −1.125…1.375, 3 thresholds, −1…1 (3 numbers), planes of ±1 times 0.75, 0.5, 0.125",
  );
  expect(lines[3]).toContain("dense 2×2, weights of 2 bases times 0.5…2 (2 numbers) and 0.25");
});

it("reports count planes and bases as bits", () => {
  expect(activationLevels(levels)).toEqual({ kind: "levels", bits: 2, text: "2 planes" });
  const { planes: _, ...bare } = levels;
  expect(activationLevels(bare)).toMatchObject({ bits: 2, text: "4 levels" });
  expect(weightLevels(weights)).toMatchObject({ bits: 2, text: "2 bases, coefficients per output" });
  expect(layerMethods(net(levels, weights))[0]).toMatchObject({
    bits: "W2A2",
    method: "sums of planes by bases (ABC-Net, LQ-Nets, least squares)",
  });
});
