import { expect, it } from "vitest";
import { type BundleSpec, problemOf, run, tensor } from "../support/bundle.js";
import { checkMethod } from "../support/methods/check.js";
import { binaryWeights } from "./t01-binaryconnect.js";

checkMethod(binaryWeights);

const layerWith = (quantizer: object): BundleSpec => ({
  input: [2],
  layers: [{ type: "linear", weight: "w", weight_quantizer: { type: "sign", scale: 0.5, ...quantizer } }],
  tensors: { w: tensor([1, 2], [0.9, -0.2]) },
});

it("refuses weights that are stochastic at test time, of which BinaryConnect keeps the real ones", () => {
  expect(run(layerWith({ sign_of_zero: 1 }), [3, 4])).toEqual([-0.5]);
  expect(problemOf(layerWith({ sign_of_zero: 1, stochastic: true }))).toMatch(
    /"stochastic" is not known here/,
  );
});

it("asks what becomes of a weight of exactly 0", () => {
  expect(problemOf(layerWith({}))).toMatch(/sign_of_zero: it is missing/);
});
