import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BitloomError } from "../../src/diagnostics/diagnostic.js";
import { printGraph } from "../../src/graph/print.js";
import type { GraphOp, ModelGraph } from "../../src/graph/types.js";
import { verifyGraph } from "../../src/graph/verify.js";
import { netSeed, randomNet } from "../support/random-graph.js";
import { randomMaps } from "../support/random-maps.js";
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

/** On the channels of axis 1 of [1, 2] unless told. */
function thresholds(
  shape: [number, number],
  data: number[],
  axis = 1,
  levels: { step?: 2; offset?: number } = {},
): GraphOp {
  const quantizer = {
    kind: "thresholds",
    thresholds: tensor(shape, data),
    axis,
    step: 1,
    offset: 0,
  } as const;
  return { kind: "quantize", quantizer: { ...quantizer, ...levels } };
}

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
        expect(problems(randomMaps(seed))).toEqual([]);
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
    ["thresholds that fall", op(1, thresholds([1, 2], [1, 0])), /do not rise/],
    ["thresholds of other channels", op(1, thresholds([3, 1], [1, 2, 3])), /do not fit its channels/],
    ["thresholds that do not fill their rows", op(1, thresholds([2, 2], [1, 2])), /fill/],
    ["thresholds along no axis", op(1, thresholds([1, 1], [1], 2)), /axis 2, which does not exist/],
    [
      "levels between integers",
      op(1, thresholds([1, 1], [1], 1, { offset: 0.5 })),
      /levels that are no codes/,
    ],
    ["three levels two apart", op(1, thresholds([1, 2], [1, 2], 1, { step: 2 })), /levels that are no codes/],
    ["thresholds that are NaN", op(1, thresholds([1, 1], [Number.NaN])), /not finite/],
  ])("finds %s", (_, graph, message) => {
    expect(problems(graph).join("\n")).toMatch(message);
  });

  it("accepts thresholds, in common or per channel", () => {
    expect(problems(op(1, thresholds([1, 3], [-1, 2, 2])))).toEqual([]);
    expect(problems(op(1, thresholds([2, 2], [0, 1, -5, 0])))).toEqual([]);
  });

  it("lists every problem", () => {
    const twice = withNode(withValue(sound, "v1", { shape: [2] }), 5, { op: { kind: "softmax", axis: 7 } });
    expect(problems(twice).length).toBeGreaterThanOrEqual(3);
  });
});

describe("joined and reduced values", () => {
  const joined = chain(
    [1, 3, 4, 4],
    [{ kind: "abs" }],
    [{ kind: "reduce", operator: "mean", axes: [1] }, [1, 1, 4, 4]],
    [{ kind: "pairwise", operator: "multiply" }, [1, 3, 4, 4]],
  );
  const sound = withNode(joined, 2, { inputs: ["x", "v1"] });

  it("are accepted where they broadcast", () => {
    expect(problems(sound)).toEqual([]);
    expect(printGraph(sound)).toMatch(/abs\n.*mean over axis 1\n.*multiply two values of x, v1/);
  });

  const reduce = (axes: readonly number[]): ModelGraph =>
    withNode(sound, 1, { op: { kind: "reduce", operator: "sum", axes } });

  it.each<[string, ModelGraph, RegExp]>([
    ["of one value", withNode(sound, 2, { inputs: ["x"] }), /has 1 inputs/],
    [
      "that do not give the output's shape",
      withNode(sound, 2, { inputs: ["v1", "v1"] }),
      /has the shape 1×3×4×4/,
    ],
    ["over no axis", reduce([]), /axes that do not exist, or none/],
    ["over an axis twice", reduce([1, 1]), /axes that do not exist, or none/],
    ["over an axis beyond the last", reduce([4]), /axes that do not exist, or none/],
    ["over other axes than the output's", reduce([2]), /where 1×3×1×4 is expected/],
  ])("are refused %s", (_, graph, message) => {
    expect(problems(graph).join()).toMatch(message);
  });

  it("are refused of different ranks and where no side is 1", () => {
    const other = (shape: readonly number[]): ModelGraph => {
      const values = new Map(sound.values).set("v1", { name: "v1", shape, dtype: "float32" });
      return { ...sound, values, nodes: [sound.nodes[0]!, sound.nodes[2]!], inputs: ["x", "v1"] };
    };
    expect(problems(other([4, 4])).join()).toMatch(/different ranks/);
    expect(problems(other([1, 2, 4, 4])).join()).toMatch(/do not broadcast/);
  });
});

