import { expect, it } from "vitest";
import { run, tensor } from "../support/bundle.js";
import { checkMethod } from "../support/methods/check.js";
import { buildNet } from "../support/methods/net.js";
import { ternaryWeights } from "./t05-twn.js";

checkMethod(ternaryWeights);

it("the threshold is the layer's, so that a filter of small weights is all 0, and sums nothing", () => {
  const { compiled } = buildNet(ternaryWeights.nets[0]!, 1);
  const conv = compiled.program.instructions.find((i) => i.kind === "conv")!;
  if (conv.kind !== "conv") throw new Error("no convolution of codes");
  const { codes, inputs, offset } = conv.weights;
  const weightsOf = (filter: number): number[] =>
    Array.from(codes.subarray(filter * inputs, (filter + 1) * inputs), (code) => code + offset);
  expect(weightsOf(4)).toEqual(new Array(inputs).fill(0));
  expect(new Set(weightsOf(5))).toEqual(new Set([-1, 0, 1]));
});

it("a layer of zeros has no magnitude to average: it gives 0", () => {
  const quantizer = {
    type: "ternary",
    threshold: { mean_abs: "tensor", factor: 0.7 },
    threshold_is_zero: true,
    scale: { mean_abs: "tensor" },
  };
  const layers = [{ type: "linear", weight: "w", weight_quantizer: quantizer }];
  expect(run({ input: [2], layers, tensors: { w: tensor([1, 2], [0, 0]) } }, [3, -4])).toEqual([0]);
});
