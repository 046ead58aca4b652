import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { leastStored, numberOfKey } from "../../src/passes/streams/thresholds.js";
import { fixedStreams } from "../../src/passes/streams.js";
import { type DeviceProgram, type ScaleStep, verifyProgram } from "../../src/program/index.js";
import { floatKey } from "../../src/reference/device.js";
import { compileTrace } from "../../src/reference/device-fast.js";
import { checkBounds } from "../support/fixed-bounds.js";
import { full } from "../support/models.js";
import { Random } from "../support/random-graph.js";
import { randomValues } from "../support/random-program.js";
import { randomResidual } from "../support/random-residual.js";

const SEEDS = { min: 1, max: 2 ** 31 - 1 };

describe("streams in fixed point", () => {
  it("are as near to float32 as they say, on random residual nets", () => {
    const kinds = new Set<string>();
    let used = 0;
    fc.assert(
      fc.property(fc.integer(SEEDS), (seed) => {
        const float = randomResidual(seed);
        verifyProgram(float);
        const { program, streams } = fixedStreams(float);
        verifyProgram(program);
        for (const { kind } of program.instructions) kinds.add(kind);
        expect(streams.floats).toEqual([]);
        const trace = compileTrace(program);
        const random = new Random(seed + 1);
        for (let i = 0; i < 3; i++) {
          const input = i === 0 ? extremes(float, random) : randomValues(random, float.tensors[0]!);
          const found = checkBounds({ float, fixed: program, streams }, input, trace(input));
          expect(found.problems).toEqual([]);
          used = Math.max(used, found.used);
        }
      }),
      { numRuns: full ? 2000 : 80 },
    );
    // Bounds that nothing comes near would prove little.
    expect(used).toBeGreaterThan(0.5);
    const all = ["add-fixed", "concat", "conv", "pad", "pool", "requantize", "scale", "select", "threshold"];
    expect([...kinds].sort()).toEqual(all);
  }, 900_000);

  it("decide as float32 does on the numbers that they stand for, for all of them", () => {
    fc.assert(
      fc.property(fc.integer(SEEDS), fc.integer({ min: -8, max: 24 }), (seed, fraction) => {
        const random = new Random(seed);
        const unit = 2 ** -fraction;
        const tie = random.integer(-32768, 32767) * unit;
        const key = floatKey(Math.fround(tie)) + random.pick([-1, 0, 1]);
        for (const k of [
          key,
          floatKey(0),
          floatKey(-0),
          floatKey(1e-45),
          floatKey(Math.fround(random.normal())),
        ]) {
          const least = leastStored(numberOfKey(k), unit, 0);
          const wrong: number[] = [];
          for (let x = -32768; x <= 32767; x++) {
            // In fixed point there is one 0, which no threshold parts from the other.
            const reaches =
              x === 0 ? floatKey(0) >= k || floatKey(-0) >= k : floatKey(Math.fround(x * unit)) >= k;
            if (x >= least !== reaches) wrong.push(x);
          }
          expect(wrong).toEqual([]);
        }
      }),
      { numRuns: 40 },
    );
    expect(leastStored(Infinity, 1, 0)).toBeGreaterThan(32767);
    expect(leastStored(-Infinity, 1, 0)).toBeLessThan(-32768);
    expect(leastStored(0.5, 1 / 128, -128)).toBe(192);
  });

  it("have a unit that their numbers need, and cut off only what the model does", () => {
    const steps: ScaleStep[] = [
      { operator: "multiply", operand: Float32Array.of(1 / 4) },
      { operator: "maximum", operand: Float32Array.of(-1) },
      { operator: "minimum", operand: Float32Array.of(1) },
    ];
    const { program, streams } = fixedStreams(squashed(steps));
    // A stream between −1 and 1 has 14 bits behind the point.
    expect(streams.tensors.map(({ tensor, fraction }) => [tensor, fraction])).toEqual([["squashed", 14]]);
    const values = compileTrace(program)(Int32Array.from([0, 1, 3, 4, 5, 255]))[1]!;
    expect([...values]).toEqual([0, 4096, 12288, 16384, 16384, 16384]);
  });

  it("leave float32 what has no bounds or no form, and say so", () => {
    const divided: ScaleStep[] = [{ operator: "divide-into", operand: Float32Array.of(1) }];
    const { program, streams } = fixedStreams(squashed(divided));
    expect(streams).toEqual({ tensors: [], layers: [], floats: ["squashed"], outputError: 0 });
    expect(program.instructions).toEqual(squashed(divided).instructions);
  });
});

/** Six bytes, a `scale`, and a sign of the result. */
function squashed(steps: readonly ScaleStep[]): DeviceProgram {
  const shape = [1, 1, 6] as const;
  return {
    name: "squashed",
    tensors: [
      { name: "x", shape, domain: { kind: "scalar", type: "u8" } },
      { name: "squashed", shape, domain: { kind: "scalar", type: "f32" } },
      { name: "sign", shape, domain: { kind: "codes", bits: 1, step: 2, offset: -1 } },
    ],
    instructions: [
      { kind: "scale", input: 0, output: 1, steps },
      {
        ...{ kind: "threshold", input: 1, output: 2, levels: 1 },
        ...{ thresholds: Int32Array.of(0), flipped: Uint8Array.of(0) },
      },
    ],
    input: { tensor: 0, modelShape: [1, 6] },
    output: { tensor: 2, affine: [], order: { kind: "scores" }, omitted: [], modelShape: [1, 6] },
  };
}

/** Bytes of 0 and 255. */
function extremes({ tensors }: DeviceProgram, random: Random): Int32Array {
  return Int32Array.from({ length: tensors[0]!.shape.reduce((a, b) => a * b, 1) }, () =>
    random.pick([0, 255]),
  );
}
