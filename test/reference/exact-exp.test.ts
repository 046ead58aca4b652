import { describe, expect, it } from "vitest";
import { exactExp, exactSigmoid } from "../../src/reference/exact-exp.js";

describe("the exact exponential", () => {
  it("is within 3e-7 of e^x, relative, and ends in 0", () => {
    for (let x = 0; x >= -87; x = Math.fround(x - 0.0137)) {
      expect(Math.abs(exactExp(x) / Math.exp(x) - 1)).toBeLessThan(3e-7);
    }
    expect(exactExp(0)).toBe(1);
    expect(exactExp(-87.5)).toBe(0);
  });

  it("is within 3e-7 above 0 too, and stays at e^80", () => {
    for (let x = 0; x <= 80; x = Math.fround(x + 0.0137)) {
      expect(Math.abs(exactExp(x) / Math.exp(x) - 1)).toBeLessThan(3e-7);
    }
    expect(exactExp(1e30)).toBe(exactExp(80));
    expect(exactExp(Number.NaN)).toBe(0);
  });

  it("makes a sigmoid within 5e-7, relative, that is never above 1", () => {
    for (let x = -80; x <= 80; x = Math.fround(x + 0.0137)) {
      const sigmoid = exactSigmoid(x);
      expect(Math.abs(sigmoid * (1 + Math.exp(-x)) - 1)).toBeLessThan(5e-7);
      expect(sigmoid).toBeLessThanOrEqual(1);
    }
  });

  it("gives float32 numbers", () => {
    for (const x of [-0.1, -1, -3.7, -50])
      expect(Math.fround(exactExp(Math.fround(x)))).toBe(exactExp(Math.fround(x)));
  });
});
