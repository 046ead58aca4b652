import { expect, it } from "vitest";
import { problemOf, tensor } from "../support/bundle.js";
import { checkMethod } from "../support/methods/check.js";
import { lab, lossAware } from "./t25-lab.js";

checkMethod(lossAware);

it("says what is missing where the file has no second moments", () => {
  const problem = problemOf({
    input: [2],
    layers: [{ type: "linear", name: "fc", weight: "fc.weight", weight_quantizer: lab("fc") }],
    tensors: { "fc.weight": tensor([1, 2], [1, -1]) },
  });
  expect(problem).toMatch(
    /fc: there is no tensor "fc.acc_W" .* depends on Adam's second moments — save them .*acc_W in LAB's code.*, or give the scale/,
  );
});
