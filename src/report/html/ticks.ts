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

/** Parts of the way from one power of two to the next, finest first. */
const PARTS = [32, 16, 8, 4, 2, 1] as const;

/** Powers of two and equal parts between them, of an axis on which equal factors are equal distances: for bytes. */
export function powerTicks(start: number, end: number, least: number): number[] {
  for (const parts of PARTS) {
    const ticks = powersWithin(start, end).flatMap((power) =>
      Array.from({ length: parts }, (_, i) => power * (1 + i / parts)),
    );
    const shown = ticks.filter((tick) => tick >= start && tick <= end && Number.isInteger(tick));
    if (shown.every((tick, i) => i === 0 || tick / shown[i - 1]! >= least)) return shown;
  }
  const powers = powersWithin(start, end).filter((power) => power >= start);
  const every = Math.ceil(Math.log2(least));
  return powers.filter((_, i) => i % every === 0);
}

/** From the power of two that is no greater than `start`. */
function powersWithin(start: number, end: number): number[] {
  const powers = [2 ** Math.floor(Math.log2(start))];
  while (powers.at(-1)! * 2 <= end) powers.push(powers.at(-1)! * 2);
  return powers;
}

function multiples(step: number, end: number): number[] {
  return Array.from({ length: Math.floor(end / step) + 1 }, (_, i) => i * step);
}

function* repeated(values: readonly number[]): Generator<number> {
  for (;;) yield* values;
}
