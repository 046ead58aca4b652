import { expect, it } from "vitest";
import { checkMethod } from "../support/methods/check.js";
import { buildNet, inputsOf } from "../support/methods/net.js";
import { melius } from "./t18-melius.js";

checkMethod(melius);

it("an improvement is exact and touches the last channels only", () => {
  const built = buildNet(melius.nets[0]!, 1);
  for (const { real } of inputsOf(built.net, 2, 10)) {
    const { seen } = built.define(real);
    const [before, after] = ["a2.dense", "a2"].map((name) => seen.get(name)!.value);
    const pixels = before!.shape[2]! * before!.shape[3]!;
    const changed = new Set(
      Array.from(before!.data).flatMap((v, i) => (v === after!.data[i] ? [] : [Math.floor(i / pixels)])),
    );
    expect(Math.min(...changed)).toBeGreaterThanOrEqual(24);
    // A dense block's own channels are integers, and improved ones too.
    expect(after!.data.subarray(16 * pixels).every(Number.isInteger)).toBe(true);
  }
});

it("float32 convolutions keep their groups, and the shuffle is one move of channels", () => {
  const { instructions, tensors } = buildNet(melius.nets[0]!, 1).compiled.program;
  const groups = instructions.flatMap((i) => (i.kind === "conv-float" ? [i.groups] : []));
  expect(groups).toEqual([1, 4, 8, 2, 1]);
  const shuffle = instructions.find((i) => tensors[i.output]!.name === "transition selection")!;
  expect(shuffle.kind === "select" && Array.from(shuffle.channels.slice(0, 4))).toEqual([0, 16, 1, 17]);
});
