/** Weights of more than eight bits: the sums of two layers, added, are the model's. */
import { expect, test } from "vitest";
import { lowerGraph } from "../../src/passes/registry.js";
import { graphOf, tensor } from "../support/bundle.js";
import { Random } from "../support/random-graph.js";
import { BYTES, expectSameOutputs } from "../support/same-outputs.js";

const seed = Number(process.env.BITLOOM_SEED ?? 1);

/** Whole numbers of so many bits, both ends among them. */
function wideNet(bits: number, step = 1, outputs = 5) {
  const random = new Random(seed + bits);
  const [least, greatest] = [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1];
  const range = [step * least, step * greatest];
  const shape = [outputs, 2, 3, 3];
  const data = Array.from({ length: outputs * 18 }, (_, i) =>
    i < 2 ? range[i]! : step * random.integer(least, greatest),
  );
  const weight_quantizer = { type: "uniform", range, scale: 1, rounding: "floor" };
  const layer = { type: "conv2d", name: "conv", weight: "w", weight_quantizer };
  return graphOf({
    input: [2, 5, 4],
    layers: [{ ...layer, padding: 1, padding_value: 0, stride: 2 }],
    tensors: { w: tensor(shape, data) },
  });
}

test.each([8, 9, 10, 12, 15, 16])(`weights of %i bits, BITLOOM_SEED=${seed}`, (bits) => {
  const { instructions } = expectSameOutputs(wideNet(bits), BYTES, seed);
  const kinds = instructions.map(({ kind }) => kind);
  expect(kinds).toEqual(bits === 8 ? ["conv"] : ["conv", "conv", "add"]);
});

test("weights whose steps are threes: nine bits of levels", () => {
  const { instructions } = expectSameOutputs(wideNet(9, 3), BYTES, seed);
  expect(instructions.map(({ kind }) => kind)).toEqual(["conv", "conv", "add"]);
});

test("weights of seventeen bits are computed in float32, and a note says why", () => {
  const { program, diagnostics } = lowerGraph(wideNet(17), BYTES);
  expect(program.instructions.map(({ kind }) => kind)).toContain("conv-float");
  const notes = diagnostics.all.map(({ message }) => message).join("\n");
  expect(notes).toMatch(/computed in float32: its weights need 17-bit codes/);
});
