import { expect, it } from "vitest";
import { checkMethod } from "../support/methods/check.js";
import { buildNet, inputsOf } from "../support/methods/net.js";
import { irNet } from "./t19-ir-net.js";

checkMethod(irNet);

it("filters have different powers of two, which no chain rounds", () => {
  const { compiled } = buildNet(irNet.nets[0]!, 1);
  const conv = compiled.graph.nodes.find(({ name }) => name === "block2.conv")!;
  if (conv.op.kind !== "conv") throw new Error("no convolution");
  const powers = Array.from(conv.op.weights.quantized!.scale.data, Math.log2);
  expect(powers.every(Number.isInteger)).toBe(true);
  expect(compiled.diagnostics.map(({ code }) => code)).not.toContain("lowering/near-tie");
});

it("channels of 0 between the shortcut's meet sums that are exactly 0, and their sign is 0", () => {
  const built = buildNet(irNet.nets[0]!, 1);
  const zeros = inputsOf(built.net, 2, 50).flatMap(({ real }) => {
    const { data } = built.define(real).seen.get("block3.sign")!.value;
    return Array.from(data).filter((v) => v === 0);
  });
  expect(zeros.length).toBeGreaterThan(0);
});