describe("verifyGraph of region heads", () => {
  const head = (more: object, boxes = 2): string[] => {
    const op = {
      kind: "region",
      anchors: Float32Array.of(1, 2),
      classes: 2,
      classScores: "sigmoid",
      scoreThreshold: 0.5,
      iouThreshold: 0.5,
      suppression: "class",
      candidates: 3,
      ...more,
    } as GraphOp;
    const values = new Map(
      [
        ["x", [1, 7, 2, 2]],
        ["y", [1, boxes, 6]],
      ].map(([name, shape]) => [name as string, { name, shape, dtype: "float32" } as never]),
    );
    const node = { name: "boxes", op, inputs: ["x"], output: "y" };
    const origin = { format: "test", version: "", producer: "" };
    return problems({ name: "g", origin, nodes: [node], values, inputs: ["x"], outputs: ["y"] });
  };

  it("takes those whose anchors fit, and refuses others", () => {
    expect(head({})).toEqual([]);
    expect(head({ classes: 3 }).join()).toMatch(/does not fit its anchors/);
    expect(head({ anchors: Float32Array.of(1, -2) }).join()).toMatch(/impossible anchors/);
    expect(head({ scoreThreshold: 0.1 }).join()).toMatch(/impossible anchors or thresholds/);
    expect(head({}, 4).join()).toMatch(/more boxes than candidates/);
  });
});

