import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  comparison,
  equality,
  mapSteps,
  type Steps,
  signSteps,
  valueAtZero,
  within,
  withSignOfZero,
  zipSteps,
} from "../../../src/formats/onnx/steps.js";

/** The function at one number: how many breaks it reaches says which value. */
function at({ breaks, values }: Steps, x: number): number {
  return values[breaks.filter((b) => (b.inclusive ? x >= b.at : x > b.at)).length]!;
}

const numbers = fc.constantFrom(-2, -1, -0.5, -0, 0, 1e-40, 0.5, 1, 2);
const leaf = fc.oneof(
  fc.tuple(numbers, fc.boolean(), fc.boolean()).map((c) => comparison(...c)),
  numbers.map(equality),
  fc.constant(signSteps()),
);

describe("steps", () => {
  it("are comparisons, equality and Sign", () => {
    for (const x of [-2, -1e-40, -0, 0, 1e-40, 2]) {
      expect(at(comparison(0, true, false), x)).toBe(Number(x >= 0));
      expect(at(comparison(0, false, false), x)).toBe(Number(x > 0));
      expect(at(comparison(0, true, true), x)).toBe(Number(x < 0));
      expect(at(comparison(0, false, true), x)).toBe(Number(x <= 0));
      expect(at(equality(0), x)).toBe(Number(x === 0));
      expect(at(signSteps(), x)).toBe(Math.sign(x) + 0);
    }
  });

  it("compose as the functions do", () => {
    fc.assert(
      fc.property(leaf, leaf, leaf, numbers, (a, b, c, x) => {
        const sum = zipSteps(
          zipSteps(a, b, "float", (p, q) => p + 2 * q),
          c,
          "float",
          (p, q) => p * q,
        );
        const mapped = mapSteps(sum, "float", (v) => v * v);
        expect(at(mapped, x) + 0).toBe(((at(a, x) + 2 * at(b, x)) * at(c, x)) ** 2 + 0);
        for (const { breaks, values } of [sum, mapped]) {
          expect(values).toHaveLength(breaks.length + 1);
          expect(values.every((v, i) => i === 0 || v !== values[i - 1])).toBe(true);
        }
      }),
    );
  });

  it("are the same within an interval without the breaks outside", () => {
    fc.assert(
      fc.property(leaf, leaf, numbers, numbers, numbers, (a, b, p, q, x) => {
        const steps = zipSteps(a, b, "float", (u, v) => u + 3 * v);
        const interval = [Math.min(p, q), Math.max(p, q)] as const;
        fc.pre(x >= interval[0] && x <= interval[1]);
        const known = within(steps, interval);
        expect(at(known, x)).toBe(at(steps, x));
        expect(known.breaks.every((k) => k.at >= interval[0] && k.at <= interval[1])).toBe(true);
      }),
    );
  });

  it("of a Sign have a value at 0, which its neighbours can replace", () => {
    const [above, below] = [withSignOfZero(signSteps(), 1), withSignOfZero(signSteps(), -1)];
    expect([-1, 0, 1].map((x) => at(above, x))).toEqual([-1, 1, 1]);
    expect([-1, 0, 1].map((x) => at(below, x))).toEqual([-1, -1, 1]);
    expect(valueAtZero(signSteps())).toEqual({ index: 1 });
    expect(valueAtZero(above)).toBeUndefined();
  });

  it("of a comparison, or of a Sign whose 0 is decided, have none", () => {
    expect(valueAtZero(equality(0))).toBeUndefined();
    expect(valueAtZero(mapSteps(signSteps(), "float", (v) => Math.sign(v + 0.1)))).toBeUndefined();
    expect(valueAtZero(within(signSteps(), [0, 3]))).toBeUndefined();
  });

  it("are at most as many as 8 bits hold", () => {
    const stairs = (from: number): Steps => ({
      type: "float",
      breaks: Array.from({ length: 200 }, (_, i) => ({ at: from + i, inclusive: true, ofSign: false })),
      values: Array.from({ length: 201 }, (_, i) => i),
    });
    expect(zipSteps(stairs(0), stairs(10), "float", (a, b) => a + b).breaks).toHaveLength(210);
    expect(() => zipSteps(stairs(0), stairs(100), "float", (a, b) => a + b)).toThrow(
      /compares one value with 300/,
    );
  });
});
