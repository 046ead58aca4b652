import { expect, it } from "vitest";
import { graphOf, problemOf, tensor } from "../support/bundle.js";
import { checkMethod } from "../support/methods/check.js";
import { uniformQuantizers } from "./t21-uniform.js";

checkMethod(uniformQuantizers);

it("refuses steps that depend on the batch at hand", () => {
  const spec = (scale: unknown) => ({
    layers: [{ type: "quantize", bits: 4, signed: false, scale, rounding: "half-even" }],
    tensors: { step: tensor([1], [0.1]) },
  });
  expect(graphOf(spec("step")).nodes).toHaveLength(1);
  expect(problemOf(spec({ max_abs: "tensor" }))).toMatch(
    /scale: it is an object — expected: the value of one step, .* as training left it/,
  );
});
