import { expect, it } from "vitest";
import { checkMethod } from "../support/methods/check.js";
import { sign } from "../support/methods/layers.js";
import { buildNet, type MethodNet } from "../support/methods/net.js";
import { planesNet } from "../support/methods/planes-net.js";
import { floatMaps, kindsOf } from "../support/methods/programs.js";
import { reBNet, rebnet } from "./t08-rebnet.js";

checkMethod(reBNet);

const programOf = (net: MethodNet) => buildNet(net, 1).compiled.program;
const named = (name: string) => programOf(reBNet.nets.find((net) => net.name === name)!);

it("keeps no map of floats between layers", () => {
  for (const { name } of reBNet.nets.slice(1)) expect(floatMaps(named(name)), name).toEqual([]);
});

it("codes that rise with their numbers are pooled as they are, others by rank", () => {
  expect(kindsOf(named("rebnet_3")).slice(0, 4)).toEqual(["conv", "threshold", "pool", "conv-bases"]);
  const ranked = ["conv", "threshold", "lookup", "pool", "lookup", "conv-bases"];
  expect(kindsOf(named("rebnet_unordered")).slice(0, 6)).toEqual(ranked);
});

it("one level is the program of a binarized net", () => {
  const method = rebnet([0.8]);
  const { name } = reBNet.nets[1]!;
  const layer = (q: string) => sign(q, 1, { scale: Math.fround(0.8) });
  const binarized = { ...method, layer, tensors: () => {} };
  const plain = [method, binarized].map((m) => {
    const { tensors, instructions } = programOf(planesNet(name, m));
    return { tensors: tensors.map(({ shape, domain }) => ({ shape, domain })), instructions };
  });
  expect(plain[0]).toEqual(plain[1]);
});
