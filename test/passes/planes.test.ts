/** Levels of any distance and weights of several bases: the device gives the model's numbers, wherever pools and moves stand. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { planesValue } from "../../src/graph/planes.js";
import type { LevelsQuantizer, ModelGraph, Planes } from "../../src/graph/types.js";
import { lowerGraph } from "../../src/passes/registry.js";
import type { DeviceProgram, Instruction } from "../../src/program/index.js";
import { randomConvNet } from "../support/random-conv-net.js";
import { netSeed } from "../support/random-graph.js";
import { BYTES, expectSameOutputs, FLOATS } from "../support/same-outputs.js";
import { SIGN, SmallGraph, single, windowOf } from "../support/small-graph.js";
import { withPlanes } from "../support/with-planes.js";

const kindsOf = ({ instructions }: DeviceProgram): Instruction["kind"][] => instructions.map((i) => i.kind);

describe("random nets with planes", () => {
  it("device and model references give equal outputs where float sums are exact", () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(netSeed, fc.boolean(), fc.boolean(), (seed, bytes, floats) => {
        const options = { ...(bytes ? BYTES : FLOATS), output: floats ? "float32" : "scores" } as const;
        const graph = withPlanes(randomConvNet(seed), seed);
        const program = expectSameOutputs(graph, options, seed);
        for (const instruction of program.instructions) {
          seen.add(instruction.kind);
          if (instruction.kind === "threshold" && instruction.table !== undefined) seen.add("table");
          if (instruction.kind === "conv-bases" && instruction.padCode !== undefined) seen.add("pad code");
        }
      }),
      { numRuns: 200 },
    );
    for (const kind of ["conv-bases", "decode", "lookup", "table"]) expect(seen).toContain(kind);
  });
});

/** Levels of planes of ±1 with the first coefficient the least, so that values do not rise with codes. */
const planes: Planes = {
  alphabet: "signs",
  coefficients: { shape: [3], data: Float32Array.of(0.25, 1.5, 0.875) },
  constant: 0,
};
const codes = Int32Array.from({ length: 8 }, (_, code) => code);
const levels: LevelsQuantizer = {
  kind: "levels",
  thresholds: { shape: [1, 7], data: Float32Array.of(-1.5, -1, -0.5, 0, 0.5, 1, 1.5) },
  axis: 1,
  values: { shape: [8], data: Float32Array.from(codes, (code) => planesValue(planes, code)) },
  planes: { ...planes, codes },
};

function net(build: (g: SmallGraph) => void, quantizer: LevelsQuantizer = levels): ModelGraph {
  const g = new SmallGraph([1, 3, 7, 6]);
  g.conv(5, { window: { kernel: [3, 3], stride: [1, 1] } });
  g.multiply([0.25, -0.125, 0.25, 0.5, -0.25]);
  g.add({ kind: "quantize", quantizer });
  build(g);
  return g.graph;
}

const last = (g: SmallGraph): void => {
  g.conv(4, { window: { kernel: [3, 3], pads: [1, 1, 1, 1] } });
};