describe("verifyGraph of maps", () => {
  const window = { kernel: [2, 2], stride: [1, 1], dilation: [1, 1], pads: [0, 0, 0, 0] } as const;
  const kernels = {
    ...tensor([4, 1, 2, 2], Array(16).fill(0.5)),
    quantized: { codes: new Int32Array(16).fill(1), scale: tensor([1, 1, 1, 1], [0.5]) },
  };
  type Conv = Extract<GraphOp, { kind: "conv" }>;
  type Pool = Extract<GraphOp, { kind: "average-pool" }>;
  const conv: Conv = { kind: "conv", weights: kernels, window, groups: 2, padValue: 0 };
  const pool: Pool = { kind: "average-pool", window, countPads: false };
  const maps = chain(
    [1, 2, 4, 4],
    [conv, [1, 4, 3, 3]],
    [pool, [1, 4, 2, 2]],
    [{ kind: "sum" }],
    [{ kind: "concat", axis: 1 }, [1, 8, 2, 2]],
    [{ kind: "slice", starts: [0, 1, 0, 0], steps: [1, 2, 1, 1] }, [1, 4, 2, 2]],
    [{ kind: "pad", before: [0, 0, 1, 0], after: [0, 0, 0, 1], value: -1 }, [1, 4, 3, 3]],
    [{ kind: "transpose", permutation: [0, 2, 3, 1] }, [1, 3, 3, 4]],
    [{ kind: "prelu", slope: tensor([4], [0, 1, 2, 3]) }],
    [{ kind: "clip", low: 0, high: 6 }],
  );
  const sound = [2, 3].reduce((g, i) => withNode(g, i, { inputs: [`v${i - 1}`, "v1"] }), maps);
  const op = (index: number, change: object): ModelGraph =>
    withNode(sound, index, { op: { ...sound.nodes[index]!.op, ...change } as GraphOp });
  const slid = (index: number, change: object): ModelGraph => op(index, { window: { ...window, ...change } });

  it("accepts a sound graph", () => {
    expect(problems(sound)).toEqual([]);
  });

  it.each<[string, ModelGraph, RegExp]>([
    ["a stride of 0", slid(0, { stride: [0, 1] }), /impossible window/],
    ["negative pads", slid(1, { pads: [0, 0, 0, -1] }), /impossible window/],
    ["a fractional dilation", slid(1, { dilation: [1, 1.5] }), /impossible window/],
    ["a kernel that is not the weights'", slid(0, { kernel: [2, 3] }), /does not fit its weights/],
    ["a window larger than the map", slid(1, { kernel: [9, 1] }), /outside the map|larger/],
    ["a window outside the map", slid(1, { pads: [2, 0, 0, 0] }), /outside the map/],
    [
      "a dilated window that steps over the map",
      slid(1, { dilation: [1, 9], pads: [0, 4, 0, 4] }),
      /outside the map/,
    ],
    ["an output of another size", slid(0, { pads: [0, 0, 1, 0] }), /1×4×3×3 where 1×4×4×3/],
    ["groups that do not divide", op(0, { groups: 3 }), /does not fit its weights/],
    ["fewer groups than the weights have", op(0, { groups: 1 }), /does not fit its weights/],
    ["weights of rank 2", op(0, { weights: tensor([4, 4], Array(16).fill(1)) }), /does not fit its weights/],
    ["an infinite padding value", op(0, { padValue: Number.NEGATIVE_INFINITY }), /padding value/],
    [
      "codes that are not the weights",
      op(0, {
        weights: {
          ...kernels,
          quantized: { ...kernels.quantized, scale: tensor([4, 1, 1, 1], [0.5, 1, 0.5, 0.5]) },
        },
      }),
      /code times its scale, at 4/,
    ],
    [
      "a scale of another rank",
      op(0, { weights: { ...kernels, quantized: { ...kernels.quantized, scale: tensor([1], [0.5]) } } }),
      /codes or scales that do not fit/,
    ],
    [
      "a window over a matrix",
      withValue(sound, "x", { shape: [8, 4] }),
      /slides a window over the shape 8×4/,
    ],
    ["a batch of two", withValue(sound, "x", { shape: [2, 1, 4, 4] }), /slides a window over the shape/],
    ["a sum of one", withNode(sound, 2, { inputs: ["v1"] }), /has 1 inputs/],
    ["a sum of different shapes", withNode(sound, 2, { inputs: ["v1", "v0"] }), /1×4×2×2 where 1×4×3×3/],
    ["a concat of nothing", withNode(sound, 3, { inputs: [] }), /has 0 inputs/],
    ["a concat of different sizes", withNode(sound, 3, { inputs: ["v2", "v0"] }), /different shapes/],
    [
      "a concat of another size",
      withNode(sound, 3, { inputs: ["v2", "v1", "v1"] }),
      /1×8×2×2 where 1×12×2×2/,
    ],
    ["a concat along no axis", op(3, { axis: 4 }), /axis 4, which does not exist/],
    ["a read that nothing writes", withNode(sound, 3, { inputs: ["v2", "nowhere"] }), /reads nowhere before/],
    ["a slice beyond the end", op(4, { starts: [0, 2, 0, 0] }), /outside its input/],
    ["a slice that stands still", op(4, { steps: [1, 0, 1, 1] }), /outside its input/],
    ["a slice from before the start", op(4, { starts: [0, -1, 0, 0] }), /outside its input/],
    ["a slice of another rank", op(4, { starts: [0, 0] }), /another rank/],
    ["pads of another rank", op(5, { before: [1] }), /pads of another rank/],
    ["pads that cut", op(5, { after: [0, 0, 0, -1] }), /impossible pads/],
    ["pads with NaN", op(5, { value: Number.NaN }), /padding value/],
    ["an order that repeats an axis", op(6, { permutation: [0, 2, 2, 1] }), /no permutation/],
    ["an order of fewer axes", op(6, { permutation: [0, 1] }), /no permutation/],
    ["a slope that does not fit", op(7, { slope: tensor([3], [1, 1, 1]) }), /constant of shape 3/],
    ["a slope that is not finite", op(7, { slope: tensor([], [Number.NaN]) }), /not finite/],
    ["an empty range", op(8, { low: 7 }), /empty range/],
    ["a bound that is no number", op(8, { high: Number.NaN }), /empty range/],
  ])("finds %s", (_, graph, message) => {
    expect(problems(graph).join("\n")).toMatch(message);
  });
});

