import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BitloomError } from "../../src/diagnostics/diagnostic.js";
import type { GraphOp, ModelGraph } from "../../src/graph/types.js";
import { verifyGraph } from "../../src/graph/verify.js";
import { netSeed, randomNet } from "../support/random-graph.js";
import { chain, tensor, withNode, withValue } from "./support.js";

const bipolar: GraphOp = {
  kind: "quantize",
  quantizer: { kind: "bipolar", scale: tensor([], [1]), signOfZero: 1 },
};
const weights = {
  ...tensor([2, 3], [0.5, -0.5, 0.5, 0.5, 0.5, -0.5]),
  quantized: { codes: Int32Array.of(1, -1, 1, 1, 1, -1), scale: tensor([1, 1], [0.5]) },
};
const dense: GraphOp = { kind: "dense", weights };
const channels = tensor([3], [1, 1, 1]);
const norm: GraphOp = {
  kind: "batch-normalization",
  scale: channels,
  bias: channels,
  mean: channels,
  variance: channels,
  epsilon: 1e-5,
};
const argmax: GraphOp = { kind: "argmax", axis: 1, keepDims: false, selectLast: false };
const sound = chain(
  [1, 1, 2],
  [{ kind: "reshape" }, [1, 2]],
  [bipolar],
  [dense, [1, 3]],
  [norm],
  [{ kind: "arithmetic", operator: "add", operand: tensor([3], [1, 2, 3]), reversed: false }],
  [{ kind: "softmax", axis: 1 }],
  [argmax, [1]],
);

function problems(graph: ModelGraph): string[] {
  try {
    verifyGraph(graph);
  } catch (error) {
    if (!(error instanceof BitloomError)) throw error;
    expect(error.diagnostics.map((d) => d.code)).toContain("graph/invalid");
    return error.diagnostics.map((d) => `${d.where}: ${d.message}`);
  }
  return [];
}

describe("verifyGraph", () => {
  it("accepts a sound graph, and random ones", () => {
    expect(problems(sound)).toEqual([]);
    fc.assert(
      fc.property(netSeed, (seed) => {
        expect(problems(randomNet(seed, { exactScales: false }))).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });

  const op = (index: number, change: GraphOp): ModelGraph => withNode(sound, index, { op: change });

  const operand = (shape: number[], data: number[]): ModelGraph =>
    op(4, { kind: "arithmetic", operator: "add", operand: tensor(shape, data), reversed: false });

  it.each<[string, ModelGraph, RegExp]>([
    [
      "a value that nothing writes",
      withNode(sound, 1, { inputs: ["nowhere"] }),
      /quantize_1.*reads nowhere before/,
    ],
    ["a value written twice", withNode(sound, 1, { output: "v0" }), /writes v0 a second time/],
    ["a read before the write", { ...sound, nodes: [...sound.nodes].reverse() }, /before it is written/],
    ["two nodes of one name", withNode(sound, 1, { name: "reshape_0" }), /shares its name/],
    ["no input", withNode(sound, 1, { inputs: [] }), /has 0 inputs/],
    ["an output that nothing writes", { ...sound, outputs: ["z"] }, /output z is never written/],
    ["no output", { ...sound, outputs: [] }, /no output/],
    ["an input without a shape", { ...sound, inputs: ["x", "other"] }, /other has no shape/],
    ["a value without a shape", withNode(sound, 6, { output: "shapeless" }), /without a shape/],
    ["a reshape that loses elements", withValue(sound, "v0", { shape: [1, 3] }), /number of elements/],
    ["fractional sizes", withValue(sound, "v2", { shape: [1, 3.5] }), /shape/],
    ["another rank", withValue(sound, "v2", { shape: [3] }), /shape/],
    ["a layer that gives class indices", withValue(sound, "v2", { dtype: "int64" }), /int64|indices/],
    ["sizes of 0", withValue(sound, "v0", { shape: [1, 0] }), /impossible shape 1×0/],
    [
      "a quantizer that changes the shape",
      withValue(sound, "v1", { shape: [2] }),
      /has the shape 2 where 1×2/,
    ],
    [
      "weights that do not fit",
      op(2, { kind: "dense", weights: tensor([3, 3], Array(9).fill(1)) }),
      /does not fit/,
    ],
    ["dense output of another size", withValue(sound, "v2", { shape: [1, 4] }), /1×4 where 1×3/],
    [
      "NaN in a constant",
      op(2, { kind: "dense", weights: tensor([2, 3], [1, 1, 1, 1, 1, Number.NaN]) }),
      /finite/,
    ],
    ["a constant of the wrong length", op(2, { kind: "dense", weights: tensor([2, 3], [1]) }), /do not fill/],
    [
      "codes that are not the weights",
      op(2, {
        kind: "dense",
        weights: { ...weights, quantized: { ...weights.quantized, codes: new Int32Array(6) } },
      }),
      /not its code times its scale, at 0/,
    ],
    [
      "one weight that is not its code",
      op(2, {
        kind: "dense",
        weights: { ...weights, data: weights.data.map((w, i) => (i === 5 ? -w : w)) },
      }),
      /code times its scale, at 5/,
    ],
    [
      "too few codes",
      op(2, {
        kind: "dense",
        weights: { ...weights, quantized: { ...weights.quantized, codes: new Int32Array(5) } },
      }),
      /codes or scales that do not fit/,
    ],
    ["operands that enlarge", operand([2, 3], Array(6).fill(1)), /constant of shape 2×3 for 1×3/],
    ["NaN in an operand", operand([3], [0, Number.NaN, 0]), /not finite/],
    ["an operand of another size", operand([2], [1, 2]), /constant/],
    ["an operand that does not fill its shape", operand([2], [1, 2, 3]), /fill/],
    ["channels that do not fit", op(3, { ...norm, mean: tensor([2], [1, 1]) } as GraphOp), /one per channel/],
    ["axes that do not exist", op(5, { kind: "softmax", axis: 2 }), /axis 2/],
    ["a class index of another shape", withValue(sound, "v6", { shape: [1, 1] }), /1×1 where 1/],
    ["a class index that is float", withValue(sound, "v6", { dtype: "float32" }), /float32 where int64/],
    [
      "arithmetic with class indices",
      withValue(sound, "v4", { dtype: "int64" }),
      /computes with class indices/,
    ],
    [
      "a scale of 0",
      op(1, { kind: "quantize", quantizer: { kind: "bipolar", scale: tensor([], [0]), signOfZero: 1 } }),
      /scale of 0/,
    ],
    [
      "a quantizer without levels",
      op(1, {
        kind: "quantize",
        quantizer: {
          kind: "uniform",
          scale: tensor([], [1]),
          zeroPoint: tensor([], [0]),
          qmin: 1,
          qmax: 0,
          rounding: "floor",
        },
      }),
      /no levels/,
    ],
  ])("finds %s", (_, graph, message) => {
    expect(problems(graph).join("\n")).toMatch(message);
  });

  it("lists every problem", () => {
    const twice = withNode(withValue(sound, "v1", { shape: [2] }), 5, { op: { kind: "softmax", axis: 7 } });
    expect(problems(twice).length).toBeGreaterThanOrEqual(3);
  });
});
