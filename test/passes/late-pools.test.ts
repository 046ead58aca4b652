import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { GraphOp } from "../../src/graph/types.js";
import { latePools } from "../../src/passes/late-pools.js";
import { lower } from "../../src/passes/lower.js";
import { type DeviceProgram, elementCount, verifyProgram } from "../../src/program/index.js";
import { compileDevice } from "../../src/reference/device-fast.js";
import { netSeed, Random } from "../support/random-graph.js";
import { FLOATS } from "../support/same-outputs.js";
import { SmallGraph } from "../support/small-graph.js";

/** Sign, convolution, pool, factors of both signs, sign, then one or two convolutions of any grouping. */
function pooledNet(seed: number): { program: DeviceProgram; padded: boolean } {
  const random = new Random(seed);
  const g = new SmallGraph([1, 3, random.integer(4, 9), random.integer(4, 9)]);
  const channels = random.pick([4, 6, 33]);
  g.sign();
  g.conv(channels, { window: { kernel: [2, 2] } });
  g.maxPool(2);
  g.multiply(Array.from({ length: channels }, (_, c) => [-1, 0.5][c] ?? (random.next() < 0.5 ? -2 : 0.5)));
  g.add({ kind: "arithmetic", operator: "add", operand: bias(random, channels), reversed: false } as GraphOp);
  const q = g.sign();
  const groups = random.pick([1, 1, channels]);
  const padValue = random.pick([0, 0, -1]);
  const window = { kernel: [1, 1], pads: [1, 0, 1, 1] } as const;
  const a = g.conv(channels, { from: q, groups, window, padValue });
  if (random.next() < 0.5) g.add({ kind: "sum" }, undefined, [a, g.conv(channels, { from: q, window })]);
  return { program: lower(g.graph, FLOATS).program, padded: padValue !== 0 };
}

function bias(random: Random, channels: number) {
  return {
    shape: [channels, 1, 1],
    data: Float32Array.from({ length: channels }, () => random.integer(-4, 4) / 2),
  };
}

describe("late-pools", () => {
  it("keeps every output, and leaves no pool of sums unless a border has a value of its own", () => {
    fc.assert(
      fc.property(netSeed, (seed) => {
        const { program, padded } = pooledNet(seed);
        const late = latePools(program);
        verifyProgram(late);
        expect(late.instructions.some((i) => i.kind === "pool" && isSums(late, i.input))).toBe(padded);
        const random = new Random(seed);
        const length = elementCount(program.tensors[0]!);
        const input = Float32Array.from({ length }, () => random.normal());
        expect(compileDevice(late)(input)).toEqual(compileDevice(program)(input));
      }),
      { numRuns: 60 },
    );
  });
});

function isSums({ tensors }: DeviceProgram, id: number): boolean {
  const { domain } = tensors[id]!;
  return domain.kind === "scalar" && domain.type === "i32";
}
