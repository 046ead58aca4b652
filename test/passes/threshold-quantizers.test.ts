/** Counts of thresholds (MultiThreshold): the model's counts are the device's codes, whatever the spacing. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BitloomError } from "../../src/diagnostics/diagnostic.js";
import type { ThresholdQuantizer } from "../../src/graph/types.js";
import { lowerGraph } from "../../src/passes/registry.js";
import type { DeviceProgram, Domain } from "../../src/program/index.js";
import { errorsOf } from "../support/errors.js";
import { randomConvNet } from "../support/random-conv-net.js";
import { netSeed, Random } from "../support/random-graph.js";
import { BYTES, expectSameOutputs, FLOATS } from "../support/same-outputs.js";
import { SmallGraph } from "../support/small-graph.js";
import { withThresholds } from "../support/with-thresholds.js";

/** Rows of rising numbers, some equal, some beyond what can occur. */
function thresholds(
  rows: number,
  levels: number,
  spread: number,
  seed: number,
  axis = 1,
): ThresholdQuantizer {
  const random = new Random(seed);
  const row = (): Float32Array =>
    Float32Array.from({ length: levels }, () => Math.round(random.normal() * spread * 2) / 2).sort();
  const data = Float32Array.from(Array.from({ length: rows }, () => [...row()]).flat());
  return { kind: "thresholds", thresholds: { shape: [rows, levels], data }, axis, step: 1, offset: 0 };
}

const quantize = (g: SmallGraph, quantizer: ThresholdQuantizer): string =>
  g.add({ kind: "quantize", quantizer });

type Part = (g: SmallGraph) => void;

/** Sign, convolution, `before`, thresholds, `after`, convolution. */
function net(
  quantizer: ThresholdQuantizer,
  { before, after }: { before?: Part; after?: Part } = {},
): SmallGraph {
  const g = new SmallGraph([1, 2, 6, 6]);
  g.sign();
  g.conv(4, { window: { kernel: [3, 3] } });
  before?.(g);
  quantize(g, quantizer);
  after?.(g);
  g.conv(3);
  return g;
}

const domains = (program: DeviceProgram): readonly Domain[] =>
  program.instructions.flatMap((i) => (i.kind === "threshold" ? [program.tensors[i.output]!.domain] : []));

describe("random nets with thresholds for quantizers", () => {
  it("give equal outputs in both references, unless thresholds differ within a channel of a large map", () => {
    let refused = 0;
    const runs = 200;
    fc.assert(
      fc.property(netSeed, fc.boolean(), fc.boolean(), (seed, bytes, floats) => {
        const options = { ...(bytes ? BYTES : FLOATS), output: floats ? "float32" : "scores" } as const;
        const graph = withThresholds(randomConvNet(seed), seed);
        try {
          expectSameOutputs(graph, options, seed);
        } catch (error) {
          if (!(error instanceof BitloomError)) throw error;
          expect(new Set(error.diagnostics.filter((d) => d.severity === "error").map((d) => d.code))).toEqual(
            new Set(["lowering/positions"]),
          );
          refused++;
        }
      }),
      { numRuns: runs },
    );
    expect(refused).toBeLessThan(runs / 4);
  });
});

describe("counts of thresholds", () => {
  it.each([
    [1, 3],
    [4, 1],
    [4, 3],
    [4, 7],
    [4, 15],
    [1, 16],
    [4, 200],
    [4, 255],
  ])("of %d rows with %d thresholds are exact", (rows, levels) => {
    for (const options of [BYTES, FLOATS]) {
      const program = expectSameOutputs(net(thresholds(rows, levels, 6, levels)).graph, options);
      const bits = Math.ceil(Math.log2(levels + 1));
      expect(domains(program)[1]).toMatchObject(
        bits > 4 ? { kind: "scalar", type: "u8" } : { kind: "codes", bits },
      );
    }
  });

  it("are ±1 where two levels are doubled and shifted: FINN's binary activation", () => {
    const after: Part = (g) => {
      g.multiply([2]);
      const operand = { shape: [], data: Float32Array.of(-1) };
      g.add({ kind: "arithmetic", operator: "add", operand, reversed: false });
    };
    const program = expectSameOutputs(net(thresholds(4, 1, 4, 3), { after }).graph);
    expect(domains(program)[1]).toEqual({ kind: "codes", bits: 1, step: 2, offset: -1 });
  });

  it("are summed as integers, offsets and all", () => {
    for (const [levels, step] of [
      [1, 2],
      [3, 1],
      [20, 1],
    ] as const) {
      const g = new SmallGraph([1, 2, 6, 6]);
      const counts = [1, 2].map((seed) => {
        g.sign("input");
        g.conv(4, { window: { kernel: [3, 3] } });
        const offset = step === 2 ? -1 : -2;
        return quantize(g, { ...thresholds(4, levels, 4, seed), step, offset });
      });
      g.add({ kind: "sum" }, [1, 4, 4, 4], counts);
      quantize(g, thresholds(4, 3, 2, 9));
      g.conv(3);
      const program = expectSameOutputs(g.graph);
      expect(program.tensors.filter((t) => t.domain.kind === "scalar" && t.domain.type === "f32")).toEqual(
        [],
      );
    }
  });

  it("follow factors that turn channels round, and pools on both sides", () => {
    const pool: Part = (g) => g.maxPool(2);
    const turn: Part = (g) => g.multiply([1, -2, -0.5, 3]);
    for (const parts of [{ before: pool }, { after: pool }, { before: turn, after: pool }])
      expectSameOutputs(net(thresholds(4, 5, 8, 4), parts).graph);
  });

  it("of the input itself are a table for bytes, or thresholds", () => {
    for (const rows of [1, 2]) {
      const g = new SmallGraph([1, 2, 5, 5]);
      quantize(g, thresholds(rows, 40, 1, 6));
      g.conv(3);
      expectSameOutputs(g.graph, BYTES);
      expectSameOutputs(g.graph, FLOATS);
    }
  });

  it("have channels on any axis of the value", () => {
    const g = new SmallGraph([1, 2, 6, 6]);
    g.sign();
    g.conv(4, { window: { kernel: [3, 3] } });
    g.add({ kind: "transpose", permutation: [0, 2, 3, 1] }, [1, 4, 4, 4]);
    quantize(g, thresholds(4, 3, 4, 7, 3));
    g.add({ kind: "transpose", permutation: [0, 3, 1, 2] }, [1, 4, 4, 4]);
    g.conv(3);
    expectSameOutputs(g.graph);
  });

  it("may differ for every element of a flattened map", () => {
    const g = new SmallGraph([1, 2, 4, 4]);
    g.sign();
    g.conv(3, { window: { kernel: [3, 3] } });
    g.add({ kind: "reshape" }, [1, 12]);
    quantize(g, thresholds(12, 3, 4, 8));
    g.dense(5);
    expectSameOutputs(g.graph);
  });

  it("are at most 255", () => {
    const [error] = errorsOf(() => lowerGraph(net(thresholds(4, 256, 6, 1)).graph, BYTES));
    expect(error).toMatchObject({ code: "lowering/activation-codes" });
    expect(error!.message).toMatch(/activation of 257 levels/);
  });
});
