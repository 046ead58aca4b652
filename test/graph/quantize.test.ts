import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { quantize } from "../../src/graph/quantize.js";
import type { Rounding, ScaledQuantizer, UniformQuantizer } from "../../src/graph/types.js";

interface Case {
  readonly op: "Quant" | "BipolarQuant";
  readonly mode?: string;
  readonly signed?: number;
  readonly narrow?: number;
  readonly bits?: number;
  readonly scale: string;
  readonly zero?: string;
  readonly x: string;
  readonly y: string;
}

/** Computed by qonnx itself: fixtures/qonnx/generate.py. */
const cases = JSON.parse(
  readFileSync(new URL("../fixtures/qonnx/quantizers.json", import.meta.url), "utf8"),
) as Case[];

const modes: Readonly<Record<string, Rounding>> = {
  ROUND: "half-even",
  HALF_EVEN: "half-even",
  CEIL: "ceil",
  FLOOR: "floor",
  UP: "away-from-zero",
  DOWN: "toward-zero",
  HALF_UP: "half-up",
  HALF_DOWN: "half-down",
};

function decode(base64: string): Float32Array {
  return new Float32Array(Uint8Array.from(Buffer.from(base64, "base64")).buffer);
}

function quantizerOf(c: Case): ScaledQuantizer {
  const scale = { shape: [], data: decode(c.scale) };
  if (c.op === "BipolarQuant" || (c.bits === 1 && c.signed === 1))
    return { kind: "bipolar", scale, signOfZero: 1 };
  const half = 2 ** (c.bits! - 1);
  const [qmin, qmax] =
    c.signed === 1 ? [-half + c.narrow!, Math.fround(half - 1)] : [0, 2 * half - 1 - c.narrow!];
  const zeroPoint = { shape: [], data: decode(c.zero!) };
  return { kind: "uniform", scale, zeroPoint, qmin: Math.fround(qmin), qmax, rounding: modes[c.mode!]! };
}

describe("quantize equals qonnx in every bit", () => {
  it.each(
    cases.map(
      (c) => [`${c.op} ${c.mode ?? ""} ${c.bits ?? 1} bits, scale ${decode(c.scale)[0]}`, c] as const,
    ),
  )("%s", (_, c) => {
    const quantizer = quantizerOf(c);
    const [scale, zero] = [decode(c.scale)[0]!, c.zero === undefined ? 0 : decode(c.zero)[0]!];
    const expected = decode(c.y);
    const wrong = [...decode(c.x)].flatMap((x, i) => {
      const y = quantize(quantizer, x, scale, zero);
      return Object.is(y, expected[i]) ? [] : [{ x, y, expected: expected[i] }];
    });
    expect(wrong).toEqual([]);
  });
});

describe("every rounding mode", () => {
  const all = [...new Set(Object.values(modes))];

  it("gives a level of the quantizer next to the clamped input, and rises with it", () => {
    const level = fc.float({ min: -20, max: 20, noNaN: true });
    fc.assert(
      fc.property(fc.constantFrom(...all), level, level, (rounding, a, b) => {
        const quantizer: UniformQuantizer = {
          kind: "uniform",
          scale: { shape: [], data: Float32Array.of(1) },
          zeroPoint: { shape: [], data: Float32Array.of(0) },
          qmin: -7,
          qmax: 8,
          rounding,
        };
        const [p, q] = [quantize(quantizer, a, 1, 0), quantize(quantizer, b, 1, 0)];
        expect(Number.isInteger(p)).toBe(true);
        expect(Math.abs(p - Math.min(8, Math.max(-7, a)))).toBeLessThanOrEqual(
          rounding.startsWith("half") ? 0.5 : 1,
        );
        expect(a <= b ? p <= q : p >= q).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});

it("the sign of 0 is the quantizer's", () => {
  const quantizer = { kind: "bipolar", scale: { shape: [], data: Float32Array.of(2) } } as const;
  expect(quantize({ ...quantizer, signOfZero: 1 }, -0, 2, 0)).toBe(2);
  expect(quantize({ ...quantizer, signOfZero: -1 }, 0, 2, 0)).toBe(-2);
});

it("half-away is C's round: exact, also just below a half and where float32 has no halves", () => {
  const one = { shape: [], data: Float32Array.of(1) };
  const quantizer = {
    kind: "uniform",
    scale: one,
    zeroPoint: one,
    qmin: -(2 ** 25),
    qmax: 2 ** 25,
    rounding: "half-away",
  } as const;
  const rounded = [0.5, -0.5, 2.5, -2.5, 0.49999997, -0.49999997, 8388609, 0].map(
    (x) => quantize(quantizer, x, 1, 0) + 0,
  );
  expect(rounded).toEqual([1, -1, 3, -3, 0, 0, 8388609, 0]);
});
