import { describe, expect, it } from "vitest";
import { type LoweringOptions, lowerGraph } from "../../src/passes/registry.js";
import type { DeviceProgram, Instruction } from "../../src/program/index.js";
import { errorsOf } from "../support/errors.js";
import { BYTES, expectSameOutputs, FLOATS } from "../support/same-outputs.js";
import { SIGN, SmallGraph, single, windowOf } from "../support/small-graph.js";

type Kind = Instruction["kind"];

function kinds(program: DeviceProgram): readonly Kind[] {
  return program.instructions.map((i) => i.kind);
}

function find<K extends Kind>(program: DeviceProgram, kind: K, nth = 0): Extract<Instruction, { kind: K }> {
  return program.instructions.filter((i) => i.kind === kind)[nth] as Extract<Instruction, { kind: K }>;
}

function domainOf(program: DeviceProgram, tensor: number): unknown {
  return program.tensors[tensor]!.domain;
}

/** Sign, 3 × 3 convolution, what `middle` adds, sign, 1 × 1 convolution. */
function between(middle: (g: SmallGraph) => void, channels = 4): SmallGraph {
  const g = new SmallGraph([1, 2, 8, 8]);
  g.sign();
  g.conv(channels, { window: { kernel: [3, 3] } });
  middle(g);
  g.sign();
  g.conv(3);
  return g;
}

describe("max-pools", () => {
  const afterSign = ["threshold", "conv", "threshold", "pool", "conv"];

  it("move behind the quantizer where all channels rise", () => {
    const program = expectSameOutputs(between((g) => g.maxPool(2)).graph);
    expect(kinds(program)).toEqual(afterSign);
    expect(find(program, "pool").operator).toBe("maximum");
  });

  it("become minima where all channels fall", () => {
    const graph = between((g) => {
      g.maxPool(2);
      g.multiply([-1]);
    }).graph;
    const program = expectSameOutputs(graph);
    expect(kinds(program)).toEqual(afterSign);
    expect(find(program, "pool").operator).toBe("minimum");
  });

  it("move behind the quantizer with complemented codes where some channels fall", () => {
    const graph = between((g) => {
      g.maxPool(2);
      g.multiply([1, -2, -1, 0.5]);
    }).graph;
    const program = expectSameOutputs(graph);
    expect(kinds(program)).toEqual(afterSign);
    expect([...find(program, "threshold", 1).flipped]).toEqual([0, 0, 0, 0]);
  });

  it("stay on the sums where codes cannot be complemented: a border has a value of its own", () => {
    const g = new SmallGraph([1, 2, 8, 8]);
    g.sign();
    g.conv(4, { window: { kernel: [3, 3] } });
    g.maxPool(2);
    g.multiply([1, -2, -1, 0.5]);
    g.sign();
    g.conv(3, { window: { kernel: [3, 3], pads: [1, 1, 1, 1] }, padValue: -1 });
    const program = expectSameOutputs(g.graph);
    expect(kinds(program)).toEqual(["threshold", "conv", "pool", "threshold", "conv"]);
  });

  it("stay on floats between operations that turn round", () => {
    const graph = between((g) => {
      g.multiply([1, -1, 1, -1]);
      g.maxPool(2);
      g.multiply([-1, 1, 1, -1]);
    }).graph;
    expect(kinds(expectSameOutputs(graph))).toContain("scale");
  });
});

