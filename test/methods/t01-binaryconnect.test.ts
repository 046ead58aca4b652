import { expect, it } from "vitest";
import { problemOf, tensor } from "../support/bundle.js";
import { checkMethod } from "../support/methods/check.js";
import { binaryWeights } from "./t01-binaryconnect.js";

checkMethod(binaryWeights);

const problemWith = (quantizer: object): string =>
  problemOf({
    input: [2],
    layers: [{ type: "linear", weight: "w", weight_quantizer: { type: "sign", scale: 0.3, ...quantizer } }],
    tensors: { w: tensor([1, 2], [1, -1]) },
  });

it("refuses weights that are stochastic at test time, of which BinaryConnect keeps the real ones", () => {
  expect(problemWith({ sign_of_zero: 1 })).toBe("");
  expect(problemWith({ sign_of_zero: 1, stochastic: true })).toMatch(/"stochastic" is not known here/);
});

it("asks what becomes of a weight of exactly 0", () => {
  expect(problemWith({})).toMatch(/sign_of_zero: it is missing/);
});
