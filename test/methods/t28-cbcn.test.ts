import { expect, it } from "vitest";
import { checkMethod } from "../support/methods/check.js";
import { buildNet } from "../support/methods/net.js";
import { circulantFilters } from "./t28-cbcn.js";

checkMethod(circulantFilters);

it("stores the learned filters once, and computes with four of each", () => {
  const { compiled, files } = buildNet(circulantFilters.nets[0]!, 1);
  const outputs = compiled.program.instructions.flatMap((i) =>
    i.kind === "conv" ? [i.weights.outputs] : [],
  );
  expect(outputs).toEqual([32, 36, 20, 10]);
  const header = new TextDecoder().decode(files.weights.subarray(8, 2048));
  expect(header).toContain('"conv2.weight":{"dtype":"F32","shape":[9,32,3,3]');
});