describe("quantizers", () => {
  it("followed by a relu or a shift get codes for what comes out", () => {
    const relu = expectSameOutputs(between((g) => [g.sign(), g.add({ kind: "relu" })]).graph, FLOATS);
    expect(kinds(relu)).toEqual(["threshold", "conv", "threshold", "conv"]);
    const g = new SmallGraph([1, 2, 4, 4]);
    g.sign();
    g.add({ kind: "arithmetic", operator: "subtract", operand: single(1), reversed: true });
    g.conv(3);
    const shifted = expectSameOutputs(g.graph);
    expect(kinds(shifted)).toEqual(["threshold", "conv"]);
    expect(domainOf(shifted, 1)).toEqual({ kind: "codes", bits: 1, step: 1, offset: 0 });
  });

  it("of more than four bits write bytes: a table on bytes, thresholds on sums", () => {
    const g = new SmallGraph([1, 2, 4, 4]);
    g.uniform(8, 1 / 64);
    g.conv(3);
    g.uniform(5, 0.25);
    g.conv(2);
    const program = expectSameOutputs(g.graph);
    expect(kinds(program)).toEqual(["lookup", "conv", "threshold", "conv"]);
    expect(domainOf(program, find(program, "threshold").output)).toEqual({ kind: "scalar", type: "u8" });
  });

  it("serve all their readers once", () => {
    const g = new SmallGraph([1, 2, 4, 4]);
    const q = g.sign();
    const a = g.conv(2, { from: q });
    const b = g.conv(2, { from: q });
    g.add({ kind: "sum" }, undefined, [a, b]);
    g.sign();
    g.conv(2);
    const program = expectSameOutputs(g.graph);
    expect(kinds(program).filter((k) => k !== "narrow")).toEqual([
      ...["threshold", "conv", "conv", "add", "threshold", "conv"],
    ]);
  });

  it("after a slope that turns decide on floats", () => {
    const graph = between((g) => g.add({ kind: "prelu", slope: single(-0.5) })).graph;
    expect(kinds(expectSameOutputs(graph))).toEqual(["threshold", "conv", "scale", "threshold", "conv"]);
  });
});

describe("padding", () => {
  const pad = (value: number) => ({ kind: "pad", before: [0, 0, 1, 0], after: [0, 0, 1, 2], value }) as const;

  it("before a convolution becomes its own", () => {
    const g = new SmallGraph([1, 2, 4, 4]);
    g.sign();
    g.add(pad(-1), [1, 2, 6, 6]);
    g.conv(3, { window: { kernel: [3, 3] } });
    const program = expectSameOutputs(g.graph);
    expect(kinds(program)).toEqual(["threshold", "conv"]);
    expect(find(program, "conv")).toMatchObject({ padValue: -1, window: { pads: [1, 0, 1, 2] } });
  });

  /** Sign and a border on a map with channels innermost, which then go in front, before a convolution. */
  const innermost = (readAgain: boolean): DeviceProgram => {
    const g = new SmallGraph([1, 4, 4, 2]);
    g.sign();
    const border = g.add({ kind: "pad", before: [0, 1, 0, 0], after: [0, 1, 2, 0], value: -1 }, [1, 6, 6, 2]);
    g.transpose([0, 3, 1, 2]);
    const sums = g.conv(2, { window: { kernel: [3, 3] } });
    if (readAgain) {
      g.add({ kind: "transpose", permutation: [0, 3, 1, 2] }, [1, 2, 6, 6], [border]);
      const others = g.conv(2, { window: { kernel: [3, 3] } });
      g.add({ kind: "sum" }, undefined, [sums, others]);
    }
    return expectSameOutputs(g.graph);
  };

  it("before a move of the channels and a convolution becomes its own", () => {
    const program = innermost(false);
    expect(kinds(program)).toEqual(["threshold", "conv"]);
    expect(find(program, "conv")).toMatchObject({ padValue: -1, window: { pads: [1, 0, 1, 2] } });
  });

  it("that two such moves read stays a border", () => {
    expect(kinds(innermost(true)).filter((kind) => kind === "pad")).toHaveLength(1);
  });

  it("with another value than the convolution's stays a border", () => {
    const g = new SmallGraph([1, 2, 4, 4]);
    g.sign();
    g.add(pad(-1), [1, 2, 6, 6]);
    g.conv(3, { window: { kernel: [3, 3], pads: [1, 1, 1, 1] }, padValue: 0 });
    const program = expectSameOutputs(g.graph);
    expect(kinds(program)).toEqual(["threshold", "pad", "conv"]);
    expect(find(program, "pad").fill).toBe(0);
  });

  it("with 0 beside ±1 codes is exact", () => {
    const g = new SmallGraph([1, 2, 4, 4]);
    g.sign();
    g.conv(3, { window: { kernel: [3, 3], pads: [1, 1, 1, 1] }, padValue: 0 });
    g.sign();
    g.conv(2);
    expect(kinds(expectSameOutputs(g.graph))).toEqual(["threshold", "conv", "threshold", "conv"]);
  });

  it("with a value between codes is refused, all such layers at once", () => {
    const g = new SmallGraph([1, 2, 4, 4]);
    const window = { kernel: [3, 3], pads: [1, 1, 1, 1] } as const;
    g.sign();
    g.conv(3, { window, padValue: 0.5 });
    g.sign();
    g.conv(3, { window, padValue: 0.25 });
    expect(() => lowerGraph(g.graph, BYTES)).toThrow(/conv_1: pads with 0.5.*\n?.*conv_3: pads with 0.25/s);
  });
});

