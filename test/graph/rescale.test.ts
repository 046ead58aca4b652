import { describe, expect, it } from "vitest";
import { fixedPoint } from "../../src/formats/tflite/quantized.js";
import { rescale, rescaleCut } from "../../src/graph/rescale.js";
import type { Halves } from "../../src/graph/types.js";
import { applyChain, rescaledCut } from "../../src/passes/chain.js";
import { Random } from "../support/random-graph.js";

/** The definition in docs/NUMERICS.md, in whole numbers of any size. */
function defined(x: number, multiplier: number, shift: number, halves: Halves): number {
  const floorDivide = (a: bigint, bits: bigint): bigint => a >> bits;
  const left = BigInt(Math.max(shift, 0));
  const h = floorDivide((BigInt(x) << left) * BigInt(multiplier) + (1n << 30n), 31n);
  if (shift >= 0) return Number(h);
  const right = BigInt(-shift);
  const half = 1n << (right - 1n);
  return Number(halves === "away" && h < 0n ? -floorDivide(-h + half, right) : floorDivide(h + half, right));
}

describe("rescale", () => {
  const random = new Random(5);
  const cases = Array.from({ length: 5000 }, (_, i) => {
    const shift = random.integer(-31, 6);
    const most = 2 ** 24 - 1;
    const x = i % 3 === 0 ? random.pick([0, 1, -1, most, -most]) : random.integer(-most, most);
    const multiplier =
      i % 5 === 0 ? random.pick([0, 2 ** 30, 2 ** 31 - 1]) : random.integer(2 ** 30, 2 ** 31 - 1);
    return [x, multiplier, shift, i % 2 === 0 ? "up" : "away"] as const;
  });

  it("is the definition, in the graph and in chains, for 5,000 random numbers", () => {
    for (const [x, multiplier, shift, halves] of cases) {
      const expected = defined(x, multiplier, shift, halves);
      const step = {
        kind: "rescale",
        multiplier: Int32Array.of(multiplier),
        shift: Int32Array.of(shift),
        halves,
        node: "",
      } as const;
      expect([rescale(x, multiplier, shift, halves), applyChain([step], x, 0, Math.fround)]).toEqual([
        expected,
        expected,
      ]);
    }
  });

  it("cut is the definition with the high half cut, in the graph and in chains", () => {
    for (const [x, multiplier, shift] of cases) {
      if (shift > 0) continue;
      const half = (BigInt(x) * BigInt(multiplier)) >> 31n;
      const expected = shift === 0 ? half : (half + (1n << BigInt(-shift - 1))) >> BigInt(-shift);
      expect([rescaleCut(x, multiplier, shift), rescaledCut(x, multiplier, shift)]).toEqual([
        Number(expected),
        Number(expected),
      ]);
    }
  });

  it("takes halves up, also below zero, and twice: 7/16 is 4/8 first", () => {
    const half = fixedPoint(0.5);
    expect([3, 1, -1, -3].map((x) => rescale(x, half.multiplier, half.shift, "up"))).toEqual([2, 1, 0, -1]);
    const sixteenth = fixedPoint(1 / 16);
    expect([8, -8, 7, -9].map((x) => rescale(x, sixteenth.multiplier, sixteenth.shift, "up"))).toEqual([
      1, 0, 1, 0,
    ]);
  });
});

describe("fixedPoint", () => {
  it.each([
    [1, 2 ** 30, 1],
    [0.5, 2 ** 30, 0],
    [0.75, 3 * 2 ** 29, 0],
    [1 - 2 ** -40, 2 ** 30, 1],
    [3, 3 * 2 ** 29, 2],
    [2 ** -33, 0, 0],
    [0, 0, 0],
  ])("%d", (factor, multiplier, shift) => {
    expect(fixedPoint(factor)).toEqual({ multiplier, shift });
  });
});
