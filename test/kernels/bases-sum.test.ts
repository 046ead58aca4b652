/** Coefficients in units are the coefficients, and no roundings add up to more than the bound; what fails names its seed. */
import { expect, it } from "vitest";
import { basesSum } from "../../src/kernels/bases-sum.js";
import type { Instruction } from "../../src/program/index.js";
import { randomBasesCase } from "../support/random-bases.js";
import { Random } from "../support/random-graph.js";

type ConvBases = Extract<Instruction, { kind: "conv-bases" }>;

const firstSeed = Number(process.env.BITLOOM_SEED ?? 5000);
const seeds = Array.from({ length: 60 }, (_, i) => firstSeed + i);

/** The constants of a random layer, output by output. */
function outputsOf(seed: number) {
  const { program } = randomBasesCase(new Random(seed));
  const conv = program.instructions[0] as ConvBases;
  const { constants } = basesSum(program, conv);
  const [numbers, exponents] = ["coefficients", "exponents"].map(
    (name) => constants.find((c) => c.name === name)!.values,
  );
  const { outputs, inputs } = conv.bases[0]!;
  const terms = conv.coefficients.length / outputs;
  const all = Array.from({ length: outputs }, (_, n) => ({
    unit: exponents![2 * n]!,
    bound: exponents![2 * n + 1]!,
    numbers: Array.from({ length: terms }, (_, t) => numbers![n * terms + t]!),
    coefficients: [...conv.coefficients.subarray(n * terms, (n + 1) * terms)],
  }));
  const most = Math.max(Math.abs(conv.planes.offset), Math.abs(conv.planes.offset + conv.planes.step));
  return { all, mostDots: Array.from({ length: terms }, () => most * inputs) };
}

it.each(seeds)("seed %i: numbers of units are the coefficients, bit for bit", (seed) => {
  for (const { unit, numbers, coefficients } of outputsOf(seed).all) {
    const back =
      unit === -128
        ? new Float32Array(Int32Array.from(numbers).buffer)
        : Float32Array.from(numbers, (n) => n * 2 ** unit);
    // −0 and 0 are the same coefficient: no sum is −0.
    expect([...back].map((c) => c + 0)).toEqual(coefficients.map((c) => c + 0));
  }
});

it.each(seeds)("seed %i: step by step sums differ from exact ones by the bound at most", (seed) => {
  const random = new Random(seed);
  const { all, mostDots } = outputsOf(seed);
  let least = Number.POSITIVE_INFINITY;
  for (const { unit, bound, numbers, coefficients } of all.filter((o) => o.unit !== -128)) {
    for (let i = 0; i < 40; i++) {
      const dots = mostDots.map((most) => random.pick([most, -most, random.integer(-most, most)]));
      const steps = coefficients.reduce((acc, c, t) => Math.fround(acc + Math.fround(dots[t]! * c)), 0);
      const exact = numbers.reduce((sum, c, t) => sum + BigInt(c) * BigInt(dots[t]!), 0n);
      const rounded = BigInt(steps / 2 ** unit);
      const error = rounded > exact ? rounded - exact : exact - rounded;
      expect(error <= 1n << BigInt(bound)).toBe(true);
      if (error > 0n) least = Math.min(least, 2 ** bound / Number(error));
    }
  }
  // The bound is of use: not far above what occurs.
  if (least < Number.POSITIVE_INFINITY) expect(least).toBeLessThan(2 ** 12);
});
