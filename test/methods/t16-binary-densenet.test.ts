import { describe, expect, it } from "vitest";
import { checkMethod } from "../support/methods/check.js";
import { buildNet, inputsOf } from "../support/methods/net.js";
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

describe.each(
  binaryDenseNet.nets.map((net) => [net.name, buildNet(net, 1).compiled.program] as const),
)("features of %s", (_, { tensors, instructions }) => {
  const producers = ["stem", "a1.conv", "a2.conv", "a3.conv", "transition", "b1.conv", "b2.conv", "b3.conv"];

  it("are exact integers of 16 bits; those of stem and transition are float32", () => {
    const types = producers.map((name) => {
      const { domain } = tensors.find((t) => t.name === name)!;
      return domain.kind === "scalar" && domain.type;
    });
    expect(types).toEqual(["f32", "i16", "i16", "i16", "f32", "i16", "i16", "i16"]);
  });

  it("are never copied: what is put together is bits, or float32 that a float32 layer reads", () => {
    const names = instructions.flatMap((i) => (i.kind === "concat" ? [tensors[i.output]!.name] : []));
    expect(names).toEqual(["a2.sign", "a3.sign", "transition input", "b2.sign", "b3.sign", "fc input"]);
  });

  it("have thresholds of their own for every reader, one per channel", () => {
    // The plan may have another order.
    const inOrder = [...instructions].sort((a, b) => a.output - b.output);
    const rows = inOrder.flatMap((i) =>
      i.kind === "threshold" ? [[tensors[i.input]!.name, tensors[i.output]!.name, i.flipped.length]] : [],
    );
    expect(rows).toEqual([
      ["stem", "a1.sign", 12],
      ["stem", "a2.sign of stem", 12],
      ["a1.conv", "a2.sign of a1.conv", 9],
      ["stem", "a3.sign of stem", 12],
      ["a1.conv", "a3.sign of a1.conv", 9],
      ["a2.conv", "a3.sign of a2.conv", 9],
      ["transition", "b1.sign", 16],
      ["transition", "b2.sign of transition", 16],
      ["b1.conv", "b2.sign of b1.conv", 9],
      ["transition", "b3.sign of transition", 16],
      ["b1.conv", "b3.sign of b1.conv", 9],
      ["b2.conv", "b3.sign of b2.conv", 9],
    ]);
  });
});

it("a threshold on integers is the one that (d + K) / 2, batch normalization and sign have in float32", () => {
  const { net, compiled, define } = buildNet(binaryDenseNet.nets[0]!, 1);
  const { tensors, instructions } = compiled.program;
  const onSums = instructions.flatMap((i) =>
    i.kind === "threshold" && tensors[i.output]!.name === "a2.sign of a1.conv" ? [i] : [],
  )[0]!;
  let compared = 0;
  for (const { real } of inputsOf(net, 3, 12)) {
    const { seen } = define(real);
    const [sums, codes] = ["a1.conv", "a2.sign"].map((name) => seen.get(name)!.value);
    const pixels = 81;
    sums!.data.forEach((d, i) => {
      const channel = Math.floor(i / pixels);
      const reached = d >= onSums.thresholds[channel]! ? 1 : 0;
      expect(reached ^ onSums.flipped[channel]!).toBe(codes!.data[12 * pixels + i] === 1 ? 1 : 0);
      compared++;
    });
  }
  expect(compared).toBe(16 * 9 * 81);
});
