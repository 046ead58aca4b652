import { expect, it } from "vitest";
import { checkMethod } from "../support/methods/check.js";
import { buildNet } from "../support/methods/net.js";
import { melius } from "./t18-melius.js";

checkMethod(melius);

it("an improvement is one sum of int16, of the last channels only", () => {
  const { tensors, instructions } = buildNet(melius.nets[0]!, 1).compiled.program;
  const sums = instructions.flatMap((i) =>
    i.kind === "add" ? [[...i.inputs, i.output].map((id) => tensors[id]!)] : [],
  );
  expect(sums.map((sum) => sum.map(({ name }) => name))).toEqual(
    ["a1", "a2", "b1"].map((at) => [`${at}.grow.conv`, `${at}.improve.conv`, `${at}.improved`]),
  );
  for (const { shape, domain } of sums.flat()) {
    expect(shape[2]).toBe(8);
    expect(domain).toEqual({ kind: "scalar", type: "i16" });
  }
});

it("float32 convolutions keep their groups, and the shuffle is one move of channels", () => {
  const { instructions, tensors } = buildNet(melius.nets[0]!, 1).compiled.program;
  const groups = instructions.flatMap((i) => (i.kind === "conv-float" ? [i.groups] : []));
  expect(groups).toEqual([1, 4, 8, 2, 1]);
  const shuffle = instructions.find((i) => tensors[i.output]!.name === "transition selection")!;
  expect(shuffle.kind === "select" && Array.from(shuffle.channels.slice(0, 4))).toEqual([0, 16, 1, 17]);
});
