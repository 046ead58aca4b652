import { expect, it } from "vitest";
import { lowerGraph } from "../../src/passes/registry.js";
import { graphOf, tensor } from "../support/keras.js";
import { checkMethod } from "../support/methods/check.js";
import { buildNet } from "../support/methods/net.js";
import { bop } from "./t12-bop.js";

checkMethod(bop);

it("normalizations without factors turn no channel, so that weights are those of the file", () => {
  const { compiled, files } = buildNet(bop.nets[0]!, 1);
  expect(new TextDecoder().decode(files.weights)).not.toContain("bn1.weight");
  const graph = compiled.graph.nodes.flatMap(({ op }) => (op.kind === "conv" ? [op.weights.data] : []));
  const device = compiled.program.instructions.flatMap((i) => (i.kind === "conv" ? [i.weights] : []));
  for (const [i, data] of graph.entries()) {
    const { codes, step, offset } = device[i]!;
    const sum = codes.reduce((total, code) => total + step * code + offset, 0);
    expect(sum).toBe(data.reduce((total, w) => total + w, 0));
  }
  for (const i of compiled.program.instructions)
    if (i.kind === "threshold") expect(i.flipped).not.toContain(1);
});

it.each([
  [undefined],
  ["no_op"],
  [{ class_name: "NoOp", config: { precision: 1 } }],
])("Larq's kernels of ±1 are binary with the kernel quantizer %j", (quantizer) => {
  const kernel = tensor(
    [3, 3, 2, 4],
    Array.from({ length: 72 }, (_, i) => ((i * i) % 7 < 3 ? 1 : -1)),
  );
  const config = {
    filters: 4,
    kernel_size: [3, 3],
    strides: [1, 1],
    padding: "valid",
    use_bias: false,
    input_quantizer: "ste_sign",
    kernel_quantizer: quantizer ?? null,
  };
  const graph = graphOf({
    input: [5, 5, 2],
    layers: [{ class: "Larq>QuantConv2D", config, weights: [kernel] }],
  });
  const { program } = lowerGraph(graph, { input: { type: "f32" } });
  const conv = program.instructions.find((i) => i.kind === "conv");
  expect(conv?.kind === "conv" && conv.weights).toMatchObject({ bits: 1, step: 2, offset: -1 });
});
