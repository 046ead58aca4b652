import { expect, it } from "vitest";
import { checkMethod } from "../support/methods/check.js";
import { buildNet } from "../support/methods/net.js";
import { binaryDenseNet } from "./t16-binary-densenet.js";

checkMethod(binaryDenseNet);

it.each([
  ["densenet_bmxnet", -1, [1, 1, 1]],
  ["densenet_larq", 0, [1, 1, 1]],
  ["densenet_dilated", 0, [1, 2, 4]],
])("%s pads with %i and dilates by %j", (name, padValue, dilations) => {
  const { instructions } = buildNet(binaryDenseNet.nets.find((n) => n.name === name)!, 1).compiled.program;
  const convs = instructions.flatMap((i) => (i.kind === "conv" ? [i] : []));
  expect(convs.map((c) => c.padValue)).toEqual(new Array(6).fill(padValue));
  expect(convs.slice(3).map((c) => c.window.dilation)).toEqual(dilations.map((d) => [d, d]));
  expect(convs.slice(3).map((c) => c.window.pads[0])).toEqual(dilations);
});

it("every reader of the features has thresholds of its own, one per channel", () => {
  const { tensors, instructions } = buildNet(binaryDenseNet.nets[1]!, 1).compiled.program;
  const rows = instructions.flatMap((i) =>
    i.kind === "threshold" ? [[tensors[i.output]!.name, i.flipped.length]] : [],
  );
  expect(rows).toEqual([
    ["a1.sign", 12],
    ["a2.sign", 21],
    ["a3.sign", 30],
    ["b1.sign", 16],
    ["b2.sign", 25],
    ["b3.sign", 34],
  ]);
});