describe("verifyGraph of int8 arithmetic", () => {
  type Arithmetic = Extract<GraphOp, { kind: "integer-arithmetic" }>;
  type Table = Extract<GraphOp, { kind: "table" }>;
  const half = { multiplier: 2 ** 30, shift: 0 };
  const term = { least: -128, greatest: 127, factor: half };
  const add: Arithmetic = {
    ...{ kind: "integer-arithmetic", operator: "add", terms: [term, term], inBlocks: 2 },
    ...{ factor: half, low: -128, high: 127 },
  };
  const table: Table = {
    kind: "table",
    low: 0,
    tables: [Int32Array.of(0, 1, 1), Int32Array.of(5, 5, -2)],
    index: { shape: [3], data: Int32Array.of(0, 1, 1) },
  };
  const softmax: GraphOp = { kind: "softmax", axis: 1, integers: { step: 0.5 } };
  const sound = withNode(chain([1, 3], [add], [table], [softmax]), 0, { inputs: ["x", "x"] });
  const arithmetic = (change: Partial<Arithmetic>): ModelGraph =>
    withNode(sound, 0, { op: { ...add, ...change } });
  const tables = (change: Partial<Table>): ModelGraph => withNode(sound, 1, { op: { ...table, ...change } });
  const indices = (...data: number[]): ModelGraph =>
    tables({ index: { shape: [data.length], data: Int32Array.from(data) } });

  it("accepts a sound graph", () => expect(problems(sound)).toEqual([]));

  it.each<[string, ModelGraph, RegExp]>([
    ["a sum of one value", withNode(sound, 0, { inputs: ["x"] }), /has 1 inputs/],
    [
      "a term without a factor",
      arithmetic({ terms: [term, { least: 0, greatest: 1 }] }),
      /impossible factor/,
    ],
    [
      "a factor beyond 31 bits",
      arithmetic({ factor: { multiplier: 2 ** 31, shift: 0 } }),
      /impossible factor/,
    ],
    ["more than a byte", arithmetic({ high: 128 }), /impossible factor or range/],
    [
      "terms that grow",
      arithmetic({ terms: [term, { ...term, factor: { ...half, shift: 1 } }] }),
      /leave 32 bits/,
    ],
    ["a result that grows", arithmetic({ factor: { ...half, shift: 12 } }), /leave 32 bits/],
    [
      "products that grow",
      arithmetic({ operator: "multiply", factor: { ...half, shift: 18 } }),
      /leave 32 bits/,
    ],
    ["blocks beyond the value", arithmetic({ inBlocks: 4 }), /more elements in blocks/],
    [
      "tables of two lengths",
      tables({ tables: [Int32Array.of(1), Int32Array.of(1, 2)] }),
      /impossible table/,
    ],
    ["no table", tables({ tables: [] }), /impossible table/],
    ["a table that does not exist", indices(0, 1, 2), /impossible table/],
    ["indices that do not fit", indices(0, 1), /constant of shape 2 for 1×3/],
    [
      "a table that turns",
      tables({ tables: [Int32Array.of(0, 1, 0), Int32Array.of(0, 1, 2)] }),
      /rises and falls/,
    ],
    [
      "steps of 0",
      withNode(sound, 2, { op: { ...softmax, integers: { step: 0 } } as GraphOp }),
      /not positive/,
    ],
  ])("finds %s", (_, graph, message) => {
    expect(problems(graph).join("\n")).toMatch(message);
  });

  it("prints what it computes", () => {
    const lines = printGraph(sound).split("\n");
    expect(lines.slice(2, 5).map((line) => line.replace(/^.*1×3 +/, ""))).toEqual([
      "add in fixed point, of terms by 0.5 and 0.5, by 0.5, to −128…127 of x, x",
      "table of 3 (2 of them)",
      "softmax over axis 1 of steps of 0.5, in 256 steps",
    ]);
  });
});
