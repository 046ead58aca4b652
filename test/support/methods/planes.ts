/**
 * Values that are sums of planes times coefficients, and layers whose weights are sums of bases, as papers define them: every plane by
 * every basis, an exact sum of products of their own, times the coefficients of both.
 */
import { both, each, maxPool, products, type Taps, type Value } from "./arithmetic.js";

const f = Math.fround;

/** What a quantizer makes of a number. */
export interface PlaneQuantizer {
  /** The numbers of the planes: −1 and 1, or 0 and 1. */
  encode(x: number): readonly number[];
  /** Coefficients of the planes, in the order in which they are summed. */
  readonly coefficients: readonly number[];
}

export interface Planar {
  readonly planes: readonly Value[];
  readonly coefficients: readonly number[];
}

/** Weights: codes times a coefficient for all outputs, or one for each. */
export interface Basis {
  readonly codes: Value;
  readonly coefficient: readonly number[];
}

export function planar(x: Value, { encode, coefficients }: PlaneQuantizer): Planar {
  const all = Array.from(x.data, encode);
  const planes = coefficients.map((_, l) => each(x, (_v, _c, i) => all[i]![l]!));
  return { planes, coefficients };
}

/** The numbers that the planes stand for: summed in order, each sum rounded. */
export function numbersOf({ planes, coefficients }: Planar): Value {
  return planes.reduce(
    (sum, plane, l) => both(sum, plane, (s, p) => f(s + f(f(coefficients[l]!) * p))),
    each(planes[0]!, () => 0),
  );
}

/** Bits of the planes side by side, the first one most significant; one plane is its own numbers. */
export function codesOf({ planes }: Planar): Value {
  const [first, ...others] = planes as [Value, ...Value[]];
  if (others.length === 0) return first;
  return planes.reduce(
    (codes, plane) => both(codes, plane, (code, p) => 2 * code + (p > 0 ? 1 : 0)),
    each(first, () => 0),
  );
}

/** Places of a value's numbers among all that the quantizer makes. */
export function ranksOf(x: Planar, quantizer: PlaneQuantizer): Value {
  const grid = Array.from({ length: 8192 }, (_, i) => (i - 4096) / 512);
  const values = numbersOf(planar({ shape: [grid.length], data: Float64Array.from(grid) }, quantizer)).data;
  const levels = [...new Set(values)].sort((v, w) => v - w);
  return each(numbersOf(x), (v) => levels.indexOf(v));
}

/** Basis after basis, plane after plane: `acc + d · (w · a)`, each operation rounded. Taps outside the map add nothing. */
export function byBases({ planes, coefficients }: Planar, bases: readonly Basis[], taps: Taps = {}): Value {
  let total: Value | undefined;
  for (const { codes, coefficient } of bases) {
    planes.forEach((plane, l) => {
      const term = each(products(plane, codes, taps), (d, n) => {
        const own = f(coefficient[n % coefficient.length]!);
        return f(d * f(own * f(coefficients[l]!)));
      });
      total = both(total ?? each(term, () => 0), term, (a, b) => f(a + b));
    });
  }
  return total!;
}

/** The element of the greatest number of each window: what a code stands for need not rise with the code. */
export function maxPoolOfPlanes(x: Planar, size: number): Planar {
  const values = numbersOf(x);
  const planesOf = new Map<number, readonly number[]>();
  values.data.forEach((v, i) => {
    planesOf.set(
      v,
      x.planes.map(({ data }) => data[i]!),
    );
  });
  const pooled = maxPool(values, size);
  return { ...x, planes: x.planes.map((_, l) => each(pooled, (v) => planesOf.get(v)![l]!)) };
}
