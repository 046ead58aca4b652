import { expect, it } from "vitest";
import { checkMethod } from "../support/methods/check.js";
import { buildNet } from "../support/methods/net.js";
import { biReal } from "./t15-bi-real.js";

checkMethod(biReal);

it("signs are taken of the stream itself: one threshold for all channels", () => {
  const { tensors, instructions } = buildNet(biReal.nets[0]!, 1).compiled.program;
  const signs = instructions.flatMap((i) =>
    i.kind === "threshold" && /^block[234]\.sign$/.test(tensors[i.output]!.name) ? [i] : [],
  );
  expect(signs.map(({ flipped }) => flipped.length)).toEqual([1, 1, 1]);
  for (const { input } of signs) expect(tensors[input]!.domain).toEqual({ kind: "scalar", type: "f32" });
});

it("torch's sign makes ternary codes of the stream", () => {
  const { tensors } = buildNet(biReal.nets[1]!, 1).compiled.program;
  const { domain } = tensors.find(({ name }) => name === "block2.sign")!;
  expect(domain).toEqual({ kind: "codes", bits: 2, step: 1, offset: -1 });
});