describe("inputs", () => {
  it("are read by the first layer as bytes where no quantizer stands before it", () => {
    const g = new SmallGraph([1, 3, 4, 4]);
    g.conv(2, { window: { kernel: [3, 3], pads: [1, 1, 1, 1] } });
    const program = expectSameOutputs(g.graph);
    expect(kinds(program)).toEqual(["conv"]);
    expect(find(program, "conv")).toMatchObject({ inputOffset: -128, padValue: 0 });
  });

  it("have channels innermost where they are maps, and say so where that is not the model's order", () => {
    const lower = (shape: readonly number[], build: (g: SmallGraph) => void): DeviceProgram => {
      const g = new SmallGraph(shape);
      build(g);
      return expectSameOutputs(g.graph);
    };
    const first = lower([1, 3, 4, 5], (g) => [g.sign(), g.conv(2)]);
    expect(first.tensors[0]!.shape).toEqual([4, 5, 3]);
    expect(first.input.order).toBe("nhwc");
    const grey = lower([1, 1, 4, 5], (g) => [g.sign(), g.conv(2)]);
    expect(grey.input.order).toBeUndefined();
    const last = lower([1, 4, 5, 3], (g) => [g.transpose([0, 3, 1, 2]), g.sign(), g.conv(2)]);
    expect(last.tensors[0]!.shape).toEqual([4, 5, 3]);
    expect(last.input.order).toBeUndefined();
    const flat = lower([1, 3, 4, 5], (g) => [g.sign(), g.flatten(), g.dense(2)]);
    expect(flat.tensors[0]!.shape).toEqual([1, 1, 60]);
    const unfolded = lower([1, 60], (g) => [g.add({ kind: "reshape" }, [1, 3, 4, 5]), g.sign(), g.conv(2)]);
    expect(unfolded.tensors[0]!.shape).toEqual([4, 5, 3]);
  });
});

describe("moves of elements", () => {
  it("a flatten in either order is the order of a kernel as large as the map", () => {
    for (const order of [undefined, [0, 2, 3, 1]]) {
      const g = new SmallGraph([1, 2, 4, 4]);
      g.sign();
      g.conv(3);
      g.sign();
      if (order) g.transpose(order);
      g.flatten();
      g.dense(5);
      const program = expectSameOutputs(g.graph);
      expect(kinds(program)).toEqual(["threshold", "conv", "threshold", "conv"]);
      expect(find(program, "conv", 1).window.kernel).toEqual([4, 4]);
    }
  });

  const shuffled = (groups: number): SmallGraph => {
    const g = new SmallGraph([1, 4, 3, 3]);
    g.sign();
    g.add({ kind: "reshape" }, [1, 2, 2, 3, 3]);
    g.transpose([0, 2, 1, 3, 4]);
    g.add({ kind: "reshape" }, [1, 4, 3, 3]);
    g.conv(4, { groups });
    return g;
  };

  it("a shuffle before a convolution of all channels is the order of its weights", () => {
    expect(kinds(expectSameOutputs(shuffled(1).graph))).toEqual(["threshold", "conv"]);
  });

  it("a shuffle before groups is a selection of channels", () => {
    const program = expectSameOutputs(shuffled(4).graph);
    expect(kinds(program)).toEqual(["threshold", "select", "conv"]);
    expect([...find(program, "select").channels]).toEqual([0, 2, 1, 3]);
  });

  it("constants per position after a flatten take a small map apart, and make floats of a large one", () => {
    const build = (side: number): SmallGraph => {
      const g = new SmallGraph([1, 2, side, side]);
      g.sign();
      g.conv(3);
      g.flatten();
      g.multiply(Array.from({ length: 3 * side * side }, (_, i) => (i % 5) - 2));
      g.sign();
      g.dense(2);
      return g;
    };
    expect(kinds(expectSameOutputs(build(2).graph))).toContain("concat");
    const large = expectSameOutputs(build(9).graph);
    expect(kinds(large)).toEqual(["threshold", "conv", "scale", "threshold", "conv"]);
    expect(find(large, "scale").steps.at(-1)!.extent).toEqual([9, 9, 3]);
  });

  it("a swap of height and width is refused", () => {
    const g = new SmallGraph([1, 2, 3, 4]);
    g.sign();
    g.conv(2);
    g.sign();
    g.transpose([0, 1, 3, 2]);
    g.conv(2);
    expect(() => lowerGraph(g.graph, BYTES)).toThrow(/conv_4: reads a 1×2×4×3 value/);
  });
});

