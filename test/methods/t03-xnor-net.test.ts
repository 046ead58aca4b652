import { expect, it } from "vitest";
import { checkMethod } from "../support/methods/check.js";
import { buildNet } from "../support/methods/net.js";
import { countOf } from "../support/methods/programs.js";
import { xnor } from "./t03-xnor-net.js";

checkMethod(xnor);

const [without, ...withK] = xnor.nets.map((net) => buildNet(net, 1).compiled.program);

it("without K: α, ReLU, pool and BN are one threshold of the exact sum", () => {
  // Nothing but the float layers at both ends is float: a scale in front of each.
  const kinds = ["conv", "threshold", "scale", "pairwise"] as const;
  expect(kinds.map((kind) => countOf(without!, kind))).toEqual([2, 2, 2, 0]);
});

it("with K: one sum over channels and one product for a layer", () => {
  for (const program of withK)
    expect((["reduce", "pairwise"] as const).map((kind) => countOf(program, kind))).toEqual([2, 2]);
});
