import { describe, expect, it } from "vitest";
import { compileDevice } from "../../src/reference/device-fast.js";
import { graphOf, tensor } from "../support/bundle.js";
import { checkMethod } from "../support/methods/check.js";
import { FLOAT, linear } from "../support/methods/layers.js";
import { buildNet } from "../support/methods/net.js";
import { compileGraph } from "../support/models.js";
import { dorefa, quantizer } from "./t06-dorefa.js";

checkMethod(dorefa);

describe("halves are rounded to even", () => {
  it.each([
    // x · 3 is exactly 0.5, 1.5 and 2.5.
    [2, [1 / 6, 1 / 2, 5 / 6], [0, 2, 2]],
    // One bit: 1 above a half only.
    [1, [0.5, 0.5 + 2 ** -24, -3], [0, 1, 0]],
    [3, [0.5 / 7, 1.5 / 7, 6.5 / 7], [0, 2, 6]],
  ])("by %i bits", (bits, x, levels) => {
    const same = { w: tensor([3, 3], [1, 0, 0, 0, 1, 0, 0, 0, 1]) };
    const graph = graphOf({
      input: [3],
      layers: [...quantizer("q", bits), linear("w", FLOAT, { weight: "w" })],
      tensors: same,
    });
    const options = { input: { type: "f32" }, output: "float32" } as const;
    const device = compileDevice(compileGraph(graph, Float32Array.from(x), options).program);
    const y = device(Float32Array.from(x));
    expect(Array.from(y, (v) => Math.round(v * (2 ** bits - 1)))).toEqual(levels);
  });
});

it("weights of two bits are the odd levels −3, −1, 1, 3, which need no offset", () => {
  const { instructions } = buildNet(dorefa.nets[2]!, 1).compiled.program;
  const weights = instructions.flatMap((i) => (i.kind === "conv" ? [i.weights] : []));
  expect(weights.map(({ bits, step, offset }) => [bits, step, offset])).toEqual([
    [2, 2, -3],
    [2, 2, -3],
  ]);
});

it("activations of one bit are 0 and 1, not ±1", () => {
  const { tensors } = buildNet(dorefa.nets[0]!, 1).compiled.program;
  expect(tensors.find(({ name }) => name === "q1")!.domain).toEqual({
    kind: "codes",
    bits: 1,
    step: 1,
    offset: 0,
  });
});
