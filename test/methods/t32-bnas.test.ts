import { expect, it } from "vitest";
import { checkMethod } from "../support/methods/check.js";
import { buildNet } from "../support/methods/net.js";
import { bnasGist } from "./t32-bnas.js";

checkMethod(bnasGist);

const { program } = buildNet(bnasGist.nets[0]!, 1).compiled;
const names = program.tensors.map(({ name }) => name);

it("Zeroise's edges are gone, and their nodes are the other edge", () => {
  expect(names.filter((name) => /^cell1\.1b|^cell2\.1a|node1$/.test(name))).toEqual([]);
});

it("pads of dilated kernels keep the map's size", () => {
  const windows = program.instructions.flatMap((i) =>
    i.kind === "conv" ? [{ name: program.tensors[i.output]!.name, ...i.window }] : [],
  );
  const dilated = windows.filter(({ dilation }) => dilation[0] > 1);
  expect(dilated.map(({ name, kernel, pads }) => [name, kernel[0], pads[0]])).toEqual([
    ["cell1.0b.conv before narrowing", 5, 4],
    ["cell1.2b.conv", 3, 2],
    ["cell2.0a.conv", 3, 2],
  ]);
});

it("ReLU between a convolution and a sign is part of the threshold", () => {
  const sign = program.instructions.find((i) => program.tensors[i.output]!.name === "cell1.0a.sign")!;
  if (sign.kind !== "threshold") throw new Error("no threshold");
  expect(program.tensors[sign.input]!.name).toBe("cell1.fit0.conv");
});