describe("branches", () => {
  const residual = (scale: number): DeviceProgram => {
    const g = new SmallGraph([1, 2, 4, 4]);
    const q = g.sign();
    const a = g.conv(2, { from: q });
    const b = g.conv(2, { from: q, scale });
    g.add({ kind: "sum" }, undefined, [a, b]);
    g.sign();
    g.conv(2);
    return expectSameOutputs(g.graph);
  };

  it("are added as integers where both sides have one scale, else as floats", () => {
    expect(kinds(residual(1))).not.toContain("scale");
    expect(kinds(residual(0.5))).toEqual([
      "threshold",
      "conv",
      "narrow",
      "conv",
      "narrow",
      "scale",
      "scale",
      "add",
      "threshold",
      "conv",
    ]);
  });

  it("are put side by side as codes of sums with the operations of each", () => {
    const g = new SmallGraph([1, 2, 4, 4]);
    const q = g.sign();
    const a = g.conv(2, { from: q });
    const b = g.multiply([0.5, -3], g.conv(2, { from: q, scale: 0.5 }));
    g.add({ kind: "concat", axis: 1 }, [1, 4, 4, 4], [a, b]);
    g.sign();
    g.conv(2);
    const program = expectSameOutputs(g.graph);
    expect(kinds(program)).toEqual([
      ...["threshold", "conv", "threshold", "conv", "threshold", "concat", "conv"],
    ]);
  });
});

describe("average pools", () => {
  const pooled = (pads: number, countPads: boolean, options: LoweringOptions = BYTES): DeviceProgram => {
    const g = new SmallGraph([1, 2, 4, 4]);
    g.sign();
    g.conv(2, { scale: 0.5 });
    const window = windowOf({ kernel: [2, 2], stride: [2, 2], pads: [pads, pads, pads, pads] });
    const size = pads === 0 ? 2 : 3;
    g.add({ kind: "average-pool", window, countPads }, [1, 2, size, size]);
    return expectSameOutputs(g.graph, options);
  };

  it("sum integers and divide once", () => {
    const program = pooled(0, true);
    expect(kinds(program)).toEqual(["threshold", "conv", "pool"]);
    expect(program.output.affine.map((s) => [s.operator, ...s.operand])).toEqual([
      ["multiply", 0.5],
      ["divide", 4],
    ]);
    expect(kinds(pooled(1, true))).toEqual(["threshold", "conv", "pool"]);
  });

  it("over windows of different sizes divide by what lies inside the map, position by position", () => {
    const program = pooled(1, false, { ...BYTES, output: "float32" });
    expect(kinds(program)).toEqual(["threshold", "conv", "pool", "scale"]);
    const [, divide] = find(program, "scale").steps;
    expect(divide!.operator).toBe("divide");
    expect([...divide!.operand]).toEqual([1, 2, 1, 2, 4, 2, 1, 2, 1]);
    expect(divide!.extent).toEqual([3, 3, 1]);
  });
});