describe("a quantizer to levels", () => {
  it("makes planes for a layer at once, by a table of its thresholds", () => {
    const program = expectSameOutputs(net(last), BYTES);
    expect(kindsOf(program)).toEqual(["conv", "threshold", "conv-bases"]);
    // Codes are the planes, in the order of counts: no table.
    expect(program.instructions[1]).not.toHaveProperty("table");
    const turned = { ...levels, planes: { ...planes, codes: codes.toReversed() } };
    const values = Float32Array.from(turned.planes.codes, (code) => planesValue(planes, code));
    const other = expectSameOutputs(net(last, { ...turned, values: { shape: [8], data: values } }), BYTES);
    // Values that fall with the number turn thresholds round instead.
    expect(kindsOf(other)).toEqual(["conv", "threshold", "conv-bases"]);
  });

  it("is pooled by rank, and looked up after the pool", () => {
    const program = expectSameOutputs(
      net((g) => {
        g.maxPool(2);
        last(g);
      }),
      BYTES,
    );
    // Counts to ranks, ranks to planes: the integer layer writes counts, and keeps no map of its sums.
    expect(kindsOf(program)).toEqual(["conv", "threshold", "lookup", "pool", "lookup", "conv-bases"]);
  });

  it("that rises and falls with channels is pooled behind its thresholds, if its planes are signs of all codes", () => {
    const falling: Planes = { ...planes, coefficients: { shape: [2], data: Float32Array.of(1.5, 0.3125) } };
    const values = Float32Array.from({ length: 4 }, (_, code) => planesValue(falling, code));
    const quantizer: LevelsQuantizer = {
      ...levels,
      thresholds: { shape: [1, 3], data: Float32Array.of(-1, 0.125, 1) },
      values: { shape: [4], data: values },
      planes: { ...falling, codes: codes.slice(0, 4) },
    };
    const build = (from: (g: SmallGraph) => void): DeviceProgram => {
      const g = new SmallGraph([1, 3, 9, 8]);
      from(g);
      g.maxPool(2);
      g.multiply([0.25, -0.125, 0.25, 0.5, -0.25]);
      g.add({ kind: "quantize", quantizer });
      last(g);
      return expectSameOutputs(g.graph, BYTES);
    };
    const stem = (g: SmallGraph): string => g.conv(5, { window: { kernel: [3, 3] } });
    expect(kindsOf(build(stem))).toEqual(["conv", "threshold", "pool", "conv-bases"]);
    const twice = build((g) => {
      g.add({ kind: "quantize", quantizer });
      stem(g);
    });
    expect(kindsOf(twice)).toEqual(["threshold", "conv-bases", "threshold", "pool", "conv-bases"]);
  });

  it("before another quantizer is a function that rises and falls, found on ranks", () => {
    const program = expectSameOutputs(
      net((g) => {
        g.add({ kind: "quantize", quantizer: SIGN });
        last(g);
      }),
      BYTES,
    );
    expect(kindsOf(program)).not.toContain("decode");
  });

  it("gives floats by a table that has what follows in it", () => {
    const program = expectSameOutputs(
      net((g) => {
        g.add({ kind: "arithmetic", operator: "add", operand: single(0.5), reversed: false });
        g.add({ kind: "average-pool", window: windowOf({ kernel: [2, 2] }), countPads: true }, [1, 5, 4, 3]);
        last(g);
      }),
      { ...BYTES, output: "float32" },
    );
    expect(kindsOf(program).slice(0, 5)).toEqual(["conv", "threshold", "lookup", "decode", "pool"]);
  });

  it("pads with a level's code, and leaves out what is padded with 0", () => {
    const padded = (padValue: number): DeviceProgram =>
      expectSameOutputs(
        net((g) => g.conv(4, { window: { kernel: [3, 3], pads: [1, 1, 1, 1] }, padValue })),
        BYTES,
      );
    expect(padded(0).instructions[2]).not.toHaveProperty("padCode");
    expect(padded(0.25 + 1.5 - 0.875).instructions[2]).toMatchObject({ kind: "conv-bases", padCode: 6 });
    expect(kindsOf(padded(7))).toContain("conv-float");
  });

  it("of multiples of one number is integers", () => {
    const values = Float32Array.of(-0.75, -0.25, 0.25, 0.75);
    const even: LevelsQuantizer = {
      kind: "levels",
      thresholds: { shape: [1, 3], data: Float32Array.of(-1, 0, 1) },
      axis: 1,
      values: { shape: [4], data: values },
    };
    const program = expectSameOutputs(net(last, even), BYTES);
    expect(kindsOf(program)).toEqual(["conv", "threshold", "conv"]);
  });
});

describe("decisions that a framework's own sums can take otherwise", () => {
  const notes = (quantizer: LevelsQuantizer): string[] => {
    const graph = net((g) => {
      last(g);
      g.add({ kind: "quantize", quantizer: SIGN });
      g.flatten();
      g.dense(2);
    }, quantizer);
    return lowerGraph(graph, BYTES).diagnostics.all.map((d) => d.code);
  };

  it("are noted where sums of coefficients are rounded, not where they are exact", () => {
    expect(notes(levels)).not.toContain("lowering/near-tie");
    const odd: Planes = { ...planes, coefficients: { shape: [3], data: Float32Array.of(0.1, 0.7, 0.3) } };
    const values = Float32Array.from(codes, (code) => planesValue(odd, code));
    expect(notes({ ...levels, values: { shape: [8], data: values }, planes: { ...odd, codes } })).toContain(
      "lowering/near-tie",
    );
  });
});
