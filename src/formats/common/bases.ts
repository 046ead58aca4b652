/**
 * Numbers that are sums of a few coefficients with either sign, as weights of LQ-Nets, ABC-Net and least squares are in
 * models that were exported without their quantizers.
 */

/** So many coefficients have at most four different sums but for the sign. */
const MOST_BASES = 3;
const MOST_MAGNITUDES = 2 ** (MOST_BASES - 1);
/** A few roundings of float32, relative to the greatest number. */
const NEAR = 2 ** -22;

const f = Math.fround;

/** The greatest coefficient first; undefined where no three or fewer have all numbers as their sums, but for roundings. */
export function signedCoefficients(numbers: Iterable<number>): readonly number[] | undefined {
  const magnitudes = clusters(numbers);
  if (magnitudes === undefined) return undefined;
  const [s1 = 0, s2 = 0, s3 = 0] = magnitudes;
  const coefficients =
    magnitudes.length <= 1
      ? [s1]
      : magnitudes.length === 2
        ? [f((s1 + s2) / 2), f((s1 - s2) / 2)]
        : [f((s2 + s3) / 2), f((s1 - s3) / 2), f((s1 - s2) / 2)];
  const sums = magnitudes.map((m) => m - signedSum(coefficients, nearestSigns(coefficients, m)));
  return sums.every((distance) => Math.abs(distance) <= NEAR * s1) ? coefficients : undefined;
}

/** Magnitudes that differ by more than roundings, the greatest first; undefined if there are too many. */
function clusters(numbers: Iterable<number>): readonly number[] | undefined {
  const different = new Set<number>();
  for (const x of numbers) {
    different.add(Math.abs(x));
    // Each may stand there in several roundings.
    if (different.size > 4 * MOST_MAGNITUDES) return undefined;
  }
  const falling = [...different].sort((a, b) => b - a);
  const apart: number[] = [];
  for (const m of falling) {
    if (apart.length === 0 || apart.at(-1)! - m > NEAR * falling[0]!) apart.push(m);
  }
  return apart.length <= MOST_MAGNITUDES ? apart : undefined;
}

/** The signs, the first coefficient's in the lowest bit, whose sum comes nearest to a number. */
export function nearestSigns(coefficients: readonly number[], x: number): number {
  let best = 0;
  for (let signs = 1; signs < 2 ** coefficients.length; signs++) {
    const isNearer =
      Math.abs(signedSum(coefficients, signs) - x) < Math.abs(signedSum(coefficients, best) - x);
    if (isNearer) best = signs;
  }
  return best;
}

function signedSum(coefficients: readonly number[], signs: number): number {
  return coefficients.reduce((sum, c, m) => f(sum + ((signs >> m) & 1 ? c : -c)), 0);
}
