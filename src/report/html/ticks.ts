/** Round numbers along an axis. */

/** Multiples of a power of two up to `end`, at most `most` of them above 0: for bytes. */
export function binaryTicks(end: number, most: number): number[] {
  let step = 1;
  while (Math.floor(end / step) > most) step *= 2;
  return multiples(step, end);
}

/** Multiples of 1, 2 or 5 times a power of ten up to `end`, at most `most` of them above 0. */
export function decimalTicks(end: number, most: number): number[] {
  let step = 1;
  for (const growth of repeated([2, 2.5, 2])) {
    if (Math.floor(end / step) <= most) break;
    step *= growth;
  }
  return multiples(step, end);
}

function multiples(step: number, end: number): number[] {
  return Array.from({ length: Math.floor(end / step) + 1 }, (_, i) => i * step);
}

function* repeated(values: readonly number[]): Generator<number> {
  for (;;) yield* values;
}
