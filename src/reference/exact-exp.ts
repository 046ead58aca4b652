const LOG2_E = Math.fround(Math.LOG2E);
/** ln 2 in two parts: the first has few bits, so that `n * LN2_HIGH` is exact for |n| < 2^9. */
const LN2_HIGH = Math.fround(0.693359375);
const LN2_LOW = Math.fround(-2.1219444005469057e-4);
/** Taylor coefficients 1/6!, 1/5! … 1/0! in float32, highest degree first. */
const COEFFICIENTS = [1 / 720, 1 / 120, 1 / 24, 1 / 6, 1 / 2, 1, 1].map(Math.fround);
/** Below this the result is defined as 0: e^-87 is the last that stays a normal float32. */
const UNDERFLOW = -87;

/** What is greater counts as this, so that boxes stay finite. */
const GREATEST = 80;

/**
 * e^x in float32, of at most 80: the definition in docs/NUMERICS.md, every operation rounded once, so that C and
 * TypeScript agree in every bit. Cody–Waite reduction to |r| ≤ ln2/2, then a Taylor polynomial by Horner's
 * rule; relative error below 3e-7.
 */
export function exactExp(x: number): number {
  const f = Math.fround;
  // Written so that NaN gives 0 too.
  if (!(x >= UNDERFLOW)) return 0;
  const power = Math.min(x, GREATEST);
  const n = Math.trunc(f(f(power * LOG2_E) + (power < 0 ? -0.5 : 0.5)));
  const r = f(f(power - f(n * LN2_HIGH)) - f(n * LN2_LOW));
  let p = COEFFICIENTS[0]!;
  for (let i = 1; i < COEFFICIENTS.length; i++) p = f(f(p * r) + COEFFICIENTS[i]!);
  return f(p * 2 ** n);
}

/** 1 / (1 + e^−x) by `exactExp` of a number that is not above 0, each operation rounded. */
export function exactSigmoid(x: number): number {
  const power = exactExp(-Math.abs(x));
  const sum = Math.fround(1 + power);
  return Math.fround((x >= 0 ? 1 : power) / sum);
}