describe("layers without codes", () => {
  it("are computed in float32 and noted", () => {
    const g = new SmallGraph([1, 2, 4, 4]);
    g.conv(2);
    g.conv(2);
    const { diagnostics } = lowerGraph(g.graph, FLOATS);
    expect(kinds(expectSameOutputs(g.graph, FLOATS))).toEqual(["conv-float", "conv-float"]);
    expect(diagnostics.all.map((d) => [d.code, d.where])).toEqual([
      ["lowering/float-layer", "conv_0"],
      ["lowering/float-layer", "conv_1"],
    ]);
  });

  it("have no multiplication but the factor behind the sum, where weights are 0 and powers of two", () => {
    const g = new SmallGraph([1, 2, 4, 4]);
    g.conv(2, { scale: 3 });
    const { program, diagnostics } = lowerGraph(g.graph, FLOATS);
    expect(expectSameOutputs(g.graph, FLOATS)).toEqual(program);
    expect(kinds(program)).toEqual(["conv-float", "scale"]);
    const [conv, scale] = program.instructions;
    expect(conv?.kind === "conv-float" && new Set(conv.weights.map(Math.abs))).toEqual(new Set([1]));
    expect(scale).toMatchObject({ steps: [{ operator: "multiply", operand: Float32Array.of(3) }] });
    expect(diagnostics.all[0]?.message).toMatch(/^this layer adds and subtracts float32: /);
  });

  it("say what would make integers of them", () => {
    const g = new SmallGraph([1, 2, 4, 4]);
    g.conv(2);
    g.conv(2);
    g.uniform(3);
    g.multiply([1, 3]);
    g.conv(2);
    const remedies = lowerGraph(g.graph, FLOATS).diagnostics.all.map((d) => d.remedy);
    expect(remedies).toEqual([
      expect.stringMatching(/--input-type i8 --input-scale/),
      expect.stringMatching(/^quantize its input too/),
      expect.stringMatching(/between the quantizer and this layer .* in front of the quantizer/),
    ]);
  });

  it("behind an error are not spoken of", () => {
    const g = new SmallGraph([1, 2, 4, 4]);
    const scale = { shape: [1, 2, 1, 1], data: Float32Array.of(1, 2) };
    g.add({ kind: "quantize", quantizer: { kind: "bipolar", scale, signOfZero: 1 } });
    g.conv(2);
    expect(errorsOf(() => lowerGraph(g.graph, FLOATS)).map((d) => d.code)).toEqual([
      "lowering/channel-scale",
    ]);
  });
});

describe("thresholds of bytes", () => {
  const rowsOf = (factors: readonly number[]): number => {
    const program = expectSameOutputs(
      between((g) => {
        g.multiply(factors);
        g.uniform(6);
        g.conv(4);
      }).graph,
    );
    const { levels, thresholds } = find(program, "threshold", 1);
    expect(levels).toBeGreaterThan(15);
    return thresholds.length / levels;
  };

  it("are one row where no step differs between channels", () => {
    expect(rowsOf([1.5])).toBe(1);
    expect(rowsOf([1.5, 1.5, 1.5, 1.5])).toBe(1);
  });

  it("are a row for every channel where one does, and where they are few", () => {
    expect(rowsOf([1.5, 1.5, 1.25, 1.5])).toBe(4);
    const few = expectSameOutputs(between((g) => g.multiply([1.5])).graph);
    expect(find(few, "threshold", 1).thresholds).toHaveLength(4);
  });
});

it("outputs that are maps say that channels are innermost", () => {
  const g = new SmallGraph([1, 2, 4, 4]);
  g.add({ kind: "quantize", quantizer: SIGN });
  g.conv(3);
  expect(expectSameOutputs(g.graph).output.layout).toBe("nhwc");
});

it("outputs with channels behind another axis are refused: no map lies so", () => {
  const g = new SmallGraph([1, 2, 3, 2]);
  g.sign();
  g.conv(2);
  g.transpose([2, 1, 0, 3]);
  expect(errorsOf(() => lowerGraph(g.graph, BYTES)).map((e) => e.code)).toEqual(["lowering/output-order"]);
});

it("models that end in a quantizer return its integers", () => {
  const g = new SmallGraph([1, 2, 1, 1]);
  g.sign();
  g.conv(3);
  g.uniform(2, 0.5);
  const program = expectSameOutputs(g.graph);
  expect(kinds(program)).toEqual(["threshold", "conv", "threshold", "pool"]);
  expect(program.output.affine).toEqual([{ operator: "multiply", operand: Float32Array.of(0.5) }]);
});
