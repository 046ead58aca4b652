/** Weights that need no multiplication: 0 and powers of two of both signs. */
export interface PowerRange {
  /** Of the weights that are not 0: 2^least … 2^greatest. */
  readonly least: number;
  readonly greatest: number;
  readonly hasZeros: boolean;
}

/** The exponents of such weights; undefined if any weight is another number, or all are 0. */
export function powerRange(weights: ArrayLike<number>): PowerRange | undefined {
  let [least, greatest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  let hasZeros = false;
  for (let i = 0; i < weights.length; i++) {
    const magnitude = Math.abs(weights[i]!);
    if (magnitude === 0) {
      hasZeros = true;
      continue;
    }
    const exponent = Math.log2(magnitude);
    if (!Number.isInteger(exponent) || 2 ** exponent !== magnitude) return undefined;
    least = Math.min(least, exponent);
    greatest = Math.max(greatest, exponent);
  }
  return least > greatest ? undefined : { least, greatest, hasZeros };
}

/** The numbers as people write them: `±1`, `{−1, 0, +1}`, `0, ±2^0…2^7`. */
export function powersText({ least, greatest, hasZeros }: PowerRange): string {
  if (least === 0 && greatest === 0) return hasZeros ? "{−1, 0, +1}" : "±1";
  return `${hasZeros ? "0, " : ""}±2^${least}${greatest === least ? "" : `…2^${greatest}`}`;
}
