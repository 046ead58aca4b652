import { expect, it } from "vitest";
import { checkMethod } from "../support/methods/check.js";
import { buildNet } from "../support/methods/net.js";
import { apq } from "./t35-apq.js";

checkMethod(apq);

it("mixes weights of 4, 6 and 8 bits with bytes and planes, from 0 on and signed", () => {
  const { tensors, instructions } = buildNet(apq.nets[0]!, 1).compiled.program;
  const layers = instructions.flatMap((i) => (i.kind === "conv" ? [i] : []));
  const pairs = layers.map(({ input, weights }) => {
    const { domain } = tensors[input]!;
    return `${domain.kind === "codes" ? domain.bits : 8} ${weights.bits}`;
  });
  expect([...new Set(pairs)].sort()).toEqual(["4 4", "4 8", "8 4", "8 6", "8 8"]);
  expect(new Set(layers.map(({ inputOffset }) => Math.sign(inputOffset)))).toEqual(new Set([-1, 0]));
});
